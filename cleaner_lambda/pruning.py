"""Which markers the release log no longer needs, and what a rebuild needs instead of them. Pure.

A run moves the ledger's cut forward, to a marker that is an hour old. A replay does not read the markers up to it
(`cleaner_lambda.replay`). What they say of assets that still exist is in the checkpoint, a part of the ledger in a file
of its own. So a rebuild reads few markers, however many there are; and those beyond the newest 100 of a channel go.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from cleaner_lambda.cut import lines_at
from cleaner_lambda.ledger import Ledger
from release_log.ledger_file import HOLDS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from cleaner_lambda.ledger import Folded, Retired
    from release_log.layout import Layout

KEEP_MARKERS = 100
"""The number of newest markers of each channel that stay, for people and for roll-backs."""

EVERY = 20
"""How many markers there are after the cut before it moves, so that not every release writes a checkpoint."""

KEEP_ALL = 1000
"""The number of newest markers of all channels that stay: a site may have thousands of channels."""

AT_ONCE = 10_000
"""How many markers a run deletes at most: the ledger announces each of them, and an upload reads that."""

SETTLED = timedelta(hours=1)
"""The age from which a marker can be the cut. One that turns up later, and is older than the cut, is folded in late."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A cut that a run is about to make.

    Attributes:
        at: The order of the newest marker up to it.
        markers: Ids of the markers up to it that are deleted.
        has_more: Whether even more of them can go, with the next run.
    """

    at: tuple[datetime, str]
    markers: frozenset[str] = frozenset()
    has_more: bool = False


def next_cut(
    ledger: Ledger, there: Mapping[str, Folded], keep: Collection[str], now: datetime, *, again: bool = False
) -> Cut | None:
    """The next cut; None if it is not time yet.

    It is time again for the last one if so many markers up to it can go: not all of them went at once.

    Args:
        ledger: The ledger that is stored. What runs folded in before is part of its state, so a replay may rely on it.
        there: Id -> every marker in the bucket.
        keep: Ids that stay in any case: current and pinned releases, and the releases that ``keep_releases`` keeps.
        now: The instant for which the run decides.
        again: Whether runs before may have made the last cut without deleting a marker: then it is time also if one up
            to it can go.
    """
    next_one = settled_cut(ledger, there, now)
    at = next_one or ledger.cut
    if at is None:
        return None
    old = sorted(old_markers(there, at, keep), key=lambda i: (there[i].at, i))
    # The oldest first: the end of a channel goes after the releases before it.
    is_time = next_one is not None or len(old) >= (1 if again else EVERY)
    return Cut(at, frozenset(old[:AT_ONCE]), len(old) > AT_ONCE) if is_time else None


def settled_cut(
    ledger: Ledger, there: Mapping[str, Folded], now: datetime, *, at_once: bool = False
) -> tuple[datetime, str] | None:
    """The order of the marker at which the next cut is; None if it is not time yet. See `next_cut`.

    Args:
        ledger: As there.
        there: As there.
        now: As there.
        at_once: Whether it need not be an hour old.
    """
    old = (i for i, each in ledger.folded.items() if i in there and (at_once or each.at <= now - SETTLED))
    settled = [(ledger.folded[i].at, i) for i in old]
    # A marker that this run folds in itself, and that turned up late: if the run dies, it must be after the cut.
    late = min(((each.at, i) for i, each in there.items() if i not in ledger.folded), default=None)
    settled = [order for order in settled if late is None or order < late]
    is_time = sum(ledger.cut is None or order > ledger.cut for order in settled) >= EVERY
    return max(settled) if is_time else None


def old_markers(there: Mapping[str, Folded], cut: tuple[datetime, str], keep: Collection[str]) -> set[str]:
    """Ids of the markers up to a cut that may be deleted.

    The end of a channel stays as long as a release before it does: ``keep_releases`` counts up to the end.
    """
    channels: dict[str, list[tuple[datetime, str]]] = {}
    for release_id, each in there.items():
        channels.setdefault(each.channel, []).append((each.at, release_id))
    newest = {order for orders in channels.values() for order in sorted(orders)[-KEEP_MARKERS:]}
    newest_ids = {i for _, i in sorted(newest)[-KEEP_ALL:]}
    old = {i for i, each in there.items() if (each.at, i) <= cut}
    old -= newest_ids | lines_at(there, cut) | set(keep)
    staying = {
        channel: min((each for each in orders if each[1] not in old), default=cut)
        for channel, orders in channels.items()
    }
    return {i for i in old if not there[i].ended or (there[i].at, i) < staying[there[i].channel]}


def with_placed(layout: Layout, markers: frozenset[str], placed: Collection[str]) -> frozenset[str]:
    """Keys of some markers, and of the files that say of their releases that they are in place."""
    return markers.union(layout.placed_key(i) for i in placed if layout.marker_key(i) in markers)


def dangling(layout: Layout, markers: Collection[str], placed: Mapping[str, datetime], now: datetime) -> set[str]:
    """Keys of the files that say of a release that it is in place, though its marker is gone.

    A young one's marker may only be missing on the other page of the listing.
    """
    return {
        layout.placed_key(release_id)
        for release_id, at in placed.items()
        if release_id not in markers and at + HOLDS <= now
    }


def checkpoint(ledger: Ledger, retired: Mapping[str, Retired], cut: tuple[datetime, str]) -> Ledger:
    """The part of a ledger that dates the assets which no marker after a cut dates.

    Args:
        ledger: What the ledger says of the markers, before any of them is deleted.
        retired: Key -> every retired asset.
        cut: The cut.
    """
    then = lines_at(ledger.seen, cut)
    dated = then | {i for i, each in ledger.folded.items() if (each.at, i) > cut}
    return Ledger(
        current=ledger.current,
        behind=ledger.behind,
        folded=ledger.folded,
        gone=ledger.gone,
        cut=cut,
        sure_since=ledger.sure_since,
        retired={
            key: replace(entry, tagged=None, due=None, kept_by=None)
            for key, entry in retired.items()
            if entry.release not in dated
        },
        lingering=ledger.lingering,
        tags_read_to="",
    )
