"""A reverse proxy on this machine with the faults of a network and of S3, request by request.

It stands between a client and a real S3 server. A request without a planned fault passes unchanged,
with its signed ``Host``.
"""

from __future__ import annotations

import html
import re
import socket
import struct
import sys
import threading
import urllib.parse
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from enum import StrEnum
from http import HTTPStatus
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, sleep  # by name: a test may shorten `time.sleep` for the clients in its process
from typing import TYPE_CHECKING, Any, Self

from tests.s3_model import problem_of

if TYPE_CHECKING:
    from types import TracebackType

HANG_SECONDS = 0.005
"""The length of a hang. A client that waits for its own timeout would see the same, later."""

SERVER_SECONDS = 60
PATIENCE_SECONDS = 20

HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect"}
"""Headers of one connection, not of the request: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1"""

CHECKSUM_OF_BODY = re.compile(r"content-md5|x-amz-checksum-.*|x-amz-sdk-checksum-algorithm|x-amz-content-sha256")

NOT_XML = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|&#(?:[0-8]|1[124-9]|2\d|3[01]|x0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F]|[fF]{3}[eEfF]));"
)
"""Characters, and their escapes, that XML 1.0 cannot hold: https://www.w3.org/TR/xml/#charsets"""


class Fault(StrEnum):
    """A fault of one request. After some, which `DONE` names, S3 has executed the request."""

    RESET = "reset"
    """The connection is reset, and the request goes no further."""
    INTERNAL_ERROR = "internal_error"
    """500, as S3 answers it."""
    SLOW_DOWN = "slow_down"
    """503, as S3 answers a client with too many requests."""
    HANG = "hang"
    """No answer; the connection is closed after a while."""
    TRUNCATED = "truncated"
    """S3 executes it, but the answer ends early: before its Content-Length, or in its head if it cannot have a body."""
    LOST_REPLY = "lost_reply"
    """S3 executes it, but the connection is reset in place of an answer."""
    BODILESS = "bodiless"
    """S3 executes it, but the answer ends after its headers."""
    ERROR_BUT_DONE = "error_but_done"
    """S3 executes it, and answers 500."""


DONE = frozenset({Fault.TRUNCATED, Fault.LOST_REPLY, Fault.BODILESS, Fault.ERROR_BUT_DONE})
"""After these faults the server has executed the request."""

CUTS = {Fault.TRUNCATED, Fault.BODILESS}
"""The server's answer is sent up to a point."""

_INTERNAL_ERROR = (500, "InternalError", "We encountered an internal error. Please try again.")
ERRORS = {
    Fault.INTERNAL_ERROR: _INTERNAL_ERROR,
    Fault.ERROR_BUT_DONE: _INTERNAL_ERROR,
    Fault.SLOW_DOWN: (503, "SlowDown", "Please reduce your request rate."),
}
"""https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as the proxy saw it.

    Attributes:
        method: The method.
        path: The path, decoded: ``/bucket/key``.
        query: The query string, undecoded.
        status: The status sent to the client; None without a complete answer.
        done: The server's status; None if the proxy did not ask it.
        key_id: The access key that signed it.
    """

    method: str
    path: str
    query: str
    status: int | None = None
    done: int | None = None
    key_id: str = ""

    def __str__(self) -> str:
        """One line for a test's message."""
        return f"{self.method} {self.path}{'?' if self.query else ''}{self.query}"


def sent(requests: Sequence[Request], *, arrived: bool = False) -> set[str]:
    """The assets that were PUT; or only those that the server stored."""
    return {
        request.path.split("/", 2)[2]
        for request in requests
        if request.method == "PUT" and "/.releases/" not in request.path and (not arrived or request.done == 200)
    }


Match = Callable[[Request], bool]


def anything(_request: Request) -> bool:
    """Match every request."""
    return True


