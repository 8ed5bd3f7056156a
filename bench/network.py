"""The S3 server and the slow network in front of it: two processes, which end with the run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.peers import ROOT, rclone

if TYPE_CHECKING:
    from collections.abc import Iterator

STOP_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Network:
    """A running server and its proxy.

    Attributes:
        endpoint: The URL for clients.
        server: The server's process id.
        proxy: The proxy's process id.
    """

    endpoint: str
    server: int
    proxy: int


@contextmanager
def slow_network(buckets: Path, log: Path, round_trip: float) -> Iterator[Network]:
    """Serve the sub-folders of a folder as buckets.

    Args:
        buckets: The folder. The server also serves files that are put there before the first request for them.
        log: The file for the server's output.
        round_trip: The network's round trip, in milliseconds.
    """
    with log.open("wb") as file:
        server = subprocess.Popen(
            [
                *(rclone(), "serve", "s3", str(buckets), "--addr", "127.0.0.1:0"),
                *("--auth-key", "benchmark,benchmark-secret", "--metadata-max-objects", "0"),
                # Only the server writes there, so it need not read a folder again.
                *("--dir-cache-time", "24h", "--config", ""),
            ],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    with _ending(server):
        port = _port_of(server, log)
        proxy = subprocess.Popen(
            [sys.executable, "-m", "bench.proxy", str(port), "--rtt", str(round_trip)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        with _ending(proxy):
            assert proxy.stdout is not None  # noqa: S101 (for mypy)
            line = proxy.stdout.readline().strip()
            if not line:
                msg = "the proxy does not start"
                raise BenchError(msg)
            yield Network(f"http://127.0.0.1:{int(line)}", server.pid, proxy.pid)


def cpu_seconds(process: int) -> float:
    """The processor time that a process has used; 0 on a system other than Linux, which does not tell."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _ending(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _port_of(server: subprocess.Popen[bytes], log: Path) -> int:
    for _ in range(200):
        found = re.search(r"\[http://127\.0\.0\.1:(\d+)/\]", log.read_text())
        if found:
            return int(found[1])
        try:
            server.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        break
    msg = f"the S3 server does not start: {log.read_text().strip()}"
    raise BenchError(msg)
