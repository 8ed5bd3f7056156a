"""A sweep of a large site goes through it in groups: it ends as if it had all of it in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cleaner_lambda import listing, scan, totals
from cleaner_lambda import policy as policies
from cleaner_lambda.errors import ConflictError, UnreadableError
from cleaner_lambda.head import Head, decode, encode
from cleaner_lambda.job import Job
from cleaner_lambda.pace import Pace
from cleaner_lambda.read_only import ReadOnly
from cleaner_lambda.run import clean
from cleaner_lambda.so_far import BrokenOffError
from release_log import packed, segment_file
from release_log.ledger_file import HEAD_FORMAT, Announcement
from tests.fake_cleaner_s3 import FakeS3
from tests.ledger_formats import NONE, writing
from tests.small_pieces import small_pieces
from tests.unit.cleaner_lambda.runs import DAY, POLICY, at_request, fail_with, keys_of, run, stopped_by, work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cleaner_lambda.report import Report
    from release_log.policy_settings import Policy

PATHS = [f"assets/{name}.js" for name in "abcdef"]
LATER = replace(POLICY, version_ttl=3 * DAY // 2)
"""What has retired falls due after the sweep that puts it into segments, and before the next one."""


def version(path: str, number: int) -> str:
    """A key of a logical path."""
    return f"{path[:-3]}-{number}aaaa111.js"


def build(number: int, paths: list[str] = PATHS) -> dict[str, str]:
    """A build: each path in a version."""
    return {path: version(path, number) for path in paths}


OLD = sorted(build(1).values())


@pytest.fixture
def s3() -> FakeS3:
    """A bucket of its own: nothing was published there before."""
    return FakeS3()


@pytest.fixture(autouse=True)
def large(s3: FakeS3) -> Iterator[None]:
    """A site of six groups, each with an asset that is due."""
    with writing(HEAD_FORMAT, small=NONE):
        for number, seconds in ((1, 1), (2, DAY + 1)):
            s3.publish(f"build{number}", "default", build(number))
            sweep(s3)
            s3.advance(seconds)
        sweep(s3)
        s3.advance(DAY + 1)
        s3.requests.clear()
        yield


def head(s3: FakeS3) -> Head:
    """The head."""
    return decode(s3.objects[s3.layout.ledger].body)


def announced(found: Head) -> frozenset[str]:
    """What a head announces."""
    return frozenset() if found.ledger.deleting is None else found.ledger.deleting.keys


def sweep(  # noqa: PLR0913 (what a run can be asked)
    s3: FakeS3,
    *,
    policy: Policy = LATER,
    has_time: Callable[[], bool] = lambda: True,
    tell: Callable[[Mapping[str, Any]], None] | None = None,
    dry_run: bool = False,
    force: bool = False,
    run_id: str = "run",
) -> Report:
    """Run the cleaner once."""
    job = Job(prefix=s3.layout.prefix, policy=policy, run=run_id, dry_run=dry_run, force=force)
    return clean(ReadOnly(s3) if dry_run else s3, job, Pace(sleep=lambda _: None, has_time=has_time), tell)


def test_each_group_is_swept_in_its_turn_and_the_answer_is_of_all(s3: FakeS3) -> None:
    groups = [each for each in head(s3).index.segments if each.name is not None]
    assert len(groups) == len(PATHS)
    report = sweep(s3)
    assert keys_of(report, "delete") == OLD
    assert (report.counts()["delete"], report.counts()["keep"]) == (6, len(s3.assets()))
    assert not s3.ledger.retired
    written = [key for _, key in s3.made("put_if") if key == s3.layout.ledger]
    assert len(written) >= 2 * len(groups)  # each group is announced, and written
    assert {each.swept for each in head(s3).index.segments} == {s3.clock}
    assert report.next_due == s3.clock + timedelta(days=1)
    assert s3.ledger.runs[0].deleted == 6


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("number", [1, 2])
def test_a_segment_that_s3_does_not_give_out_is_a_stop_that_names_it(s3: FakeS3, *, full: bool, number: int) -> None:
    """Archived by a lifecycle rule: each daily run raised, of which no answer and no ledger told.

    The second time it is read for its group.
    """
    name = next(each.name for each in head(s3).index.segments if each.name is not None)
    key = s3.layout.ledger_file(name)
    seen = 0

    def archived(operation: str, wanted: str) -> None:
        nonlocal seen
        seen += (operation, wanted) == ("get", key)
        if (operation, wanted) == ("get", key) and seen >= number:
            raise UnreadableError(key, "InvalidObjectState")

    s3.on_request = archived
    job = Job(prefix=s3.layout.prefix, policy=LATER, run="run", full=full)
    report = clean(s3, job, Pace(sleep=lambda _: None))
    (stop,) = [each for each in report.plan.stops if each.reason == "unreadable_file"]
    assert key in stop.message
    assert "restore-object" in stop.message
    s3.on_request = None
    sweep(s3)
    assert not s3.ledger.retired


def test_what_each_group_did_is_logged_when_it_is_over(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer keeps as much as it has room for, and says so; its counts are whole."""
    monkeypatch.setattr(totals, "KEPT", 2)
    lines: list[Mapping[str, Any]] = []
    report = sweep(s3, tell=lines.append)
    logged = [action["key"] for line in lines if line["plan"] == "delete" for action in line["actions"]]
    document = report.document()
    assert logged == OLD
    assert ([each["key"] for each in document["delete"]], document["truncated"]) == (OLD[:2], True)
    assert document["counts"]["delete"] == 6


