"""An old bucket: the cleaner asks before it retires many orphans, and gives them no tags."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cleaner_lambda.adoption import bill, stop_for
from cleaner_lambda.finding import Finding
from cleaner_lambda.job import Job
from cleaner_lambda.pace import Pace
from cleaner_lambda.port import Listed
from cleaner_lambda.run import clean
from cleaner_lambda.waiting import NONE, Waiting, decode, encode
from release_log.instants import format_instant
from release_log.ledger_file import FORMAT, HEAD_FORMAT
from release_log.policy_settings import Orphans
from release_log.tags import State, read_mark
from tests.fake_cleaner_s3 import NOON, FakeS3, client_error
from tests.few_orphans import unasked
from tests.ledger_formats import writing
from tests.small_pieces import small_pieces
from tests.unit.cleaner_lambda.runs import APP, DAY, LOGO, POLICY, A, B, run, stopped_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cleaner_lambda.report import Report

STRAYS = [f"assets/{letter}-0123abcd.js" for letter in "bcxyz"]
NO_TAGS = replace(POLICY, orphan_tags=0)


@pytest.fixture
def bucket() -> FakeS3:
    """What another tool has left, and the release that production serves."""
    s3 = FakeS3()
    for key in STRAYS:
        s3.put(key)
    s3.advance(2 * DAY)
    s3.publish("r1", "default", {APP: A})
    return s3


@pytest.fixture(params=[FORMAT, HEAD_FORMAT], autouse=True)
def either_format(request: pytest.FixtureRequest) -> Iterator[int]:
    """The ledger's format."""
    with writing(request.param) if request.param == HEAD_FORMAT else nullcontext():
        yield request.param


@pytest.fixture
def few() -> Iterator[None]:
    """The cleaner asks of more than three."""
    with unasked(3):
        yield


def tagged(s3: FakeS3) -> set[str]:
    """The orphans with a tag."""
    return {key for key in STRAYS if key in s3.objects and s3.tags(key)}


def to_the_end(s3: FakeS3) -> Report:
    """Runs, until one has done all its work."""
    report = run(s3)
    for _ in range(20):
        if not report.unfinished:
            return report
        s3.advance(1)
        report = run(s3)
    raise AssertionError


@pytest.mark.usefixtures("few")
def test_it_asks_and_retires_none_while_all_else_goes_on(bucket: FakeS3) -> None:
    """Each run says how many they are, their bytes, the oldest, the bill and the remedy."""
    assert stopped_by(run(bucket)) == ["rebuilt", "adoption"]
    bucket.advance(60)
    bucket.publish("r2", "default", {APP: B})
    assert stopped_by(run(bucket)) == ["adoption"]
    bucket.advance(POLICY.version_ttl + 1)
    bucket.requests.clear()
    report = run(bucket)
    assert (A in bucket.objects, report.ended_well) == (False, False)
    assert {*STRAYS, B} <= bucket.assets()
    assert (tagged(bucket), bucket.ledger.retired) == (set(), {})
    (stop,) = report.document()["stopped_by"]
    for words in ("5 orphans, 5 bytes", f"stored at {format_instant(NOON)}", "US dollars", "clean --adopt", '"adopt"'):
        assert words in stop["message"]
    assert report.document()["adoption"] == {
        "orphans": 5,
        "bytes": 5,
        "oldest": format_instant(NOON),
        "tags": True,
        "requests": {"LIST": 4, "PUT": 5, "GET": 5, "POST": 1},
        "usd": 0.0,
    }
    bucket.advance(DAY)
    assert (stopped_by(run(bucket)), run(bucket, dry_run=True, full=True).plan.delete) == (["adoption"], ())
    assert run(bucket, dry_run=True, full=True).orphans == 5


