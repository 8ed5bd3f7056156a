"""The report: ratios first, then seconds, processor time and memory, and the uploader's imports."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.peers import OURS, YARDSTICK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.measure import Run
    from bench.rounds import JobResult

MEGA = 1_000_000
IMPORTS_SHOWN = 15


@dataclass(frozen=True, slots=True)
class Report:
    """The results of all jobs.

    Attributes:
        settings: How the jobs were measured, and on which machine.
        versions: Program -> version.
        jobs: The results, job by job.
    """

    settings: Mapping[str, str]
    versions: Mapping[str, str]
    jobs: Sequence[JobResult]

    def text(self) -> str:
        """The report for people. Its tables are Markdown."""
        parts = []
        rows = ratio_rows(self.jobs)
        if rows:
            parts.append(markdown_table(("job", "", f"wall time / {YARDSTICK}'s", "in single rounds", "goal"), rows))
        parts.append(markdown_table(FIGURES, figure_rows(self.jobs)))
        for done in self.jobs:
            spent = import_times(done.imports)
            if spent:
                heading = f"import in our run ({done.job.name}), {sum(spent.values()) / 1000:.0f} ms in all"
                parts.append(markdown_table((heading, "modules", "own ms"), import_rows(spent)))
        parts.append("\n".join(f"{name}: {value}" for name, value in {**self.settings, **self.versions}.items()))
        return "\n\n".join(parts)

    def document(self) -> dict[str, Any]:
        """The report for programs, with every run."""
        return {
            "settings": dict(self.settings),
            "versions": dict(self.versions),
            "jobs": {
                done.job.name: {
                    "title": done.job.title,
                    "runs": {peer: [asdict(run) for run in runs] for peer, runs in done.runs.items()},
                    "import_microseconds": import_times(done.imports),
                }
                for done in self.jobs
            },
        }


def ratio(runs: Sequence[Run], yardstick: Sequence[Run]) -> float:
    """The median time of these runs, as a multiple of the yardstick's median time."""
    return median(run.seconds for run in runs) / median(run.seconds for run in yardstick)


def ratios(runs: Sequence[Run], yardstick: Sequence[Run]) -> list[float]:
    """The ratio in each round. Other work on the machine slows both programs of a round."""
    return [run.seconds / its.seconds for run, its in zip(runs, yardstick, strict=False)]


def ratio_rows(jobs: Sequence[JobResult]) -> list[list[str]]:
    """The rows of the ratios, for jobs that measure time and have the yardstick."""
    rows = []
    for done in jobs:
        yardstick = done.runs.get(YARDSTICK)
        if not yardstick or done.job.for_memory:
            continue
        for peer, runs in done.runs.items():
            if not runs or peer == YARDSTICK:
                continue
            single = ratios(runs, yardstick)
            goal = str(done.job.goal) if peer == OURS else ""
            rows.append(
                [
                    *(done.job.title, peer, f"{ratio(runs, yardstick):.2f}"),
                    *(f"{min(single):.2f} to {max(single):.2f}", goal),
                ]
            )
    return rows


FIGURES = ("job", "", "seconds", "min to max", "rounds", "CPU s", "server's", "proxy's", "peak MB", "goal")


def figure_rows(jobs: Sequence[JobResult]) -> list[list[str]]:
    """The rows of the figures: medians, and the highest peak."""
    rows = []
    for done in jobs:
        for peer, runs in done.runs.items():
            if not runs:
                continue
            seconds = [run.seconds for run in runs]
            goal = f"{done.job.peak_goal // MEGA} MB" if done.job.peak_goal is not None and peer == OURS else ""
            rows.append(
                [
                    *(done.job.title, peer, f"{median(seconds):.2f}"),
                    *(f"{min(seconds):.2f} to {max(seconds):.2f}", str(len(runs))),
                    f"{median(run.cpu for run in runs):.2f}",
                    f"{median(run.server_cpu for run in runs):.2f}",
                    f"{median(run.proxy_cpu for run in runs):.2f}",
                    *(f"{max(run.peak for run in runs) / MEGA:.0f}", goal),
                ]
            )
    return rows


def import_times(importtime: str) -> dict[str, int]:
    """Module -> microseconds of its own import, from the output of ``python -X importtime``."""
    found = re.findall(r"^import time:\s+(\d+) \|\s+\d+ \|\s*(\S+)$", importtime, re.MULTILINE)
    return {name: int(own) for own, name in found}


def import_rows(spent: Mapping[str, int]) -> list[list[str]]:
    """The packages whose imports took longest: name, number of modules, milliseconds."""
    packages: dict[str, list[int]] = {}
    for module, microseconds in spent.items():
        packages.setdefault(module.partition(".")[0], []).append(microseconds)
    most = sorted(packages.items(), key=lambda item: (-sum(item[1]), item[0]))[:IMPORTS_SHOWN]
    return [[name, str(len(own)), f"{sum(own) / 1000:.1f}"] for name, own in most]


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with aligned columns."""
    lines = [list(columns), *rows]
    widths = [max(len(line[number]) for line in lines) for number in range(len(columns))]
    drawn = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    drawn.insert(1, " | ".join("-" * max(3, width) for width in widths))
    return "\n".join(f"| {line} |" for line in drawn)
