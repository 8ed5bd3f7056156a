"""A proxy in front of the embedded S3 that answers as AWS answers a client that may list one prefix only.

It also refuses what AWS refuses and the embedded S3 does not: a region that is not the bucket's, a clock that is
wrong, and what the write-once rule of the bucket's policy forbids, for which the embedded S3 lacks the condition key.
And it does two things that no client can bring about by itself: it lets time pass, and it breaks an upload.
"""

from __future__ import annotations

import http.client
import re
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple, Self
from urllib.parse import urlsplit

from examples.embedded_aws import REGION

if TYPE_CHECKING:
    from email.message import Message
    from types import TracebackType

AHEAD = timedelta(hours=7)
"""How far S3's ``Date`` is ahead of the objects: a new object seems this old."""

BROKEN = "broken"
"""The second part of a file with this name cannot be uploaded."""

WRITE_ONCE = ("markers", "pins", "staged", "pending")
"""The folders of the release log in which nothing is overwritten; see `infra.permissions.write_once_statements`."""

_OVERWRITES = re.compile(rf"/\.releases/(?:{'|'.join(WRITE_ONCE)})/(?!.*[?&](?:tagging|partNumber))")

_SIGNED_FOR = re.compile(r"Credential=[^/]+/\d{8}/(?P<region>[^/]+)/s3/")

MAX_SKEW = timedelta(minutes=15)
"""https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html: ``RequestTimeTooSkewed``"""

NOT_FOUND = 404


class Refusal(NamedTuple):
    """An answer that is an error.

    Attributes:
        status: The status.
        code: S3's code.
        message: S3's message.
        more: Further elements of the body.
        headers: Further headers.
    """

    status: int
    code: str
    message: str
    more: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def body(self) -> bytes:
        """The body, which the answer to a HEAD does not have."""
        return f"<Error><Code>{self.code}</Code><Message>{self.message}</Message>{self.more}</Error>".encode()


DENIED = Refusal(403, "AccessDenied", "Access Denied")


class StrictS3:
    """Start it with ``with``.

    Attributes:
        url: Its endpoint.
        upstream: The S3 server's.
        region: The region of all buckets.
        ahead: How far its clock is ahead of the clients' clocks.
    """

    def __init__(self, upstream: str, region: str = REGION, ahead: timedelta = timedelta()) -> None:
        """Prepare the proxy."""
        self.upstream, self.region, self.ahead = urlsplit(upstream), region, ahead
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

    def refusal(self, method: str, path: str, headers: Message[str, str]) -> Refusal | None:
        """The answer to a request that AWS would refuse and the embedded S3 would not."""
        signed_for = _SIGNED_FOR.search(headers.get("Authorization", ""))
        if signed_for and signed_for["region"] != self.region:
            return _elsewhere(path.split("/")[1], self.region)
        sent = headers.get("X-Amz-Date")
        now = datetime.now(UTC) + self.ahead
        if sent and abs(now - datetime.strptime(sent, "%Y%m%dT%H%M%S%z")) > MAX_SKEW:
            return _skewed(sent, now)
        if method == "PUT" and _OVERWRITES.search(path) and "If-None-Match" not in headers:
            return DENIED
        return None


def _elsewhere(bucket: str, region: str) -> Refusal:
    """No ``Location``: https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html."""
    return Refusal(
        301,
        "PermanentRedirect",
        "The bucket you are attempting to access must be addressed using the specified endpoint.",
        f"<Endpoint>{bucket}.s3.{region}.amazonaws.com</Endpoint><Bucket>{bucket}</Bucket>",
        (("x-amz-bucket-region", region),),
    )


def _skewed(sent: str, now: datetime) -> Refusal:
    return Refusal(
        403,
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
        f"<RequestTime>{sent}</RequestTime><ServerTime>{now:%Y-%m-%dT%H:%M:%SZ}</ServerTime>"
        f"<MaxAllowedSkewMilliseconds>{MAX_SKEW // timedelta(milliseconds=1)}</MaxAllowedSkewMilliseconds>",
    )


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
        refusal = self.strict.refusal(self.command, self.path, self.headers)
        if refusal is not None:
            self._refuse(refusal)
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
            self._refuse(DENIED)
            return
        self._answer(answer.status, headers, data)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = forward  # noqa: N815 (as the base class looks for them)

    def _refuse(self, refusal: Refusal) -> None:
        headers = [("Content-Type", "application/xml"), *refusal.headers]
        self._answer(refusal.status, headers, b"" if self.command == "HEAD" else refusal.body)

    def _answer(self, status: int, headers: list[tuple[str, str]], data: bytes) -> None:
        self.send_response_only(status)
        length = str(len(data))
        for name, value in headers:
            if name.lower() == "content-length" and self.command == "HEAD":
                length = value
            elif name.lower() not in {"content-length", "transfer-encoding", "connection", "date"}:
                self.send_header(name, value)
        self.send_header("Date", format_datetime(datetime.now(UTC) + self.strict.ahead + AHEAD, usegmt=True))
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as the base class names it)
        """Log nothing."""
