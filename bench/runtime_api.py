"""Lambda's Runtime API on this machine: hands out invocations, accepts the answers, and notes the times.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import json
import queue
import re
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.errors import BenchError
from bench.serving import Serving

if TYPE_CHECKING:
    from types import TracebackType

VERSION = "/2018-06-01/runtime"
INVOCATION_SECONDS = 900
"""The timeout of an invocation, as the stack sets it."""

_ANSWER = re.compile(re.escape(VERSION) + r"/invocation/[^/]+/(response|error)")


class RuntimeCall(NamedTuple):
    """A request of the runtime.

    Attributes:
        what: ``next``, ``response``, ``error`` or ``init/error``.
        at: When the request arrived, on `time.perf_counter`.
        body: The request's body.
    """

    what: str
    at: float
    body: bytes


class RuntimeApi(Serving):
    """A server for one runtime. ``with`` starts and stops it.

    Attributes:
        address: The value of ``AWS_LAMBDA_RUNTIME_API``.
    """

    def __init__(self) -> None:
        """Prepare the server."""
        self._calls: queue.Queue[RuntimeCall] = queue.Queue()
        self._events: queue.Queue[bytes | None] = queue.Queue()
        super().__init__(ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._calls, self._events)))
        self.address = f"127.0.0.1:{self._server.server_port}"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server."""
        self._events.put(None)
        super().__exit__(kind, error, trace)

    def ready(self, seconds: float) -> float:
        """Wait until the runtime asks for work.

        Args:
            seconds: How long to wait at most.

        Returns:
            When it did so, on `time.perf_counter`.

        Raises:
            BenchError: It did not, or it could not load the function.
        """
        return self._wait("next", seconds).at

    def invoke(self, payload: dict[str, Any], seconds: float) -> tuple[float, dict[str, Any]]:
        """Hand out one invocation to the waiting runtime.

        Args:
            payload: The event.
            seconds: How long to wait for the answer.

        Returns:
            The seconds until the answer, and the answer.

        Raises:
            BenchError: The function failed, or did not answer.
        """
        start = time.perf_counter()
        self._events.put(json.dumps(payload).encode())
        called = self._wait("response", seconds)
        return called.at - start, json.loads(called.body)

    def _wait(self, what: str, seconds: float) -> RuntimeCall:
        try:
            called = self._calls.get(timeout=seconds)
        except queue.Empty:
            msg = f"the runtime did not call {what!r} within {seconds:g} seconds"
            raise BenchError(msg) from None
        if called.what != what:
            body = called.body.decode(errors="replace")[:500]
            msg = f"the runtime called {called.what!r} instead of {what!r}: {body}"
            raise BenchError(msg)
        return called


def _handler(calls: queue.Queue[RuntimeCall], events: queue.Queue[bytes | None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            """Answer a long poll with the next event."""
            if self.path != f"{VERSION}/invocation/next":
                self._answer(404)
                return
            calls.put(RuntimeCall("next", time.perf_counter(), b""))
            event = events.get()
            if event is None:
                self.close_connection = True
                return
            deadline = int((time.time() + INVOCATION_SECONDS) * 1000)
            self._answer(
                200,
                event,
                {
                    "Lambda-Runtime-Aws-Request-Id": f"request-{time.monotonic_ns()}",
                    "Lambda-Runtime-Deadline-Ms": str(deadline),
                    "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:cleaner",
                },
            )

        def do_POST(self) -> None:
            """Accept an answer or an error."""
            at = time.perf_counter()
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            match = _ANSWER.fullmatch(self.path)
            if match is None and self.path != f"{VERSION}/init/error":
                self._answer(404)
                return
            calls.put(RuntimeCall(match[1] if match else "init/error", at, body))
            self._answer(202)

        def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Type": "application/json"}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the standard library's own name)
            """Log nothing."""

    return Handler
