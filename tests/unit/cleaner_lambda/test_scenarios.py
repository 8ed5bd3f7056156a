"""Scenarios of `tests/SCENARIOS.md` that concern the cleaner and no other test module."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, repeat
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda.job import Job
from cleaner_lambda.pace import BATCH, Pace
from cleaner_lambda.port import DELETE_BATCH
from cleaner_lambda.run import clean
from release_log.policy_settings import Policy
from tests.fake_cleaner_s3 import FakeS3

if TYPE_CHECKING:
    from cleaner_lambda.report import Report

DAY = 86_400
ALL = Policy(version_limit=0, version_ttl=0, removed_ttl=0, grace=0)
"""Each retired asset is due."""
A, B, C = ("assets/app-aaaa1111.js", "assets/app-bbbb2222.js", "assets/app-cccc3333.js")
LOGO = "assets/logo-dddd4444.png"
APP = "assets/app.js"


def run(s3: FakeS3, policy: Policy = ALL, *, turns: int | None = None) -> Report:
    """Run the cleaner once.

    Args:
        s3: The bucket.
        policy: The policy.
        turns: How many batches there is time for; None for any number.
    """
    left = chain(repeat(True, turns), repeat(False)) if turns is not None else repeat(True)
    pace = Pace(has_time=lambda: next(left), sleep=lambda _: None)
    return clean(s3, Job(prefix="assets/", policy=policy, run="run"), pace)


def deleted(report: Report) -> list[str]:
    """The keys that a run says it deleted."""
    return [entry["key"] for entry in report.document()["delete"]]


@pytest.mark.scenario("T2")
def test_asset_that_comes_back_loses_its_mark_and_every_other_mark_stays() -> None:
    """No byte of the other site changes, and the run sends no request for it."""
    policy = replace(ALL, removed_ttl=30 * DAY)
    page = {"assets/index.html": "assets/index.html"}
    s3 = FakeS3()
    s3.publish("r1", "default", {APP: A, "assets/logo.png": LOGO, **page})
    run(s3, policy)
    s3.advance(60)
    s3.publish("r2", "default", page)
    run(s3, policy)
    mark = dict(s3.tags(LOGO))
    assert s3.tags(A).keys() == mark.keys() == {"removed_at"}
    s3.advance(DAY / 2)
    s3.publish("r3", "default", {APP: A, **page})
    s3.requests.clear()
    run(s3, policy)
    assert (s3.tags(A), s3.tags(LOGO)) == ({}, mark)
    assert s3.made("put_tags") == [("put_tags", A)]


@pytest.mark.scenario("L4")
def test_version_that_was_live_a_minute_ago_outlives_the_one_before_it() -> None:
    """After A, B, back to A, then C, with room for one older version: B goes, though it was stored later than A."""
    policy = replace(ALL, version_limit=1, version_ttl=1)
    s3 = FakeS3()
    for name, key in (("r1", A), ("r2", B), ("r3", A), ("r4", C)):
        s3.publish(name, "default", {APP: key})
        run(s3, replace(policy, version_ttl=DAY))
        s3.advance(60)
    assert s3.objects[A].last_modified < s3.objects[B].last_modified
    assert deleted(run(s3, policy)) == [B]
    assert s3.assets() == {A, C}


@pytest.mark.scenario("L22")
def test_release_whose_files_took_hours_to_arrive_is_one_release() -> None:
    """The marker lists which assets belong together; their times do not matter."""
    s3 = FakeS3()
    s3.publish("r1", "default", {APP: A})
    run(s3)
    s3.put(B)
    s3.advance(5 * 3600)
    s3.publish("r2", "default", {APP: B, "assets/logo.png": LOGO})
    s3.advance(30 * DAY)
    run(s3)
    assert s3.assets() == {B, LOGO}


def retired(count: int, policy: Policy) -> FakeS3:
    """A site with a number of assets, each superseded a moment ago, and with a ledger."""
    s3 = FakeS3()
    s3.publish("r1", "default", {f"assets/{n}.js": f"assets/{n}-a.js" for n in range(count)})
    run(s3, policy)
    s3.advance(1)
    s3.publish("r2", "default", {f"assets/{n}.js": f"assets/{n}-b.js" for n in range(count)})
    return s3


@pytest.mark.scenario("L25")
def test_run_whose_time_is_over_says_so_and_the_next_one_deletes_the_rest() -> None:
    """If the invocation's limit cuts a run off, cleaning must not end for ever: the next wake-up is due at once."""
    s3 = retired(DELETE_BATCH + 1, ALL)
    first = run(s3, turns=1)
    assert len(deleted(first)) == DELETE_BATCH
    assert first.document()["unfinished"] is True
    assert first.next_due == s3.clock
    assert len(s3.ledger.retired) == 1, "what is not deleted is not forgotten"
    assert s3.ledger.deleting is None, "no uploader waits for a run that is over"
    second = run(s3)
    assert len(deleted(second)) == 1
    assert (second.document()["unfinished"], second.next_due) == (False, None)


@pytest.mark.scenario("L25")
def test_run_whose_time_is_over_while_it_tags_leaves_the_rest_to_the_next() -> None:
    """Work that is done is not repeated."""
    policy = replace(ALL, version_ttl=3600)
    s3 = retired(BATCH + 1, policy)
    first = run(s3, policy, turns=1)
    assert (len(first.document()["tag"]), first.document()["unfinished"]) == (BATCH, True)
    assert first.next_due == s3.clock
    second = run(s3, policy)
    assert (len(second.document()["tag"]), second.document()["unfinished"]) == (1, False)


@pytest.mark.scenario("L25")
def test_rebuild_whose_time_is_over_goes_on_and_deletes_nothing_until_it_is_done() -> None:
    """A site of any size gets its ledger back in as many invocations as that takes."""
    s3 = retired(BATCH, ALL)  # the current assets have as many tags again
    before = s3.assets()
    s3.objects.pop(s3.layout.ledger)
    first = run(s3, turns=1)
    assert ([stop.reason for stop in first.plan.stops], first.unfinished, first.next_due) == (
        ["rebuilt"],
        True,
        s3.clock,
    )
    assert run(s3, turns=2).unfinished is False
    assert s3.assets() == before
    assert len(deleted(run(s3))) == BATCH


@pytest.mark.scenario("L26")
def test_run_that_has_no_time_at_all_deletes_nothing() -> None:
    """The wake-up is not lost even then."""
    s3 = retired(1, ALL)
    before = s3.assets()
    report = run(s3, turns=0)
    assert s3.assets() == before
    assert (report.unfinished, report.next_due) == (True, s3.clock)
    assert len(deleted(run(s3))) == 1
