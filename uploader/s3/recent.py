"""Where to look for the newest marker before anything is known of a release log: in one round of requests."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from release_log.layout import make_id

if TYPE_CHECKING:
    from datetime import datetime

    from release_log.layout import Layout

RECENT = timedelta(days=2)
"""A site with more than a thousand files beside its markers had a release within this time, as a rule."""


def starts(layout: Layout, now: datetime) -> tuple[str | None, str]:
    """Behind which keys a page of the markers is listed: the first page of all, and one of those that are recent.

    Args:
        layout: The site.
        now: The present by this machine's clock, with which the names of markers begin.
    """
    return None, f"{layout.markers}{make_id(now - RECENT, '0')}"