@dataclass(slots=True)
class Plan:
    """The requests that a fault befalls: among matching ones the ``first``, then each ``every``-th, some ``times``.

    Attributes:
        fault: The fault.
        match: Which requests count.
        first: The number of the first one, from 1.
        every: The distance to the next one.
        times: The number of faults; None for ever.
        hit: The requests that it befell.
    """

    fault: Fault
    match: Match = anything
    first: int = 1
    every: int = 1
    times: int | None = 1
    hit: list[Request] = field(default_factory=list)
    _seen: int = 0

    def befalls(self, request: Request) -> bool:
        """Count a request, and say whether the fault befalls it."""
        if not self.match(request):
            return False
        self._seen += 1
        due = self._seen >= self.first and (self._seen - self.first) % self.every == 0
        if not due or (self.times is not None and len(self.hit) >= self.times):
            return False
        self.hit.append(request)
        return True


@dataclass(slots=True)
class Cut:
    """The answer to the next matching request, cut after some bytes of its body.

    Attributes:
        match: Which request.
        at: The number of bytes that are left of the body.
        silent: ``Content-Length`` is that number too, as if the whole answer had arrived.
        times: How many requests.
        whole: The whole body, once an answer was cut.
    """

    match: Match
    at: int
    silent: bool
    times: int = 1
    whole: bytes | None = None


@dataclass(slots=True)
class Conflict:
    """Conditional writes that S3 refuses with ``409 ConditionalRequestConflict``, without executing them."""

    match: Match
    times: int | None


@dataclass(slots=True)
class Refusal:
    """Keys that a DeleteObjects answers with an error, within its 200, and does not delete."""

    keys: Collection[str]
    code: str
    times: int | None


