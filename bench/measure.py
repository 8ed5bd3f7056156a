"""One run of one program: its wall time, processor time and memory."""

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
"""Bytes in the unit in which the system counts a peak."""


@dataclass(frozen=True, slots=True)
class Run:
    """The time and the memory that a run used.

    Attributes:
        seconds: The wall time from before the start of the process until after its end.
        cpu: The processor time, in seconds.
        peak: The most memory that the process held at once, in bytes.
        server_cpu: The server's processor time during the run.
        proxy_cpu: The proxy's processor time during the run.
    """

    seconds: float
    cpu: float
    peak: int
    server_cpu: float
    proxy_cpu: float


def run_program(command: Sequence[str], environ: Mapping[str, str], folder: Path, network: Network) -> Run:
    """Run a program to its end.

    Args:
        command: The command line.
        environ: The whole environment.
        folder: The working directory; the file ``output`` in it gets the program's output.
        network: The server and the proxy that it uses.

    Raises:
        BenchError: The program failed.
    """
    before = cpu_seconds(network.server), cpu_seconds(network.proxy)
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
        lines = output.read_text(errors="replace").strip().splitlines() if output.exists() else []
        msg = f"exit {answer[3] if answer else '?'} of {' '.join(command)}: {' / '.join(lines[-3:])}"
        raise BenchError(msg)
    return Run(
        float(answer[0]),
        float(answer[1]),
        int(answer[2]) * PEAK_UNIT,
        cpu_seconds(network.server) - before[0],
        cpu_seconds(network.proxy) - before[1],
    )