@pytest.mark.usefixtures("few")
def test_it_goes_on_when_told_and_their_clocks_start_then(bucket: FakeS3) -> None:
    run(bucket)
    bucket.advance(9 * DAY)
    report = run(bucket, adopt=True)
    assert (stopped_by(report), report.document()["adoption"]) == ([], None)
    assert {key: bucket.ledger.retired[key].mark.since for key in STRAYS} == dict.fromkeys(STRAYS, bucket.clock)
    assert bucket.ledger.waiting == NONE
    bucket.advance(POLICY.removed_ttl - 60)
    run(bucket)
    assert set(STRAYS) <= bucket.assets()
    bucket.advance(60)
    assert stopped_by(run(bucket)) == []
    assert bucket.assets() == {A}


@pytest.mark.usefixtures("few")
def test_what_comes_later_is_asked_of_again(bucket: FakeS3) -> None:
    run(bucket)
    run(bucket, adopt=True)
    later = [f"assets/later-{number}123abcd.js" for number in range(4)]
    for key in later:
        bucket.put(key)
    bucket.advance(DAY + 1)
    assert stopped_by(run(bucket)) == ["adoption"]
    assert bucket.ledger.retired.keys() == set(STRAYS)
    bucket.objects.pop(later[0])
    bucket.advance(60)
    assert stopped_by(run(bucket, full=True)) == [], "by now there are few"
    assert set(later[1:]) <= bucket.ledger.retired.keys()


@pytest.mark.usefixtures("few")
def test_whoever_keeps_them_is_not_asked(bucket: FakeS3) -> None:
    kept = replace(POLICY, orphans=Orphans.REPORT)
    run(bucket, policy=kept)
    bucket.advance(60)
    assert stopped_by(run(bucket, policy=kept)) == []
    assert stopped_by(run(bucket, full=True)) == ["adoption"], "the setting is another by now"
    assert stopped_by(run(bucket, policy=kept)) == []
    assert tagged(bucket) == set()


@pytest.mark.parametrize("most", [4, 9])
def test_a_listing_of_several_runs_counts_before_it_retires(bucket: FakeS3, most: int) -> None:
    """Of few it begins again, and retires them; of many it asks, and goes on from run to run once it is told."""
    with unasked(most), small_pieces(3):
        report = run(bucket)
        while bucket.ledger.listed_at is None and bucket.ledger.cursor and bucket.ledger.cursor.most == most:
            assert bucket.ledger.retired.keys().isdisjoint(STRAYS)
            bucket.advance(1)
            report = run(bucket)
        while report.unfinished:
            bucket.advance(1)
            report = run(bucket)
        bucket.advance(60)
        assert stopped_by(run(bucket)) == ([] if most == 9 else ["adoption"])
        assert (bucket.ledger.retired.keys() == set(STRAYS)) is (most == 9)
        if most == 9:
            return
        assert tagged(bucket) == set()
        assert stopped_by(run(bucket, adopt=True)) == []
        assert bucket.ledger.cursor is not None
        report = to_the_end(bucket)
        assert stopped_by(report) == []
        assert bucket.ledger.retired.keys() == set(STRAYS)


def test_a_ledger_in_one_file_takes_in_only_so_many(bucket: FakeS3, either_format: int) -> None:
    """More need the next format, whose runs do not have all of them in memory; and the message says so."""
    with unasked(1, in_one_file=4):
        run(bucket)
        bucket.advance(60)
        (stop,) = run(bucket, adopt=True).document()["stopped_by"] or [None]
        if either_format == HEAD_FORMAT:
            assert stop is None
            assert bucket.ledger.retired.keys() == set(STRAYS)
        else:
            assert "deploy with -c ledger_format=2" in stop["message"]
            assert bucket.ledger.retired == {}


def test_beyond_the_setting_no_orphan_gets_a_tag_and_none_is_read(bucket: FakeS3) -> None:
    report = run(bucket, policy=NO_TAGS)
    asked = {key for _, key in bucket.made("get_tags", "put_tags")}
    assert (tagged(bucket), asked & set(STRAYS)) == (set(), set())
    assert report.document()["untagged_orphans"] == len(STRAYS)
    assert bucket.ledger.retired.keys() == set(STRAYS)
    assert run(bucket, policy=replace(POLICY, orphan_tags=5)).document()["untagged_orphans"] == 0
    assert tagged(bucket) == set(STRAYS)


