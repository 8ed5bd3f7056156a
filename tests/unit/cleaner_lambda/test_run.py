"""A run of the cleaner on a bucket in memory: what it keeps, tags and deletes, as a real run and as a dry run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cleaner_lambda.job import Job
from cleaner_lambda.pace import Pace
from cleaner_lambda.run import clean
from release_log.instants import format_instant
from release_log.ledger_file import Announcement
from release_log.tags import Mark, State
from tests.fake_cleaner_s3 import NOON, FakeS3
from tests.unit.cleaner_lambda.runs import (
    APP,
    DAY,
    LOGO,
    POLICY,
    A,
    B,
    C,
    at_request,
    keys_of,
    run,
    stopped_by,
)


@pytest.mark.scenario("T8a")
def test_first_run_builds_the_ledger_and_deletes_nothing() -> None:
    """Even long overdue assets wait for the run after the one that built the ledger."""
    s3 = FakeS3()
    s3.publish("r1", "default", {APP: A})
    s3.advance(10)
    second = s3.publish("r2", "default", {APP: B})
    s3.advance(30 * DAY)

    first = run(s3)

    assert s3.assets() == {A, B}
    assert stopped_by(first) == ["rebuilt"]
    assert s3.ledger.current == {"default": second}
    assert s3.ledger.retired[A].mark == Mark(State.SUPERSEDED, NOON + timedelta(seconds=10))
    assert first.next_due == s3.clock + timedelta(seconds=60)

    assert keys_of(run(s3), "delete") == [A]
    assert s3.assets() == {B}


@pytest.mark.scenario("T3")
def test_superseded_asset_is_tagged_with_the_instant_of_the_marker(s3: FakeS3) -> None:
    """Not with the instant of the run, which may be late."""
    s3.publish("r3", "default", {APP: C})
    published = s3.clock
    s3.advance(500)
    report = run(s3)
    assert s3.tags(B) == {"superseded_at": format_instant(published)}
    assert keys_of(report, "tag") == [B]
    assert B in s3.assets()


def test_report_has_the_instant_of_the_newest_marker_of_any_channel(s3: FakeS3) -> None:
    """By S3's clock; without a marker the report has none."""
    s3.advance(60)
    s3.publish("r3", "staging", {APP: C})
    published = s3.clock
    s3.advance(7)
    report = run(s3)
    assert (report.newest_marker, report.at) == (published, published + timedelta(seconds=7))
    assert run(s3, dry_run=True).newest_marker == published
    assert run(FakeS3()).newest_marker is None


@pytest.mark.parametrize("year", ["1999", "2099"])
def test_a_build_machine_whose_clock_is_years_off_changes_nothing(s3: FakeS3, year: str) -> None:
    """S3's instants count for a marker, an intent and a staged release."""
    s3.advance(1)
    third = s3.publish(f"{year}0101T000000Z-r3", "default", {APP: C})
    s3.advance(60)
    run(s3)
    assert s3.ledger.current == {"default": third}
    assert s3.ledger.retired[B].mark.since == s3.clock - timedelta(seconds=60)
    fourth = s3.publish("r4", "default", {APP: LOGO})
    s3.intend(f"{year}0101T000000Z-i", "default", {APP: B})
    s3.stage(f"{year}0101T000000Z-s", "default", {APP: A})
    s3.advance(POLICY.version_ttl)
    run(s3)
    assert s3.ledger.current == {"default": fourth}
    assert s3.assets() == {A, B, LOGO}, "C is due; the others are protected, not expired"
    s3.advance(POLICY.staged_ttl + 1)
    run(s3)
    assert s3.assets() == {LOGO}


@pytest.mark.scenario("T3")
def test_removed_asset_is_tagged_as_removed(s3: FakeS3) -> None:
    """Its logical path is no longer in a current release."""
    s3.publish("r3", "default", {"assets/logo.png": LOGO})
    run(s3)
    assert s3.tags(B) == {"removed_at": format_instant(s3.clock)}
    assert s3.tags(A) == {"removed_at": format_instant(s3.clock)}, "its path left as well, so its other tag goes"