def test_a_dry_run_says_what_the_run_would_do_and_writes_nothing(s3: FakeS3) -> None:
    dry = sweep(s3, dry_run=True)
    assert s3.writes == []
    real = sweep(s3)
    left, right = dry.document(), real.document()
    assert keys_of(dry, "delete") == OLD
    same = ("counts", "delete", "tag", "untag", "bytes_deleted", "stopped_by", "upcoming")
    assert {name: left[name] for name in same} == {name: right[name] for name in same}


@pytest.mark.parametrize("groups", [0, 1, 2, 4])
def test_what_there_is_no_time_for_is_left_to_the_next_run(s3: FakeS3, groups: int) -> None:
    """The pace decides before each group; the segments that are left are as they were."""
    done: set[str] = set()

    def has_time() -> bool:
        done.update(key for key in OLD if key not in s3.objects)
        return len(done) < groups or (groups == 0 and not any(s3.made("put_if")))

    report = sweep(s3, has_time=has_time)
    assert report.document()["unfinished"]
    assert report.next_due == s3.clock
    assert len([key for key in OLD if key in s3.objects]) == len(OLD) - groups
    assert report.counts()["delete"] == groups
    report = sweep(s3)
    assert report.counts()["delete"] == len(OLD) - groups
    assert not report.unfinished


def test_a_forced_sweep_that_is_not_done_goes_on_with_the_next_run(s3: FakeS3) -> None:
    """Though it was not time for it yet."""
    sweep(s3, policy=replace(LATER, version_ttl=9 * DAY))
    s3.advance(60)
    assert keys_of(sweep(s3), "delete") == []
    report = sweep(s3, force=True, has_time=lambda: OLD[1] in s3.objects)
    assert (keys_of(report, "delete"), report.next_due) == (OLD[:2], s3.clock)
    assert keys_of(sweep(s3), "delete") == OLD[2:]
    assert keys_of(sweep(s3), "delete") == []


def test_a_group_that_was_not_done_to_its_end_is_not_swept(s3: FakeS3) -> None:
    """The time ends within it: the next run goes on with it, and not a day later."""

    def has_time() -> bool:
        return OLD[2] not in announced(head(s3))

    report = sweep(s3, has_time=has_time)
    assert report.unfinished
    assert sum(key in s3.objects for key in OLD) == 4
    assert keys_of(sweep(s3), "delete") == OLD[2:]


