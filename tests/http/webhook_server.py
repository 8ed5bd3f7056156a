"""A webhook over HTTP, which keeps what it is told."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

PATIENT = """
import sys
import uploader.cli.telemetry, uploader.cli.webhook
uploader.cli.telemetry.SECONDS = uploader.cli.webhook.SECONDS = 60
from uploader.start import start
start()
"""
"""The uploader, for `python -c`, as it is on a machine that is never too slow for its webhook or its collector."""

SECRET = "/services/T0001/B0001/the-secret-of-the-channel"


class Webhook:
    """A server on a free port of this machine.

    Attributes:
        bodies: The bodies that came, in order.
        paths: The paths that were asked for.
        headers: The headers of the last request.
    """

    def __init__(
        self, behave: Callable[[BaseHTTPRequestHandler], None] | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        """Make a server.

        Args:
            behave: Answers a request whose body has been read; None: as Slack does.
            tls: The server's certificate; None: it speaks HTTP.
        """
        self.bodies: list[bytes] = []
        self.paths: list[str] = []
        self.headers: dict[str, str] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.headers = dict(self.headers)
                outer.paths.append(self.path)
                outer.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                (behave or _thank)(self)

            def do_GET(self) -> None:
                outer.paths.append(f"GET {self.path}")
                _thank(self)

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """A client that goes away is none of the test's concern."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The bodies, as JSON."""
        return [json.loads(body) for body in self.bodies]

    @property
    def origin(self) -> str:
        """The server's URL, without the secret."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        """The webhook's URL."""
        return self.origin + SECRET

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def answer(request: BaseHTTPRequestHandler, status: int, body: bytes = b"ok", **headers: str) -> None:
    """Answer a request."""
    request.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)


def _thank(request: BaseHTTPRequestHandler) -> None:
    answer(request, 200)
