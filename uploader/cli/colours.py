"""Colours on a terminal, unless the user has turned them off."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from typing import TextIO


def shows_colours(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal with colours. ``NO_COLOR`` is honoured as https://no-color.org defines it."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream is not None and stream.isatty() and not plain


def heading(text: str, stream: TextIO | None) -> str:
    """A table's first line, for a stream."""
    return click.style(text, bold=True) if shows_colours(stream) else text


def failure(text: str, stream: TextIO | None) -> str:
    """An error's line, for a stream."""
    return click.style(text, fg="red") if shows_colours(stream) else text
