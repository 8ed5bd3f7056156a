"""A long run writes how far it has come every minute: one that is killed loses a minute's work, and no more."""

from __future__ import annotations

import copy
import gzip
import re
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda import apply, deletion, pace, rebuild, segments
from cleaner_lambda import run as runs
from cleaner_lambda.head import decode
from cleaner_lambda.job import Job
from cleaner_lambda.pace import Pace
from cleaner_lambda.read_only import ReadOnly
from cleaner_lambda.run import clean
from release_log.ledger_file import FORMAT, HEAD_FORMAT
from tests.few_markers import few_markers
from tests.ledger_formats import NONE, writing
from tests.small_pieces import handing_out, small_pieces
from tests.unit.cleaner_lambda.runs import APP, DAY, POLICY, A, B, C, at_request, fail_with, stopped_by

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import Any

    from cleaner_lambda.report import Report
    from release_log.policy_settings import Policy
    from tests.fake_cleaner_s3 import FakeS3

LASTING = replace(POLICY, version_limit=9, removed_ttl=9 * DAY)
STRAYS = [f"assets/{letter}-0123abcd.js" for letter in "aelpqxz"]
ASSETS = "assets/"


class KilledError(BaseException):
    """The invocation ends at once: nothing catches it."""


@pytest.fixture(params=[segments.SMALL, NONE], ids=["small", "large"])
def site(request: pytest.FixtureRequest, s3: FakeS3) -> Iterator[FakeS3]:
    """A site whose listing is due, and finds seven orphans; what is retired is read by each run, or by none."""
    with writing(HEAD_FORMAT, small=request.param), small_pieces(3, rounds=500):
        run(s3, seconds=0)
        for key in STRAYS:
            s3.put(key)
        s3.advance(DAY)
        s3.requests.clear()
        yield s3


def run(  # noqa: PLR0913 (what a run can be asked)
    s3: FakeS3,
    *,
    seconds: float = 60,
    others: tuple[str, ...] = (),
    minutes: float = 13,
    run_id: str = "run",
    policy: Policy = LASTING,
    full: bool = False,
    dry_run: bool = False,
    distributed: bool = False,
    map_run_over: datetime | None = None,
) -> Report:
    """A run for which a LIST of assets, and each of some other requests, takes so many seconds."""
    before = len(s3.requests)

    def clock() -> float:
        made = s3.requests[before:]
        return seconds * sum(each == ("list", ASSETS) or each[0] in others for each in made)

    job = Job(
        prefix=ASSETS,
        policy=policy,
        run=run_id,
        full=full,
        dry_run=dry_run,
        distributed=distributed,
        map_run_over=map_run_over,
    )
    return clean(
        ReadOnly(s3) if dry_run else s3,
        job,
        Pace(sleep=lambda _: None, has_time=lambda: clock() < 60 * minutes, clock=clock),
    )


def lists(s3: FakeS3) -> int:
    """How many LISTs of assets were made."""
    return s3.requests.count(("list", ASSETS))


def made(s3: FakeS3) -> list[tuple[str, str]]:
    """The requests, but for what is random in the names of files."""
    return [(operation, re.sub("-[0-9a-f]{16}[.]", ".", key)) for operation, key in s3.requests]


def listed_at_once(s3: FakeS3) -> int:
    """How many LISTs of assets an undisturbed run makes."""
    other = copy.deepcopy(s3)
    run(other, seconds=0)
    return lists(other)


def killed() -> None:
    """End the invocation."""
    raise KilledError


def test_a_run_that_is_killed_in_the_middle_of_a_listing_loses_a_minute(site: FakeS3) -> None:
    """The next run goes on there: only the LIST of the minute that is lost is made again."""
    whole = listed_at_once(site)
    at_request(site, "list", ASSETS, killed, number=4)
    with pytest.raises(KilledError):
        run(site)
    assert lists(site) == 4
    assert site.ledger.cursor is not None
    assert STRAYS[0] in site.ledger.retired, "it is written what three LISTs have shown"
    site.on_request = None
    site.advance(902)
    report = run(site, run_id="next")
    assert lists(site) == whole + 1
    assert (report.orphans, report.missing, report.unfinished) == (len(STRAYS), (), False)
    assert set(STRAYS) <= site.ledger.retired.keys()


def test_runs_of_which_each_is_killed_come_to_the_end(site: FakeS3) -> None:
    """Each comes a minute further. Without that, none of them would ever get anywhere."""
    whole = listed_at_once(site)
    for number in range(1, whole):
        at_request(site, "list", ASSETS, killed, number=2)
        with pytest.raises(KilledError):
            run(site, run_id=f"run {number}")
        site.advance(902)
    site.on_request = None
    assert run(site, run_id="last").orphans == len(STRAYS)
    assert lists(site) == 2 * (whole - 1) + 1


