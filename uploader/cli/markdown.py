"""Text from elsewhere in Markdown: GitHub, GitLab and others show it as it is. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uploader.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def code(text: str) -> str:
    """A text in which nothing is Markdown or HTML."""
    shown = printable(text).replace("|", "\\|")
    fence = "`" * (1 + max((len(run) for run in _ticks(shown)), default=0))
    return f"{fence} {shown} {fence}" if "`" in shown else f"`{shown}`"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table; its cells are Markdown. A column whose heading ends with a colon is one of numbers."""
    yield f"| {' | '.join(column.rstrip(':') for column in columns)} |"
    yield f"| {' | '.join('---:' if column.endswith(':') else '---' for column in columns)} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _ticks(text: str) -> list[str]:
    return "".join(each if each == "`" else " " for each in text).split()
