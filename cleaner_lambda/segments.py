"""The index of retired assets: segments, each with a range of logical paths, and deltas that they have yet to take in.

The head of the ledger names their files (`release_log.ledger_index`). A run that folds in a release adds a delta, and
reads neither. A run that *sweeps* a segment reads it, takes in the deltas, decides about its assets, and puts a new
file in its place. Pure: here are the ranges, the numbers and the times.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import chain, groupby
from typing import TYPE_CHECKING

from cleaner_lambda.changes import merge
from release_log.ledger_index import Delta, Lines, Segment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from cleaner_lambda.changes import Change
    from cleaner_lambda.ledger import Retired

ENTRIES = 10_000
"""About how many retired assets a segment has: some 200 kB stored, 20 MB of memory and a quarter of a second."""

GROUP = 30_000
"""About how many retired assets a sweep of a large site has in memory at once: some 70 MB."""

CHARACTERS = 10_000_000
"""So long are the keys and paths of a larger segment at most: a reader takes files of a bounded size only."""

SMALL = 20_000
"""Up to so many retired assets every run sweeps all of them, and nothing is late."""

ROWS = 50_000
"""With so many rows in deltas all segments are swept, whatever the time: a sweep has the deltas in memory."""

DELTAS = 500
"""The same for the number of deltas: each takes a line of the head, and a request of a sweep."""

DAY = timedelta(days=1)
"""The longest time between two sweeps of a segment."""


class Index(Lines):
    """The segments and the deltas that a head names."""

    __slots__ = ()

    @property
    def names(self) -> frozenset[str]:
        """Every file."""
        named = {each.name for each in self.segments} | {each.name for each in self.deltas}
        return frozenset(name for name in named if name is not None)

    @property
    def rows(self) -> int:
        """How much the deltas say."""
        return sum(each.rows for each in self.deltas)

    @property
    def entries(self) -> int:
        """How many retired assets there are, but for what the deltas say."""
        return sum(each.entries for each in self.segments)

    @property
    def is_small(self) -> bool:
        """Whether every run sweeps all of it."""
        return self.entries + self.rows <= SMALL

    @property
    def is_full(self) -> bool:
        """Whether the deltas have grown so much that all segments have to take them in."""
        return self.rows >= ROWS or len(self.deltas) >= DELTAS

    def to_sweep(self, now: datetime) -> tuple[Segment, ...]:
        """The segments that a run has to sweep.

        When a day is over for one of them, those that are due within half a day are swept too: as a rule that is all.
        """
        if self.is_small:
            return self.segments
        if self.is_full:
            return tuple(each for each in self.segments if each.taken_in < self.last)
        if not any(_is_older(each, now - DAY) for each in self.segments):
            return ()
        return tuple(each for each in self.segments if _is_older(each, now - DAY / 2))

    def next_sweep(self, now: datetime) -> datetime | None:
        """When a segment is due by time alone that is not due now, if a run comes then; None if nothing is retired."""
        if not (self.entries or self.deltas):
            return None
        swept = (each.swept for each in self.segments if not _is_older(each, now - DAY))
        return min((at + DAY for at in swept if at is not None), default=now + DAY)

    def groups(self, segments: Iterable[Segment]) -> Iterator[tuple[Segment, ...]]:
        """Some segments in groups that are swept together: neighbours, and no more than fit into memory."""
        places = {each.first: place for place, each in enumerate(self.segments)}
        group: tuple[Segment, ...] = ()
        for each in segments:
            follows = bool(group) and places[group[-1].first] + 1 == places[each.first]
            if group and not (follows and sum(one.entries for one in (*group, each)) <= GROUP):
                yield group
                group = ()
            group += (each,)
        if group:
            yield group

    def pending(self, segments: Iterable[Segment]) -> tuple[Delta, ...]:
        """The deltas that one of some segments has yet to take in."""
        oldest = min(each.taken_in for each in segments)
        return tuple(each for each in self.deltas if each.number > oldest)

    def take_in(
        self, segment: Segment, retired: Mapping[str, Retired], changes: Mapping[int, Sequence[Change]]
    ) -> dict[str, Retired]:
        """A segment's assets after the deltas that it has yet to take in.

        Args:
            segment: The segment.
            retired: Key -> retired asset, as its file has it.
            changes: The number of each delta that is pending -> its changes.
        """
        numbers = sorted(number for number in changes if number > segment.taken_in)
        place = self.segments.index(segment) + 1
        end = self.segments[place].first if place < len(self.segments) else None
        return merge(
            retired,
            chain.from_iterable(changes[number] for number in numbers),
            lambda path: segment.first <= path and (end is None or path < end),
        )

    def with_delta(self, name: str, rows: int) -> Index:
        """The index with one more delta."""
        last = self.last + 1
        return self._replace(deltas=(*self.deltas, Delta(last, name, rows)), last=last)

    def to_be_swept(self, segments: Collection[Segment]) -> Index:
        """The index in which it is time for some segments, whenever they were swept."""
        some = set(segments)
        return self._replace(
            segments=tuple(each._replace(swept=None) if each in some else each for each in self.segments)
        )

    def swept(self, before: Sequence[Segment], after: Sequence[Segment]) -> Index | None:
        """The index in which new segments take the place of a group; None if it does not name that group any more.

        A delta that every segment has taken in leaves it.

        Args:
            before: The group as it was read. Another run may have written the head since.
            after: Those that have the same paths now.
        """
        start = next((place for place, each in enumerate(self.segments) if each == before[0]), len(self.segments))
        end = start + len(before)
        if self.segments[start:end] != tuple(before):
            return None
        segments = (*self.segments[:start], *after, *self.segments[end:])
        oldest = min(each.taken_in for each in segments)
        deltas = tuple(each for each in self.deltas if each.number > oldest)
        return self._replace(segments=segments, deltas=deltas)


def _is_older(segment: Segment, than: datetime) -> bool:
    return segment.swept is None or segment.swept <= than


def parts(retired: Mapping[str, Retired], first: str) -> Iterator[tuple[str, dict[str, Retired]]]:
    """Retired assets in parts for a segment each; all versions of a path are in one part.

    Args:
        retired: Key -> retired asset.
        first: The first logical path that belongs to them.

    Yields:
        The first logical path that belongs to the part, and the part.
    """
    count = max(1, round(len(retired) / ENTRIES))
    rows = sorted(retired.items(), key=lambda each: each[1].logical)
    part: dict[str, Retired] = {}
    for path, versions in groupby(rows, key=lambda each: each[1].logical):
        if len(part) >= len(retired) / count:
            yield first, part
            first, part = path, {}
        part.update(versions)
    yield first, part


def parts_in_order(rows: Iterable[tuple[str, Retired]], first: str) -> Iterator[tuple[str, dict[str, Retired]]]:
    """The same of very many retired assets, which come in the order of their paths: each part is a group."""
    part: dict[str, Retired] = {}
    length = 0
    for path, versions in groupby(rows, key=lambda each: each[1].logical):
        if len(part) >= GROUP or length >= CHARACTERS:
            yield first, part
            first, part, length = path, {}, 0
        for key, entry in versions:
            part.setdefault(key, entry)
            length += len(key) + len(path)
    yield first, part
