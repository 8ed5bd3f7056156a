"""The tables of the command line's options."""

from __future__ import annotations

import click

from docs.tables.markdown import code, table
from uploader.builds.private_files import PRIVATE
from uploader.cli.command import Command
from uploader.cli.configuration import every_setting, key, settings_of
from uploader.cli.group import COMMANDS, load
from uploader.errors import EXIT_STATUSES


def every_key() -> str:
    """What the configuration file can set: key, option, variable, default, the commands that have it, the help."""
    rows = []
    configurable = [name for name in COMMANDS if isinstance(load(name), Command)]
    for name, parameter in every_setting().items():
        having = [command for command in COMMANDS if name in settings_of(load(command))]
        default, text = _default_and_help(parameter)
        where = "all" if having == configurable else ", ".join(having)
        rows.append([code(name), code(_flag(parameter)), code(parameter.envvar), default, where, text])
    return table(["key", "option", "environment variable", "default", "commands", ""], rows)


def of_one_call(command: str) -> str:
    """The options of a command that are given anew each time: they have neither a variable nor a key."""
    rows = [
        [code(" ".join(filter(None, (_flag(option), option.metavar)))), *_default_and_help(option)]
        for option in load(command).params
        if isinstance(option, click.Option) and key(option) is None and option.envvar is None
    ]
    return table(["option", "default", ""], rows)


def exit_statuses() -> str:
    """What each exit status of a command means."""
    return table(["exit status", ""], ([str(status), meaning] for status, meaning in EXIT_STATUSES.items()))


def private_files() -> str:
    """The names of private files."""
    return table(["", "names"], ([kind.what, " ".join(map(code, kind.names))] for kind in PRIVATE))


def _flag(parameter: click.Parameter) -> str:
    return max(parameter.opts, key=len) if isinstance(parameter, click.Option) else "DIRECTORY"


def _default_and_help(parameter: click.Parameter) -> tuple[str, str]:
    """A parameter's default, as its help words it if it does, and the rest of the help."""
    if not isinstance(parameter, click.Option):
        return "", "The build's output."
    text, _, said = (parameter.help or "").partition("  [default: ")
    return said.rstrip("]") or (code(parameter.default) if parameter.show_default else ""), text
