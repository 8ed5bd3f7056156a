"""``end``: a channel, or a whole site, is over."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from release_log.release_id import make_id
from uploader.cli.console import answer
from uploader.cli.upload_answer import drop_copies_of_pages, placed_of
from uploader.library import ending
from uploader.library.cdn import cdn_of

if TYPE_CHECKING:
    from uploader.cli.output import OutputOptions
    from uploader.library.site import Site
    from uploader.operations.ending import Ended

log = logging.getLogger("uploader")


def end(  # noqa: PLR0913 (each is one option of the command line)
    site: Site,
    output: OutputOptions,
    *,
    ended_channel: str | None,
    whole_site: bool,
    dry_run: bool,
    invalidate: str | None,
    invalidate_root: str,
) -> None:
    """End a channel, or all of them."""
    cdn = cdn_of(site, invalidate, invalidate_root)
    if (ended_channel is None) is not whole_site:
        msg = "name either a channel, with --channel, or --site for all of them"
        raise click.UsageError(msg, click.get_current_context())
    done = ending.end(site, channel=ended_channel, whole_site=whole_site, dry_run=dry_run)
    asked = done.asked
    document: dict[str, Any] = {
        "dry_run": dry_run,
        "bucket": site.bucket,
        "prefix": site.prefix,
        "ended": [
            {"channel": each, "marker": site.layout.marker_key(done.markers[each]) if each in done.markers else None}
            for each in asked.channels
        ],
        "already": list(asked.already),
        "dropped": list(asked.staged),
        "pending": list(asked.pending),
        "pinned": list(asked.pinned),
        "placed": placed_of(done.placed),
    }
    for release_id in asked.pending:
        log.warning("an upload is under way, or was broken off: %s; when it ends, its channel is back", release_id)
    for release_id in asked.pinned:
        log.warning("%s is pinned: its assets stay until it is unpinned", release_id)
    try:
        drop_copies_of_pages(document, site, cdn, _done(done), done.placed, make_id(datetime.now(UTC), "end"))
    finally:  # they have ended, whatever became of the invalidation
        answer(output, document, _lines(done, site, dry_run=dry_run), done=_done(done))


def _lines(done: Ended, site: Site, *, dry_run: bool) -> list[str]:
    asked = done.asked
    lines = [f"channel {each} has ended already at {site.url}; nothing written" for each in asked.already]
    if not asked.channels:
        return lines
    names = ", ".join(asked.channels)
    staged = f"; staged releases that are dropped: {', '.join(asked.staged)}" if asked.staged else ""
    if dry_run:
        return [*lines, f"dry run: would end channel {names} at {site.url}{staged}; nothing written"]
    what = "the cleaner deletes each asset that no other channel needs after removed_ttl (2 days by default)"
    return [*lines, f"ended channel {names} at {site.url}; {what}{staged}"]


def _done(done: Ended) -> str:
    ended = [*done.asked.already, *done.markers]
    return f"ended: {', '.join(ended)}" if ended else "nothing was written"
