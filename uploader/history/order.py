"""The order of releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_log.marker_order import Dated, contradiction
from release_log.release_id import PLACED
from uploader.history.release import Unreadable, id_of, read_releases

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from release_log.layout import Layout
    from release_log.ledger_view import LedgerView
    from release_log.marker_order import Contradiction
    from uploader.history.release import LoggedRelease
    from uploader.s3.port import ReaderPort


def dated(layout: Layout, log: Mapping[str, datetime], instants: Mapping[str, datetime]) -> dict[str, datetime]:
    """The files of the release log, each marker with its instant: its ``LastModified`` when the cleaner first saw it.

    Whoever copies or restores a marker sets its ``LastModified`` anew.

    Args:
        layout: The site.
        log: Key -> S3's ``LastModified``.
        instants: Id -> instant of each marker that the cleaner has seen.
    """
    result = dict(log)
    for release_id, at in instants.items():
        key = layout.marker_key(release_id)
        if key in result:
            result[key] = at
    return result


def newest_first(log: Mapping[str, datetime], *folders: str) -> list[str]:
    """Keys of the releases in some folders of the release log, the newest first: by S3's clock, then by their ids."""
    keys = (key for key in log if key.startswith(folders) and not key.endswith(("/", PLACED)))
    return sorted(keys, key=lambda key: (log[key], key), reverse=True)


def doubts_of(ledger: LedgerView | None, unseen: Collection[LoggedRelease]) -> dict[str, Contradiction]:
    """Channel -> why it is unknown which of its releases is current. As in `cleaner_lambda.order`.

    Args:
        ledger: The ledger; None if it does not exist or cannot be read.
        unseen: The releases whose markers the cleaner has not seen.
    """
    markers: dict[str, list[Dated]] = {}
    for each in unseen:
        markers.setdefault(each.release.channel, []).append(Dated(each.at, each.id, each.release.created_at))
    doubts = {channel: doubt for channel, doubt in (ledger.doubts if ledger else {}).items() if channel not in markers}
    return doubts | {channel: doubt for channel, found in markers.items() if (doubt := contradiction(found))}


def find_doubt(
    bucket: ReaderPort, layout: Layout, log: Mapping[str, datetime], ledger: LedgerView | None, channel: str
) -> Contradiction | None:
    """Why it is unknown which release of a channel is current; None if it is known. Reads few markers, as a rule none.

    Args:
        bucket: The site's bucket.
        layout: The site.
        log: The files of the release log, with the markers' instants.
        ledger: The ledger; None if it does not exist or cannot be read.
        channel: The channel.
    """
    seen = ledger.instants if ledger else {}
    unseen = [key for key in newest_first(log, layout.markers) if id_of(layout, key) not in seen]
    doubted = ledger is not None and channel in ledger.doubts
    if not doubted and contradiction(Dated(log[key], id_of(layout, key)) for key in unseen) is None:
        return None
    found = [each for each in read_releases(bucket, layout, unseen) if not isinstance(each, Unreadable)]
    return doubts_of(ledger, found).get(channel)
