"""Colours, where somebody sees them: on a terminal that has them, unless the user wants none."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from typing import TextIO


def shows_colours(stream: TextIO | None) -> bool:
    """Whether a stream does. ``NO_COLOR`` is what https://no-color.org says: any value but an empty one."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream is not None and stream.isatty() and not plain


def heading(text: str, stream: TextIO | None) -> str:
    """A table's first line, for a stream."""
    return click.style(text, bold=True) if shows_colours(stream) else text


def failure(text: str, stream: TextIO | None) -> str:
    """An error's line, for a stream."""
    return click.style(text, fg="red") if shows_colours(stream) else text