def test_a_run_of_several_minutes_says_what_one_of_a_minute_says(site: FakeS3) -> None:
    """The tags of all its attempts are counted, and it is one run in the ledger."""
    other = copy.deepcopy(site)
    document, expected = (run(each, seconds=n).document() for each, n in ((site, 60), (other, 0)))
    assert document == expected
    assert document["counts"]["tag"] == len(STRAYS)
    assert site.ledger.retired == other.ledger.retired
    ran, alone = (each.ledger.runs for each in (site, other))
    assert [replace(each, seconds=0) for each in ran] == list(alone)
    assert ran[0].seconds == 60 * lists(site)
    assert site.ledger.same_state(other.ledger)


def test_a_listing_of_less_than_a_minute_costs_no_request_more(site: FakeS3) -> None:
    other = copy.deepcopy(site)
    run(site, seconds=11)
    run(other, seconds=0)
    assert made(site) == made(other)


@pytest.mark.parametrize("how", [{"dry_run": True}, {"minutes": 0}])
def test_a_plan_writes_nothing_and_so_has_one_stretch(site: FakeS3, how: dict[str, Any]) -> None:
    """The other run has no time for a second one."""
    other = copy.deepcopy(site)
    report = run(site, **how)
    run(other, **how, seconds=0)
    assert len(site.requests) == len(other.requests)
    assert report.unfinished is not report.dry_run


def test_the_old_format_is_not_written_each_minute(s3: FakeS3) -> None:
    """There all retired assets are in one file."""
    with writing(FORMAT), small_pieces(3, rounds=500):
        s3.advance(DAY)
        other = copy.deepcopy(s3)
        run(s3)
        run(other, seconds=0)
        assert made(s3) == made(other)


def test_the_invocation_ends_between_two_stretches(site: FakeS3) -> None:
    report = run(site, minutes=2)
    assert lists(site) == 2
    assert (report.unfinished, report.next_due, report.orphans) == (True, site.clock, None)
    assert run(site).orphans == len(STRAYS)


def test_what_is_left_is_handed_out_when_the_invocation_ends_and_not_before(site: FakeS3) -> None:
    site.publish(
        "r3", "default", {APP: B, "assets/n.js": "assets/n-eeee5555.js", "assets/y.js": "assets/y-eeee5555.js"}
    )
    with small_pieces(1, ranges=2, rounds=500), handing_out(at_once=False):
        report = run(site, minutes=4, distributed=True)
    assert report.map_run is not None
    assert lists(site) == 4, "in two stretches of two ranges"


def test_a_map_run_that_left_ranges_is_named_and_the_next_run_goes_on(site: FakeS3) -> None:
    with handing_out(at_once=True):
        map_run = run(site, distributed=True).map_run
    assert map_run is not None
    report = run(site, distributed=True, map_run_over=map_run.at)
    assert (stopped_by(report), report.unfinished, report.next_due) == (["map_run"], True, site.clock)
    assert lists(site) == 1
    report = run(site)
    assert (stopped_by(report), report.orphans) == ([], len(STRAYS))


