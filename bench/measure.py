"""One run of one program: how long, how much processor time, how much memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.network import cpu_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.network import Network

LAUNCHER = Path(__file__).with_name("launch.py")
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in what the system counts peaks in."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a run took.

    Attributes:
        seconds: From before the process was started until it had ended.
        cpu: Its processor time, in seconds.
        peak: The most memory that it held at once, in bytes.
        server_cpu: The server's processor time meanwhile.
        proxy_cpu: The proxy's.
    """

    seconds: float
    cpu: float
    peak: int
    server_cpu: float
    proxy_cpu: float


def run(command: Sequence[str], environ: Mapping[str, str], folder: Path, through: Network) -> Run:
    """Run a program to its end.

    Args:
        command: Its command line.
        environ: Its whole environment.
        folder: Where it runs, and where ``output`` then holds what it said.
        through: The server and the proxy that it uses.

    Raises:
        BenchError: It failed.
    """
    before = cpu_seconds(through.server), cpu_seconds(through.proxy)
    output = folder / "output"
    launcher = subprocess.Popen(
        [sys.executable, "-I", "-S", str(LAUNCHER), str(output), *command],
        env=dict(environ),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        answer = launcher.communicate()[0].split()
    except BaseException:
        os.killpg(launcher.pid, signal.SIGKILL)
        launcher.communicate()
        raise
    if len(answer) != len(("seconds", "cpu", "peak", "status")) or answer[3] != "0":
        said = output.read_text(errors="replace").strip().splitlines() if output.exists() else []
        msg = f"exit {answer[3] if answer else '?'} of {' '.join(command)}: {' / '.join(said[-3:])}"
        raise BenchError(msg)
    return Run(
        float(answer[0]),
        float(answer[1]),
        int(answer[2]) * PEAK_UNIT,
        cpu_seconds(through.server) - before[0],
        cpu_seconds(through.proxy) - before[1],
    )
