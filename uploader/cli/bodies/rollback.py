"""``rollback``: an old release is current again, without a build."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import click

from uploader.cli.console import answer, answer_gone
from uploader.cli.upload_answer import drop_copies_of_pages, placed_of
from uploader.counted import all_of, counted
from uploader.errors import NotWholeError
from uploader.history.completeness import some_of
from uploader.library import keeping
from uploader.library.cdn import cdn_of

if TYPE_CHECKING:
    from uploader.cli.notice import Notice
    from uploader.cli.output import OutputOptions
    from uploader.library.site import Site
    from uploader.operations.rollback import Target

log = logging.getLogger("uploader")


def rollback(  # noqa: PLR0913 (each is one option of the command line)
    site: Site,
    output: OutputOptions,
    notice: Notice,
    *,
    wanted: str | None,
    channel: str | None,
    previous: bool,
    dry_run: bool,
    invalidate: str | None,
    invalidate_root: str,
) -> None:
    """Make an old release current again."""
    cdn = cdn_of(site, invalidate, invalidate_root)
    if (wanted is None) is not previous:
        msg = "name either RELEASE, its id or its name, or --previous"
        raise click.UsageError(msg, click.get_current_context())
    target = keeping.rollback_target(wanted, site, channel=channel, previous=previous)
    current = target.current.id if target.current is not None else None
    document: dict[str, Any] = {
        "dry_run": dry_run,
        "bucket": site.bucket,
        "prefix": site.prefix,
        "channel": target.channel,
        "from": current,
        "rollback_of": target.old.id,
        "release": None,
        "marker": None,
        "already": target.already,
        "replaced": sorted(target.replaced),
        "placed": [],
        "gone": [],
        "counts": {"assets": len(target.old.release.assets)},
    }
    notice.document = document
    try:
        done = keeping.roll_back_to(target, site, dry_run=dry_run)
        release_id = done.release_id
    except NotWholeError as error:
        answer_gone(output, document | _names(current if target.already else None, site), error)
        raise
    document |= _names(release_id, site) | {"placed": placed_of(done.placed)}
    if target.replaced:
        log.warning(
            "a later upload replaced %s, and a rollback leaves that as it is: %s; publish the old build again to "
            "restore it",
            counted(len(target.replaced), "file without a fingerprint", "files without a fingerprint"),
            some_of(target.replaced),
        )
    so_far = f"release {target.old.id} is {'current' if release_id else 'not current'}"
    try:
        drop_copies_of_pages(document, site, cdn, so_far, done.placed)
    finally:  # it is current, whatever became of the invalidation
        answer(output, document, _summary(target, document, site), done=so_far)


def _names(release_id: str | None, site: Site) -> dict[str, str | None]:
    """What a current release is called, and its marker."""
    return {"release": release_id, "marker": release_id and site.layout.marker_key(release_id)}


def _summary(target: Target, document: dict[str, Any], site: Site) -> str:
    old, where = target.old.id, site.url
    if target.already:
        as_what = "" if document["from"] == old else f" as {document['from']}"
        return f"{old} is current already in channel {target.channel}{as_what} at {where}; nothing written"
    assets = f"{all_of(document['counts']['assets'], f'asset of {old} is', f'assets of {old} are')} there"
    if document["dry_run"]:
        return f"dry run: {assets}, it can be current again in channel {target.channel}; nothing written"
    origin = f" from {document['from']}" if document["from"] else ""
    as_what = f"its new id is {document['release']}"
    return f"rolled back channel {target.channel}{origin} to {old} at {where}: {assets}; {as_what}"
