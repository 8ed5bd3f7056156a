"""The index of retired assets: whenever a segment is swept, it has what the whole history would have."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from cleaner_lambda import changes_file, segments
from cleaner_lambda.history import History, fold
from cleaner_lambda.ledger import Retired
from cleaner_lambda.segment import columns_of, retired_of
from cleaner_lambda.segments import DAY, DELTAS, ROWS, SMALL, Index, parts
from release_log import segment_file
from release_log.ledger_index import Delta, Segment
from release_log.tags import Mark, State
from tests.unit.cleaner_lambda.test_changes import builds, published

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OLD, FRESH = NOW - DAY, NOW - DAY / 3


def asset(path: str) -> Retired:
    """A retired asset."""
    return Retired(path, Mark(State.SUPERSEDED, NOW), 1, "r1")


class IndexMachine(RuleBasedStateMachine):
    """Releases come, segments are swept, and two runs get into each other's way.

    Attributes:
        whole: The history with every entry in memory.
        index: The index, as the head names it.
        files: Name -> body.
    """

    def __init__(self) -> None:
        super().__init__()
        self.whole = History()
        self.index = Index((Segment(), Segment("b.js"), Segment("m.css")))
        self.files: dict[str, bytes] = {}
        self.seconds, self.names = count(), map(str, count())
        self.stale: tuple[Index, tuple[Segment, ...]] | None = None

    @rule(channel=st.sampled_from("xxy"), assets=builds | st.none())
    def a_release_comes(self, channel: str, assets: dict[str, str] | None) -> None:
        """The run that folds it in reads no segment."""
        new = published(next(self.seconds), channel, assets)
        known = replace(self.whole, retired={}, owed=frozenset(), changes=())
        changes = fold(known, [new]).changes
        self.whole = fold(self.whole, [new])
        rows = sum(each.rows for each in changes)
        if rows:
            self.index = self.index.with_delta(self.write(changes_file.encode(changes)), rows)

    @rule(data=st.data())
    def some_are_swept(self, data: st.DataObject) -> None:
        """And some of their assets are deleted."""
        some = data.draw(st.lists(st.sampled_from(self.index.segments), unique=True))
        for group in self.index.groups(sorted(some, key=lambda each: each.first)):
            found = self.read(group)
            first, end = self.range_of(group)
            assert found == {
                key: entry
                for key, entry in self.whole.retired.items()
                if first <= entry.logical and (end is None or entry.logical < end)
            }
            gone = data.draw(st.sets(st.sampled_from(sorted(found)))) if found else set()
            left = {key: entry for key, entry in found.items() if key not in gone}
            swept = self.index.swept(group, self.segments_of(left, first))
            assert swept is not None
            self.index = swept
            self.whole = replace(
                self.whole, retired={key: entry for key, entry in self.whole.retired.items() if key not in gone}
            )

    @rule()
    def a_run_reads_the_index(self) -> None:
        """It will be late."""
        self.stale = self.index, self.index.segments[:2]

    @rule()
    def the_late_run_writes(self) -> None:
        """It has swept two segments as it read them. What came meanwhile stays to be taken in."""
        if self.stale is None:
            return
        then, group = self.stale
        self.stale = None
        changes = {each.number: changes_file.decode(self.files[each.name]) for each in then.pending(group)}
        found: dict[str, Retired] = {}
        for each in group:
            found |= then.take_in(each, self.entries(each), changes)
        swept = self.index.swept(group, self.segments_of(found, group[0].first, then.last))
        if swept is None:
            assert self.index.segments[: len(group)] != group
        else:
            self.index = swept

    @invariant()
    def the_head_names_what_is_needed(self) -> None:
        """Every path belongs to one segment, and no delta is gone that one of them needs."""
        firsts = [each.first for each in self.index.segments]
        assert firsts[0] == ""
        assert firsts == sorted(set(firsts))
        assert self.index.names <= self.files.keys()
        numbers = {each.number for each in self.index.deltas}
        oldest = min(each.taken_in for each in self.index.segments)
        assert numbers == set(range(oldest + 1, self.index.last + 1))

    def write(self, body: bytes) -> str:
        """A new file's name."""
        name = next(self.names)
        self.files[name] = body
        return name

    def entries(self, segment: Segment) -> dict[str, Retired]:
        """What a segment's file has."""
        return {} if segment.name is None else retired_of(segment_file.decode(self.files[segment.name]))

    def read(self, group: tuple[Segment, ...]) -> dict[str, Retired]:
        """A group's assets, after all deltas."""
        changes = {each.number: changes_file.decode(self.files[each.name]) for each in self.index.pending(group)}
        found: dict[str, Retired] = {}
        for each in group:
            found |= self.index.take_in(each, self.entries(each), changes)
        return found

    def range_of(self, group: tuple[Segment, ...]) -> tuple[str, str | None]:
        """The first path of a group, and the first behind it."""
        place = self.index.segments.index(group[-1]) + 1
        return group[0].first, self.index.segments[place].first if place < len(self.index.segments) else None

    def segments_of(self, retired: dict[str, Retired], first: str, taken_in: int | None = None) -> list[Segment]:
        """New segments."""
        last = self.index.last if taken_in is None else taken_in
        return [
            Segment(start, self.write(segment_file.encode(columns_of(part))) if part else None, len(part), last)
            for start, part in parts(retired, first)
        ]


