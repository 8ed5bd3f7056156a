"""``rollback``: an old release is current again, without a build."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import click

from release_log.layout import Layout
from uploader.cli import options as shared
from uploader.cli.command import command
from uploader.cli.console import answer, answer_gone
from uploader.cli.logs import log_to_stderr
from uploader.errors import NotWholeError
from uploader.history.completeness import some_of
from uploader.operations.rollback import check, find_target, roll_back

if TYPE_CHECKING:
    from uploader.operations.rollback import Target

log = logging.getLogger("uploader")


@command()
@shared.takes(
    shared.release_argument(required=False),
    *shared.SITE,
    click.option(
        "--channel",
        envvar="UPLOADER_CHANNEL",
        callback=shared.check_channel,
        help=shared.CHANNEL_HELP,
    ),
    click.option("--previous", is_flag=True, help="The release before the current one, instead of a RELEASE."),
    click.option("--dry-run", envvar="UPLOADER_DRY_RUN", is_flag=True, help="Say what would be done; write nothing."),
    shared.JSON,
    *shared.ENCRYPTION,
    *shared.WAY,
    *shared.LOGS,
)
def rollback(**options: Any) -> None:  # noqa: ANN401 (click's own names and types, as declared above)
    """Make RELEASE, an id or a name, current again: without a build, and without sending anything.

    All of its assets must still be there; if some are gone, they are listed, and nothing is changed. Files without a
    fingerprint (index.html) stay as later uploads left them: those are named. Without --channel it is current again in
    its own channel, and --previous looks at the channel `default`. --previous twice is there and back.

    \b
    Examples:
      python -m uploader rollback 20261123T060500Z-3f9c2ab --bucket my-assets
      python -m uploader rollback 3f9c2ab --bucket my-assets --dry-run
      python -m uploader rollback --previous --channel production --bucket my-assets
    """
    log_to_stderr(options)
    wanted = options["wanted"]
    if (wanted is None) is not options["previous"]:
        msg = "name either RELEASE, its id or its name, or --previous"
        raise click.UsageError(msg, click.get_current_context())
    # A dry run too has to read the release log; it ends before the first write.
    bucket, layout = shared.open_bucket({**options, "dry_run": False}), Layout(options["prefix"])
    target = find_target(bucket, layout, wanted, options["channel"])
    current = target.current.id if target.current is not None else None
    document = {
        "dry_run": options["dry_run"],
        "bucket": options["bucket"],
        "prefix": options["prefix"],
        "channel": target.channel,
        "from": current,
        "rollback_of": target.old.id,
        "release": current if target.already else None,
        "marker": layout.marker_key(current) if target.already and current else None,
        "already": target.already,
        "replaced": sorted(target.replaced),
        "gone": [],
        "counts": {"assets": len(target.old.release.assets)},
    }
    try:
        if options["dry_run"]:
            check(bucket, layout, target)
        elif not target.already:
            document["release"] = release_id = roll_back(bucket, layout, target)
            document["marker"] = layout.marker_key(release_id)
    except NotWholeError as error:
        answer_gone(options, document, error)
        raise
    if target.replaced:
        log.warning(
            "%d files without a fingerprint are a later upload's by now and stay so: %s; what they ask for may retire, "
            "so publish that build again to bring them back too",
            len(target.replaced),
            some_of(target.replaced),
        )
    state = "current" if document["release"] else "not current"
    answer(options, document, _summary(target, document), done=f"release {target.old.id} is {state}")


def _summary(target: Target, document: dict[str, Any]) -> str:
    old, where = target.old.id, f"s3://{document['bucket']}/{document['prefix']}"
    if target.already:
        as_what = "" if document["from"] == old else f" as {document['from']}"
        return f"{old} is current already in channel {target.channel}{as_what} at {where}; nothing written"
    assets = f"all {document['counts']['assets']} assets of {old} are there"
    if document["dry_run"]:
        return f"dry run: {assets}, it can be current again in channel {target.channel}; nothing written"
    origin = f" from {document['from']}" if document["from"] else ""
    as_what = f"its new id is {document['release']}"
    return f"rolled back channel {target.channel}{origin} to {old} at {where}: {assets}; {as_what}"
