"""``doctor``: what is wrong with an installation, as far as these credentials can see, and what to do about it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from uploader.cli.colours import Caution, Problem
from uploader.cli.console import answer
from uploader.cli.table import Table
from uploader.doctor.finding import State
from uploader.errors import EXIT_DONE, EXIT_FAILED
from uploader.library.diagnosis import diagnose

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from uploader.cli.console import Answer
    from uploader.cli.output import OutputOptions
    from uploader.doctor.finding import Finding
    from uploader.library.site import Site


_SHADES: Mapping[State, type[str]] = {State.PROBLEM: Problem, State.WARNING: Caution}


def doctor(site: Site, output: OutputOptions, *, function: str | None) -> int:
    """Show what is wrong with an installation."""
    findings = diagnose(site, function=function)
    found = Counter(each.state.value for each in findings)
    counts = {state: found[state] for state in ("problem", "warning", "unknown", "ok")}
    document = {
        "bucket": site.bucket,
        "prefix": site.prefix,
        "findings": [asdict(each) for each in findings],
        "counts": counts,
    }
    answer(output, document, _text(findings, counts), done="nothing was changed")
    return EXIT_FAILED if counts["problem"] else EXIT_DONE


def _text(findings: Sequence[Finding], counts: dict[str, int]) -> list[Answer]:
    rows = [
        (each.check, _SHADES.get(each.state, str)(each.state.value), each.finding, each.remedy) for each in findings
    ]
    summary = ", ".join(f"{state}: {number}" for state, number in counts.items())
    return [Table(("check", "state", "finding", "remedy"), rows), "", summary]
