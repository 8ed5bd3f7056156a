"""The commands by name. Each is imported when it is needed, so a run pays for its own command alone."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "upload": "upload",
    "run": "run",
    "activate": "staging",
    "drop": "staging",
    "releases": "releases",
    "status": "status",
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
}
"""Command -> its module in `commands` and `bodies`, which has a function of that name; in the order of the help."""

DEFAULT_COMMAND = "upload"


class LazyGroup(click.Group):
    """The commands of `COMMANDS`. If the first argument is not one of them, `DEFAULT_COMMAND` gets it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See click."""
        own = {name for option in self.get_params(ctx) for name in option.opts}
        if not args and ctx.resilient_parsing:
            return super().parse_args(ctx, args)  # a shell completes the first word: it may become any command
        if not args or (args[0] not in COMMANDS and args[0] not in own):
            args = [DEFAULT_COMMAND, *args]
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
