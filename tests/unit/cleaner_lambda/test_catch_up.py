"""More releases than a run reads at once: it takes them in in parts, and ends like one that reads all of them."""

from __future__ import annotations

import copy
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda import backlog, pruning, segments
from cleaner_lambda.backlog import Backlog, first_part
from cleaner_lambda.job import Job
from cleaner_lambda.pace import Pace
from cleaner_lambda.plan import Reason
from cleaner_lambda.run import clean
from release_log.ledger_file import FORMAT, HEAD_FORMAT, Announcement
from release_log.marker import FORMAT as WITH_PAGES
from release_log.marker import decode, encode
from release_log.policy_settings import Policy
from tests.fake_cleaner_s3 import NOON, FakeS3
from tests.few_markers import few_markers
from tests.ledger_formats import NONE, writing
from tests.small_parts import small_parts
from tests.unit.cleaner_lambda.runs import APP, LOGO, POLICY, A, B, C, run, stopped_by

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from cleaner_lambda.report import Report

KEEP = Policy(version_limit=9, version_ttl=10**8, removed_ttl=10**8, grace=0)
"""Nothing is deleted."""


def in_time_for(s3: FakeS3, parts: int, policy: Policy = POLICY) -> Report:
    """A run that has time for so many parts, and no more."""
    left = iter(range(parts - 1))
    return clean(
        s3, Job(prefix="assets/", policy=policy, run="run"), Pace(has_time=lambda: next(left, None) is not None)
    )


def publish(s3: FakeS3, random: Random, number: int) -> None:
    """A release in one of two channels, perhaps with stored pages that are in place at once, later, or not at all."""
    versions = {f"assets/{path}.js": f"assets/{path}-{random.choice('abc') * 8}.js" for path in "xyz"}
    some = dict(random.sample(sorted(versions.items()), random.randint(1, 3)))
    channel = random.choice(["default", "default", "staging"])
    if random.random() < 0.1:
        s3.end(channel, f"end{number}")
        return
    release_id = s3.publish(f"r{number}", channel, some)
    choice = random.random()
    if choice < 0.4:
        key = s3.layout.marker_key(release_id)
        release = replace(decode(s3.objects[key].body, s3.layout.prefix), format=WITH_PAGES)
        s3.objects[key] = replace(s3.objects[key], body=encode(release))
        s3.advance(random.choice([0, 1, 5]))
        if choice < 0.3:
            s3.put(s3.layout.placed_key(release_id), b"{}")


def state(s3: FakeS3) -> object:
    """What the ledger says, but for the runs, and for where the cut is."""
    return replace(s3.ledger, last_run={}, runs=(), cut=None)


@pytest.mark.parametrize("version", [FORMAT, HEAD_FORMAT])
@pytest.mark.parametrize("seed", range(60))
def test_it_ends_like_a_run_that_reads_all_at_once(seed: int, version: int) -> None:
    """With a ledger or without; on a small site, and on one whose runs read no retired asset."""
    random = Random(seed)  # noqa: S311 (a story)
    s3 = FakeS3()
    for number in range(random.randint(3, 12)):
        publish(s3, random, number)
        s3.advance(random.choice([0, 1, 100, 4000]))
        if random.random() < 0.1:
            with writing(version, small=NONE):
                run(s3, policy=KEEP)
    s3.advance(4000)
    at_once, in_parts = s3, copy.deepcopy(s3)
    with writing(version, small=NONE):
        run(at_once, policy=KEEP, full=True)
        with small_parts(random.randint(1, 3)), few_markers(9), pytest.MonkeyPatch.context() as patch:
            patch.setattr(segments, "ROWS", 1 if seed % 2 else segments.ROWS)  # whenever segments take it in
            while "catching_up" in stopped_by(report := in_time_for(in_parts, random.randint(1, 3), KEEP)):
                assert report.unfinished
                assert not report.done.tagged
                assert not report.done.untagged
        for _ in range(3):
            run(in_parts, policy=KEEP, full=True)
            run(at_once, policy=KEEP, full=True)
    assert in_parts.ledger.backlog is None
    assert not in_parts.ledger.replayed
    assert state(in_parts) == state(at_once)
    assert {key: in_parts.tags(key) for key in in_parts.assets()} == {
        key: at_once.tags(key) for key in at_once.assets()
    }


