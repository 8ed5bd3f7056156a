"""The commands by name. Each is imported when it is needed, so a run pays for its own command alone."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from uploader.nearest import nearest

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "upload": "upload",
    "run": "run",
    "activate": "staging",
    "drop": "staging",
    "releases": "releases",
    "status": "status",
    "sites": "sites",
    "report": "report",
    "verify": "verify",
    "rollback": "rollback",
    "pin": "pins",
    "unpin": "pins",
    "restore": "restore",
    "end": "ending",
    "plan": "clean",
    "clean": "clean",
    "doctor": "doctor",
    "completion": "completion",
    "schema": "schema",
}
"""Command -> its module in `commands` and `bodies`, which has a function of that name; in the order of the help."""

DEFAULT_COMMAND = "upload"

HELP = ("-h", "--help")

WORDS = ("help", "version")
"""Words that people write for ``--help`` and ``--version``; a directory of that name goes before."""

SIMILAR = 0.7
"""How much a word must look like a command to be one with a typing error, and not the name of a directory."""


class WithHelp(click.Command):
    """A command that has both names of the option for help."""

    def get_help_option_names(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's own signature)
        """See click."""
        return list(HELP)


class LazyGroup(WithHelp, click.Group):
    """The commands of `COMMANDS`. If the first argument is not one of them, `DEFAULT_COMMAND` gets it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See click."""
        own = {name for option in self.get_params(ctx) for name in option.opts}
        if not args and ctx.resilient_parsing:
            return super().parse_args(ctx, args)  # a shell completes the first word: it may become any command
        if not args or (args[0] not in COMMANDS and args[0] not in own):
            args = _meant(ctx, args)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's own signature)
        """See click."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (as above)
        """See click."""
        return load(cmd_name) if cmd_name in COMMANDS else None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """See click; the first word may also be an argument of `DEFAULT_COMMAND`: an option, its directory."""
        default = load(DEFAULT_COMMAND)
        found = super().shell_complete(ctx, incomplete)
        found += default.shell_complete(click.Context(default, parent=ctx, resilient_parsing=True), incomplete)
        return found or click.Path(file_okay=False).shell_complete(ctx, self.params[0], incomplete)


def load(name: str) -> click.Command:
    """Import a command."""
    module = import_module(f"uploader.cli.commands.{COMMANDS[name]}")
    return cast("click.Command", getattr(module, name.replace("-", "_")))


def similar_command(word: str) -> str | None:
    """The command that a word looks like; None if there is none, or if the word is a path."""
    if "/" in word or Path(word).exists():
        return None
    return nearest(word, [*COMMANDS, *WORDS], SIMILAR)


def _meant(ctx: click.Context, args: list[str]) -> list[str]:
    """The arguments with a command in front, where the first one is not a command.

    Raises:
        UsageError: The first one is a command with a typing error, or none that there is.
    """
    if not args or args[0].startswith("-") or Path(args[0]).exists():
        return [DEFAULT_COMMAND, *args]
    first, rest = args[0], args[1:]
    if first == "version" and not rest:
        return ["--version"]
    if first == "help":
        return [*rest[:1], "--help"]
    near = similar_command(first)
    if near is not None:
        msg = f"no such command, and no such directory: {first!r}; did you mean {near!r}?"
        raise click.UsageError(msg, ctx)
    if rest and not rest[0].startswith("-"):
        msg = f"no such command, and no such directory: {first!r}; the commands are {', '.join(COMMANDS)}"
        raise click.UsageError(msg, ctx)
    return [DEFAULT_COMMAND, *args]