def test_the_first_run_reads_the_tags_of_each_object_once(bucket: FakeS3) -> None:
    """But for those that bear one already: it keeps what others have written there, and nothing that is gone since."""
    bucket.objects[STRAYS[0]].tags = {"team": "web"}
    bucket.objects[STRAYS[1]].tags = {"superseded_at": format_instant(NOON + timedelta(days=1)), "team": "app"}
    run(bucket)
    assert sorted(key for _, key in bucket.made("get_tags")) == sorted([A, *STRAYS, *STRAYS[:2]])
    assert {key for _, key in bucket.made("put_tags")} == tagged(bucket) == set(STRAYS)
    assert [bucket.tags(key).get("team") for key in STRAYS] == ["web", "app", None, None, None]
    assert all(read_mark(bucket.tags(key)) == bucket.ledger.retired[key].mark for key in STRAYS)


def test_a_put_of_tags_that_s3_refuses_is_repeated_with_the_tags_of_then(bucket: FakeS3) -> None:
    """Somebody may have written others meanwhile."""
    code, failed = "SlowDown", set[str]()

    def throttle(operation: str, key: str) -> None:
        if operation == "put_tags" and key not in failed:
            failed.add(key)
            bucket.objects[key].tags = {"team": "web"}
            raise client_error(code)

    bucket.on_request = throttle
    clean(bucket, Job(prefix=bucket.layout.prefix, policy=POLICY, run="run"), Pace(sleep=lambda _: None))
    assert {bucket.tags(key).get("team") for key in STRAYS} == {"web"}
    assert all(read_mark(bucket.tags(key)) == bucket.ledger.retired[key].mark for key in STRAYS)


def test_without_tags_a_lost_ledger_makes_them_later_and_never_earlier(bucket: FakeS3) -> None:
    """Also where another tool has left a tag: the listing that finds them again dates them."""
    bucket.objects[STRAYS[0]].tags = {"removed_at": format_instant(NOON - timedelta(days=99))}
    run(bucket, policy=NO_TAGS)
    bucket.advance(DAY)
    del bucket.objects[bucket.layout.ledger]
    run(bucket, policy=NO_TAGS)
    found = bucket.clock
    assert {bucket.ledger.retired[key].mark.since for key in STRAYS} == {found}
    bucket.advance(NO_TAGS.removed_ttl - 1)
    run(bucket, policy=NO_TAGS)
    assert set(STRAYS) <= bucket.assets()
    bucket.advance(1)
    run(bucket, policy=NO_TAGS)
    assert bucket.assets() == {A}


def test_a_tag_that_nobody_has_read_does_not_outlive_the_state_that_it_tells(bucket: FakeS3) -> None:
    """Or a rebuild that reads tags would take the orphan for older than it is."""
    old = "assets/app-9999eeee.js"
    bucket.put(old, tags={"superseded_at": format_instant(NOON - timedelta(days=99))})
    bucket.advance(2 * DAY)
    run(bucket, policy=NO_TAGS)
    assert bucket.ledger.retired[old].mark.state is State.SUPERSEDED
    bucket.advance(60)
    bucket.publish("r2", "default", {"assets/logo.png": LOGO})
    run(bucket, policy=NO_TAGS)
    mark = bucket.ledger.retired[old].mark
    assert (mark.state, mark.since, read_mark(bucket.tags(old))) == (State.REMOVED, bucket.clock, mark)
    bucket.advance(60)
    del bucket.objects[bucket.layout.ledger]
    run(bucket)
    assert bucket.ledger.retired[old].mark == mark


