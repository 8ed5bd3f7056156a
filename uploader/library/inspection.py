"""Look at a site: its releases, its state, a report, whether its current releases are whole. Nothing is changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from uploader.operations import releases as release_list
from uploader.operations import status as site_status
from uploader.operations import verify as verification
from uploader.operations.report.read import read_report

if TYPE_CHECKING:
    from uploader.library.site import Site
    from uploader.operations.releases import Listed
    from uploader.operations.report.read import SiteReport
    from uploader.operations.status import Status
    from uploader.operations.verify import Verified


def releases(site: Site, *, channel: str | None = None, limit: int = 20) -> list[Listed]:
    """List the newest releases, staged ones among them, newest first.

    Args:
        site: The site.
        channel: Only this one. A release that cannot be read may be of any channel.
        limit: How many at most.

    Raises:
        UploaderError: S3 refused.
    """
    return release_list.releases(site.open(), site.layout, channel=channel, limit=limit)


def status(site: Site, *, now: datetime | None = None) -> Status:
    """Find out what is current, what is retired and when it goes, and what the cleaner did last.

    Args:
        site: The site.
        now: The time by this machine's clock; None: ask the clock. Nothing is decided by it.

    Raises:
        UploaderError: S3 refused.
    """
    return site_status.read_status(site.open(), site.layout, now or datetime.now(UTC))


def report(site: Site, *, newest: int = 1000, now: datetime | None = None) -> SiteReport:
    """Find out what a report of a site shows: `status`, all releases, what goes when, and what takes how much space.

    Args:
        site: The site.
        newest: How many of the newest releases are read, at most. Of older ones only the instant is known.
        now: As for `status`.

    Raises:
        UploaderError: S3 refused.
    """
    return read_report(site.open(), site.layout, now or datetime.now(UTC), newest=newest)


def verify(site: Site, *, channel: str | None = None, release_id: str | None = None) -> Verified:
    """Check that every asset of the current releases is there, with the right size, content and headers.

    Args:
        site: The site.
        channel: Only this one's current release.
        release_id: This release instead, whether current, staged or earlier.

    Raises:
        UploaderError: There is no such release, or S3 refused.
    """
    return verification.verify(site.open(), site.layout, channel=channel, release_id=release_id)