@pytest.fixture
def behind() -> Iterator[FakeS3]:
    """A is due for all that the ledger knows; of five releases since then the last one has it again."""
    s3 = FakeS3()
    s3.publish("r1", "default", {APP: A})
    run(s3)
    s3.publish("r2", "default", {APP: B})
    run(s3)
    s3.advance(POLICY.version_ttl)
    for name, keys in (("r3", {APP: C}), ("r4", {APP: B}), ("r5", {APP: C}), ("r6", {APP: B}), ("r7", {APP: A})):
        s3.publish(name, "default", keys)
        s3.advance(60)
    s3.requests.clear()
    with small_parts(2):
        yield s3


def test_until_all_are_taken_in_nothing_is_deleted_tagged_or_listed(behind: FakeS3) -> None:
    before = {key: behind.tags(key) for key in behind.assets()}
    report = in_time_for(behind, 1)
    assert stopped_by(report) == ["catching_up"]
    assert "3 of 7 releases under assets/.releases/markers/ are not taken in yet" in report.plan.stops[0].message
    assert report.unfinished
    assert report.next_due == report.at
    assert {key: behind.tags(key) for key in behind.assets()} == before
    assert {key for _, key in behind.writes} == {behind.layout.ledger}
    assert behind.ledger.runs[0].stopped_by == ("catching_up",)
    report = run(behind)
    assert stopped_by(report) == []
    assert report.current == {"default": behind.ledger.current["default"]}
    assert report.current["default"].endswith("r7")
    assert A in behind.assets()
    assert not behind.tags(A)


def test_each_marker_is_read_once_and_a_part_is_written_by_itself(behind: FakeS3) -> None:
    in_time_for(behind, 9)
    markers = [key for _, key in behind.made("get") if key.startswith(behind.layout.markers)]
    assert len(markers) == len(set(markers)) == 6, "the five new ones, and the one that was current"
    assert behind.ledger.backlog is None


def test_a_run_that_dies_loses_one_part(behind: FakeS3) -> None:
    writes = 0

    def die(operation: str, _key: str) -> None:
        nonlocal writes
        writes += operation == "put_if"
        if writes == 2:
            msg = "the invocation's time is over"
            raise TimeoutError(msg)

    behind.on_request = die
    with pytest.raises(TimeoutError):
        in_time_for(behind, 9)
    behind.on_request = None
    assert sum(i in behind.ledger.folded for i in ids(behind)) == 4, "two that were known, and a part of two"


def ids(s3: FakeS3) -> list[str]:
    """The ids of all markers."""
    return [s3.layout.release_id(key) for key in sorted(s3.objects) if key.startswith(s3.layout.markers)]


def test_a_dry_run_takes_them_in_and_writes_nothing(behind: FakeS3) -> None:
    report = run(behind, dry_run=True)
    assert stopped_by(report) == []
    assert report.current["default"].endswith("r7")
    assert behind.writes == []


def test_a_marker_that_is_not_valid_holds_up_no_other(behind: FakeS3) -> None:
    broken = behind.layout.marker_key(ids(behind)[2])
    behind.objects[broken] = replace(behind.objects[broken], body=b"{")
    report = run(behind)
    assert stopped_by(report) == ["invalid_marker"]
    assert report.current["default"].endswith("r7")
    assert A in behind.assets()


