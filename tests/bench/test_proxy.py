"""The benchmark's network delays all data, and changes none."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.proxy import IN_FLIGHT, listen
from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ROUND_TRIP = 0.05


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def _connected(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None] | None],
    use: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> None:
    """Use a connection, through the proxy, to a server with this behaviour."""
    async with (
        await asyncio.start_server(answer, "127.0.0.1", 0) as server,
        await listen(server.sockets[0].getsockname()[1], ROUND_TRIP) as proxy,
    ):
        reader, writer = await asyncio.open_connection(*proxy.sockets[0].getsockname())
        await use(reader, writer)
        writer.close()


def test_an_answer_takes_a_round_trip_and_the_first_one_another() -> None:
    """At least; how much more depends on the machine."""
    times: list[float] = []

    async def run() -> None:
        now = asyncio.get_running_loop().time
        async with (
            await asyncio.start_server(_echo, "127.0.0.1", 0) as server,
            await listen(server.sockets[0].getsockname()[1], ROUND_TRIP) as proxy,
        ):
            began = now()
            reader, writer = await asyncio.open_connection(*proxy.sockets[0].getsockname())
            for _ in range(3):
                writer.write(b"?")
                assert await reader.readexactly(1) == b"?"
                times.append(now() - began)
                began = now()
            writer.close()

    asyncio.run(run())
    assert times[0] >= 2 * ROUND_TRIP
    assert min(times) >= ROUND_TRIP


def test_what_comes_out_is_what_went_in_and_the_end_comes_last() -> None:
    body = os.urandom(3 * IN_FLIGHT)

    async def use(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(body)
        writer.write_eof()
        assert await reader.read() == body

    asyncio.run(_connected(_echo, use))


def test_who_does_not_read_stops_the_sender() -> None:
    """Otherwise a run's memory would count for the proxy."""
    taken = 0

    async def deaf(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)
        writer.close()

    async def use(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        writer.transport.set_write_buffer_limits(0)
        for _round in range(1000):
            writer.write(bytes(1024 * 1024))
            try:
                await asyncio.wait_for(writer.drain(), 0.5)
            except TimeoutError:
                break
            taken += 1
        writer.transport.abort()

    asyncio.run(_connected(deaf, use))
    # The data under way, and in the buffers of sockets and transports.
    assert taken < 64


def test_a_server_that_hangs_up_is_seen_to_hang_up() -> None:
    async def use(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        assert await reader.read() == b"bye"

    def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"bye")
        writer.close()

    asyncio.run(_connected(hang_up, use))


def test_without_a_server_a_client_is_cut_off() -> None:
    async def run() -> None:
        async with await asyncio.start_server(_echo, "127.0.0.1", 0) as gone:
            port = gone.sockets[0].getsockname()[1]
        async with await listen(port, ROUND_TRIP) as proxy:
            reader, writer = await asyncio.open_connection(*proxy.sockets[0].getsockname())
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()

    asyncio.run(run())


def test_no_socket_is_left_open() -> None:
    async def use(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"?")
        assert await reader.readexactly(1) == b"?"

    async def run() -> None:
        before = _descriptors()
        for _ in range(3):
            await _connected(_echo, use)
        for _ in range(200):
            if _descriptors() <= before:
                return
            await asyncio.sleep(ROUND_TRIP)
        pytest.fail("the proxy holds sockets whose connections are over")

    asyncio.run(run())


def _descriptors() -> set[tuple[int, int]]:
    """Number and inode of each open file. Files that others left open, and close meanwhile, do not count."""
    found = set()
    for each in Path("/dev/fd").iterdir():
        with contextlib.suppress(OSError):  # the listing's own
            found.add((int(each.name), os.fstat(int(each.name)).st_ino))
    return found


def test_the_process_says_its_port_and_ends_with_its_standard_input() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bench.proxy", "9", "--rtt", "1"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert int(process.stdout.readline()) > 0
        process.stdin.close()
        assert process.wait(30) == 0
