"""A full listing that is handed out to the workers of a map run: it ends as one that a single run has made."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda import cursor as cursors
from cleaner_lambda import listing, scan, segments
from cleaner_lambda.cursor import Cursor, MapRun
from cleaner_lambda.errors import UnreadableError
from cleaner_lambda.finding import encode
from release_log.ledger_file import HEAD_FORMAT
from release_log.map_run import MAP_SECONDS
from tests.fake_cleaner_s3 import NOON
from tests.ledger_formats import NONE, writing
from tests.unit.cleaner_lambda.runs import APP, DAY, POLICY, A, B, C, run, stopped_by, work

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cleaner_lambda.report import Report
    from tests.fake_cleaner_s3 import FakeS3

LASTING = replace(POLICY, version_limit=9, removed_ttl=9 * DAY)
STRAYS = [f"assets/{letter}-0123abcd.js" for letter in "aelpqxz"]
NOTES = "assets/notes.txt"
LIVE = [f"assets/{letter}-4567abcd.js" for letter in "cgmtw"]


@pytest.fixture(autouse=True)
def format_2() -> Iterator[None]:
    """Only with a head are the workers' files collected."""
    with writing(HEAD_FORMAT):
        yield


@pytest.fixture
def large(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> FakeS3:
    """A site with orphans, whose runs read none of its retired assets; its listing has four ranges, and is due.

    A run lists one object of each, and a worker all of its own.
    """
    s3.publish("r3", "default", {APP: C, **{key: key for key in LIVE}})
    run(s3, policy=LASTING)
    for key in (*STRAYS, NOTES):
        s3.put(key)
    monkeypatch.setattr(segments, "SMALL", NONE)
    monkeypatch.setattr(listing, "RANGES", 4)
    monkeypatch.setattr(segments, "DAY", 9 * segments.DAY)  # no sweep is due
    s3.advance(DAY + 1)
    return s3


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The site is so large that its listing is handed out at once."""
    monkeypatch.setattr(scan, "LARGE", 0)


def hand_out(s3: FakeS3) -> MapRun:
    """A run that hands out the listing."""
    report = run(s3, policy=LASTING, distributed=True)
    assert report.map_run is not None
    assert (report.unfinished, report.missing, report.orphans) == (True, None, None)
    assert report.next_due == report.map_run.until
    return report.map_run


def works(s3: FakeS3, map_run: MapRun) -> None:
    """All workers do their work."""
    for number in map_run.ranges:
        assert work(s3, map_run.at, number, LASTING) is not None


def over(s3: FakeS3, map_run: MapRun) -> Report:
    """The run after the map run."""
    return run(s3, policy=LASTING, map_run_over=map_run.at)


@pytest.mark.usefixtures("at_once")
def test_the_workers_find_what_a_run_would_find(large: FakeS3) -> None:
    s3 = large
    s3.objects[B].tags.clear()
    del s3.objects[A]
    map_run = hand_out(s3)
    assert len(map_run.ranges) == 4
    assert [key for operation, key in s3.requests if operation == "list" and key == "assets/"] == []
    s3.advance(30)
    works(s3, map_run)
    s3.advance(30)
    report = over(s3, map_run)
    assert (report.orphans, report.missing, report.unfinished) == (len(STRAYS) + 1, (), False)
    assert s3.ledger.retired.keys() == {B, *STRAYS}
    assert {s3.ledger.retired[key].mark.since for key in STRAYS} == {s3.clock}, "when the finding was taken in"
    assert (s3.ledger.listed_at, s3.ledger.cursor) == (map_run.at, None)
    assert all(s3.tags(key) for key in STRAYS)


def test_what_one_invocation_cannot_list_is_handed_out(large: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(listing, "PIECE", 1)
        patch.setattr(listing, "ROUNDS", 1)
        map_run = hand_out(large)
    assert len(large.ledger.retired.keys() & set(STRAYS)) == 1, "it has listed an object of each range"
    works(large, map_run)
    assert over(large, map_run).orphans == len(STRAYS) + 1
    assert large.ledger.retired.keys() == {A, B, *STRAYS}


@pytest.mark.usefixtures("at_once")
def test_other_runs_leave_the_listing_to_the_workers(large: FakeS3) -> None:
    s3 = large
    map_run = hand_out(s3)
    s3.advance(10)
    s3.publish("r4", "default", {APP: A, **{key: key for key in LIVE}})
    s3.requests.clear()
    report = run(s3, policy=LASTING, distributed=True, full=True)
    assert (report.map_run, report.orphans) == (None, None)
    assert report.next_due == map_run.until
    assert ("list", "assets/") not in s3.requests
    works(s3, map_run)
    assert over(s3, map_run).orphans == len(STRAYS) + 1
    assert A not in s3.ledger.retired


@pytest.mark.usefixtures("at_once")
def test_what_a_release_has_named_since_is_no_orphan(large: FakeS3) -> None:
    s3, stray = large, STRAYS[0]
    map_run = hand_out(s3)
    works(s3, map_run)
    s3.advance(10)
    s3.publish("r4", "default", {APP: stray, **{key: key for key in LIVE}})
    report = over(s3, map_run)
    assert stray not in s3.ledger.retired
    assert s3.tags(stray) == {}
    assert report.missing == ()


@pytest.mark.usefixtures("at_once")
def test_a_worker_that_failed_is_a_stop_and_its_range_is_listed_all_the_same(large: FakeS3) -> None:
    s3 = large
    map_run = hand_out(s3)
    for number in [0, 2, 3]:
        work(s3, map_run.at, number, LASTING)
    s3.objects[s3.layout.ledger_file(map_run.finding(3))].body = b"cut off"
    report = over(s3, map_run)
    assert stopped_by(report) == ["map_run"]
    assert "left 2 of its ranges unlisted" in report.plan.stops[0].message
    assert (report.orphans, report.unfinished) == (len(STRAYS) + 1, False)
    assert stopped_by(run(s3, policy=LASTING)) == []


@pytest.mark.usefixtures("at_once")
def test_a_finding_that_s3_does_not_give_out_is_such_a_range(large: FakeS3) -> None:
    """Every run raised."""
    s3 = large
    map_run = hand_out(s3)
    works(s3, map_run)
    key = s3.layout.ledger_file(map_run.finding(3))

    def denied(operation: str, wanted: str) -> None:
        if (operation, wanted) == ("get", key):
            raise UnreadableError(key, "AccessDenied")

    s3.on_request = denied
    report = over(s3, map_run)
    assert stopped_by(report) == ["map_run"]
    assert report.orphans == len(STRAYS) + 1


@pytest.mark.usefixtures("at_once")
def test_a_map_run_of_which_nobody_hears_is_over_after_an_hour(large: FakeS3) -> None:
    s3 = large
    map_run = hand_out(s3)
    works(s3, map_run)
    s3.advance(MAP_SECONDS - 1)
    assert run(s3, policy=LASTING).orphans is None
    s3.advance(1)
    assert run(s3, policy=LASTING).orphans == len(STRAYS) + 1


@pytest.mark.usefixtures("at_once")
def test_a_worker_whose_answer_was_lost_is_repeated(large: FakeS3) -> None:
    s3 = large
    map_run = hand_out(s3)
    first = work(s3, map_run.at, 1, LASTING)
    assert first is not None
    for stray in first.strays:
        del s3.objects[stray]
    s3.requests.clear()
    again = work(s3, map_run.at, 1, LASTING)
    assert again is not None
    assert encode(again) == encode(first)
    assert ("list", "assets/") not in s3.requests


@pytest.mark.usefixtures("at_once")
def test_a_worker_that_nobody_waits_for_lists_nothing(large: FakeS3) -> None:
    s3 = large
    map_run = hand_out(s3)
    s3.requests.clear()
    assert work(s3, NOON, 0, LASTING) is None
    assert work(s3, map_run.at, 4, LASTING) is None
    over(s3, map_run)
    assert work(s3, map_run.at, 0, LASTING) is None


@pytest.mark.usefixtures("at_once")
def test_what_a_worker_has_no_time_for_is_left(large: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    s3 = large
    map_run = hand_out(s3)
    with monkeypatch.context() as patch:
        patch.setattr(listing, "PIECE", 1)
        patch.setattr(listing, "ROUNDS", 1)
        works(s3, map_run)
    report = over(s3, map_run)
    assert stopped_by(report) == []
    assert report.orphans == len(STRAYS) + 1


@pytest.mark.usefixtures("at_once")
def test_a_run_takes_in_as_many_orphans_as_it_can_tag(large: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    s3 = large
    map_run = hand_out(s3)
    works(s3, map_run)
    monkeypatch.setattr("cleaner_lambda.map_run.STRAYS", 1)
    report = over(s3, map_run)
    assert (report.unfinished, report.next_due) == (True, s3.clock)
    reports = [run(s3, policy=LASTING)]
    while reports[-1].unfinished:
        assert len(reports) < 5
        reports.append(run(s3, policy=LASTING, distributed=True))
    assert reports[-1].orphans == len(STRAYS) + 1
    assert all(stopped_by(each) == [] for each in reports)


@pytest.mark.usefixtures("at_once")
def test_a_finding_is_collected_like_any_file_that_the_ledger_does_not_name(large: FakeS3) -> None:
    s3 = large
    map_run = hand_out(s3)
    works(s3, map_run)
    over(s3, map_run)
    files = {s3.layout.ledger_file(map_run.finding(number)) for number in map_run.ranges}
    assert files <= s3.objects.keys()
    for _ in range(3):
        s3.advance(DAY + 1)
        run(s3, policy=LASTING)
    assert files.isdisjoint(s3.objects)


CURSOR = Cursor(NOON, (), map_run=MapRun(NOON, {0: ("", "assets/m"), 3: ("assets/x", None)}, over=True))


def test_a_cursor_with_a_map_run_is_read_as_it_was_written() -> None:
    document = cursors.encode(CURSOR)
    assert cursors.decode(document) == CURSOR
    for wrong in ({"at": 5}, {"ranges": [["a", "b", None]]}, {"ranges": [[1]]}, {"over": None}):
        with pytest.raises((TypeError, ValueError)):
            cursors.decode({**document, "map": {**document["map"], **wrong}})