def test_while_a_marker_that_counts_cannot_be_read_nothing_is_taken_in(behind: FakeS3) -> None:
    key = behind.layout.marker_key(behind.ledger.current["default"])
    stored = behind.objects[key]
    behind.objects[key] = replace(stored, body=b"{")
    known = behind.ledger.folded
    report = run(behind)
    assert stopped_by(report) == ["invalid_marker", "catching_up"]
    assert report.next_due is not None
    assert report.next_due > report.at, "it does not come back at once, again and again"
    assert behind.ledger.folded == known
    behind.objects[key] = stored
    assert stopped_by(run(behind)) == []
    assert A in behind.assets()


def test_a_contradiction_between_parts_is_found() -> None:
    """The ledger is lost, and the marker of a superseded release was copied: it counts as the newest."""
    s3 = FakeS3()
    for name, key in (("r1", A), ("r2", B), ("r3", C)):
        s3.publish(name, "default", {APP: key})
        s3.advance(600)
    s3.objects[s3.layout.marker_key(ids(s3)[0])].last_modified = s3.clock
    s3.advance(60)
    with small_parts(1):
        report = run(s3)
        assert "unknown_order" in stopped_by(report)
        s3.advance(10**6)
        assert "unknown_order" in stopped_by(run(s3))
        assert s3.assets() == {A, B, C}
        s3.publish("r4", "default", {APP: C})
        s3.advance(60)
        run(s3)
        s3.advance(10**6)
        assert stopped_by(run(s3)) == []
    assert s3.assets() == {C}


def test_no_release_among_them_ends_a_doubt_that_they_raise() -> None:
    """A build machine's clock was days ahead, so that its release, which was copied too, seems to be the newest."""
    s3 = FakeS3()
    ahead = s3.publish(f"{NOON.replace(day=25):%Y%m%dT%H%M%SZ}-ahead", "default", {LOGO: LOGO})
    s3.advance(600)
    first = s3.publish("r1", "default", {APP: A})
    s3.advance(600)
    s3.publish("r2", "default", {APP: B})
    for copied in (first, ahead):
        s3.advance(600)
        s3.objects[s3.layout.marker_key(copied)].last_modified = s3.clock
    s3.advance(60)
    with small_parts(1):
        for _ in range(3):
            assert "unknown_order" in stopped_by(run(s3))
            s3.advance(10**6)
    assert s3.assets() == {A, B, LOGO}


def test_a_part_ends_at_its_number_of_markers_or_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "MARKERS", 3)
    monkeypatch.setattr(backlog, "BYTES", 100)
    instants: dict[str, datetime] = {f"r{n}": NOON.replace(minute=9 - n) for n in range(5)}
    assert first_part(list(instants), instants, dict.fromkeys(instants, 1)) == frozenset({"r2", "r3", "r4"})
    assert first_part(list(instants), instants, dict.fromkeys(instants, 60)) == frozenset({"r4"})
    assert first_part(list(instants), instants, dict.fromkeys(instants, 600)) == frozenset({"r4"}), (
        "one alone is read all the same"
    )
    assert first_part(["r0", "r1"], instants, dict.fromkeys(instants, 50)) is None
    assert first_part(["r0"], instants, {"r0": 600}) is None