class FaultProxy:
    """Use it with ``with``. Its end raises the proxy's own failure, if it had one.

    Attributes:
        url: Its endpoint.
        delay: Seconds that the proxy holds each request.
        requests: Every request, in the order of arrival.
    """

    def __init__(self, target: str) -> None:
        """Prepare a proxy for a server's URL."""
        parts = urllib.parse.urlsplit(target)
        self.target = (parts.hostname or "", parts.port or 80)
        self.url = ""
        self.delay = 0.0
        self.requests: list[Request] = []
        self._plans: list[Plan] = []
        self._refusals: list[Refusal] = []
        self._denials: list[tuple[Match, Answer]] = []
        self._cuts: list[Cut] = []
        self._conflicts: list[Conflict] = []
        self._late: list[threading.Timer] = []
        self._held: list[tuple[Match, threading.Event]] = []
        self._lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        """Start it."""
        self.url = "http://{}:{}".format(*self.address)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it, open connections included."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.hang_up()
        if self._server.failures and error is None:
            raise self._server.failures[0]

    @property
    def opened(self) -> int:
        """How many connections clients have opened."""
        return self._server.opened

    @property
    def address(self) -> tuple[str, int]:
        """The proxy's host and port."""
        return "127.0.0.1", self._server.server_address[1]

    def inject(
        self, fault: Fault, match: Match = anything, *, first: int = 1, every: int = 1, times: int | None = 1
    ) -> Plan:
        """Plan a fault; see `Plan`. Of several plans the earliest wins."""
        plan = Plan(fault, match, first, every, times)
        with self._lock:
            self._plans.append(plan)
        return plan

    def refuse(self, keys: Collection[str], code: str = "InternalError", *, times: int | None = None) -> None:
        """Let the next DeleteObjects, ``times`` of them or all, fail for some of their keys."""
        with self._lock:
            self._refusals.append(Refusal(keys, code, times))

    def deny(self, match: Match, code: str = "AccessDenied", status: int = 403) -> None:
        """Answer requests with an error of S3's, until `heal`."""
        self._answer(match, _xml(status, "Denied", f"<Error><Code>{code}</Code><Message>by the test</Message></Error>"))

    def give_page(self, match: Match, status: int = 200) -> None:
        """Answer requests with a page of HTML, as a gateway in between does, until `heal`."""
        page = b"<!DOCTYPE html><html><body><p>Please <b>sign in<br></p></body></html>"
        self._answer(match, Answer(status, "OK", [("Content-Type", "text/html")], page, len(page)))

    def _answer(self, match: Match, answer: Answer) -> None:
        with self._lock:
            self._denials.append((match, answer))

    def denied(self, request: Request) -> Answer | None:
        """The answer that a request gets without the server; None if it is not denied."""
        with self._lock:
            return next((answer for match, answer in self._denials if match(request)), None)

    def cut(self, match: Match, at: int, *, silent: bool) -> Cut:
        """Cut the answer to the next matching request; see `Cut`."""
        cut = Cut(match, at, silent)
        with self._lock:
            self._cuts.append(cut)
        return cut

    def conflict(self, match: Match, *, times: int | None = 1) -> None:
        """Refuse some matching requests, or all, as `Conflict` says."""
        with self._lock:
            self._conflicts.append(Conflict(match, times))

    def conflicts(self, request: Request) -> bool:
        """Whether a request is refused with 409."""
        with self._lock:
            for each in self._conflicts:
                if each.match(request) and each.times != 0:
                    each.times = None if each.times is None else each.times - 1
                    return True
        return False

    def cut_for(self, request: Request, body: bytes) -> Cut | None:
        """How the answer to a request is cut."""
        with self._lock:
            for each in self._cuts:
                if each.match(request) and each.times:
                    each.times -= 1
                    each.whole = body
                    return each
        return None

    @contextmanager
    def holding(self, match: Match) -> Iterator[None]:
        """Hold each matching request, which has arrived and goes no further, until the block ends."""
        free = threading.Event()
        with self._lock:
            self._held.append((match, free))
        try:
            yield
        finally:
            free.set()

    def wait_until_free(self, request: Request) -> None:
        """Wait as long as a request is held."""
        with self._lock:
            held = [free for match, free in self._held if match(request)]
        for free in held:
            free.wait(PATIENCE_SECONDS)

    def heal(self) -> None:
        """Drop every plan, and the record of requests."""
        with self._lock:
            self._denials.clear()
            self._plans.clear()
            self._refusals.clear()
            self._cuts.clear()
            self._conflicts.clear()
            self.requests.clear()
            self.delay = 0.0

    def wait_for(self, number: int) -> None:
        """Wait for this number of requests."""
        deadline = monotonic() + PATIENCE_SECONDS
        while len(self.requests) < number:
            assert monotonic() < deadline, f"{len(self.requests)} requests arrived, not {number}"
            sleep(0.001)

    def connections(self) -> set[socket.socket]:
        """The connections that are open now."""
        return set(self._server.connections)

    def settle(self, others: set[socket.socket]) -> None:
        """Wait until a dead client's connections are closed: none of its requests is under way any more.

        Args:
            others: Connections of other clients. A client in this process keeps its own until garbage collection.
        """
        deadline = monotonic() + PATIENCE_SECONDS
        while self._server.connections - others:
            assert monotonic() < deadline, "a client still holds its connection to the proxy"
            sleep(0.002)

    def arrive(self, request: Request) -> tuple[int, Fault | None]:
        """Record a request; returns its index and its fault."""
        with self._lock:
            self.requests.append(request)
            fault = next((plan.fault for plan in self._plans if plan.befalls(request)), None)
            return len(self.requests) - 1, fault

    def lateness(self, _request: Request) -> float | None:
        """Seconds after which the server executes a request, although its client got a reset; None for now."""
        return None

    def edit(self, answer: Answer) -> Answer:
        """The server's answer as the client gets it."""
        return answer

    def later(self, seconds: float, execute: Callable[[], object]) -> None:
        """Execute a request late."""
        timer = threading.Timer(seconds, execute)
        self._late.append(timer)
        timer.start()

    def wait_for_late(self) -> None:
        """Wait until the server has executed every late request."""
        while self._late:
            self._late.pop().join()

    def leave(self, index: int, arrived: Request, *, status: int | None, done: int | None) -> None:
        """Record the answer, unless `heal` dropped the request meanwhile."""
        with self._lock:
            if index < len(self.requests) and self.requests[index] is arrived:
                self.requests[index] = replace(arrived, status=status, done=done)

    def refused(self, body: bytes) -> dict[str, str]:
        """Key -> error code, for the keys of a DeleteObjects to refuse."""
        named = [html.unescape(key.decode()) for key in re.findall(rb"<Key>(.*?)</Key>", body, re.DOTALL)]
        with self._lock:
            for refusal in self._refusals:
                found = {key: refusal.code for key in named if key in refusal.keys}
                if found and refusal.times != 0:
                    refusal.times = None if refusal.times is None else refusal.times - 1
                    return found
        return {}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to the client. ``length`` is its Content-Length."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes
    length: int

    def head(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {self.reason}", *(f"{name}: {value}" for name, value in self.headers)]
        if self.status != HTTPStatus.NO_CONTENT:  # a 204 has no length
            lines.append(f"Content-Length: {self.length}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def cut(self, fault: Fault, *, with_body: bool) -> bytes:
        """The answer without its end: without half of its body, one byte if there is none, or half of its head."""
        if fault is Fault.BODILESS:
            return replace(self, length=max(self.length, 1)).head()
        if with_body and self.status != HTTPStatus.NO_CONTENT:
            return replace(self, length=max(self.length, 1)).head() + self.body[: len(self.body) // 2]
        return self.head()[: len(self.head()) // 2]


def _xml(status: int, reason: str, text: str) -> Answer:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
    headers = [("Content-Type", "application/xml"), ("Date", formatdate(usegmt=True)), ("x-amz-request-id", "FAULT")]
    return Answer(status, reason, headers, body, len(body))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, proxy: FaultProxy) -> None:
        self.proxy = proxy
        self.connections: set[socket.socket] = set()
        self.opened = 0
        self.failures: list[BaseException] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 (the base's)
        self.connections.add(request)
        self.opened += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401
        request.close()  # not the base's shutdown, which would close connections in order instead of resetting them
        self.connections.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002
        """Ignore the end of a client's connection; keep all other errors for the end of the test."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, OSError):
            self.failures.append(error)

    def hang_up(self) -> None:
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the client closed it meanwhile


class _Handler(BaseHTTPRequestHandler):
    """One connection. The base answers ``Expect: 100-continue``."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _signed(self) -> str:
        """The access key that signed the request. What S3's model does not know of it fails the test in the end."""
        signed = re.search(r"Credential=([^/]+)/\d+/[^/]+/(\w+)/", self.headers.get("Authorization", ""))
        if signed and signed[2] == "s3" and (problem := problem_of(self.command, self.path, self.headers)):
            self.server.failures.append(AssertionError(problem))
        return signed[1] if signed else ""

    def _serve(self) -> None:
        proxy = self.server.proxy
        body = self._body()
        path, _, query = self.path.partition("?")
        arrived = Request(self.command, urllib.parse.unquote(path), query, key_id=self._signed())
        index, fault = proxy.arrive(arrived)
        if proxy.delay:
            sleep(proxy.delay)
        proxy.wait_until_free(arrived)
        late = proxy.lateness(arrived) if fault is None else None
        if late is not None:
            proxy.later(late, lambda: self._forward(body))
            self._reset()
            return
        answer = (self._deny(arrived) or self._refuse(body)) if fault is None else None
        if answer is None and proxy.conflicts(arrived):
            code = "ConditionalRequestConflict"
            answer = _xml(409, "Conflict", f"<Error><Code>{code}</Code><Message>Try again.</Message></Error>")
        if answer is None and (fault is None or fault in DONE):
            answer = self._forward(body)
        done = answer.status if answer is not None else None
        if fault in ERRORS:
            status, code, message = ERRORS[fault]
            answer = _xml(status, code, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>")
        whole = fault is None or fault in ERRORS
        proxy.leave(index, arrived, status=answer.status if answer is not None and whole else None, done=done)
        cut = proxy.cut_for(arrived, answer.body) if answer is not None and whole else None
        if answer is not None and cut is not None:
            self._send(replace(answer, length=cut.at if cut.silent else answer.length).head() + answer.body[: cut.at])
            self.close_connection = True
        elif answer is not None and whole:
            self._send(answer.head() + answer.body)
        elif fault in CUTS and answer is not None:
            self._send(answer.cut(fault, with_body=self.command != "HEAD"))
            self.close_connection = True
        elif fault is Fault.HANG:
            sleep(HANG_SECONDS)
            self.close_connection = True
        else:
            self._reset()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815 (the base's names)

    def _reset(self) -> None:
        # Linger for no time: close() sends a reset.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _send(self, data: bytes) -> None:
        self.wfile.write(data)

    def _body(self) -> bytes:
        """The request's body, without the frames of a chunked transfer; the server itself decodes aws-chunked."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self._read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().partition(b";")[0].strip() or b"-1", 16):
            parts.append(self._read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        return b"".join(parts)

    def _read(self, size: int) -> bytes:
        """Read this number of bytes: a dead client's partial body must not reach the server as a whole one."""
        data = self.rfile.read(size) if size > 0 else b""
        if len(data) != size:
            msg = f"the client went after {len(data)} bytes of {size}"
            raise ConnectionAbortedError(msg)
        return data

    def _forward(self, body: bytes, without: re.Pattern[str] | None = None) -> Answer:
        """Ask the server on a new connection: a reused one could close at that moment without any plan."""
        server = HTTPConnection(*self.server.proxy.target, timeout=SERVER_SECONDS)
        try:
            server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                lower = name.lower()
                if lower not in HOP_BY_HOP | {"content-length"} and not (without and without.fullmatch(lower)):
                    server.putheader(name, value)
            if body or self.command in {"PUT", "POST"}:
                server.putheader("Content-Length", str(len(body)))
            server.putheader("Connection", "close")
            server.endheaders(body)
            answer = server.getresponse()
            read = answer.read()
            length = int(answer.getheader("Content-Length") or 0) if self.command == "HEAD" else len(read)
            headers = [
                (name, value)
                for name, value in answer.getheaders()
                if name.lower() not in HOP_BY_HOP | {"content-length"}
            ]
            return self.server.proxy.edit(Answer(answer.status, answer.reason, headers, read, length))
        finally:
            server.close()

    def _deny(self, request: Request) -> Answer | None:
        answer = self.server.proxy.denied(request)
        if answer is None:
            return None
        return replace(answer, body=b"", length=0) if self.command == "HEAD" else answer

    def _refuse(self, body: bytes) -> Answer | None:
        """Answer a DeleteObjects with refused keys; the server deletes the others. None without refused keys.

        As S3, it refuses a body that is not XML 1.0 as a whole; the embedded AWS does not.
        """
        if self.command != "POST" or not re.search(r"\?delete\b", self.path):
            return None
        if NOT_XML.search(body.decode()):
            text = "The XML you provided was not well-formed or did not validate against our published schema"
            return _xml(400, "Bad Request", f"<Error><Code>MalformedXML</Code><Message>{text}</Message></Error>")
        refused = self.server.proxy.refused(body)
        if not refused:
            return None

        def keep(found: re.Match[bytes]) -> bytes:
            (key,) = re.findall(rb"<Key>(.*?)</Key>", found[0], re.DOTALL)
            return b"" if html.unescape(key.decode()) in refused else found[0]

        rest = re.sub(rb"<Object>.*?</Object>", keep, body, flags=re.DOTALL)
        if b"<Object>" in rest:
            answer = self._forward(rest, without=CHECKSUM_OF_BODY)
            assert answer.status == 200, answer.body
            assert b"<Error>" not in answer.body, answer.body
        errors = "".join(
            f"<Error><Key>{html.escape(key)}</Key><Code>{code}</Code><Message>Please try again.</Message></Error>"
            for key, code in refused.items()
        )
        return _xml(200, "OK", f'<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{errors}</DeleteResult>')

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
        """Say nothing."""
