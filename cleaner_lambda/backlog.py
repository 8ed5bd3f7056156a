"""The releases that no run has taken in yet, if they are more than a run reads at once. Pure.

They are taken in in parts (`cleaner_lambda.catch_up`), the oldest first. Whether their order can be right, only all of
them together show (`cleaner_lambda.order`): the ledger keeps what the next part must be compared with.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import nsmallest
from typing import TYPE_CHECKING, Any

from release_log import ledger_fields as fields
from release_log.instants import format_instant
from release_log.marker_order import Dated

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from cleaner_lambda.history import Published

MARKERS = 1000
"""How many markers a part has at most: some ten seconds."""

BYTES = 6 * 2**20
"""How much they have together, unless one alone has more.

If each of these releases changed all its files, they name some 60,000 assets: with all that a run has to do about each
of them, less than 200 MB of memory.
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What the ledger says while such releases are taken in.

    Attributes:
        latest: Channel -> of those that were taken in, the one that is the newest by the build machines' clocks.
        doubted: The channels in whose releases among them a contradiction was found.
    """

    latest: Mapping[str, Dated] = field(default_factory=dict)
    doubted: frozenset[str] = frozenset()

    def after(self, unseen: Iterable[Published], doubted: Collection[str]) -> Backlog:
        """The same after one more part.

        Args:
            unseen: The releases of the part that no run has seen before.
            doubted: The channels in whose releases this part has found a contradiction.
        """
        latest = dict(self.latest)
        for each in sorted(unseen, key=lambda published: published.order):
            dated = Dated(each.at, each.id, each.release.created_at)
            known = latest.get(each.release.channel)
            if dated.sign is not None and (known is None or known.sign is None or dated.sign > known.sign):
                latest[each.release.channel] = dated
        return Backlog(latest, self.doubted.union(doubted))


def first_part(
    unknown: Collection[str], instants: Mapping[str, datetime], sizes: Mapping[str, int]
) -> frozenset[str] | None:
    """Ids of the markers that are taken in first: the oldest ones. None if one part has all of them.

    Args:
        unknown: Ids of the markers that the ledger does not know.
        instants: Id -> the instant of each.
        sizes: Id -> its bytes, as the listing showed them.
    """
    if len(unknown) <= MARKERS and sum(sizes.get(i, 0) for i in unknown) <= BYTES:
        return None
    part: list[str] = []
    size = 0
    for release_id in nsmallest(MARKERS, unknown, key=lambda i: (instants[i], i)):
        size += sizes.get(release_id, 0)
        if part and size > BYTES:
            break
        part.append(release_id)
    return frozenset(part) if len(part) < len(unknown) else None


def encode(backlog: Backlog) -> dict[str, Any]:
    """As a file of the release log has it."""
    return {
        "latest": {
            channel: [format_instant(each.at), each.id, each.created_at and format_instant(each.created_at)]
            for channel, each in backlog.latest.items()
        },
        "doubted": sorted(backlog.doubted),
    }


def decode(entry: Mapping[str, Any] | None) -> Backlog | None:
    """Read what `encode` wrote. Anything else raises one of Python's own errors."""
    if entry is None:
        return None
    latest = {}
    for channel, (at, release_id, created_at) in entry["latest"].items():
        latest[channel] = Dated(fields.instant(at), fields.text(release_id), fields.optional_instant(created_at))
    return Backlog(latest, fields.texts(entry["doubted"]))
