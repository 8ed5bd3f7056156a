"""``python -m bench.cleaner``."""

from __future__ import annotations

import json
import os
import platform
import sys
from typing import TextIO

import click

from bench.__main__ import NameList
from bench.cleaner.jobs import JOBS, Result, Sizes
from bench.errors import BenchError
from bench.report import MEGA, markdown_table
from release_log.ledger_file import FORMAT, HEAD_FORMAT

HEADINGS = ("job", "objects", "invocations", "CPU s", "µs an object", "peak MB", "requests", "goal")


def row(name: str, result: Result) -> list[str]:
    """A job's row in the report."""
    peaks = [took.peak for took in result.invocations if took.peak is not None]
    return [
        JOBS[name].title,
        f"{result.objects:,}",
        str(len(result.invocations)),
        f"{result.cpu:.2f}",
        f"{result.cpu / result.objects * MEGA:.1f}",
        f"{max(peaks) / MEGA:.0f}" if peaks else "",
        f"{result.requests.total():,}",
        JOBS[name].goal,
    ]


def figures(name: str, result: Result) -> str:
    """The line in the report with what else a job measures."""
    return f"{name}: " + ", ".join(f"{value:,.0f} {what}" for what, value in result.figures.items())


@click.command()
@click.option("--jobs", "names", type=NameList(JOBS), default=",".join(JOBS), show_default=True, help="The jobs.")
@click.option("--retired", type=click.IntRange(0), default=400_000, show_default=True, help="Retired assets.")
@click.option("--orphans", type=click.IntRange(1), default=100_000, show_default=True, help="Orphans to adopt.")
@click.option(
    "--ledger-format",
    type=click.IntRange(FORMAT, HEAD_FORMAT),
    default=FORMAT,
    show_default=True,
    help="The format of the ledger.",
)
@click.option("--json", "file", type=click.File("w", lazy=False), help="Also write every invocation to this file.")
def main(names: list[str], retired: int, orphans: int, ledger_format: int, file: TextIO | None) -> None:
    """Measure runs of the cleaner."""
    load = os.getloadavg()[0]
    done: dict[str, Result] = {}
    for name in names:
        click.echo(JOBS[name].title, err=True)
        try:
            done[name] = JOBS[name].run(Sizes(retired, orphans, ledger_format))
        except BenchError as error:
            msg = f"{name}: {error}"
            raise click.ClickException(msg) from error
    conditions = {
        "retired assets": f"{retired:,}",
        "orphans": f"{orphans:,}",
        "format of the ledger": str(ledger_format),
        "machine": f"{os.cpu_count()} processors, {platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "load at the start": f"{load:.1f}",
    }
    click.echo(markdown_table(HEADINGS, [row(name, result) for name, result in done.items()]))
    if lines := [figures(name, result) for name, result in done.items() if result.figures]:
        click.echo("\n" + "\n".join(lines))
    click.echo("\n" + "\n".join(f"{name}: {value}" for name, value in conditions.items()))
    if file is not None:
        document = {"settings": conditions, "jobs": {name: result.document() for name, result in done.items()}}
        file.write(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
