"""The ends of channels for which there is no marker: the cleaner ended the site, or the marker is gone. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_log.marker import Release
from uploader.history.release import LoggedRelease

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from release_log.layout import Layout
    from release_log.ledger_view import LedgerView


def ends_without_marker(
    layout: Layout, log: Mapping[str, datetime], ledger: LedgerView | None
) -> dict[str, LoggedRelease]:
    """Channel -> its end, as only the ledger tells of it.

    Args:
        layout: The site.
        log: The files of the release log.
        ledger: The ledger; None if it does not exist or cannot be read.
    """
    return {
        channel: LoggedRelease(
            release_id,
            layout.marker_key(release_id),
            end.at,
            Release("", channel, end.at, layout.prefix, {}, {}, ended=True),
        )
        for channel, (release_id, end) in (ledger.ends if ledger else {}).items()
        if layout.marker_key(release_id) not in log
    }
