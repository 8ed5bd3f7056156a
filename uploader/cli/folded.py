"""A table that is wider than the terminal: long cells are folded, and a row takes several lines if it has to.

Loads rich, which knows how many places of a terminal a letter takes, and where a line may be broken.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from uploader.cli.colours import Heading, shaded
from uploader.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TextIO

GAP = 2
INDENT = 4
"""By how much the further lines of a row are indented."""

NARROW = 40
"""A wider column may be folded to this width, so that more of them fit beside each other."""


_CONSOLE = Console(color_system=None)
"""Breaks lines, and prints nothing."""


def folded(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int, stream: TextIO | None) -> list[str]:
    """The lines of a table, none of them wider than the terminal.

    Args:
        columns: The headings.
        rows: The cells of each row.
        width: The terminal's width.
        stream: The terminal.
    """
    lines = [list(map(Heading, columns)), *rows]
    natural = [max(cell_len(printable(cell)) for cell in column) for column in zip(*lines, strict=True)]
    groups = _groups([min(each, NARROW) for each in natural], width)
    made = []
    for row in lines:
        for number, group in enumerate(groups):
            widths = _widths([natural[column] for column in group], width - (INDENT if number else 0))
            cells = [row[column] for column in group]
            if number == 0 or any(cells):
                made += [" " * (INDENT if number else 0) + line for line in _fold(cells, widths, stream)]
    return made


def _groups(needed: Sequence[int], width: int) -> list[list[int]]:
    """The columns that stand beside each other, by their numbers: as many as fit, in their order."""
    groups: list[list[int]] = [[]]
    left = width
    for column, need in enumerate(needed):
        if groups[-1] and left < GAP + need:
            groups.append([])
            left = width - INDENT
        left -= need + (GAP if groups[-1] else 0)
        groups[-1].append(column)
    return groups


def _widths(natural: Sequence[int], width: int) -> list[int]:
    """How wide each column of a group is: the widest ones share what the others leave."""
    left, widths = width - GAP * (len(natural) - 1), list(natural)
    for done, column in enumerate(sorted(range(len(natural)), key=natural.__getitem__)):
        widths[column] = max(1, min(natural[column], left // (len(natural) - done)))
        left -= widths[column]
    return widths


def _fold(cells: Sequence[str], widths: Sequence[int], stream: TextIO | None) -> Iterator[str]:
    parts = [
        [line.plain.rstrip() for line in Text(printable(cell)).wrap(_CONSOLE, width, overflow="fold")]
        for cell, width in zip(cells, widths, strict=True)
    ]
    for line in zip_longest(*parts, fillvalue=""):
        shown = [
            shaded(cell, part, stream) + " " * (width - cell_len(part))
            for cell, part, width in zip(cells, line, widths, strict=True)
        ]
        yield (" " * GAP).join(shown).rstrip()
