"""The groups of a rebuild are handed out to the workers of a map run: it ends as one that the runs make alone."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleaner_lambda import segments, tag_workers
from cleaner_lambda.cursor import Kind, MapRun
from cleaner_lambda.errors import CleanerError, ConflictError
from cleaner_lambda.job import Job
from cleaner_lambda.ledger import Ledger, check_instants
from cleaner_lambda.pace import Pace, batches
from cleaner_lambda.read_only import ReadOnly
from cleaner_lambda.rebuilding import Rebuilding
from cleaner_lambda.request import MapTask
from cleaner_lambda.run import clean
from cleaner_lambda.tag_finding import decode, encode
from cleaner_lambda.tag_workers import read_group
from release_log import packed
from release_log.errors import LedgerError
from release_log.instants import format_instant
from release_log.ledger_file import HEAD_FORMAT
from release_log.map_run import MAP_SECONDS
from release_log.tags import Mark, State, read_mark
from tests.fake_cleaner_s3 import NOON, FakeS3, client_error
from tests.few_markers import few_markers
from tests.ledger_formats import NONE, writing
from tests.small_pieces import handing_out
from tests.unit.cleaner_lambda.lost_ledgers import KEEP, MANY, entries, for_batches, go_on, head, key_of, lost_ledger
from tests.unit.cleaner_lambda.runs import DAY, at_request, run, stopped_by
from tests.unit.cleaner_lambda.test_large_rebuild import Story, played, rebuilt, stories

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cleaner_lambda.report import Report
    from cleaner_lambda.tag_finding import Marks

HOUR = timedelta(seconds=MAP_SECONDS)
PATHS = [f"assets/{n:02}.js" for n in range(MANY)]
STRAY = "assets/other-0bcd1234.js"
GROUPS = 4


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeS3]:
    """A lost ledger of four groups, of which two are too much for one run."""
    monkeypatch.setattr(tag_workers, "LARGE", 2)
    yield from lost_ledger(FakeS3())


@pytest.fixture
def alone(lost: FakeS3) -> FakeS3:
    """The same site, rebuilt by a run alone."""
    other = copy.deepcopy(lost)
    go_on(other)
    return other


def hand_out(s3: FakeS3) -> MapRun:
    """A run that hands out the groups."""
    report = go_on(s3, distributed=True)
    assert report.map_run is not None
    assert (stopped_by(report), report.unfinished, report.next_due) == (["rebuilt"], True, report.map_run.until)
    s3.requests.clear()
    return report.map_run


def work(s3: FakeS3, map_run: MapRun, number: int, has_time: Callable[[], bool] = lambda: True) -> Marks | None:
    """Be a worker."""
    job = Job(prefix=s3.layout.prefix, policy=KEEP, run=f"worker-{number}")
    task = MapTask(map_run.at, number, map_run.kind)
    return read_group(s3, job, task, Pace(sleep=lambda _: None, has_time=has_time))


def works(s3: FakeS3, map_run: MapRun, but: Iterable[int] = ()) -> None:
    """The workers do their work, but for some."""
    for number in map_run.ranges.keys() - set(but):
        assert work(s3, map_run, number) is not None
    s3.requests.clear()


def over(s3: FakeS3, map_run: MapRun) -> Report:
    """The run after the map run."""
    return go_on(s3, distributed=True, over=map_run.at)


def asked(s3: FakeS3) -> list[str]:
    """The keys whose tags were asked for."""
    return sorted(key for _, key in s3.made("get_tags"))


def test_the_workers_read_what_a_run_would_read(lost: FakeS3, alone: FakeS3) -> None:
    before = lost.assets()
    map_run = hand_out(lost)
    assert (map_run.kind, len(map_run.ranges)) == (Kind.GROUP, GROUPS)
    for number in map_run.ranges:
        assert len(work(lost, map_run, number) or ()) >= MANY // GROUPS
    assert asked(lost) == sorted(lost.ledger.retired)
    assert lost.made("put_tags") == []
    lost.requests.clear()
    report = over(lost, map_run)
    assert (stopped_by(report), report.unfinished, report.map_run) == (["rebuilt"], False, None)
    assert (asked(lost), lost.assets()) == ([], before)
    assert (entries(lost), head(lost).ledger.rebuilding) == (entries(alone), None)
    assert go_on(lost).counts()["delete"] > 0


def test_other_runs_leave_the_groups_to_the_workers(lost: FakeS3) -> None:
    map_run = hand_out(lost)
    lost.advance(10)
    lost.publish("more", "default", {path: key_of(path, 2) for path in PATHS[1:]})
    for distributed in (True, False):
        lost.requests.clear()
        report = go_on(lost, distributed=distributed)
        assert (report.map_run, report.unfinished, report.next_due) == (None, True, map_run.until)
        assert set(asked(lost)) <= {key_of(PATHS[0], 3)}, "what the release replaced"
    works(lost, map_run)
    over(lost, map_run)
    assert lost.ledger.tags_read_to is None


@pytest.mark.parametrize("first", range(GROUPS))
def test_a_worker_that_failed_is_a_stop_and_the_cleaner_reads_its_group(
    lost: FakeS3, alone: FakeS3, first: int
) -> None:
    map_run = hand_out(lost)
    works(lost, map_run, but={first})
    report = over(lost, map_run)
    assert sorted(stopped_by(report)) == ["map_run", "rebuilt"]
    assert any("left the tags of 1 of its groups unread" in each["message"] for each in report.document()["stopped_by"])
    start, end = map_run.ranges[first]
    retired = lost.ledger.retired.items()
    assert asked(lost) == sorted(k for k, e in retired if start <= e.logical and (end is None or e.logical < end))
    assert entries(lost) == entries(alone)
    assert "map_run" not in stopped_by(go_on(lost, distributed=True))


def test_a_map_run_of_which_nobody_hears_is_over_after_an_hour(lost: FakeS3, alone: FakeS3) -> None:
    hand_out(lost)
    lost.advance(MAP_SECONDS - 1)
    assert stopped_by(go_on(lost, distributed=True)) == ["rebuilt"]
    lost.advance(1)
    report = go_on(lost, distributed=True)
    assert (sorted(stopped_by(report)), report.map_run) == (["map_run", "rebuilt"], None)
    assert entries(lost) == entries(alone)


def test_what_a_run_does_not_read_after_that_is_handed_out_again(lost: FakeS3, alone: FakeS3) -> None:
    lost.advance(1)
    first = hand_out(lost)
    job = {"distributed": True, "over": first.at}
    assert go_on(lost, for_batches(3), **job).unfinished  # type: ignore[arg-type]
    lost.advance(60)
    second = hand_out(lost)
    assert set(second.ranges.values()) < set(first.ranges.values())
    works(lost, second)
    assert stopped_by(over(lost, second)) == ["rebuilt"]
    assert entries(lost) == entries(alone)


def test_what_nobody_has_read_is_handed_out_again_only_when_the_cleaner_has_read_some(
    lost: FakeS3, alone: FakeS3
) -> None:
    """Or workers that fail would be started again and again by runs that have no time to read anything."""
    first = hand_out(lost)
    report = go_on(lost, lambda: False, distributed=True, over=first.at)
    assert sorted(stopped_by(report)) == ["map_run", "rebuilt"]
    assert (report.map_run, report.next_due, asked(lost)) == (None, report.at, [])
    lost.advance(60)
    report = go_on(lost, lambda: False, distributed=True)
    assert (stopped_by(report), report.map_run, report.next_due) == (["rebuilt"], None, report.at)
    lost.advance(60)
    assert go_on(lost, for_batches(3), distributed=True).map_run is None
    assert 0 < len(asked(lost)) < len(lost.ledger.retired)
    lost.advance(60)
    second = hand_out(lost)
    assert set(second.ranges.values()) < set(first.ranges.values())
    works(lost, second)
    assert stopped_by(over(lost, second)) == ["rebuilt"]
    assert entries(lost) == entries(alone)


def test_what_a_worker_has_no_time_for_the_cleaner_reads(
    lost: FakeS3, alone: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And so each tag is read once."""
    map_run = hand_out(lost)
    with monkeypatch.context() as patch:
        patch.setattr("cleaner_lambda.rebuild.BATCH", 3)
        patch.setattr("cleaner_lambda.rebuild.batches", partial(batches, size=3))
        assert [len(work(lost, map_run, number, for_batches(1)) or ()) for number in map_run.ranges] == [3] * GROUPS
    read = asked(lost)
    lost.requests.clear()
    assert stopped_by(over(lost, map_run)) == ["rebuilt"]
    assert sorted(read + asked(lost)) == sorted(lost.ledger.retired)
    assert entries(lost) == entries(alone)


