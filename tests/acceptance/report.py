"""The report: what was expected and what AWS did, in Markdown that can be attached to an issue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.acceptance.steps import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.acceptance.runner import Ended

LONGEST = 1_500
"""Characters of a cell: CloudFormation's and the CDK's errors can be pages."""


def report(ended: Ended, facts: Mapping[str, str]) -> str:
    """Write it.

    Args:
        ended: How the acceptance ended.
        facts: What to say of the run: its id, date, versions and regions. The account's number is not among them.
    """
    counts = ", ".join(
        f"{number} {outcome}"
        for outcome in Outcome
        if (number := sum(each.outcome is outcome for each in ended.results))
    )
    lines = ["# Acceptance", "", f"**{'Passed' if ended.fine else 'Not passed'}**: {counts}.", ""]
    lines += [f"- {name}: {value}" for name, value in facts.items()]
    if ended.ended_by:
        lines.append(f"- ended early by {ended.ended_by}")
    lines += ["", "| step | expected | result | seen | seconds |", "| --- | --- | --- | --- | --- |"]
    for each in ended.results:
        expected = each.step.expected + (f" ([source]({each.step.source}))" if each.step.source else "")
        seen = _cell(each.seen)
        if each.outcome is Outcome.OTHERWISE:
            seen = f"The embedded AWS lacks: {_cell(each.step.lacks)}. Instead: {seen}"
        lines.append(f"| {each.step.name} | {_cell(expected)} | {each.outcome} | {seen} | {each.seconds:.0f} |")
    lines += ["", "## What is left", ""]
    lines += [f"- {_cell(left.what)}: {_cell(left.why)}" for left in ended.left] or ["Nothing."]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    words = " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
    return words if len(words) <= LONGEST else f"{words[:LONGEST]}…"
