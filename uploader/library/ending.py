"""End a channel, or a whole site: the cleaner deletes its assets when they are due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uploader.errors import UsageError
from uploader.operations import ending as operation
from uploader.operations.ending import Ended

if TYPE_CHECKING:
    from uploader.library.site import Site


def end(site: Site, *, channel: str | None = None, whole_site: bool = False, dry_run: bool = False) -> Ended:
    """End a channel: none of its releases is current any more, and its staged releases are dropped.

    Its assets that no other channel needs are removed ones from now on. A new release brings the channel back. Ending
    it twice is fine.

    Args:
        site: The site.
        channel: The channel.
        whole_site: Every channel, instead. When the assets are gone, the release log goes too.
        dry_run: Find out what would be ended; write nothing.

    Raises:
        UsageError: Both a channel and the whole site are asked for, or neither.
        UploaderError: There is no such channel, or S3 refused.
    """
    if (channel is None) is not whole_site:
        msg = "name either a channel, with --channel, or --site for all of them"
        raise UsageError(msg)
    asked = operation.find_end(site.open(), site.layout, channel)
    return Ended(asked) if dry_run else operation.end(site.open(), site.layout, asked)
