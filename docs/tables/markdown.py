"""How a table is written in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of GitHub's Markdown, without a line break at its end.

    Args:
        header: The column's names; an empty one stands above what needs no name.
        rows: The cells; a bar in one is escaped.
    """
    return "\n".join(_line(cells) for cells in (header, ["---"] * len(header), *rows))


def _line(cells: Sequence[str]) -> str:
    escaped = [cell.replace("|", "\\|") for cell in cells]
    return f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in escaped)}|"


def code(text: object) -> str:
    """A text in code font; nothing of nothing."""
    return f"`{text}`" if text not in ("", None) else ""