@pytest.mark.parametrize("number", [2, 3, 4])
def test_a_group_that_is_half_read_is_taken_in_from_there(
    lost: FakeS3, alone: FakeS3, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A run has written its segments since the worker read them."""
    later = {key_of(f"assets/{n}.js", 1): lost.clock - timedelta(minutes=n) for n in range(10, 30)}
    for s3 in (lost, alone):
        for key, at in later.items():
            s3.tags(key)["superseded_at"] = format_instant(at)
    map_run = hand_out(lost)
    monkeypatch.setattr("cleaner_lambda.rebuild.BATCH", 3)
    monkeypatch.setattr("cleaner_lambda.rebuild.batches", partial(batches, size=3))
    for each in map_run.ranges:
        work(lost, map_run, each, for_batches(2))
    reports = [go_on(lost, for_batches(number), over=map_run.at)]
    while reports[-1].unfinished:
        assert len(reports) < 50
        reports.append(go_on(lost, for_batches(number)))
    assert {key: lost.ledger.retired[key].mark.since for key in later} == later
    assert {stop for each in reports for stop in stopped_by(each)} == {"rebuilt"}


@pytest.mark.parametrize("batches", [2, 3, 4])
def test_what_a_run_has_no_time_to_take_in_the_next_ones_do(lost: FakeS3, alone: FakeS3, batches: int) -> None:
    """Each of them finds the groups that are left, in which way ever it cuts them."""
    map_run = hand_out(lost)
    works(lost, map_run)
    reports = [go_on(lost, for_batches(batches), distributed=True, over=map_run.at)]
    while reports[-1].unfinished:
        assert len(reports) < 50
        reports.append(go_on(lost, for_batches(batches), distributed=True))
    assert (asked(lost), {each.map_run for each in reports}) == ([], {None})
    assert entries(lost) == entries(alone)


def test_groups_that_are_cut_in_another_way_are_taken_in_too(
    lost: FakeS3, alone: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by another version."""
    map_run = hand_out(lost)
    works(lost, map_run)
    monkeypatch.setattr(segments, "GROUP", 15)
    assert stopped_by(over(lost, map_run)) == ["rebuilt"]
    assert (asked(lost), entries(lost)) == ([], entries(alone))


def test_the_later_instant_of_a_tag_that_a_worker_has_read_counts(lost: FakeS3) -> None:
    later = lost.clock - timedelta(hours=1)
    key = key_of("assets/20.js", 1)
    lost.tags(key)["superseded_at"] = format_instant(later)
    map_run = hand_out(lost)
    works(lost, map_run)
    over(lost, map_run)
    assert lost.ledger.retired[key].mark.since == later


def test_an_orphan_has_the_instant_of_its_tag(lost: FakeS3) -> None:
    since = lost.clock - timedelta(days=5)
    lost.put(STRAY, tags={"removed_at": format_instant(since)}).last_modified = since
    map_run = hand_out(lost)
    works(lost, map_run)
    over(lost, map_run)
    assert (lost.made("put_tags"), lost.ledger.retired[STRAY].mark) == ([], Mark(State.REMOVED, since))


@pytest.mark.parametrize("works_first", [True, False])
def test_what_a_release_retires_meanwhile_counts_from_then_on(lost: FakeS3, *, works_first: bool) -> None:
    """Also if it lived again for a while, and a worker has read the tag that it had before, or the one that it has."""
    back = key_of("assets/39.js", 1)
    build = {path: key_of(path, 2) for path in PATHS}
    map_run = hand_out(lost)
    if works_first:
        works(lost, map_run)
    for number, last in enumerate((back, key_of("assets/39.js", 2))):
        lost.advance(10)
        at = lost.clock
        lost.publish(f"more{number}", "default", {**build, "assets/39.js": last})
        go_on(lost)
    if not works_first:
        works(lost, map_run)
    over(lost, map_run)
    go_on(lost)
    assert lost.ledger.retired[back].mark == Mark(State.SUPERSEDED, at) == read_mark(lost.tags(back))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stories, st.integers(1, 9))
