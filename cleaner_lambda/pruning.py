"""Which markers the release log no longer needs. Pure.

Enough markers stay for a rebuild to date every remaining asset as before. The oldest needed marker is the first that
was the last to name such an asset. It stays with all newer ones, and so does the marker before it in each channel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_log.ledger_file import HOLDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from cleaner_lambda.ledger import Folded, Retired
    from cleaner_lambda.look import Look
    from release_log.layout import Layout

KEEP_MARKERS = 100
"""The number of newest markers of each channel that stay, for people and for roll-backs."""


def dangling(layout: Layout, look: Look, now: datetime) -> set[str]:
    """Keys of the files that say of a release that it is in place, though its marker is gone.

    A young one's marker may only be missing on the other page of the listing.
    """
    return {
        layout.placed_key(release_id)
        for release_id, at in look.placed.items()
        if release_id not in look.markers and at + HOLDS <= now
    }


def old_markers(folded: Mapping[str, Folded], retired: Iterable[Retired], keep: Collection[str]) -> list[str]:
    """Ids of the markers that may be deleted.

    Args:
        folded: Id -> every marker in the bucket.
        retired: Every retired asset in the bucket.
        keep: Ids that stay in any case: current and pinned releases, and the releases that ``keep_releases`` keeps.
    """
    channels: dict[str, list[tuple[datetime, str]]] = {}
    for release_id, each in folded.items():
        channels.setdefault(each.channel, []).append((each.at, release_id))
    if all(len(orders) <= KEEP_MARKERS for orders in channels.values()):
        return []
    needed = {entry.release for entry in retired} & folded.keys()
    oldest = min(((folded[i].at, i) for i in needed), default=None)
    stay = set(keep)
    for orders in channels.values():
        orders.sort()
        stay |= {i for _, i in orders[-KEEP_MARKERS:]}
        if oldest is not None:
            stay |= {i for at, i in orders if (at, i) >= oldest}
            stay |= {i for _, i in [each for each in orders if each < oldest][-1:]}
    return sorted(folded.keys() - stay)
