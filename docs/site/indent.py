"""GitHub's Markdown as the site's generator reads it: Python-Markdown wants four columns for what is in a list item."""

from __future__ import annotations

import re
from typing import NamedTuple

_ITEM = re.compile(r"([-*+]|\d+\.)( +)(?=\S)")
_FENCE = re.compile(r"(`{3,}|~{3,})")
STEP = "    "


class Line(NamedTuple):
    """A line of a page.

    Attributes:
        text: Without its indentation.
        depth: In how many list items it is.
        begins: Whether it begins a list item, which counts in ``depth``.
        code: Whether it is in a code block, or delimits one.
    """

    text: str
    depth: int
    begins: bool = False
    code: bool = False


def parse(text: str) -> list[Line]:
    """The lines of a page, each with the list items that it is in."""
    lines: list[Line] = []
    columns: list[int] = []  # where the content of each open item begins
    fence = ""
    for line in text.splitlines():
        rest = line.lstrip(" ")
        indent = len(line) - len(rest)
        if fence:
            at = columns[-1] if columns else 0
            lines.append(Line(line[min(at, indent) :], len(columns), code=True))
            fence = "" if rest.rstrip() == fence else fence
            continue
        if not rest:
            lines.append(Line("", len(columns)))
            continue
        while columns and indent < columns[-1]:
            columns.pop()
        if opened := _FENCE.match(rest):
            fence = opened[1]
            lines.append(Line(rest, len(columns), code=True))
        elif item := _ITEM.match(rest):
            columns.append(indent + item.end())
            lines.append(Line(f"{item[1]} {rest[item.end() :]}", len(columns), begins=True))
        else:
            lines.append(Line(rest, len(columns)))
    return lines


def widen(text: str) -> str:
    """The same page with four columns for each list item, and an empty line wherever Python-Markdown wants one.

    That is before a list, and between two items if the first one has more than its paragraph.
    """
    made: list[str] = []
    blocks: dict[int, bool] = {}  # depth -> whether the last item there has more than its paragraph
    before = Line("", 0)
    for line in parse(text):
        if line.begins:
            is_first = line.depth == 1 and not before.depth
            if before.text and (is_first or (before.depth >= line.depth and blocks.get(line.depth))):
                made.append("")
            blocks[line.depth] = False
        else:
            for depth in range(1, line.depth + 1):
                blocks[depth] = blocks.get(depth, False) or line.code or not line.text
        outside = line.depth - line.begins
        made.append(f"{STEP * outside}{line.text}" if line.text else "")
        before = line
    return "\n".join([*made, ""])
