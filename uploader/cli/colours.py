"""Colours where they can be seen, unless the user has turned them off, or on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

import click

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO


class Shade(str):
    """A text that has a meaning, which a colour shows: a line, or a cell of a table.

    Attributes:
        style: The arguments for `click.style`.
    """

    __slots__ = ()
    style: ClassVar[Mapping[str, Any]] = {}


class Heading(Shade):
    """A table's first line."""

    __slots__ = ()
    style = {"bold": True}  # noqa: RUF012 (as in `Shade`)


class Problem(Shade):
    """Somebody has to act."""

    __slots__ = ()
    style = {"fg": "red"}  # noqa: RUF012


class Caution(Shade):
    """What works, but may surprise somebody."""

    __slots__ = ()
    style = {"fg": "yellow"}  # noqa: RUF012


def shows_colours(stream: TextIO | None) -> bool:
    """Whether a stream gets colours: a terminal that has some, or any stream if `FORCE_COLOR` says so.

    ``NO_COLOR`` is as https://no-color.org defines it, and wins; ``FORCE_COLOR`` as https://force-color.org does, but
    for 0, by which Node turns colours off.
    """
    if stream is None or os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def shaded(text: str, shown: str, stream: TextIO | None) -> str:
    """A text in its colour, for a stream.

    Args:
        text: The text; only a `Shade` has a colour.
        shown: The same as it is to be shown: escaped, padded, or a part of it.
        stream: The stream.
    """
    return click.style(shown, **text.style) if isinstance(text, Shade) and shows_colours(stream) else shown


def failure(text: str, stream: TextIO | None) -> str:
    """An error's line, for a stream."""
    return shaded(Problem(text), text, stream)
