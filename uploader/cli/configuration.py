"""Which options the configuration can set, and which values it gives the command that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from uploader.cli.config_file import FILE, PROJECT, Setting, find_config
from uploader.cli.group import COMMANDS, load
from uploader.cli.paths import is_path
from uploader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_IN_FORCE = "uploader.in_force"

_OF_ONE_CALL = {"config", "env", "print_config", "release_id"}


def key(parameter: click.Parameter) -> str | None:
    """A parameter's key in the file: its long name in snake case.

    None for a parameter of a single call: the release in question, and each parameter without an environment variable.
    """
    if parameter.name in _OF_ONE_CALL or parameter.envvar is None:
        return None
    if isinstance(parameter, click.Option):
        return max(parameter.opts, key=len).lstrip("-").replace("-", "_")
    return "directory" if parameter.name == "directory" else None


def settings_of(command: click.Command) -> dict[str, click.Parameter]:
    """Key -> parameter, for each parameter of a command that the file can set."""
    return {name: parameter for parameter in command.params if (name := key(parameter)) is not None}


def every_setting() -> dict[str, click.Parameter]:
    """The same for all commands; the first command that declares a key wins. Imports all of them."""
    found: dict[str, click.Parameter] = {}
    for command in COMMANDS:
        for name, parameter in settings_of(load(command)).items():
            found.setdefault(name, parameter)
    return found


def kind(parameter: click.Parameter) -> type:
    """The type that a parameter's value has in the file."""
    if parameter.multiple or parameter.nargs != 1:
        return list
    kinds = {"boolean": bool, "integer": int, "integer range": int, "float": float, "float range": float}
    return kinds.get(parameter.type.name, str)


class InForce(NamedTuple):
    """The values that the file gives the command that runs.

    Attributes:
        path: The file; None without one.
        environment: The chosen environment; None without one.
        settings: Key -> value and table; the rules are among them.
    """

    path: Path | None
    environment: str | None
    settings: Mapping[str, Setting]


def configure(ctx: click.Context, named: Path | None, environment: str | None) -> None:
    """Take from the file, if there is one, each value that the command line and the environment variables do not give.

    Raises:
        UsageError: The file is not valid, or has no such environment.
    """
    file, mine = find_config(named), settings_of(ctx.command)
    if file is None:
        if environment is not None:
            missing = f"there is no {FILE} in this directory, nor [tool.uploader] in {PROJECT}"
            msg = f"unknown environment {environment!r}: {missing}; name the file with --config"
            raise UsageError(msg)
        ctx.meta[_IN_FORCE] = InForce(None, None, {})
        return
    known = mine if file.keys() <= mine.keys() else every_setting() | mine
    file.check({name: kind(parameter) for name, parameter in known.items()})
    settings = file.settings(environment)
    ctx.meta[_IN_FORCE] = InForce(file.path, environment, settings)
    ctx.default_map = {
        str(parameter.name): _from(file.path.parent, parameter, settings[name].value)
        for name, parameter in mine.items()
        if name in settings
    }


def in_force(ctx: click.Context | None = None) -> InForce:
    """The values that the file gives the command that runs."""
    found: InForce = (ctx or click.get_current_context()).meta[_IN_FORCE]
    return found


def _from(directory: Path, parameter: click.Parameter, value: Any) -> Any:  # noqa: ANN401 (TOML's)
    """A value; a path is made relative to the directory in which the command runs."""
    return directory / value if is_path(parameter, value) else value