def test_the_same_instants_come_out(story: Story, until: int) -> None:
    with writing(HEAD_FORMAT, small=NONE), few_markers(keep=9), handing_out(at_once=False):
        handed = played(story, until=until)
        handed.objects.pop(handed.layout.ledger, None)
        whole = rebuilt(copy.deepcopy(handed))
        report = run(handed, policy=KEEP, distributed=True)
        for _ in range(9):
            map_run = report.map_run
            if map_run is not None and map_run.kind is Kind.GROUP:
                for number in list(map_run.ranges)[:: until % 3 + 1]:
                    work(handed, map_run, number)
            report = run(handed, policy=KEEP, distributed=True, map_run_over=None if map_run is None else map_run.at)
        assert entries(handed) == entries(whole)
        assert {key: handed.tags(key) for key in handed.assets()} == {key: whole.tags(key) for key in whole.assets()}


def test_a_worker_that_nobody_waits_for_reads_nothing(lost: FakeS3) -> None:
    map_run = hand_out(lost)
    assert work(lost, replace(map_run, at=NOON), 0) is None
    assert work(lost, map_run, GROUPS) is None
    works(lost, map_run)
    over(lost, map_run)
    assert work(lost, map_run, 0) is None
    for body in (b"no ledger", None):
        lost.objects.pop(lost.layout.ledger)
        if body is not None:
            lost.put(lost.layout.ledger, body)
        assert work(lost, map_run, 0) is None
    assert asked(lost) == []


