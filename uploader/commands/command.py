"""What every command is made with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from uploader.errors import EXIT_STATUS

if TYPE_CHECKING:
    from collections.abc import Callable


class Command(click.Command):
    """A command of ``python -m uploader``."""


def command(cls: type[Command] = Command, **attributes: Any) -> Callable[[Callable[..., Any]], Command]:  # noqa: ANN401 (click's)
    """Make a function a command; its help ends with the exit status."""
    return click.command(cls=cls, **{"epilog": EXIT_STATUS, **attributes})
