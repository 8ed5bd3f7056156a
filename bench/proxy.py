"""A slow network between client and server: TCP with a round trip's delay. It does not look at what passes.

A process of its own, so that its work and that of who measures do not wait for each other. It ends with its standard
input, which its parent holds: however that ends.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
import sys
from collections import deque

IN_FLIGHT = 4 * 1024 * 1024
"""Bytes of one direction that may be under way; then its sender has to wait, as for TCP's window."""

BACKLOG = 4096
"""Connections that wait to be accepted: a client may open hundreds at once."""

_END = None
"""What is queued behind the last bytes of a direction."""


class Direction:
    """One way of a connection: what went in comes out in the same order, and no earlier than a delay later.

    Attributes:
        ended: No more will go in.
        over: All of it came out, its end too.
        back: The other way.
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

    def comes_from(self, source: asyncio.Transport) -> None:
        """Say whom to slow down when too much is under way."""
        self._source = source

    def goes_to(self, sink: asyncio.Transport, not_before: float = 0.0) -> None:
        """Say where it comes out.

        Args:
            sink: Where.
            not_before: By the loop's clock; to open the connection takes its time too.
        """
        self._sink, self._not_before = sink, not_before
        self._wait()

    def put(self, data: bytes | None) -> None:
        """Take bytes in; None when no more will come."""
        self._queue.append((self._loop.time() + self._delay, data))
        if data is _END:
            self.ended = True
        else:
            self._bytes += len(data)
            if self._bytes > IN_FLIGHT and self._source is not None and not self._source.is_closing():
                self._source.pause_reading()
        self._wait()

    def block(self) -> None:
        """Hold back: the far end takes no more for now."""
        self._blocked = True

    def unblock(self) -> None:
        """Go on."""
        self._blocked = False
        self._wait()

    def stop(self) -> None:
        """Forget what is under way."""
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
    """One of the two sockets of a connection."""

    def __init__(self, said: Direction, heard: Direction) -> None:
        """Prepare it.

        Args:
            said: What this end says.
            heard: What it is told.
        """
        self.transport: asyncio.Transport | None = None
        self.other: End | None = None
        self._said = said
        self._heard = heard

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (a type, not a check)
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._said.comes_from(transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._said.put(data)

    def eof_received(self) -> bool:
        """See `asyncio.Protocol`. This end said all; it stays open for what it is still to be told."""
        self._said.put(_END)
        return not self._heard.over

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._heard.block()

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._heard.unblock()

    def connection_lost(self, error: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._heard.stop()
        if error is not None and self.other is not None and self.other.transport is not None:
            self.other.transport.abort()


class Client(End):
    """The end that a client opened; it opens the one to the server."""

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
        self._heard.goes_to(self.transport)
        self._opening = self._loop.create_task(self._open(self.transport, self._loop.time()))

    async def _open(self, transport: asyncio.Transport, asked: float) -> None:
        try:
            _, server = await self._loop.create_connection(
                lambda: End(self._heard, self._said), "127.0.0.1", self._port
            )
        except OSError:
            transport.abort()
            return
        assert server.transport is not None  # noqa: S101 (a type, not a check)
        self.other, server.other = server, self
        if transport.is_closing():
            server.transport.close()
            return
        # A client on the same machine is connected at once. One far away would send its first bytes a round trip
        # later, and they would arrive half a round trip after that.
        self._said.goes_to(server.transport, asked + self._round_trip * 1.5)


async def listen(port: int, round_trip: float) -> asyncio.Server:
    """Pass connections to any free port of 127.0.0.1 on to the given one; the round trip is in seconds."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Client(loop, port, round_trip), "127.0.0.1", 0, backlog=BACKLOG)


async def serve(port: int, round_trip: float) -> None:
    """Pass connections on until standard input ends; the port to connect to is said on standard output."""
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
