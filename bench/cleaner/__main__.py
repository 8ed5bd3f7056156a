"""``python -m bench.cleaner``."""

from __future__ import annotations

import json
import os
import platform
import sys
from typing import Any, TextIO

import click

from bench.__main__ import NameList
from bench.cleaner.jobs import HANDED_OUT, JOBS, Result, Sizes
from bench.errors import BenchError
from bench.report import MEGA, markdown_table
from release_log.ledger_file import FORMAT, HEAD_FORMAT

HEADINGS = ("job", "objects", "invocations", "CPU s", "µs an object", "peak MB", "requests", "goal")
MANY = 100
"""From so many on a number has no decimal places."""


def rows(name: str, result: Result) -> list[list[str]]:
    """A job's rows in the report."""
    job, handed_out = JOBS[name], result.handed_out
    return [_row(job.title, result, job.goal)] + (
        [_row(HANDED_OUT[0], handed_out, HANDED_OUT[1])] if handed_out else []
    )


def _row(title: str, result: Result, goal: str) -> list[str]:
    peaks = [took.peak for took in result.invocations if took.peak is not None]
    return [
        title,
        f"{result.objects:,}",
        str(len(result.invocations)),
        f"{result.cpu:.2f}",
        f"{result.cpu / result.objects * MEGA:.1f}",
        f"{max(peaks) / MEGA:.0f}" if peaks else "",
        f"{result.requests.total():,}",
        goal,
    ]


def figures(name: str, result: Result) -> list[str]:
    """The lines in the report with what else a job measures."""
    both = [(name, result)] + ([(f"{name}, handed out", result.handed_out)] if result.handed_out else [])
    return [
        f"{what}: " + ", ".join(f"{_number(value)} {unit}" for unit, value in each.figures.items())
        for what, each in both
        if each.figures
    ]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= MANY or isinstance(value, int) else f"{value:.2f}"


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
@click.option("--map", "with_map", is_flag=True, help="Also hand the full listing out to a map run.")
@click.option("--markers", type=click.IntRange(1), help="Markers that are left in `rebuild`. [default: all]")
@click.option("--json", "file", type=click.File("w", lazy=False), help="Also write every invocation to this file.")
def main(*, names: list[str], file: TextIO | None, **options: Any) -> None:  # noqa: ANN401 (the fields of `Sizes`)
    """Measure runs of the cleaner."""
    sizes = Sizes(**options)
    if sizes.with_map and sizes.ledger_format == FORMAT:
        msg = f"--map: with the ledger's format {FORMAT} nothing is handed out; add --ledger-format {HEAD_FORMAT}"
        raise click.UsageError(msg)
    load = os.getloadavg()[0]
    done: dict[str, Result] = {}
    for name in names:
        click.echo(JOBS[name].title, err=True)
        try:
            done[name] = JOBS[name].run(sizes)
        except BenchError as error:
            msg = f"{name}: {error}"
            raise click.ClickException(msg) from error
    conditions = {
        "retired assets": f"{sizes.retired:,}",
        "orphans": f"{sizes.orphans:,}",
        "format of the ledger": str(sizes.ledger_format),
        "markers that are left in `rebuild`": "all" if sizes.markers is None else f"{sizes.markers:,}",
        "machine": f"{os.cpu_count()} processors, {platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "load at the start": f"{load:.1f}",
    }
    click.echo(markdown_table(HEADINGS, [row for name, result in done.items() for row in rows(name, result)]))
    if lines := [line for name, result in done.items() for line in figures(name, result)]:
        click.echo("\n" + "\n".join(lines))
    click.echo("\n" + "\n".join(f"{name}: {value}" for name, value in conditions.items()))
    if file is not None:
        document = {"settings": conditions, "jobs": {name: result.document() for name, result in done.items()}}
        file.write(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
