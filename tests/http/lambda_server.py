"""Lambda's Invoke over HTTP: it gives a test's answers, and records the requests."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote

if TYPE_CHECKING:
    from types import TracebackType


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer.

    Attributes:
        body: The function's, or Lambda's own error.
        status: Lambda's; an answer of the function comes with 200 whatever it says.
        headers: Additional headers.
        cut: Close the connection instead of answering.
    """

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


def function_error(kind: str, message: str, **more: object) -> Reply:
    """Lambda's answer if the function raises."""
    body = {"errorType": kind, "errorMessage": message, **more}
    return Reply(body, headers={"X-Amz-Function-Error": "Unhandled"})


def refusal(status: int, code: str, message: str = "no") -> Reply:
    """An answer of Lambda itself."""
    return Reply({"Message": message}, status, {"x-amzn-ErrorType": code})


class LambdaServer:
    """Use it with ``with``.

    Attributes:
        url: Its endpoint.
        replies: The next answers, in order; the last one is repeated.
        asked: Function and payload of every request.
    """

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"owner": self}))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    owner: LambdaServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        function = unquote(self.path.split("/")[3])
        payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.owner.asked.append((function, payload))
        replies = self.owner.replies
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if reply.cut:
            self.close_connection = True
            return
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in {**reply.headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as the base class names it)
        """Log nothing."""