def test_a_worker_whose_answer_was_lost_answers_again(lost: FakeS3) -> None:
    map_run = hand_out(lost)
    first = work(lost, map_run, 1)
    lost.requests.clear()
    assert work(lost, map_run, 1) == first
    assert asked(lost) == []


def test_of_two_invocations_of_one_worker_the_faster_one_counts(lost: FakeS3) -> None:
    map_run = hand_out(lost)
    key = lost.layout.ledger_file(map_run.finding(1))

    def other() -> None:
        raise ConflictError(key)

    at_request(lost, "put_if", key, other)
    assert work(lost, map_run, 1)


def test_a_worker_that_can_read_no_tag_is_repeated(lost: FakeS3) -> None:
    def refuse(operation: str, _: str) -> None:
        if operation == "get_tags":
            raise slow_down

    slow_down = client_error("SlowDown")
    map_run = hand_out(lost)
    lost.on_request = refuse
    with pytest.raises(CleanerError, match=r"site 'assets/': no tag of group 0 could be read.*SlowDown"):
        work(lost, map_run, 0)
    lost.on_request = None
    assert work(lost, map_run, 0)


def test_a_file_that_no_worker_wrote_tells_nothing(lost: FakeS3, alone: FakeS3) -> None:
    map_run = hand_out(lost)
    works(lost, map_run)
    lost.put(lost.layout.ledger_file(map_run.finding(2)), b"of somebody else")
    assert stopped_by(over(lost, map_run)) == ["rebuilt"]
    assert len(asked(lost)) == MANY // GROUPS
    assert entries(lost) == entries(alone)


@pytest.mark.parametrize("time", [True, False])
def test_a_new_listing_ends_what_was_handed_out(lost: FakeS3, *, time: bool) -> None:
    """Whether one run makes it or several: what is an orphan now may be another object than the one that was read."""
    map_run = hand_out(lost)
    works(lost, map_run)
    lost.advance(10)
    go_on(lost, for_batches(0 if not time else 2), full=True)
    assert work(lost, map_run, 0) is None
    rebuilding = head(lost).ledger.rebuilding
    assert rebuilding is not None
    assert rebuilding.map_run is None


