"""From a command's declaration to its body: the one place where click's values enter the code that mypy sees.

click hands over names and values. Each value belongs to a field of one of three records, or it is an argument of the
command's body by its own name. A test compares each command's parameters with its body's signature.
"""

from __future__ import annotations

import os
from dataclasses import fields
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from uploader.builds.options import BuildOptions
from uploader.cli.config_file import RULES
from uploader.cli.configuration import in_force
from uploader.cli.group import COMMANDS
from uploader.cli.notice import Notice
from uploader.cli.output import OutputOptions
from uploader.library.site import Site
from uploader.tracing import is_configured

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    import click

    from uploader.cli.config_file import Setting

RECORDS: Mapping[str, type] = {"site": Site, "build": BuildOptions, "output": OutputOptions, "notice": Notice}
"""Argument of a body -> the record that it gets there, if the command declares one of the record's fields."""

FIRST_FIELD = {"site": "bucket", "build": "directory", "output": "quiet", "notice": "notify_url"}
"""Record -> the field that a command must declare to get this record."""


def run_body(ctx: click.Context, *, warm: bool, **more: object) -> int | None:
    """Run the body of the command that was parsed.

    Args:
        ctx: The command's context.
        warm: Open connections to the bucket while the body is being loaded.
        more: Arguments of the body besides the values of the parameters.

    Returns:
        The exit code; None for 0.
    """
    given = arguments(ctx.params, in_force(ctx).settings.get(RULES))
    if warm:
        given["site"].warm()
    body = load_body(str(ctx.command.name))
    from uploader.cli.logs import log_to_stderr  # noqa: PLC0415 (loaded while the connections are being opened)

    log_to_stderr(given["output"])
    run = partial(body, **given, **more)
    if is_configured(os.environ):
        from uploader.cli.telemetry import spans_sent  # noqa: PLC0415 (few commands are traced)

        run = spans_sent(os.environ)(run)
    notice: Notice | None = given.get("notice")
    if notice is None or notice.notify_url is None or given["dry_run"]:
        return run()
    from uploader.cli.notify import notified  # noqa: PLC0415 (few commands tell a chat)

    return notified(notice, notice.notify_url, given["site"], ctx, run)


def load_body(name: str) -> Callable[..., int | None]:
    """Import the body of a command, by the command's name."""
    body: Callable[..., int | None] = getattr(import_module(f"uploader.cli.bodies.{COMMANDS[name]}"), name)
    return body


def arguments(values: Mapping[str, Any], rules: Setting | None) -> dict[str, Any]:
    """The arguments of a command's body.

    Args:
        values: Parameter -> value, as click parsed them.
        rules: The configuration's ``[[rules]]``, if it has some.

    Raises:
        UsageError: The directory cannot be a build's.
    """
    rest = dict(values)
    made = {}
    for name, record in RECORDS.items():
        if FIRST_FIELD[name] in rest:
            words = {field: rest.pop(field) for field in taken_by(name, values)}
            if name == "build" and rules is not None:
                words |= {"rules": rules.value, "rules_source": rules.where}
            made[name] = record(**words)
    return {**made, **rest}


def taken_by(name: str, parameters: Collection[str]) -> list[str]:
    """The parameters that become fields of a record."""
    return [field.name for field in fields(RECORDS[name]) if field.name in parameters]
