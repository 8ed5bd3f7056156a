"""The class of every command: it reads the configuration, and its errors say where a wrong value stands."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from uploader.cli.config_file import FILE, find_config
from uploader.cli.configuration import configure, in_force, key
from uploader.cli.group import WithHelp
from uploader.errors import EXIT_STATUS, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


def _keep(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:  # noqa: ANN401 (click's)
    ctx.meta[f"uploader.{parameter.name}"] = value


def _environments(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The names of environments that a shell offers as completions."""
    try:
        file = find_config(ctx.meta.get("uploader.config"))
    except UsageError:
        return []
    return [name for name in (file.environments if file else ()) if name.startswith(incomplete) and name.isprintable()]


def _option(name: str, **attributes: Any) -> click.Option:  # noqa: ANN401 (click's)
    """An option that all commands have and none of their bodies gets."""
    variable = f"UPLOADER_{name.upper().replace('-', '_')}"
    return click.Option([f"--{name}"], envvar=variable, callback=_keep, expose_value=False, **attributes)


CONFIGURATION = (
    _option(
        "config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The configuration.  [default: uploader.toml, or [tool.uploader] in pyproject.toml]",
    ),
    _option(
        "env",
        metavar="NAME",
        shell_complete=_environments,
        help="The environment: the configuration's table [environments.NAME] goes before its top level.",
    ),
    _option("print-config", is_flag=True, help="Show each value in force and its source; do nothing else."),
)


class Command(WithHelp):
    """A command of ``python -m uploader``. The configuration gives the values that the command line does not.

    A command is declared in `uploader.cli.commands`: its options and its help. The module of the same name in
    `uploader.cli.bodies` does the work. It is loaded when the command is invoked, so its imports stand at its top.

    Args:
        args: See click.
        warm: Open connections to the bucket while the body is being loaded: many requests will follow.
        kwargs: See click.
    """

    def __init__(self, *args: Any, warm: bool = False, **kwargs: Any) -> None:  # noqa: ANN401 (click's)
        super().__init__(*args, **kwargs)
        self.params += CONFIGURATION
        self.warm = warm

    def invoke(self, ctx: click.Context) -> int | None:
        """Run the command's body; returns its exit code, None for 0."""
        from uploader.cli.invocation import run_body  # noqa: PLC0415 (a help text needs no records)

        return run_body(ctx, warm=self.warm, **self.more_arguments(ctx))

    def more_arguments(self, ctx: click.Context) -> dict[str, Any]:  # noqa: ARG002 (for subclasses)
        """Arguments of the body besides the values of the parameters."""
        return {}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See click; the configuration is read before the first option is looked up."""
        given, _, _ = self.make_parser(ctx).parse_args(list(args))
        asks = self.get_help_option(ctx)
        if ctx.resilient_parsing or (asks is not None and asks.name in given):
            return super().parse_args(ctx, args)
        for option in CONFIGURATION:
            option.handle_parse_result(ctx, given, [])
        configure(ctx, ctx.meta["uploader.config"], ctx.meta["uploader.env"])
        if ctx.meta["uploader.print_config"]:
            from uploader.cli.print_config import show  # noqa: PLC0415 (only this option needs it)

            show(ctx, missing=self._parse_partly(ctx, args))
            ctx.exit()
        return _parse(self, ctx, args)

    def _parse_partly(self, ctx: click.Context, args: list[str]) -> list[click.Parameter]:
        """Parse although required parameters may be missing; returns those parameters."""
        missing: list[click.Parameter] = []
        rest = copy.copy(self)
        while True:
            rest.params = [parameter for parameter in self.params if parameter not in missing]
            try:
                _parse(rest, ctx, args)
            except click.MissingParameter as error:
                if error.param is None:
                    raise
                missing.append(error.param)
            else:
                return missing


def command(cls: type[Command] = Command, **attributes: Any) -> Callable[[Callable[..., Any]], Command]:  # noqa: ANN401 (click's)
    """Make a function a command; its help ends with the exit status."""
    return click.command(cls=cls, **{"epilog": EXIT_STATUS, **attributes})


def _parse(command: click.Command, ctx: click.Context, args: list[str]) -> list[str]:
    """Parse as click does; an error says where the wrong value stands, or where a missing one can be given."""
    try:
        return click.Command.parse_args(command, ctx, list(args))
    except click.BadParameter as error:
        parameter = error.param
        if parameter is None:
            raise
        name = key(parameter)
        if isinstance(error, click.MissingParameter):
            ways = [f"set {parameter.envvar}" if parameter.envvar else "", f"{name} in {FILE}" if name else ""]
            remedy = ", or ".join(["Give it", *filter(None, ways)])
            raise click.MissingParameter(remedy, ctx, parameter) from error
        source = ctx.get_parameter_source(str(parameter.name))
        if source is ParameterSource.ENVIRONMENT:
            error.param_hint = str(parameter.envvar)
        elif source is ParameterSource.DEFAULT_MAP and name:
            error.param_hint = f"{name} in {in_force(ctx).settings[name].where}"
        raise