def test_a_marker_that_turns_up_late_costs_a_bounded_replay_if_all_are_young(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket is copied within an hour. Or a replay reads at once all that the parts before have read."""
    monkeypatch.setattr(pruning, "EVERY", 1)
    s3 = FakeS3()
    keys = [f"assets/app-{number:08x}.js" for number in range(16)]
    for number, key in enumerate(keys):
        s3.publish(f"r{number}", "default", {APP: key})
        s3.advance(10)
    late = s3.layout.marker_key(ids(s3)[3])
    stored = s3.objects.pop(late)
    with small_parts(2):
        in_time_for(s3, 6, KEEP)
        s3.objects[late] = stored
        s3.requests.clear()
        assert stopped_by(in_time_for(s3, 1, KEEP)) == ["catching_up"]
        assert s3.layout.release_id(late) in s3.ledger.folded
        read = [key for _, key in s3.made("get") if key.startswith(s3.layout.markers)]
        assert len(read) <= 5, "the part of two, the part before, and what was current at the cut"
        run(s3, policy=KEEP, full=True)
        run(s3, policy=KEEP, full=True)
    assert set(s3.ledger.retired) == set(keys[:-1])
    assert s3.ledger.retired[keys[2]].mark.since <= s3.ledger.retired[keys[3]].mark.since, "late, and never early"


def test_what_comes_during_a_sweep_is_taken_in_in_parts_too() -> None:
    s3 = FakeS3()

    def publish_some(numbers: range) -> None:
        for number in numbers:
            s3.publish(f"r{number}", "default", {f"assets/{p}.js": f"assets/{p}-{number:08x}.js" for p in "abc"})
            s3.advance(60)

    def come(_operation: str, key: str) -> None:
        if key.startswith(s3.layout.ledger_files):  # the plan is made
            s3.on_request = None
            publish_some(range(3, 12))

    with writing(HEAD_FORMAT, small=NONE), small_parts(2):
        publish_some(range(3))
        run(s3, policy=KEEP)
        run(s3, policy=KEEP)
        s3.on_request = come
        s3.requests.clear()
        run(s3, policy=KEEP, full=True)
        assert s3.on_request is None
        assert len(s3.ledger.folded) == 12
    read, most = 0, 0
    for operation, key in s3.requests:
        read = 0 if key == s3.layout.ledger else read + (operation == "get" and key.startswith(s3.layout.markers))
        most = max(most, read)
    assert most == 3, "a part, and the marker that is current"


def test_markers_that_are_not_valid_hold_up_no_sweep() -> None:
    """Though they are more than a part: each group is swept, and tags what is not deleted for now."""
    s3 = FakeS3()
    with writing(HEAD_FORMAT, small=NONE), small_parts(2):
        for number in range(3):
            s3.publish(f"r{number}", "default", {APP: f"assets/app-{number:08x}.js"})
            s3.advance(60)
        run(s3, policy=KEEP)
        run(s3, policy=KEEP)
        for number in range(4):
            broken = s3.publish(f"broken{number}", "default", {APP: A})
            s3.objects[s3.layout.marker_key(broken)].body = b"{"
        s3.advance(60)
        report = run(s3, policy=KEEP, full=True)
    assert set(stopped_by(report)) == {"invalid_marker"}
    assert not report.unfinished


def test_what_the_ledger_keeps_of_a_backlog_is_read_as_it_was_written(behind: FakeS3) -> None:
    in_time_for(behind, 1)
    found = behind.ledger.backlog
    assert found is not None
    assert found.latest["default"].id.endswith("r4")
    assert backlog.decode(backlog.encode(found)) == found
    assert backlog.decode(None) is None
    assert Backlog(found.latest, frozenset({"x"})).after([], {"y"}).doubted == {"x", "y"}
    assert Reason.CATCHING_UP in {stop for run in behind.ledger.runs for stop in run.stopped_by}


def test_the_announcement_of_a_dead_run_ends_while_it_catches_up(behind: FakeS3) -> None:
    """And what it may have tagged is looked at; another run's stays, with the instant that it has."""
    dead = Announcement("dead", frozenset({A}))
    behind.ledger = replace(behind.ledger, deleting=dead, tagging=(dead,))
    written = behind.clock
    in_time_for(behind, 1)
    assert behind.ledger.deleting == dead.dated(written)
    behind.advance(1000)
    key = behind.layout.marker_key(behind.ledger.current["default"])
    behind.objects[key] = replace(behind.objects[key], body=b"{")
    assert stopped_by(run(behind)) == ["invalid_marker", "catching_up"], "not even one part is taken in"
    assert behind.ledger.deleting is None
    assert behind.ledger.tagging == ()
    assert A in behind.ledger.owed
