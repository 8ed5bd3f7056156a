"""``run``: upload and stage, roll out, and make it current only if that succeeded."""

from __future__ import annotations

from typing import Any

import click

from uploader.cli import options as shared
from uploader.cli.child_process import check_command
from uploader.cli.command import Command, command

_COMMAND = "uploader.command"


class RunCommand(Command):
    """Everything after ``--`` is the user's command, and none of our options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See click; the user's command is kept with the context."""
        end = args.index("--") if "--" in args else len(args)
        ctx.meta[_COMMAND] = args[end + 1 :]
        try:
            rest = super().parse_args(ctx, args[:end])
        except click.UsageError as error:
            if ctx.meta[_COMMAND] or not error.message.startswith("Got unexpected extra argument"):
                raise
            msg = f"{error.message}: the command to run comes last, after --, as in -- ./roll-out.sh"
            raise click.UsageError(msg, ctx) from error
        if not ctx.meta[_COMMAND] and not ctx.resilient_parsing:
            msg = "no command to run: put it last, after --, as in -- ./roll-out.sh"
            raise click.UsageError(msg, ctx)
        return rest

    def more_arguments(self, ctx: click.Context) -> dict[str, Any]:
        """The user's command: one that can be run."""
        check_command(ctx.meta[_COMMAND])
        return {"command": ctx.meta[_COMMAND]}

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """See click."""
        return [*super().collect_usage_pieces(ctx), "-- COMMAND..."]


@command(
    RunCommand,
    warm=True,
    epilog=(
        "Exit status: COMMAND's own, 128 and the signal's number if a signal ended it. Without it: 1 failed (what was "
        "live is unchanged, unless the message says otherwise), 2 wrong usage, 130 interrupted, 143 terminated."
    ),
)
@shared.takes(
    shared.DIRECTORY,
    *shared.SITE,
    shared.CHANNEL_OPTION,
    shared.RELEASE,
    *shared.NAMES,
    shared.DRY_RUN,
    shared.JSON,
    *shared.INVALIDATION,
    *shared.ENCRYPTION,
    *shared.WAY,
    shared.CONCURRENCY_OPTION,
    shared.MAX_BANDWIDTH,
    shared.NOTIFY_URL,
    *shared.LOGS,
)
def run() -> None:
    """Upload DIRECTORY, run COMMAND (the roll-out), and make the release current if it succeeds.

    If COMMAND fails, the release is dropped: the current release is unchanged, and none of its assets retires. COMMAND
    finds the release's id in UPLOADER_RELEASE_ID. SIGTERM, SIGHUP and Ctrl-C are passed on to it.

    \b
    Examples:
      python -m uploader run dist --bucket my-assets -- ./roll-out.sh
      python -m uploader run dist --bucket my-assets -- kubectl rollout status deployment/web
      python -m uploader run dist --bucket my-assets -- sh -c './deploy && ./smoke-test'
    """
