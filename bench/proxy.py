"""A slow network between client and server: TCP with the delay of a round trip. It does not read the data.

It is a separate process, so that the benchmark and the proxy do not wait for each other. The parent holds the standard
input open, and the proxy ends with it: so no proxy is left behind, however the parent ends.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
import sys
from collections import deque

IN_FLIGHT = 4 * 1024 * 1024
"""The most bytes in flight in one direction. Beyond that the sender waits, as with TCP's window."""

BACKLOG = 4096
"""The most connections that wait to be accepted: a client may open hundreds at once."""

_END = None
"""The end of a direction, queued behind its last bytes."""


class Direction:
    """One direction of a connection: bytes come out in the same order, after the delay at the earliest.

    Attributes:
        ended: Whether the source sent its end.
        over: Whether everything came out, the end included.
        back: The opposite direction.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, delay: float) -> None:
        self.ended = False
        self.over = False
        self.back = self
        self._loop = loop
        self._delay = delay
        self._queue: deque[tuple[float, bytes | None]] = deque()
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._blocked = False
        self._not_before = 0.0
        self._source: asyncio.Transport | None = None
        self._sink: asyncio.Transport | None = None

    def set_source(self, source: asyncio.Transport) -> None:
        """Set the transport that has to wait when too many bytes are in flight."""
        self._source = source

    def set_sink(self, sink: asyncio.Transport, not_before: float = 0.0) -> None:
        """Set the transport that gets the bytes.

        Args:
            sink: The transport.
            not_before: When the first bytes may come out, on the loop's clock. Opening the connection takes time too.
        """
        self._sink, self._not_before = sink, not_before
        self._wait()

    def put(self, data: bytes | None) -> None:
        """Accept bytes, or `_END`."""
        self._queue.append((self._loop.time() + self._delay, data))
        if data is _END:
            self.ended = True
        else:
            self._bytes += len(data)
            if self._bytes > IN_FLIGHT and self._source is not None and not self._source.is_closing():
                self._source.pause_reading()
        self._wait()

    def pause(self) -> None:
        """Hold bytes back while the sink accepts no more."""
        self._blocked = True

    def resume(self) -> None:
        """Deliver bytes again."""
        self._blocked = False
        self._wait()

    def stop(self) -> None:
        """Drop all bytes in flight."""
        self._queue.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self) -> None:
        if self._queue and self._timer is None and not self._blocked and self._sink is not None:
            when = max(self._queue[0][0], self._not_before)
            self._timer = self._loop.call_at(when, self._deliver, self._sink, when)

    def _deliver(self, sink: asyncio.Transport, when: float) -> None:
        self._timer = None
        if sink.is_closing():
            self._queue.clear()
            return
        now = max(when, self._loop.time())
        due = []
        while self._queue and self._queue[0][0] <= now:
            data = self._queue.popleft()[1]
            if data is _END:
                self.over = True
            else:
                due.append(data)
        sink.writelines(due)
        self._bytes -= sum(map(len, due))
        if self._bytes <= IN_FLIGHT and self._source is not None and not self._source.is_closing():
            self._source.resume_reading()
        if self.over and self.back.ended:
            sink.close()
        elif self.over:
            sink.write_eof()
        self._wait()


class End(asyncio.Protocol):
    """One of the two sockets of a connection through the proxy."""

    def __init__(self, incoming: Direction, outgoing: Direction) -> None:
        """Prepare the socket.

        Args:
            incoming: The bytes that arrive at this socket.
            outgoing: The bytes to send from it.
        """
        self.transport: asyncio.Transport | None = None
        self.other: End | None = None
        self._incoming = incoming
        self._outgoing = outgoing

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (a type, not a check)
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._incoming.set_source(transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._incoming.put(data)

    def eof_received(self) -> bool:
        """See `asyncio.Protocol`. Nothing more arrives here; the socket stays open for the outgoing bytes."""
        self._incoming.put(_END)
        return not self._outgoing.over

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._outgoing.pause()

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._outgoing.resume()

    def connection_lost(self, error: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._outgoing.stop()
        if error is not None and self.other is not None and self.other.transport is not None:
            self.other.transport.abort()


class Client(End):
    """The socket that a client opened. It opens the socket to the server."""

    def __init__(self, loop: asyncio.AbstractEventLoop, port: int, round_trip: float) -> None:
        there, back = Direction(loop, round_trip / 2), Direction(loop, round_trip / 2)
        there.back, back.back = back, there
        super().__init__(there, back)
        self._loop = loop
        self._port = port
        self._round_trip = round_trip
        self._opening: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        assert self.transport is not None  # noqa: S101 (a type, not a check)
        self._outgoing.set_sink(self.transport)
        self._opening = self._loop.create_task(self._open(self.transport, self._loop.time()))

    async def _open(self, transport: asyncio.Transport, asked: float) -> None:
        try:
            _, server = await self._loop.create_connection(
                lambda: End(self._outgoing, self._incoming), "127.0.0.1", self._port
            )
        except OSError:
            transport.abort()
            return
        assert server.transport is not None  # noqa: S101 (a type, not a check)
        self.other, server.other = server, self
        if transport.is_closing():
            server.transport.close()
            return
        # A client on this machine connects at once. A distant client would send its first bytes a round trip later, and
        # they would arrive half a round trip after that.
        self._incoming.set_sink(server.transport, asked + self._round_trip * 1.5)


async def listen(port: int, round_trip: float) -> asyncio.Server:
    """Listen on a free port of 127.0.0.1, and pass its connections on to another port.

    Args:
        port: The port to connect to.
        round_trip: In seconds.
    """
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Client(loop, port, round_trip), "127.0.0.1", 0, backlog=BACKLOG)


async def serve(port: int, round_trip: float) -> None:
    """Pass connections on until standard input ends. The port for clients is printed on standard output."""
    over = asyncio.Event()
    server = await listen(port, round_trip)
    asyncio.get_running_loop().add_reader(sys.stdin, over.set)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await over.wait()


def main() -> None:
    """``python -m bench.proxy PORT --rtt 30``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int, help="where the server listens, on 127.0.0.1")
    parser.add_argument("--rtt", type=float, default=30, help="the round trip, in milliseconds")
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(options.port, options.rtt / 1000))


if __name__ == "__main__":
    main()
