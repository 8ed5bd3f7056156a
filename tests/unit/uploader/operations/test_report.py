"""What a report shows is a function of the release log, the listing and the time."""

from __future__ import annotations

from datetime import datetime, timedelta

from release_log.ledger_file import pack
from release_log.ledger_view import FoldedMarker, RetiredAsset
from release_log.marker import Asset, Release, encode
from release_log.tags import State
from tests.fake_uploader_s3 import LAYOUT, NOON, FakeBucket
from uploader.history.current import Current
from uploader.history.release import LoggedRelease, Unreadable
from uploader.operations.report.amount import Amount
from uploader.operations.report.read import read_report, stored_of
from uploader.operations.report.retiring import MOST_STEPS, NOT_LOOKED_AT, Step, retiring
from uploader.operations.report.space import BANDS, LARGEST, Stored, by_age, largest
from uploader.operations.report.timeline import Standing, timeline
from uploader.s3.port import Listing

HOUR = timedelta(hours=1)
LEDGER = pack(
    {
        "current": {},
        "folded": {},
        "retired": {},
        "deleting": None,
        "listed_at": "2026-11-23T11:00:00Z",
        "last_run": {},
    }
)


def release(release_id: str, at: datetime, sizes: dict[str, int], channel: str = "main") -> LoggedRelease:
    assets = {key: Asset(key, size, fingerprinted=True) for key, size in sizes.items()}
    body = Release(release_id, channel, at, "", {}, assets, {"commit": f"c-{release_id}"})
    return LoggedRelease(release_id, f".releases/markers/{release_id}.json", at, body)


def retired(key: str, size: int, due: datetime | None, kept_by: str | None = None) -> RetiredAsset:
    return RetiredAsset(key, key, State.SUPERSEDED, NOON, size, "", due, kept_by)


# The timeline


def test_a_release_is_compared_with_the_one_before_it_in_its_channel() -> None:
    read = [
        release("c", NOON, {"a2": 20, "b": 5}),
        release("other", NOON - HOUR, {"x": 1}, "preview"),
        release("a", NOON - 2 * HOUR, {"a1": 10, "b": 5}),
    ]
    found = {each.id: each for each in timeline(read, {}, {"main": "c", "preview": "other"}, frozenset())}
    assert (found["c"].new, found["c"].retired, found["c"].whole) == (Amount(1, 20), Amount(1, 10), Amount(2, 25))
    assert (found["a"].new, found["a"].retired) == (Amount(2, 15), Amount(0, 0)), "nothing came before it"
    assert found["other"].new == Amount(1, 1)
    assert {name: each.standing for name, each in found.items()} == {
        "c": Standing.CURRENT,
        "other": Standing.CURRENT,
        "a": Standing.EARLIER,
    }


def test_what_was_before_the_oldest_that_was_read_is_unknown() -> None:
    read = [release("b", NOON, {"a": 1}), release("p", NOON, {"a": 1}, "preview")]
    others = {"a": FoldedMarker(NOON - HOUR, "main"), "later": FoldedMarker(NOON + HOUR, "preview")}
    found = {each.id: each for each in timeline(read, others, {}, frozenset({"a"}))}
    assert found["b"].new is None
    assert found["p"].new == Amount(1, 1), "the other one of its channel is newer"
    assert (found["a"].standing, found["later"].standing) == (Standing.UNREAD, Standing.GONE)


def test_an_unread_marker_of_an_unknown_channel_may_come_before_any() -> None:
    found = timeline([release("b", NOON, {})], {"a": FoldedMarker(NOON - HOUR, "")}, {}, frozenset({"a"}))
    assert found[0].new is None


def test_the_newest_is_first_and_one_that_cannot_be_read_is_named() -> None:
    broken = Unreadable("broken", ".releases/markers/broken.json", NOON - HOUR, "not JSON")
    found = timeline([release("b", NOON, {}), broken, release("a", NOON - 2 * HOUR, {})], {}, {}, frozenset())
    assert [(each.id, each.channel) for each in found] == [("b", "main"), ("broken", ""), ("a", "main")]
    assert found[1].standing is Standing.UNREADABLE