def test_a_run_hands_out_once_it_has_read_the_current_assets_tags_in_as_many_stretches_as_it_takes(
    lost: FakeS3, alone: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And then it ends: no stretch of it reads what the workers read."""
    monkeypatch.setattr("cleaner_lambda.rebuild.BATCH", 4)
    monkeypatch.setattr("cleaner_lambda.rebuild.batches", partial(batches, size=4))
    job = Job(prefix=lost.layout.prefix, policy=KEEP, run="run", ledger_format=HEAD_FORMAT, distributed=True)
    pace = Pace(sleep=lambda _: None, clock=lambda: 10.0 * len(asked(lost)))
    report = clean(lost, job, pace)
    assert report.map_run is not None
    assert len(report.map_run.ranges) == GROUPS
    assert (stopped_by(report), report.unfinished, report.next_due) == (["rebuilt"], True, report.map_run.until)
    assert lost.writes.count(("put_if", lost.layout.ledger)) == MANY // 8, "one for each stretch of eight tags"
    assert set(asked(lost)).isdisjoint(lost.ledger.retired)
    assert len(asked(lost)) == MANY
    works(lost, report.map_run)
    assert stopped_by(over(lost, report.map_run)) == ["rebuilt"]
    assert entries(lost) == entries(alone)


def test_few_groups_are_not_handed_out(lost: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_workers, "LARGE", GROUPS + 1)
    report = go_on(lost, distributed=True)
    assert (report.map_run, report.unfinished, lost.ledger.tags_read_to) == (None, False, None)


def test_of_very_many_groups_some_are_handed_out_at_a_time(
    lost: FakeS3, alone: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tag_workers, "MOST", 2)
    map_run = hand_out(lost)
    assert len(map_run.ranges) == 2
    works(lost, map_run)
    assert stopped_by(over(lost, map_run)) == ["rebuilt"]
    assert len(asked(lost)) == MANY // GROUPS * 2
    assert entries(lost) == entries(alone)


def test_a_run_that_reads_groups_ends_when_another_one_hands_them_out(lost: FakeS3, alone: FakeS3) -> None:
    """It has begun before that, and would do the workers' work."""
    handed_out: list[Report] = []

    def other() -> None:
        lost.on_request = None
        handed_out.append(go_on(lost, distributed=True, run_id="other"))

    at_request(lost, "put_if", lost.layout.ledger, other, number=3)
    report = go_on(lost)
    (map_run,) = (each.map_run for each in handed_out)
    assert map_run is not None
    assert (report.unfinished, report.next_due) == (True, map_run.until)
    works(lost, map_run)
    over(lost, map_run)
    assert entries(lost) == entries(alone)


def test_a_plan_hands_out_nothing_and_takes_nothing_in(lost: FakeS3) -> None:
    map_run = hand_out(lost)
    works(lost, map_run)
    before = copy.deepcopy(lost.objects)
    job = Job(prefix=lost.layout.prefix, policy=KEEP, run="plan", dry_run=True, map_run_over=map_run.at)
    report = clean(ReadOnly(lost), job, Pace(sleep=lambda _: None))
    assert (report.map_run, before) == (None, lost.objects)


def test_orphans_without_tags_are_not_asked_for_theirs(lost: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    few = replace(KEEP, orphan_tags=0)
    monkeypatch.setattr("tests.unit.cleaner_lambda.lost_ledgers.KEEP", few)
    monkeypatch.setattr("tests.unit.cleaner_lambda.test_handed_rebuild.KEEP", few)
    lost.put(STRAY).last_modified = lost.clock - timedelta(seconds=2 * DAY)
    map_run = hand_out(lost)
    for number in map_run.ranges:
        work(lost, map_run, number)
    assert STRAY not in asked(lost)
    assert STRAY in lost.ledger.retired


def test_the_instant_of_a_map_run_is_not_to_come() -> None:
    """Nobody would read a tag until then."""
    rebuilding = Rebuilding(None, "", 0, MapRun(NOON + timedelta(days=9), {0: ("", None)}, kind=Kind.GROUP))
    with pytest.raises(LedgerError, match="rebuilding tells of 2026-"):
        check_instants(Ledger(tags_read_to="", rebuilding=rebuilding), NOON)


MARKS: Marks = {"assets/b.js": Mark(State.REMOVED, NOON), "assets/a.js": None}


def test_a_finding_is_read_as_it_was_written() -> None:
    assert decode(encode(MARKS)) == MARKS
    assert encode(decode(encode(MARKS))) == encode(MARKS)
    assert decode(encode({})) == {}


@pytest.mark.parametrize(
    "wrong",
    [{}, {"tags": []}, {"tags": {"a": []}}, {"tags": {"a": ["gone", "2026-07-01T12:00:00Z"]}}, {"tags": {"a": 5}}],
)
def test_whatever_else_lies_there_is_broken(wrong: dict[str, object]) -> None:
    with pytest.raises(LedgerError, match="a finding of the rebuild is broken"):
        decode(packed.pack(wrong, 1))