@pytest.mark.scenario("T28", "L27")
def test_due_asset_is_deleted_and_leaves_the_ledger(s3: FakeS3) -> None:
    """At the instant that the previous run announced, and not a second earlier."""
    due = run(s3).next_due
    assert due == s3.clock + timedelta(seconds=POLICY.version_ttl)
    s3.advance(POLICY.version_ttl - 1)
    assert keys_of(run(s3), "delete") == []
    s3.advance(1)
    report = run(s3)
    assert keys_of(report, "delete") == [A]
    assert report.bytes_deleted == 1
    assert s3.assets() == {B}
    assert A not in s3.ledger.retired
    assert s3.ledger.deleting is None
    assert report.next_due is None


@pytest.mark.scenario("L3")
def test_bundle_that_was_stable_for_a_year_is_kept_when_it_is_replaced() -> None:
    """Its age counts from when it was superseded, not from its upload."""
    s3 = FakeS3()
    s3.publish("r1", "default", {APP: A})
    run(s3)
    s3.advance(365 * DAY)
    s3.publish("r2", "default", {APP: B})
    s3.advance(1)
    assert keys_of(run(s3), "delete") == []
    assert s3.assets() == {A, B}


@pytest.mark.scenario("T8b", "T23b")
def test_run_without_news_puts_nothing(s3: FakeS3) -> None:
    """An unchanged state causes no PUT, no tagging, no delete."""
    run(s3)
    assert s3.writes == []


def test_run_after_a_release_reads_two_markers(s3: FakeS3) -> None:
    """The current one and the new one: the cost is in proportion to the changes."""
    for number in range(3, 6):
        s3.publish(f"r{number}", "default", {APP: C, "assets/n.js": f"assets/n-{number}.js"})
        run(s3)
        s3.advance(1)
    s3.requests.clear()
    s3.publish("r6", "default", {APP: C})
    run(s3)
    assert len([key for operation, key in s3.requests if key.startswith(s3.layout.markers) and operation == "get"]) == 2


@pytest.mark.scenario("L16")
def test_effects_come_in_the_order_untag_delete_tag(s3: FakeS3) -> None:
    """So a crash between two of them errs towards keeping."""
    s3.publish("r3", "default", {APP: C})
    run(s3)
    s3.advance(POLICY.version_ttl)
    s3.publish("r4", "default", {APP: B})
    s3.requests.clear()
    run(s3)
    assert s3.writes == [
        ("put_if", s3.layout.ledger),
        ("put_tags", B),
        ("delete", A),
        ("put_tags", C),
        ("put_if", s3.layout.ledger),
    ]


def test_deletion_is_announced_in_the_ledger_before_it_begins(s3: FakeS3) -> None:
    """An uploader that reads the ledger waits."""
    s3.advance(POLICY.version_ttl)
    seen: list[Announcement | None] = []
    at_request(s3, "delete", A, lambda: seen.append(s3.ledger.deleting))
    run(s3, run_id="mine")
    assert seen == [Announcement("mine", frozenset({A}))]


@pytest.mark.scenario("T27", "L14")
def test_revived_asset_loses_our_tag_and_keeps_the_users(s3: FakeS3) -> None:
    """A roll-back needs no upload; the tag is removed although nothing was sent."""
    s3.tags(A)["team"] = "web"
    s3.publish("r3", "default", {APP: A})
    report = run(s3)
    assert s3.tags(A) == {"team": "web"}
    assert keys_of(report, "untag") == [A]
    assert s3.ledger.owed == frozenset()
    s3.advance(30 * DAY)
    run(s3)
    assert A in s3.assets()


@pytest.mark.scenario("L15")
def test_user_tags_survive_tagging(s3: FakeS3) -> None:
    """Read, merge, write: PutObjectTagging alone would replace the user's tags."""
    s3.tags(B)["team"] = "web"
    s3.publish("r3", "default", {APP: C})
    run(s3)
    assert s3.tags(B) == {"team": "web", "superseded_at": format_instant(s3.clock)}