def test_the_deletion_limit_is_of_the_whole_site(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """No group alone deletes more than three, and the site has twelve assets."""
    monkeypatch.setattr(policies, "BRAKE_FLOOR", 2)
    monkeypatch.setattr("cleaner_lambda.sweeping.BRAKE_FLOOR", 2)
    strict = replace(LATER, max_delete_fraction=0.4)
    report = sweep(s3, policy=strict)
    assert (keys_of(report, "delete"), stopped_by(report)) == ([], ["brake"])
    assert "6 of 12 assets" in report.document()["stopped_by"][0]["message"]
    assert all(key in s3.objects for key in OLD)
    report = sweep(s3, policy=strict, force=True)
    assert (keys_of(report, "delete"), stopped_by(report)) == (OLD, [])


def test_what_falls_due_after_the_plan_counts_for_the_groups_after_it(
    s3: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of twelve assets four may go: the plan found none that was due, and then six were, each in a group of its own."""
    monkeypatch.setattr(policies, "BRAKE_FLOOR", 2)
    (since,) = {entry.mark.since for entry in s3.ledger.retired.values()}
    soon = int((s3.clock - since).total_seconds()) + 5
    at_request(s3, "get", s3.layout.ledger, lambda: s3.advance(60), number=2)
    report = sweep(s3, policy=replace(LATER, version_ttl=soon, max_delete_fraction=0.4))
    assert (keys_of(report, "delete"), stopped_by(report)) == (OLD[:4], ["brake"])


def test_what_a_release_during_the_sweep_makes_due_counts_too(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """It pushes a version of each path beyond the limit."""
    monkeypatch.setattr(policies, "BRAKE_FLOOR", 2)

    def publish() -> None:
        s3.publish("build3", "default", build(3))

    at_request(s3, "get", s3.layout.ledger, publish, number=2)
    report = sweep(s3, policy=replace(LATER, version_limit=1, max_delete_fraction=0.3))
    assert (keys_of(report, "delete"), stopped_by(report)) == (OLD[:3], ["brake"])


@pytest.mark.parametrize(("fraction", "lists"), [(1.0, False), (0.6, True)])
def test_before_much_is_deleted_the_site_is_listed(
    s3: FakeS3, monkeypatch: pytest.MonkeyPatch, fraction: float, *, lists: bool
) -> None:
    """Unless what the last listing has seen is enough: a marker may name what never was."""
    monkeypatch.setattr("cleaner_lambda.sweeping.BRAKE_FLOOR", 2)
    monkeypatch.setattr("cleaner_lambda.survey.LISTING_SECONDS", 10 * DAY)
    report = sweep(s3, policy=replace(LATER, max_delete_fraction=fraction))
    assert (("list", s3.layout.prefix) in s3.made("list"), report.missing is not None) == (lists, lists)
    assert keys_of(report, "delete") == OLD


def test_a_listing_that_is_not_done_puts_the_sweep_off(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run after the last part of it sweeps, and not one a day later."""
    monkeypatch.setattr("cleaner_lambda.sweeping.BRAKE_FLOOR", 2)
    strict = replace(LATER, max_delete_fraction=0.6)
    with small_pieces(1, 1):
        report = sweep(s3, policy=strict)
        assert (keys_of(report, "delete"), stopped_by(report)) == ([], ["unlisted"])
        assert report.next_due == s3.clock
        for _ in range(100):
            if not stopped_by(report):
                break
            report = sweep(s3, policy=strict)
    assert keys_of(report, "delete") == OLD


def test_a_release_that_comes_during_the_sweep_is_folded_in_first(s3: FakeS3) -> None:
    """It brings back what is due in the last group, and retires others."""
    back = {**build(2), PATHS[-1]: OLD[-1]}

    def publish() -> None:
        s3.on_request = None
        s3.advance(1)
        s3.publish("back", "default", back)

    at_request(s3, "get", s3.layout.ledger, publish, number=4)
    report = sweep(s3)
    assert OLD[-1] in s3.objects
    assert keys_of(report, "delete") == OLD[:-1]
    assert set(s3.ledger.retired) == {version(PATHS[-1], 2)}
    assert s3.tags(version(PATHS[-1], 2)) != {}
    assert s3.tags(OLD[-1]) == {}


def test_another_sweep_goes_on_alone(s3: FakeS3) -> None:
    """Both would read the whole site again after each other's groups. If the other one dies, this one comes back."""

    def other() -> None:
        s3.on_request = None
        sweep(s3, run_id="other")

    at_request(s3, "get", s3.layout.ledger, other, number=3)
    report = sweep(s3)
    assert not any(key in s3.objects for key in OLD)
    assert keys_of(report, "delete") == OLD[:1]
    assert (report.unfinished, report.next_due) == (True, s3.clock + timedelta(minutes=15))


def test_what_a_group_did_is_told_though_another_sweep_takes_the_ledger_away(s3: FakeS3) -> None:
    """It has deleted, and cannot write that down: that run finds it out."""

    def other() -> None:
        s3.on_request = None
        found = head(s3)
        *some, last = found.index.segments
        index = found.index._replace(segments=(*some, last._replace(swept=s3.clock)))
        s3.objects[s3.layout.ledger].body = encode(replace(found, index=index))

    at_request(s3, "delete", OLD[1], other)
    report = sweep(s3)
    assert keys_of(report, "delete") == OLD[:2]
    assert report.counts()["delete"] == 2
    assert (report.unfinished, report.next_due) == (True, s3.clock + timedelta(minutes=15))


def test_a_group_waits_for_a_run_that_began_to_delete_meanwhile(s3: FakeS3) -> None:
    """And writes nothing, so that the other one can."""

    def other() -> None:
        s3.on_request = None
        found = head(s3)
        announcement = Announcement("other", frozenset({OLD[3]}))
        s3.objects[s3.layout.ledger].body = encode(replace(found, ledger=replace(found.ledger, deleting=announcement)))

    at_request(s3, "get", s3.layout.ledger, other, number=4)
    report = sweep(s3)
    assert keys_of(report, "delete") == OLD[:2]
    assert report.unfinished
    assert announced(head(s3)) == {OLD[3]}


def test_who_is_told_to_delete_begins_anew_after_another_sweep(s3: FakeS3) -> None:
    def other() -> None:
        s3.on_request = None
        sweep(s3, run_id="other")

    at_request(s3, "get", s3.layout.ledger, other, number=3)
    report = sweep(s3, force=True)
    assert (keys_of(report, "delete"), report.unfinished) == (OLD[:1], False)
    assert report.counts()["keep"] == len(s3.assets())


def test_while_another_run_deletes_nothing_counts_as_swept(s3: FakeS3) -> None:
    """It comes back when that run is over, and not a day later."""
    found = head(s3)
    other = Announcement("other", frozenset({OLD[0]}))
    s3.objects[s3.layout.ledger].body = encode(replace(found, ledger=replace(found.ledger, deleting=other)))
    s3.objects[s3.layout.ledger].last_modified = s3.clock
    report = sweep(s3)
    assert (keys_of(report, "delete"), stopped_by(report)) == ([], ["deleting"])
    assert report.next_due is not None
    s3.advance((report.next_due - s3.clock).total_seconds() + 2)
    assert keys_of(sweep(s3), "delete") == OLD


def test_the_run_after_a_map_run_that_left_a_range_unlisted_sweeps_nothing(
    s3: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one does, a quarter of an hour later, and not a day later."""
    monkeypatch.setattr(scan, "LARGE", 0)
    job = Job(prefix=s3.layout.prefix, policy=replace(LATER, version_ttl=9 * DAY), run="run", distributed=True)
    map_run = clean(s3, job, Pace(sleep=lambda _: None)).map_run
    assert map_run is not None
    s3.advance(DAY + 1)
    report = sweep(s3)
    assert (keys_of(report, "delete"), stopped_by(report)) == ([], ["map_run"])
    assert report.next_due == s3.clock + timedelta(minutes=15)
    s3.advance(901)
    report = sweep(s3)
    assert (keys_of(report, "delete"), stopped_by(report)) == (OLD, [])


def test_what_retired_while_the_workers_listed_is_not_an_orphan_of_another_group(
    s3: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker saw it before a release named it, under a logical path that its name does not tell."""
    monkeypatch.setattr(scan, "LARGE", 0)
    monkeypatch.setattr(listing, "RANGES", 4)
    policy, stray = replace(POLICY, version_limit=9, removed_ttl=DAY), "assets/bb-0123abcd.js"
    s3.put(stray)
    sweep(s3, policy=policy)
    s3.advance(DAY + 1)
    map_run = run(s3, policy=policy, distributed=True).map_run
    assert map_run is not None
    found = [work(s3, map_run.at, number, policy) for number in map_run.ranges]
    assert any(each is not None and stray in each.strays for each in found)
    for key in (stray, "assets/e2-4567abcd.js"):
        s3.advance(10)
        s3.publish(key[7:9], "default", {**build(2), "assets/e2.js": key})
        run(s3, policy=policy)
    run(s3, policy=policy, map_run_over=map_run.at)
    for _ in range(3):
        s3.advance(DAY + 1)
        run(s3, policy=policy)
    assert s3.ledger.retired[stray].logical == "assets/e2.js"
    assert stray in s3.objects


def test_what_was_done_is_told_when_the_sweep_breaks_off(s3: FakeS3) -> None:
    at_request(s3, "get", s3.layout.ledger, fail_with("InternalError"), number=4)
    with pytest.raises(BrokenOffError) as broken:
        sweep(s3)
    assert keys_of(broken.value.report, "delete") == OLD[:2]


def test_others_that_are_always_faster_leave_the_rest_to_the_next_run(s3: FakeS3) -> None:
    put_if = s3.put_if

    def refuse(key: str, body: bytes, etag: str | None) -> str:
        if key == s3.layout.ledger and OLD[3] in announced(decode(body)):
            msg = "by the test"
            raise ConflictError(msg)
        return put_if(key, body, etag)

    s3.put_if = refuse  # type: ignore[method-assign]
    report = sweep(s3)
    assert (keys_of(report, "delete"), report.unfinished, report.next_due) == (OLD[:3], True, s3.clock)


def test_a_file_that_is_gone_is_left_to_a_run_that_reads_all(s3: FakeS3) -> None:
    """It rebuilds the ledger, and deletes nothing."""
    name = next(each.name for each in head(s3).index.segments if each.name is not None)
    del s3.objects[s3.layout.ledger_file(name)]
    assert stopped_by(sweep(s3)) == ["rebuilt"]
    assert all(key in s3.objects for key in OLD)


def test_what_was_done_is_told_though_the_ledger_cannot_be_read_any_more(s3: FakeS3) -> None:
    """A newer version has written the third group meanwhile: this one starts over, and stops."""
    name = [each.name for each in head(s3).index.segments if each.name is not None][2]
    file = s3.objects[s3.layout.ledger_file(name)]

    def other() -> None:
        file.body = packed.pack({}, segment_file.FORMAT + 1)

    at_request(s3, "get", s3.layout.ledger_file(name), other, number=3)
    report = sweep(s3)
    assert (keys_of(report, "delete"), stopped_by(report)) == (OLD[:2], ["unreadable_file"])
    assert report.counts()["delete"] == 2


def test_the_markers_of_a_channel_that_has_ended_go_when_no_group_has_an_asset_of_it(s3: FakeS3) -> None:
    def left() -> list[str]:
        return [
            key for key in s3.objects if key.startswith(s3.layout.markers) and key.endswith(("beta.json", "over.json"))
        ]

    sweep(s3)
    policy = replace(LATER, removed_ttl=5 * DAY // 2)
    s3.publish("beta", "beta", {"assets/beta.js": "assets/beta-1aaaa111.js"})
    sweep(s3, policy=policy)
    s3.advance(1)
    s3.end("beta", "over")
    sweep(s3, policy=policy)
    seen = []
    for _ in range(5):
        s3.advance(DAY + 1)
        sweep(s3, policy=policy)
        seen.append(("assets/beta-1aaaa111.js" in s3.objects, len(left())))
    assert seen == [(True, 2), (True, 2), (False, 2), (False, 0), (False, 0)]


def test_what_fails_in_one_group_is_told_and_tried_again_in_a_quarter_of_an_hour(s3: FakeS3) -> None:
    """The other groups go on, and need not be swept again."""
    s3.refuse[OLD[1]] = ["SlowDown"] * 4
    report = sweep(s3)
    assert keys_of(report, "delete") == [OLD[0], *OLD[2:]]
    assert [each["key"] for each in report.document()["failed"]] == [OLD[1]]
    assert (report.counts()["failed"], report.ended_well) == (1, False)
    assert report.next_due == s3.clock + timedelta(minutes=15)
    assert s3.ledger.retired.keys() == {OLD[1]}
    s3.advance(900)
    s3.requests.clear()
    assert keys_of(sweep(s3), "delete") == [OLD[1]]
    written = [key for _, key in s3.made("put_if") if key == s3.layout.ledger]
    assert len(written) == 3  # the announcement of what S3 did not answer is over; and two of one group
