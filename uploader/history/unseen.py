"""Whether the cleaner sees what is published. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from release_log.instants import format_instant
from uploader.history.order import newest_first
from uploader.history.release import id_of

if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from datetime import datetime

    from release_log.layout import Layout

SOON = timedelta(minutes=10)
"""A marker wakes the cleaner within seconds, at times minutes. One that is older than this has woken nobody."""

WAKE_IT = "run `python -m uploader clean`, as S3 may not announce a marker of the first minutes after a deploy"


def warning_of(layout: Layout, log: Mapping[str, datetime], seen: Container[str], now: datetime) -> str | None:
    """One line if no run of the cleaner has seen the newest marker, although one should have by now.

    Args:
        layout: The site.
        log: The files of the release log, with the markers' instants.
        seen: The ids of the markers that a run has seen.
        now: The present by S3's clock, or an instant before it.
    """
    newest = next(iter(newest_first(log, layout.markers)), None)
    if newest is None or now - log[newest] <= SOON or id_of(layout, newest) in seen:
        return None
    return (
        f"the cleaner has not seen {newest} of {format_instant(log[newest])}, so nothing is retired: {WAKE_IT}; "
        "`python -m uploader doctor` says more"
    )