def test_an_orphan_that_a_release_brings_back_loses_a_tag_that_nobody_has_read(bucket: FakeS3) -> None:
    bucket.objects[STRAYS[0]].tags = {"removed_at": format_instant(NOON), "team": "web"}
    run(bucket, policy=NO_TAGS)
    bucket.advance(60)
    bucket.publish("r2", "default", {APP: A, "assets/b.js": STRAYS[0]})
    run(bucket, policy=NO_TAGS)
    assert bucket.tags(STRAYS[0]) == {"team": "web"}


@pytest.mark.usefixtures("few")
def test_a_dry_run_shows_what_would_be_retired(bucket: FakeS3) -> None:
    run(bucket)
    before = dict(bucket.objects)
    plan = run(bucket, dry_run=True, adopt=True).plan
    assert ([action.key for action in plan.tag], bucket.objects) == (STRAYS, before)


def test_the_requests_are_few(bucket: FakeS3) -> None:
    """A LIST for each thousand, and what any run takes."""
    for number in range(3000):
        bucket.put(f"assets/old/chunk{number}-0123abcd.js")
    bucket.advance(2 * DAY)
    with unasked(1000):
        run(bucket, policy=NO_TAGS)
        bucket.advance(60)
        bucket.requests.clear()
        run(bucket, policy=NO_TAGS, adopt=True)
        assert len(bucket.ledger.retired) == 3005
        assert len(bucket.requests) <= 4 + 16


AT = datetime(2019, 3, 2, 10, 11, 12, tzinfo=UTC)
MILLION = Waiting(1_200_000, 61_200_000_000, AT, folders=100, others=7)


def test_the_bill_is_as_docs_cost_says() -> None:
    costs = bill(replace(MILLION, number=1_000_000), tags=False)
    assert (costs.list, costs.post, costs.put, costs.get) == (1000 + 200 + 34 * 15, 1000, 34 * 7, 34 * 12)
    assert round(costs.dollars, 2) == 1.01
    costs = bill(replace(MILLION, number=1_000_000), tags=True)
    assert (costs.requests, round(costs.dollars, 2)) == (2_002_300 + 34 * 34, 7.42)
    costs = bill(replace(MILLION, number=300_000), tags=False, one_file=True)
    assert (costs.list, costs.post, costs.put, costs.get) == (300 + 200, 300, 0, 0)


def test_the_question_names_everything() -> None:
    assert stop_for(replace(MILLION, number=100_000), tags=True, one_file=True) is None
    stop = stop_for(MILLION, tags=False, one_file=True)
    assert stop is not None
    assert stop.message == (
        "1200000 orphans, 61200000000 bytes, the oldest stored at 2019-03-02T10:11:12Z, wait to be retired: none of "
        "them is tagged or deleted until you say so; all else goes on. To retire and to delete them takes about 3960 "
        "requests and 1.22 US dollars, without a tag for each. If they may go: deploy with -c ledger_format=2, as "
        "format 1 holds 300000 at most, and then python -m uploader clean --adopt, or invoke with "
        '{"adopt": true}. If they are to stay: deploy with -c orphans=report'
    )
    assert not stop.holds_all


@pytest.mark.parametrize("wrong", [{"orphans": -1}, {"bytes": None}, {"oldest": 5}, {"folders": "a"}, {"others": None}])
def test_the_sums_are_read_as_they_were_written_and_wrong_ones_are_an_error(wrong: dict[str, Any]) -> None:
    assert (decode(encode(MILLION)), decode(None), MILLION + NONE) == (MILLION, NONE, MILLION)
    with pytest.raises((TypeError, ValueError)):
        decode(encode(MILLION) | wrong)


def test_a_stored_page_need_not_wait() -> None:
    """It is the site's own, whatever is asked of orphans."""
    page, stray = "assets/.releases/pages/0f", "assets/old/a-0123abcd.js"
    strays = {key: Listed(key, 7, AT) for key in (page, stray)}
    waits = Finding(strays=strays, waiting=Waiting(1, 1, NOON, 1)).withheld()
    assert waits.strays.keys() == {page}
    assert waits.waiting == Waiting(2, 8, AT, 2)
