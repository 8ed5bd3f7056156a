"""``run``: upload and stage, roll out, and make it current only if that succeeded."""

from __future__ import annotations

import logging
import os
import shlex
from typing import TYPE_CHECKING, Any

import click

from release_log.layout import Layout
from uploader.cli import options as shared
from uploader.cli.child_process import check_command, run_command
from uploader.cli.command import Command, command
from uploader.cli.commands.upload import invalidate, prepare, send, staged_for, summary
from uploader.cli.console import answer
from uploader.errors import StoppedError, UploaderError
from uploader.operations import staging

if TYPE_CHECKING:
    from uploader.s3.port import BucketPort

log = logging.getLogger("uploader")


class RunCommand(Command):
    """Everything after ``--`` is the user's command, and none of our options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See click; the user's command is the context's object."""
        end = args.index("--") if "--" in args else len(args)
        ctx.obj = args[end + 1 :]
        rest = super().parse_args(ctx, args[:end])
        if not ctx.obj and not ctx.resilient_parsing:
            msg = "no command to run: put it last, after --, as in -- ./roll-out.sh"
            raise click.UsageError(msg, ctx)
        return rest

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """See click."""
        return [*super().collect_usage_pieces(ctx), "-- COMMAND..."]


@command(
    RunCommand,
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
    *shared.LOGS,
    click.pass_obj,
)
def run(command: list[str], /, **options: Any) -> int:  # noqa: ANN401 (click's own names and types, as declared above)
    """Upload DIRECTORY, run COMMAND (the roll-out), and make the release current if it succeeds.

    If COMMAND fails, the release is dropped: what was current stays so, and none of its assets retires. COMMAND
    finds the release's id in UPLOADER_RELEASE_ID. SIGTERM, SIGHUP and Ctrl-C are passed on to it.

    \b
    Examples:
      python -m uploader run dist --bucket my-assets -- ./roll-out.sh
      python -m uploader run dist --bucket my-assets -- kubectl rollout status deployment/web
      python -m uploader run dist --bucket my-assets -- sh -c './deploy && ./smoke-test'
    """
    check_command(command)
    prepared, layout = prepare(options), Layout(options["prefix"])
    document: dict[str, Any] = send(prepared, options, stage=True)
    bucket = prepared.bucket
    release_id = document["release"]
    if options["dry_run"]:
        answer(options, document, f"{summary(document, options)}; {command[0]} not run", done="nothing was written")
        return 0
    try:
        invalidate(document, options, f"{command[0]} was not run and {release_id} was dropped")
        if not options["as_json"]:
            began = f"{summary(document, options).splitlines()[0]}; running {shlex.join(command)}"
            answer(options, document, began, done=f"{command[0]} was not run and the release was dropped")
        code = run_command(command, os.environ | {"UPLOADER_RELEASE_ID": release_id})
    except BaseException:
        _drop(bucket, layout, release_id)
        raise
    if code:
        state = "was dropped" if _drop(bucket, layout, release_id) else "is not current"
        rest = "what was current stays so; mend it and run again"
        log.error("%s failed (exit status %d): %s %s; %s", command[0], code, release_id, state, rest)
    else:
        document["marker"] = _activate(bucket, layout, release_id, command, options)
    document |= {"staged": None, "exit_status": code}
    if options["as_json"] or not code:
        where = f"s3://{options['bucket']}/{options['prefix']}"
        state = "is not current" if code else "is current"
        answer(options, document, f"activated {release_id} at {where}", done=f"release {release_id} {state}")
    return code


def _activate(bucket: BucketPort, layout: Layout, release_id: str, command: list[str], options: dict[str, Any]) -> str:
    """Make it current; returns the marker's key."""
    try:
        return staging.activate(bucket, layout, release_id).marker
    except (UploaderError, KeyboardInterrupt) as error:
        if isinstance(error, StoppedError) and error.done:
            raise
        repeat = shared.next_command("activate", release_id, options)
        msg = (
            f"{command[0]} succeeded, but {release_id} is not current yet{f' ({error})' if str(error) else ''}: "
            f"production serves it, and its assets are kept for {staged_for()} only; "
            f"make it current: {repeat}"
        )
        if isinstance(error, KeyboardInterrupt):
            raise StoppedError(msg) from error
        raise UploaderError(msg) from error


def _drop(bucket: BucketPort, layout: Layout, release_id: str) -> bool:
    """Give it up; a failure is no failure, because it expires by itself. The command's exit code matters more."""
    try:
        staging.drop(bucket, layout, release_id)
    except (UploaderError, KeyboardInterrupt) as error:
        log.warning("%s was not dropped (%s); a staged release expires by itself", release_id, error or "interrupted")
        return False
    return True