# What goes when


def test_what_is_left_at_each_instant() -> None:
    found = retiring(
        [
            retired("overdue", 1, NOON - HOUR),
            retired("soon", 10, NOON + HOUR),
            retired("later", 100, NOON + 2 * HOUR),
            retired("kept", 1000, None, "pinned"),
            retired("new", 10_000, None),
        ],
        NOON,
    )
    assert found.whole == Amount(5, 11_111)
    assert found.overdue == Amount(1, 1)
    assert found.kept == {NOT_LOOKED_AT: Amount(1, 10_000), "pinned": Amount(1, 1000)}
    assert found.steps == [
        Step(NOON, Amount(5, 11_111)),
        Step(NOON, Amount(4, 11_110)),
        Step(NOON + HOUR, Amount(3, 11_100)),
        Step(NOON + 2 * HOUR, Amount(2, 11_000)),
    ]


def test_very_many_instants_are_sampled_and_each_step_is_exact() -> None:
    every = [retired(str(number), 1, NOON + timedelta(seconds=number)) for number in range(1, 5001)]
    steps = retiring(every, NOON).steps
    assert len(steps) <= MOST_STEPS
    assert steps[0] == Step(NOON, Amount(5000, 5000))
    assert steps[-1] == Step(NOON + timedelta(seconds=5000), Amount(0, 0))
    assert all(each.left.objects == 5000 - (each.at - NOON).total_seconds() for each in steps)


def test_nothing_is_retired() -> None:
    assert retiring([], NOON).steps == [Step(NOON, Amount())]


# Space


def test_each_object_is_in_the_band_of_its_age() -> None:
    ages = [timedelta(0), timedelta(days=1), timedelta(days=364), timedelta(days=4000), -HOUR]
    found = by_age([Stored("a", 10, NOON - age, current=age.days == 1) for age in ages], NOON)
    assert [(each.current.objects, each.retired.objects) for each in found] == [
        (0, 2), (1, 0), (0, 0), (0, 0), (0, 1), (0, 1),
    ]  # fmt: skip
    assert [each.age for each in found] == [age for age, _ in BANDS]


def test_all_versions_of_a_logical_path_count() -> None:
    stored = [Stored("a.js", 5, NOON, current=True), Stored("a.js", 6, NOON, current=False)]
    stored += [Stored(f"{number:02}.js", 1, NOON, current=True) for number in range(30)]
    found = largest(stored)
    assert found[0] == ("a.js", Amount(2, 11), Amount(1, 5))
    assert len(found) == LARGEST
    assert [each.logical for each in found[1:3]] == ["00.js", "01.js"]


def test_only_what_exists_is_stored_and_each_object_once() -> None:
    two = {channel: release(channel, NOON, {"shared": 1, "gone": 1}, channel) for channel in ("main", "preview")}
    current = Current(two, {}, (), (), {}, {})
    listing = Listing({"shared": 7, "old": 3}, {"shared": NOON, "old": NOON - HOUR}, {})
    old = [retired("old", 3, None), retired("deleted", 3, None), retired("shared", 7, None)]
    assert list(stored_of(current, old, listing)) == [
        Stored("shared", 7, NOON, current=True),
        Stored("old", 3, NOON - HOUR, current=False),
    ]


# What is read


def test_a_marker_that_no_run_has_seen_for_long_is_told() -> None:
    bucket = FakeBucket()
    body = encode(Release("one", "main", NOON, "assets/", {}, {}))
    bucket.write(LAYOUT.marker_key("20261123T120000Z-one"), body)
    bucket.write(LAYOUT.ledger, LEDGER)
    assert read_report(bucket, LAYOUT, NOON, newest=1).unseen is None
    late = read_report(bucket, LAYOUT, NOON + HOUR, newest=1)
    assert "the cleaner has not seen" in (late.unseen or "")
    assert [each.name for each in late.releases] == ["one"]