@pytest.mark.scenario("T29b")
def test_two_channels_keep_the_assets_that_either_needs(s3: FakeS3) -> None:
    """An asset that one channel retires and another still has is neither tagged nor deleted."""
    s3.publish("s1", "staging", {APP: B})
    run(s3)
    s3.publish("r3", "default", {APP: C})
    run(s3)
    s3.advance(30 * DAY)
    run(s3)
    assert s3.assets() == {B, C}
    assert s3.tags(B) == {}


@pytest.mark.scenario("L7", "L25")
def test_next_run_finishes_what_a_crash_left(s3: FakeS3) -> None:
    """Wherever the run died: after each of its requests the next run ends in the same state."""
    s3.publish("r3", "default", {APP: C})
    s3.advance(POLICY.version_ttl)
    s3.publish("r4", "default", {APP: B})

    def story(dies_at: int | None) -> FakeS3:
        copy = FakeS3(clock=s3.clock)
        copy.objects = {key: replace(stored, tags=dict(stored.tags)) for key, stored in s3.objects.items()}
        if dies_at is not None:

            def die(_operation: str, _key: str) -> None:
                if len(copy.requests) == dies_at:
                    raise KeyboardInterrupt

            copy.on_request = die
            with pytest.raises(KeyboardInterrupt):
                run(copy, run_id="dead")
            copy.on_request = None
        copy.advance(1000)  # beyond the dead run's announcement
        run(copy, run_id="next")
        return copy

    whole = FakeS3(clock=s3.clock)
    whole.objects = {key: replace(stored, tags=dict(stored.tags)) for key, stored in s3.objects.items()}
    run(whole)
    assert len(whole.requests) > 10
    expected = story(None)
    for number in range(1, len(whole.requests) + 1):
        actual = story(number)
        assert actual.assets() == expected.assets(), number
        assert {key: actual.tags(key) for key in actual.assets()} == {
            key: expected.tags(key) for key in expected.assets()
        }, number
        assert actual.ledger.retired == expected.ledger.retired, number


@pytest.mark.scenario("T25a", "L18")
def test_dry_run_says_what_the_real_run_does_and_writes_nothing(s3: FakeS3) -> None:
    """The whole answer is equal, except ``dry_run`` itself."""
    s3.publish("r3", "default", {APP: C, "assets/logo.png": LOGO})
    run(s3)
    s3.advance(POLICY.version_ttl)
    s3.publish("r4", "default", {APP: B})
    s3.requests.clear()

    planned = run(s3, dry_run=True).document()
    assert s3.writes == []

    done = run(s3).document()
    assert done["counts"] == {"tag": 2, "untag": 1, "delete": 1, "keep": 3, "failed": 0, "set_aside": 0}
    assert {**planned, "dry_run": False} == done
    assert planned["dry_run"] is True


def test_dry_run_of_a_first_run_writes_nothing() -> None:
    """It needs no ledger either."""
    s3 = FakeS3()
    s3.publish("r1", "default", {APP: A})
    planned = run(s3, dry_run=True).document()
    assert s3.writes == []
    assert {**planned, "dry_run": False} == run(s3).document()


def test_dry_run_with_a_full_listing_and_force_equals_the_real_run(s3: FakeS3) -> None:
    """The flags mean the same in both."""
    s3.put("assets/stray-0123abcd.js")
    s3.objects.pop(B)
    s3.advance(2 * DAY)
    planned = run(s3, dry_run=True, full=True, force=True).document()
    done = run(s3, full=True, force=True).document()
    assert {**planned, "dry_run": False} == done
    assert done["missing"] == [B]
    assert done["orphans"] == 1


def test_same_release_gives_the_same_report_with_threads(s3: FakeS3) -> None:
    """Independent requests may run at once; their outcomes stay with their keys."""
    names = {f"assets/{number}.js": f"assets/{number}-a.js" for number in range(50)}
    s3.publish("r3", "default", names)
    run(s3)
    s3.publish("r4", "default", {APP: C})
    planned: dict[str, Any] = run(s3, dry_run=True).document()
    with ThreadPoolExecutor(8) as threads:
        done = clean(s3, Job(prefix="assets/", policy=POLICY, run="run"), Pace(threads.map)).document()
    assert {**planned, "dry_run": False} == done
    assert len(done["tag"]) == 52, "A and B are superseded again"