def test_another_run_may_write_the_ledger_in_each_minute(site: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run starts its minute over; only one that gets nowhere gives up."""
    monkeypatch.setattr(runs, "ATTEMPTS", 2)
    whole, seen = listed_at_once(site), 0

    def write(operation: str, key: str) -> None:
        nonlocal seen
        seen += (operation, key) == ("list", ASSETS)
        if (operation, key) == ("list", ASSETS) and seen % 2:
            stored = site.objects[site.layout.ledger]
            stored.body = gzip.compress(gzip.decompress(stored.body), mtime=seen)

    site.on_request = write
    assert run(site).orphans == len(STRAYS)
    assert lists(site) == 2 * whole


def test_what_failed_for_a_while_in_an_earlier_minute_brings_the_cleaner_back(site: FakeS3) -> None:
    failing = STRAYS[0]

    def fail(operation: str, key: str) -> None:
        if (operation, key) == ("put_tags", failing) and lists(site) == 2:
            fail_with("SlowDown")()

    site.on_request = fail
    report = run(site)
    assert report.orphans == len(STRAYS)
    if not site.tags(failing):  # a run of a large site tags it with the sweep
        assert [each["key"] for each in report.document()["failed"]] == [failing]
        assert report.next_due is not None
        assert (report.next_due - site.clock).total_seconds() <= 900


@pytest.mark.parametrize("site", [NONE], indirect=True)
def test_a_sweep_takes_in_what_is_noted_before_more_is(site: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has all of it in memory."""
    monkeypatch.setattr(segments, "ROWS", 2)
    whole, runs = listed_at_once(site), 0
    while run(site).unfinished:
        runs += 1
        assert decode(site.objects[site.layout.ledger].body).index.rows == 0
    assert runs > 1
    assert lists(site) == whole


def test_much_that_is_due_goes_in_the_run_that_ends_the_listing(site: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """How much of the site that is, a listing says: so it waits for the last stretch, and not for the next run."""
    for name in ("decision", "policy", "sweeping"):
        monkeypatch.setattr(f"cleaner_lambda.{name}.BRAKE_FLOOR", 0)
    policy = replace(POLICY, max_delete_fraction=0.5)
    run(site, seconds=0)
    site.advance(POLICY.version_ttl + DAY)
    report = run(site, policy=policy)
    assert (stopped_by(report), report.unfinished) == ([], False)
    assert A not in site.assets()


def six_removed(s3: FakeS3) -> dict[str, str]:
    """Six assets are in no current release any more; logical path -> key."""
    names = {f"assets/{n}.js": f"assets/{n}-eeee5555.js" for n in range(6)}
    s3.publish("r3", "default", {APP: B, **names})
    run(s3)
    s3.publish("r4", "default", {APP: B})
    return names


def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each object is tagged or deleted by itself, one after the other."""
    for module in (apply, deletion):
        monkeypatch.setattr(module, "batches", lambda items, _=0: pace.batches(items, 1))


@pytest.mark.parametrize("operation", ["put_tags", "delete"])
def test_a_run_that_is_killed_in_the_middle_of_its_effects_loses_a_minute(
    s3: FakeS3, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    """The next one finds in the ledger what is done, and does not list again, though the first one was asked to."""
    one_at_a_time(monkeypatch)
    with writing(HEAD_FORMAT):
        names = six_removed(s3)
        if operation == "delete":
            run(s3)
            s3.advance(LASTING.removed_ttl + POLICY.grace)
        at_request(s3, operation, names["assets/4.js"], killed)
        s3.requests.clear()
        with pytest.raises(KilledError):
            run(s3, others=(operation,), full=True)
        before, listed = len(s3.made(operation)), lists(s3)
        left = [key for key, each in s3.ledger.retired.items() if operation == "delete" or each.tagged is None]
        assert set(left) - {A} == {names["assets/4.js"], names["assets/5.js"]}
        s3.on_request = None
        s3.advance(902)
        report = run(s3, run_id="next", others=(operation,))
        assert len(s3.made(operation)[before:]) == 2
        assert (report.unfinished, lists(s3)) == (False, listed)
        assert report.counts()[operation.removeprefix("put_").removesuffix("s")] == 2


def test_a_run_that_deletes_for_minutes_says_what_its_listing_has_shown(
    s3: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lists once."""
    one_at_a_time(monkeypatch)
    with writing(HEAD_FORMAT):
        six_removed(s3)
        run(s3)
        s3.put(STRAYS[0])
        s3.advance(LASTING.removed_ttl + POLICY.grace)
        s3.requests.clear()
        report = run(s3, others=("delete",), full=True)
        assert (report.counts()["delete"], report.orphans, report.missing, report.unfinished) == (6, 1, (), False)
        assert lists(s3) == 1


@pytest.mark.parametrize("live", [False, True])
def test_a_run_that_is_killed_in_the_middle_of_reading_tags_loses_a_minute(
    s3: FakeS3, monkeypatch: pytest.MonkeyPatch, *, live: bool
) -> None:
    """A rebuild without a checkpoint reads the tags of all; so does one in groups, of the current releases' assets."""
    monkeypatch.setattr(rebuild, "BATCH", 1)
    monkeypatch.setattr(rebuild, "batches", partial(pace.batches, size=1))
    names = {f"assets/{n}.js": f"assets/{n}-eeee5555.js" for n in range(6)}
    with writing(HEAD_FORMAT, small=NONE), few_markers(keep=2) if live else nullcontext():
        for number in range(4 if live else 1):
            s3.publish(f"r{number + 3}", "default", {APP: C, **names})
            s3.advance(100)
            run(s3, seconds=0)
        assert (s3.layout.checkpoint in s3.objects) is live
        del s3.objects[s3.layout.ledger]
        s3.requests.clear()
        other = copy.deepcopy(s3)
        run(other, seconds=0)
        asked = len(other.made("get_tags"))
        at_request(s3, "get_tags", names["assets/4.js"], killed)
        with pytest.raises(KilledError):
            run(s3, others=("get_tags",))
        before = s3.made("get_tags")
        s3.on_request = None
        s3.advance(902)
        report = run(s3, run_id="next")
        assert stopped_by(report) == ["rebuilt"]
        assert len(s3.made("get_tags")) == asked + 1
        assert s3.made("get_tags")[len(before)][1] == names["assets/4.js"]
