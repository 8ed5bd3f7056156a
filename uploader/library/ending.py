"""End a channel, or a whole site: the cleaner deletes its assets when they are due."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from release_log.release_id import make_id
from uploader.errors import UsageError
from uploader.library.cdn import cdn_of, drop_copies
from uploader.operations import ending as operation
from uploader.operations.ending import Ended

if TYPE_CHECKING:
    from uploader.library.site import Site


def end(
    site: Site,
    *,
    channel: str | None = None,
    whole_site: bool = False,
    dry_run: bool = False,
    invalidate: str | None = None,
    invalidate_root: str = "",
) -> Ended:
    """End a channel: none of its releases is current any more, and its staged releases are dropped.

    Its assets that no other channel needs are removed ones from now on. A new release brings the channel back. Ending
    it twice is fine.

    Args:
        site: The site.
        channel: The channel.
        whole_site: Every channel, instead. When the assets are gone, the release log goes too.
        dry_run: Find out what would be ended; write nothing.
        invalidate: As in `publish`; the CDN drops its copies of the pages of other channels that were put in place.
        invalidate_root: As in `publish`.

    Raises:
        UsageError: Both a channel and the whole site are asked for, or neither.
        UploaderError: There is no such channel, or S3 refused. Or CloudFront refused: then it has ended.
    """
    cdn = cdn_of(site, invalidate, invalidate_root)
    if (channel is None) is not whole_site:
        msg = "name either a channel, with --channel, or --site for all of them"
        raise UsageError(msg)
    asked = operation.find_end(site.open(), site.layout, channel)
    if dry_run:
        return Ended(asked)
    done = operation.end(site.open(), site.layout, asked)
    drop_copies(make_id(datetime.now(UTC), "end"), site, cdn, placed=done.placed)
    return done