def test_whenever_a_segment_is_swept_it_has_what_the_whole_history_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever segments are swept, whenever, and whoever is late."""
    monkeypatch.setattr(segments, "ENTRIES", 4)
    run_state_machine_as_test(IndexMachine, settings=settings(max_examples=40, stateful_step_count=25))


def test_a_small_index_is_swept_by_every_run() -> None:
    small = Index((Segment("", "a", SMALL, swept=NOW),))
    assert small.to_sweep(NOW) == small.segments
    assert small.with_delta("d", 1).to_sweep(NOW) == ()


LARGE = Index(
    tuple(Segment(first, first or "-", SMALL, 0, swept) for first, swept in (("", OLD), ("m", NOW - DAY / 2)))
)
YOUNG = LARGE._replace(segments=tuple(each._replace(swept=FRESH) for each in LARGE.segments))


def test_a_large_index_is_swept_when_a_day_is_over_for_a_segment() -> None:
    """And with it what falls due soon: so that the sweeps stay together."""
    assert LARGE.to_sweep(NOW) == LARGE.segments
    assert LARGE.to_sweep(NOW - timedelta(seconds=1)) == ()
    assert YOUNG.to_sweep(NOW) == ()
    assert YOUNG.next_sweep(NOW) == FRESH + DAY
    assert LARGE.next_sweep(NOW) == NOW + DAY / 2
    mixed = LARGE._replace(segments=(LARGE.segments[0], YOUNG.segments[1]))
    assert mixed.to_sweep(NOW) == mixed.segments[:1]


@pytest.mark.parametrize(
    "deltas",
    [(Delta(1, "d", ROWS),), tuple(Delta(number + 1, f"d{number}", 1) for number in range(DELTAS))],
    ids=["rows", "deltas"],
)
def test_a_large_index_with_much_to_take_in_is_swept_at_once(deltas: tuple[Delta, ...]) -> None:
    """But for the segments that have taken it in."""
    index = YOUNG._replace(deltas=deltas, last=deltas[-1].number)
    assert index.to_sweep(NOW) == index.segments
    first, second = index.segments
    index = index._replace(segments=(first, second._replace(taken_in=index.last)))
    assert index.to_sweep(NOW) == (first,)


def test_nothing_retired_is_never_swept() -> None:
    assert Index().next_sweep(NOW) is None


def test_small_neighbours_become_one_segment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "GROUP", 10)
    index = Index(
        tuple(Segment(first, first or "-", count) for first, count in zip(" abcd", (4, 5, 3, 7, 40), strict=True))
    )
    index = index._replace(segments=(index.segments[0]._replace(first=""), *index.segments[1:]))
    found = [[each.first for each in group] for group in index.groups(index.segments)]
    assert found == [["", "a"], ["b", "c"], ["d"]]
    some = [index.segments[place] for place in (0, 2)]
    assert [[each.first for each in group] for group in index.groups(some)] == [[""], ["b"]]


@given(st.lists(st.sampled_from("abcdef"), max_size=40))
def test_parts_are_of_about_one_size_and_split_no_path(paths: list[str]) -> None:
    retired = {f"{path}-{number}": asset(path) for number, path in enumerate(paths)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "ENTRIES", 4)
        found = list(parts(retired, ""))
    assert {key: entry for _, part in found for key, entry in part.items()} == retired
    assert found[0][0] == ""
    for (first, part), (following, _) in pairwise([*found, ("~", {})]):
        assert all(first <= entry.logical < following for entry in part.values())
    assert len(found) <= max(1, round(len(paths) / 4))
