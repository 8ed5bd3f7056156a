"""``python -m bench``."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from bench import peers
from bench.errors import BenchError
from bench.jobs import JOBS
from bench.past import Past
from bench.report import Report
from bench.rounds import measure_job
from release_log.ledger_file import FORMAT, HEAD_FORMAT

if TYPE_CHECKING:
    from collections.abc import Mapping


IN_MEMORY = Path("/dev/shm")  # noqa: S108 (Linux's own name for it)
ROOM = 8_000_000_000
"""The files of all jobs together. If less is free in memory, they go to a disk."""


class NameList(click.ParamType[list[str]]):
    """Some of a set of names, separated by commas."""

    name = "names"

    def __init__(self, known: Mapping[str, object]) -> None:
        self._known = known

    def convert(self, value: str | list[str], param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        """See `click.ParamType`."""
        names = list(dict.fromkeys(value.split(","))) if isinstance(value, str) else value
        for name in names:
            if name not in self._known:
                self.fail(f"{name!r} is unknown; use some of {', '.join(self._known)}", param, ctx)
        return names


@click.command()
@click.option("--jobs", "job_names", type=NameList(JOBS), default=",".join(JOBS), show_default=True, help="The jobs.")
@click.option(
    "--peers",
    "peer_names",
    type=NameList(peers.all_peers()),
    default=",".join(name for name in peers.all_peers() if name != peers.OURS),
    show_default=True,
    help="The other tools. The uploader always takes part.",
)
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="How often to measure each tool.")
@click.option(
    "--rtt",
    type=click.FloatRange(0),
    default=30.0,
    show_default=True,
    help="The network's round trip, in milliseconds.",
)
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, writable=True, path_type=Path),
    help="The folder for builds and buckets.  [default: in memory if there is room, else on disk]",
)
@click.option(
    "--retired",
    type=click.IntRange(0),
    default=Past().retired,
    show_default=True,
    help="The retired assets that each bucket's ledger has.",
)
@click.option(
    "--ledger-format",
    type=click.IntRange(FORMAT, HEAD_FORMAT),
    default=Past().ledger_format,
    show_default=True,
    help="The format of the ledger.",
)
@click.option("--json", "file", type=click.File("w", lazy=False), help="Also write every run to this file.")
def main(  # noqa: PLR0913 (one for each option)
    *,
    job_names: list[str],
    peer_names: list[str],
    rounds: int,
    rtt: float,
    folder: Path | None,
    retired: int,
    ledger_format: int,
    file: TextIO | None,
) -> None:
    """Measure the uploader and other tools.

    \b
    Examples:
      make bench
      python -m bench --jobs same,new --peers s5cmd --rounds 9
      python -m bench --jobs same --peers s5cmd --retired 4000000 --ledger-format 2
      python -m bench --json runs.json
    """
    if not peers.installed():
        msg = "the other tools are not installed: run `make bench`"
        raise click.ClickException(msg)
    # SIGTERM acts like Ctrl-C, so that server and proxy stop and the builds are removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    known = peers.all_peers()
    who = [known[name] for name in dict.fromkeys([peers.OURS, *peer_names])]
    folder = folder or _default_folder()
    past = Past(retired=retired, ledger_format=ledger_format)
    load = os.getloadavg()[0]
    done = []
    for name in job_names:
        with tempfile.TemporaryDirectory(prefix="bench-", dir=folder) as scratch:
            try:
                done.append(measure_job(JOBS[name], who, rounds, rtt, Path(scratch), _tell, past=past))
            except BenchError as error:
                raise click.ClickException(str(error)) from error
    settings = {
        "network": f"{rtt:g} ms round trip",
        "rounds": str(rounds),
        "each bucket's past": str(past),
        "machine": f"{os.cpu_count()} processors, {platform.system()} {platform.machine()}",
        "files": f"in {folder}",
        "load at the start": f"{load:.1f}",
        "Python": platform.python_version(),
    }
    report = Report(settings, {peer.name: _version(peer) for peer in who}, done)
    click.echo(report.text())
    if file is not None:
        file.write(json.dumps(report.document(), indent=1) + "\n")


def _tell(line: str) -> None:
    click.echo(line, err=True)


def _default_folder() -> Path:
    """Memory if there is room: other work of a disk would add to every tool's time."""
    if IN_MEMORY.is_dir() and os.access(IN_MEMORY, os.W_OK) and shutil.disk_usage(IN_MEMORY).free > ROOM:
        return IN_MEMORY
    return Path(tempfile.gettempdir())


def _version(peer: peers.Peer) -> str:
    answer = subprocess.run(peer.version, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return answer.stdout.partition("\n")[0].strip()


if __name__ == "__main__":
    sys.exit(main())
