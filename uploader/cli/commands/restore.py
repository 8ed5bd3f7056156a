"""``restore``: an operator's command for buckets with versioning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from release_log.layout import Layout
from uploader.cli import options as shared
from uploader.cli.command import command
from uploader.cli.commands.upload import staged_for
from uploader.cli.console import answer
from uploader.cli.logs import log_to_stderr
from uploader.history.find import find_release

if TYPE_CHECKING:
    from uploader.operations.restore import Inventory, Restored


@command()
@shared.takes(
    shared.RELEASE_ID,
    *shared.SITE,
    click.option(
        "--dry-run", envvar="UPLOADER_DRY_RUN", is_flag=True, help="Say what would be restored; write nothing."
    ),
    shared.JSON,
    *shared.ENCRYPTION,
    *shared.WAY,
    *shared.LOGS,
)
def restore(**options: Any) -> None:  # noqa: ANN401 (click's own names and types, as declared above)
    """Restore the assets of a release that the cleaner deleted, and keep them as a staged release.

    Only in a bucket with versioning, and while it still keeps the old versions. An operator's command: it needs
    s3:ListBucketVersions, s3:DeleteObjectVersion, s3:GetObjectTagging and s3:PutObjectTagging besides what an upload
    needs.

    \b
    Examples:
      python -m uploader restore --release 20261123T060500Z-3f9c2ab --bucket my-assets --dry-run
      python -m uploader restore --release 20261123T060500Z-3f9c2ab --bucket my-assets
    """
    log_to_stderr(options)
    encrypted = shared.encryption_of(options)
    access = shared.find_access(options)._replace(who="the operator's role")
    from uploader.operations import restore as restoring  # noqa: PLC0415 (a wrong option needs no AWS library)
    from uploader.s3.bucket import open_bucket  # noqa: PLC0415
    from uploader.s3.versions import S3Versions  # noqa: PLC0415

    bucket = open_bucket(access, shared.CONCURRENCY, encrypted)
    versions, layout = S3Versions(access), Layout(options["prefix"])
    named = find_release(bucket, layout, options["release_id"], (layout.markers, layout.staged))
    found = restoring.take_inventory(bucket, versions, layout, named)
    done = None
    if (found.deleted or found.lost) and not options["dry_run"]:
        done = restoring.restore(bucket, versions, layout, named)
    document = {
        "dry_run": options["dry_run"],
        "bucket": options["bucket"],
        "prefix": options["prefix"],
        "release": named.id,
        "restored": sorted(found.deleted if done is None else done.keys),
        "lost": sorted(found.lost),
        "counts": {"there": len(found.there)},
        "staged": done and done.staged,
        "staged_release": done and done.id,
    }
    answer(options, document, _summary(found, done, options), done=f"the assets of {named.id} are there")


def _summary(found: Inventory, done: Restored | None, options: dict[str, Any]) -> str:
    release_id = options["release_id"]
    if done is not None:
        activate = shared.next_command("activate", done.id, options)
        return (
            f"restored {len(done.keys)} assets of {release_id} ({len(found.there)} were there); "
            f"kept for {staged_for()} as staged release {done.id}; to make it current: {activate}"
        )
    if not found.deleted and not found.lost:
        return (
            f"nothing to restore: all {len(found.there)} assets of {release_id} are there; nothing written. "
            "To keep them, publish that build again"
        )
    lines = [f"would restore {key}" for key in sorted(found.deleted)]
    lines += [f"cannot restore {key}" for key in sorted(found.lost)]
    lines.append(
        f"dry run: {len(found.deleted)} to restore, {len(found.lost)} lost, {len(found.there)} there; nothing written"
    )
    return "\n".join(lines)
