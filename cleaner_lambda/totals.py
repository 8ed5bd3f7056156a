"""What the parts of a run did that are over: the sums, and as much of the lists as an answer has room for. Pure.

A sweep of a large site goes through it in groups. What was done in each of them is logged when it is over, and only
this is kept of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cleaner_lambda.plan import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cleaner_lambda.cursor import MapRun
    from cleaner_lambda.plan import Stop

KEPT = 10_000
"""How many entries of a list are kept: about what an answer of 5 MB holds of two lists."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of some parts.

    Attributes:
        counts: As in the answer.
        bytes_deleted: The size of the deleted assets.
        pruned: How many files of the release log were deleted.
        untagged_orphans: How many orphans get no tag, as the site has so many.
        lists: The answer's lists, each up to `KEPT`.
        truncated: Whether one of them is longer.
        set_aside: Key -> why it was left alone.
        stops: Why nothing was deleted.
        comes_back: Whether a request failed by an error that passes, so that the cleaner comes back for it.
        not_looked_at: As in the answer.
        missing: As in `cleaner_lambda.report.Report`, if one of them has listed the site.
        orphans: The same.
        map_run: The same.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    bytes_deleted: int = 0
    pruned: int = 0
    untagged_orphans: int = 0
    lists: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    truncated: bool = False
    set_aside: Mapping[str, Reason] = field(default_factory=dict)
    stops: tuple[Stop, ...] = ()
    comes_back: bool = False
    not_looked_at: int = 0
    missing: tuple[str, ...] | None = None
    orphans: int | None = None
    map_run: MapRun | None = None

    def of(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """A list of the answer."""
        return self.lists.get(name, ())

    def count(self, name: str) -> int:
        """A count of the answer."""
        return self.counts.get(name, 0)


NOTHING = Totals()


def joined(one: Totals, other: Totals) -> Totals:
    """Both together."""
    names = one.counts.keys() | other.counts.keys()
    lists = {name: (*one.of(name), *other.of(name)) for name in one.lists.keys() | other.lists.keys()}
    return Totals(
        counts={name: one.count(name) + other.count(name) for name in names},
        bytes_deleted=one.bytes_deleted + other.bytes_deleted,
        pruned=one.pruned + other.pruned,
        untagged_orphans=one.untagged_orphans + other.untagged_orphans,
        lists={name: entries if name == "set_aside" else entries[:KEPT] for name, entries in lists.items()},
        truncated=one.truncated
        or other.truncated
        or any(name != "set_aside" and len(entries) > KEPT for name, entries in lists.items()),
        set_aside={**one.set_aside, **other.set_aside},
        stops=_each_once((*one.stops, *other.stops)),
        comes_back=one.comes_back or other.comes_back,
        not_looked_at=one.not_looked_at + other.not_looked_at,
        missing=one.missing if other.missing is None else other.missing,
        orphans=one.orphans if other.orphans is None else other.orphans,
        map_run=other.map_run or one.map_run,
    )


def _each_once(stops: tuple[Stop, ...]) -> tuple[Stop, ...]:
    """Some stops, each once; of the brake, whose sums may change a little from group to group, the first one.

    So of a rebuild, which goes on from group to group.
    """
    kept: list[Stop] = []
    for stop in stops:
        again = stop.reason in {Reason.BRAKE, Reason.REBUILT} and any(each.reason is stop.reason for each in kept)
        if not again and stop not in kept:
            kept.append(stop)
    return tuple(kept)
