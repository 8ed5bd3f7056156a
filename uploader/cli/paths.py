"""The type of an option whose value is a path, or a word instead of one."""

from __future__ import annotations

from typing import Any

import click


class PathOrNone(click.Path):
    """A path; ``none`` is the word for no file, wherever it is written: a file of that name is ``./none``."""

    WORD = "none"


def is_path(parameter: click.Parameter, value: Any) -> bool:  # noqa: ANN401 (TOML's)
    """Whether a value of this parameter is a path."""
    if isinstance(parameter.type, PathOrNone) and value == PathOrNone.WORD:
        return False
    return isinstance(parameter.type, click.Path)
