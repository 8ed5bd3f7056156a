"""A proxy in front of the embedded S3 that answers as AWS answers a client that may list one prefix only.

It also applies the write-once rule of the bucket's policy, for which the embedded S3 lacks the condition
key; and it does two things that no client can bring about by itself: it lets time pass, and it breaks an upload.
"""

from __future__ import annotations

import http.client
import re
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType

AHEAD = timedelta(hours=7)
"""How far S3's ``Date`` is ahead of the objects: a new object seems this old."""

BROKEN = "broken"
"""The second part of a file with this name cannot be uploaded."""

WRITE_ONCE = ("markers", "pins", "staged", "pending")
"""The folders of the release log in which nothing is overwritten; see `infra.permissions.write_once_statements`."""

_OVERWRITES = re.compile(rf"/\.releases/(?:{'|'.join(WRITE_ONCE)})/(?!.*[?&](?:tagging|partNumber))")

DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
NOT_FOUND = 404


class StrictS3:
    """Start it with ``with``.

    Attributes:
        url: Its endpoint.
        upstream: The S3 server's.
    """

    def __init__(self, upstream: str) -> None:
        """Prepare the proxy."""
        self.upstream = urlsplit(upstream)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"strict": self}))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        """Start the proxy."""
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the proxy."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    strict: StrictS3
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def forward(self) -> None:
        """Forward the request unchanged, with its signed ``Host``, and answer as AWS would."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if BROKEN in self.path and re.search(r"[?&]partNumber=2(&|$)", self.path):
            self._answer(400, [], b"")
            return
        if self.command == "PUT" and _OVERWRITES.search(self.path) and "If-None-Match" not in self.headers:
            self._answer(403, [], DENIED)
            return
        upstream = http.client.HTTPConnection(str(self.strict.upstream.hostname), self.strict.upstream.port or 80)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                upstream.putheader(name, value)
            upstream.endheaders(body)
            answer = upstream.getresponse()
            data, headers = answer.read(), answer.getheaders()
        finally:
            upstream.close()
        if answer.status == NOT_FOUND and self.command in {"GET", "HEAD"} and b"NoSuchBucket" not in data:
            # The right to list that is asked for here has no prefix, so a statement with one does not give it:
            # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
            self._answer(403, [], DENIED if self.command == "GET" else b"")
            return
        self._answer(answer.status, headers, data)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = forward  # noqa: N815 (as the base class looks for them)

    def _answer(self, status: int, headers: list[tuple[str, str]], data: bytes) -> None:
        self.send_response_only(status)
        length = str(len(data))
        for name, value in headers:
            if name.lower() == "content-length" and self.command == "HEAD":
                length = value
            elif name.lower() not in {"content-length", "transfer-encoding", "connection", "date"}:
                self.send_header(name, value)
        self.send_header("Date", format_datetime(datetime.now(UTC) + AHEAD, usegmt=True))
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as the base class names it)
        """Log nothing."""
