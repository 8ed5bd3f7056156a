"""`site_ttl`: a site without a new release ends by itself, unless somebody still means to use it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.fake_cleaner_s3 import FakeS3
from tests.unit.cleaner_lambda.runs import APP, DAY, LOGO, POLICY, A, B, at_request, keys_of, nothing, run, stopped_by

if TYPE_CHECKING:
    from cleaner_lambda.report import Report

WEEK = replace(POLICY, site_ttl=7 * DAY)


@pytest.fixture
def s3() -> FakeS3:
    """A site with two channels that a run has seen, and two more seconds."""
    s3 = FakeS3()
    s3.publish("live", "default", {APP: A})
    s3.advance(60)
    s3.publish("preview", "pr-12", {APP: B, "assets/logo.png": LOGO})
    s3.advance(2)
    run(s3, policy=WEEK)
    return s3


def channels(report: Report) -> tuple[set[str], set[str]]:
    """The channels that live, and those that have ended."""
    return set(report.current), set(report.ended)


def test_it_ends_when_its_newest_release_is_that_old_and_at_last_nothing_is_left(s3: FakeS3) -> None:
    first = run(s3, policy=WEEK)
    assert first.ends_at == s3.clock - timedelta(seconds=2) + timedelta(days=7)
    assert first.next_due == first.ends_at
    s3.clock = first.ends_at - timedelta(seconds=1)
    assert channels(run(s3, policy=WEEK)) == ({"default", "pr-12"}, set())
    s3.advance(1)
    planned = run(s3, policy=WEEK, dry_run=True)
    assert channels(planned) == (set(), {"default", "pr-12"})
    assert keys_of(planned, "tag") == [A, B, LOGO]
    before = dict(s3.objects)
    ended = run(s3, policy=WEEK)
    assert (channels(ended), ended.ends_at) == ((set(), {"default", "pr-12"}), None)
    assert s3.objects.keys() == before.keys()
    s3.advance(POLICY.removed_ttl)
    assert keys_of(run(s3, policy=WEEK), "delete") == [A, B, LOGO]
    for _ in range(2):
        last = run(s3, policy=WEEK)
        assert (stopped_by(last), last.missing or ()) == ([], ())
        s3.advance(1000)
    assert s3.objects == {}
    assert last.next_due is None


def test_without_the_setting_it_lives_for_ever(s3: FakeS3) -> None:
    s3.advance(1000 * DAY)
    report = run(s3)
    assert (channels(report)[1], report.ends_at) == (set(), None)


def test_one_that_nobody_has_cleaned_ends_at_its_first_run() -> None:
    s3 = FakeS3()
    s3.publish("live", "default", {APP: A})
    s3.advance(8 * DAY)
    assert channels(run(s3, policy=WEEK)) == (set(), {"default"})


def test_an_upload_a_staged_release_and_a_pin_keep_it_alive(s3: FakeS3) -> None:
    """The first two until they expire."""
    marker = next(each for key, each in s3.objects.items() if key.endswith("live.json"))
    release_id = next(key for key in s3.objects if key.endswith("live.json")).rpartition("/")[2].removesuffix(".json")
    s3.advance(7 * DAY - 60)
    for key, lasts in (
        (s3.layout.pending_key(release_id), WEEK.pending_ttl),
        (s3.layout.staged_key(release_id), WEEK.staged_ttl),
        (s3.layout.pin_key(release_id), None),
    ):
        s3.put(key, marker.body)
        s3.advance(120)
        report = run(s3, policy=WEEK)
        assert channels(report) == ({"default", "pr-12"}, set())
        wanted = None if lasts is None else s3.clock + timedelta(seconds=lasts + 1 - 120)
        assert report.ends_at == wanted
        del s3.objects[key]
    assert channels(run(s3, policy=WEEK)) == (set(), {"default", "pr-12"})


def test_a_release_in_one_channel_keeps_the_others(s3: FakeS3) -> None:
    s3.advance(7 * DAY - 60)
    s3.publish("next", "default", {APP: A})
    s3.advance(120)
    assert channels(run(s3, policy=WEEK)) == ({"default", "pr-12"}, set())


@pytest.mark.parametrize("seconds", [0, 3])
def test_a_release_that_is_published_while_the_site_ends_lives(s3: FakeS3, seconds: int) -> None:
    """Its marker comes after the run's list, so it is newer than the end, even by a clock that is behind."""
    s3.advance(8 * DAY)
    at_request(s3, "list", s3.layout.prefix, lambda: nothing(s3.publish("next", "default", {APP: A})))
    first = run(s3, policy=WEEK, full=True)
    assert channels(first) == (set(), {"default", "pr-12"})
    s3.on_request = None
    if seconds:
        key = next(key for key in s3.objects if key.endswith("next.json"))
        s3.objects[key].last_modified -= timedelta(seconds=seconds)
    assert channels(run(s3, policy=WEEK)) == ({"default"}, {"pr-12"})


def test_a_site_that_comes_back_is_as_after_an_end(s3: FakeS3) -> None:
    s3.advance(8 * DAY)
    run(s3, policy=WEEK)
    s3.advance(60)
    s3.publish("back", "default", {APP: A})
    report = run(s3, policy=WEEK)
    assert channels(report) == ({"default"}, {"pr-12"})
    assert keys_of(report, "untag") == [A]
    s3.advance(POLICY.removed_ttl)
    assert keys_of(run(s3, policy=WEEK), "delete") == [B, LOGO]


@pytest.mark.parametrize("rest", ["ledger", "ledger and assets", "ledger, assets and newest marker"])
def test_after_a_lost_ledger_it_ends_again_and_misses_nothing(s3: FakeS3, rest: str) -> None:
    """No marker says that it has ended: the rebuild finds that it has had no release for so long."""
    s3.advance(8 * DAY)
    run(s3, policy=WEEK)
    del s3.objects[s3.layout.ledger]
    if "assets" in rest:
        del s3.objects[A]
    if "marker" in rest:
        del s3.objects[next(key for key in s3.objects if key.endswith("preview.json"))]
    report = run(s3, policy=WEEK)
    assert (channels(report)[0], report.missing) == (set(), ())
    s3.advance(POLICY.removed_ttl - 10)
    assert keys_of(run(s3, policy=WEEK), "delete") == []
    for _ in range(5):
        s3.advance(DAY + 1000)
        run(s3, policy=WEEK, full=True)
    assert s3.assets() == set() or "marker" in rest


def test_nothing_ends_while_it_is_unknown_what_is_current(s3: FakeS3) -> None:
    s3.advance(8 * DAY)
    s3.put(s3.layout.marker_key("20261123T120000Z-odd"), b"{}")
    report = run(s3, policy=WEEK)
    assert channels(report)[1] == set()
    assert stopped_by(report) == ["invalid_marker"]
    assert report.next_due is None or report.next_due > s3.clock


def test_an_operators_end_of_one_channel_leaves_the_others_to_the_setting(s3: FakeS3) -> None:
    s3.advance(60)
    s3.end("pr-12")
    run(s3, policy=WEEK)
    s3.advance(8 * DAY)
    for _ in range(6):
        assert not s3.objects or stopped_by(run(s3, policy=WEEK, full=True)) == []
        s3.advance(DAY)
    assert s3.objects == {}


def test_no_ttl_is_shorter_than_what_a_roll_out_may_take(s3: FakeS3) -> None:
    s3.advance(8 * DAY)
    report = run(s3, policy=replace(WEEK, pending_ttl=9 * DAY))
    assert channels(report)[1] == set()
