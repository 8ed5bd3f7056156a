"""A table for people: the same text for every reader in a pipe; on a terminal it follows the terminal's width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from uploader.cli.colours import Heading, shaded
from uploader.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

GAP = "  "


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        columns: The headings.
        rows: The cells of each row. What is in one may come from the bucket; a `Shade` has a colour.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def lines(self, stream: TextIO | None = None, width: int | None = None) -> list[str]:
        """The lines: aligned columns, two spaces between them, no cell cut.

        Args:
            stream: Where they will be written; None: nowhere that shows colours.
            width: The terminal's width; None: a line may have any length.
        """
        shown = [list(self.columns), *([printable(cell) for cell in row] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
        whole = sum(widths) + len(GAP) * (len(widths) - 1)
        if width is not None and not (whole <= width and all(cell.isascii() for row in shown for cell in row)):
            from uploader.cli.folded import folded  # noqa: PLC0415 (rich takes 60 ms, and a pipe needs none of it)

            return folded(self.columns, self.rows, width, stream)
        head = GAP.join(cell.ljust(width) for cell, width in zip(self.columns, widths, strict=True)).rstrip()
        return [shaded(Heading(head), head, stream), *(_line(row, widths, stream) for row in self.rows)]


def _line(row: Sequence[str], widths: Sequence[int], stream: TextIO | None) -> str:
    cells = []
    for cell, width in zip(row, widths, strict=True):
        shown = printable(cell)
        cells.append(shaded(cell, shown, stream) + " " * (width - len(shown)))
    return GAP.join(cells).rstrip()
