"""The full listing: orphans, sites inside a site, and missing assets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from release_log.instants import format_instant
from release_log.policy_settings import Orphans
from release_log.tags import Mark, State
from tests.fake_cleaner_s3 import FakeS3
from tests.unit.cleaner_lambda.runs import (
    DAY,
    POLICY,
    A,
    B,
    at_request,
    run,
)


@pytest.mark.scenario("T31a", "L10")
@pytest.mark.parametrize(
    ("orphans", "retired"),
    [
        (Orphans.FINGERPRINTED, {"assets/old-0123abcd.js"}),
        (Orphans.ALL, {"assets/old-0123abcd.js", "assets/robots.txt"}),
        (Orphans.REPORT, set()),
    ],
)
def test_orphans_are_retired_by_the_setting(s3: FakeS3, orphans: Orphans, retired: set[str]) -> None:
    """They are counted in any case. They retire from now on, whatever their age, so they get their whole time."""
    s3.put("assets/old-0123abcd.js")
    s3.put("assets/robots.txt")
    s3.advance(2 * DAY)
    policy = replace(POLICY, orphans=orphans, version_limit=9)
    report = run(s3, full=True, policy=policy)
    assert report.orphans == 2
    assert set(s3.ledger.retired) - {A} == retired
    for key in retired:
        assert s3.ledger.retired[key].mark == Mark(State.REMOVED, s3.clock)
        assert s3.tags(key) == {"removed_at": format_instant(s3.clock)}
    assert {"assets/old-0123abcd.js", "assets/robots.txt"} <= s3.assets()
    s3.advance(POLICY.removed_ttl)
    run(s3, policy=policy)
    assert {"assets/old-0123abcd.js", "assets/robots.txt"} & s3.assets() == (
        {"assets/old-0123abcd.js", "assets/robots.txt"} - retired
    )


def test_orphan_whose_logical_path_is_current_is_superseded(s3: FakeS3) -> None:
    """It also ranks last among its siblings of the same instant."""
    s3.put("assets/app-0123abcd.js")
    s3.advance(DAY)
    run(s3, full=True, policy=replace(POLICY, version_limit=9))
    assert s3.ledger.retired["assets/app-0123abcd.js"].mark == Mark(State.SUPERSEDED, s3.clock)


def test_orphan_is_no_older_than_the_end_that_its_release_left_with(s3: FakeS3) -> None:
    """Somebody has deleted the release's marker; the end comes after the run has read the clock."""
    gone = s3.publish("preview", "pr-12", {"assets/new.js": "assets/new-eeee5555.js"})
    run(s3)
    del s3.objects[s3.layout.marker_key(gone)]
    s3.advance(2 * DAY)

    def end() -> None:
        s3.advance(5)
        s3.end("pr-12")

    at_request(s3, "list", s3.layout.markers, end)
    run(s3, full=True)
    assert s3.ledger.retired["assets/new-eeee5555.js"].mark == Mark(State.REMOVED, s3.clock)


def test_orphan_is_no_older_in_its_state_than_the_marker_that_brought_it_there(s3: FakeS3) -> None:
    """The marker is written after the run has read the clock, and before it lists the markers."""
    s3.put("assets/new-eeee5555.js")
    s3.advance(2 * DAY)

    def publish() -> None:
        s3.advance(5)
        s3.publish("r3", "staging", {"assets/new.js": "assets/new-ffff6666.js"})

    at_request(s3, "list", s3.layout.markers, publish)
    run(s3, full=True)
    assert s3.ledger.retired["assets/new-eeee5555.js"].mark == Mark(State.SUPERSEDED, s3.clock)


@pytest.mark.scenario("T24", "T31b")
def test_object_younger_than_a_day_is_not_an_orphan(s3: FakeS3) -> None:
    """It may belong to an upload by another tool: 24 hours to the second."""
    s3.put("assets/old-0123abcd.js")
    s3.advance(DAY - 1)
    assert run(s3, full=True).orphans == 0
    s3.advance(1)
    assert run(s3, full=True).orphans == 1


@pytest.mark.scenario("T31b")
def test_key_of_an_intent_is_not_an_orphan(s3: FakeS3) -> None:
    """An upload under way does not send it again."""
    s3.put("assets/old-0123abcd.js")
    s3.advance(2 * DAY)
    s3.intend("r3", "default", {"assets/old.js": "assets/old-0123abcd.js"})
    assert run(s3, full=True).orphans == 0
    assert "assets/old-0123abcd.js" not in s3.ledger.retired


@pytest.mark.scenario("L10")
def test_orphans_are_only_reported_with_an_empty_prefix() -> None:
    """The site is the whole bucket: any object may belong to somebody else."""
    s3 = FakeS3(prefix="")
    s3.publish("r1", "default", {"app.js": "app-aaaa1111.js"})
    s3.put("old-0123abcd.js")
    s3.advance(2 * DAY)
    report = run(s3, policy=replace(POLICY, orphans=Orphans.ALL))
    assert report.orphans == 1
    assert s3.ledger.retired == {}
    assert s3.tags("old-0123abcd.js") == {}


def test_orphans_are_only_reported_while_a_marker_is_invalid(s3: FakeS3) -> None:
    """That marker may name them."""
    s3.put("assets/old-0123abcd.js")
    s3.put(s3.layout.marker_key("20261124T000000Z-bad"), b"{")
    s3.advance(2 * DAY)
    assert run(s3, full=True).orphans == 1
    assert set(s3.ledger.retired) == {A}


@pytest.mark.scenario("T9")
def test_nested_site_and_the_release_logs_are_nobodys_orphans(s3: FakeS3) -> None:
    """A prefix inside ours that has its own release log is another site, with all its objects."""
    nested = FakeS3(prefix="assets/admin/", clock=s3.clock)
    nested.publish("r1", "default", {"x.js": "assets/admin/x-0123abcd.js"})
    s3.objects |= nested.objects
    s3.put("assets/administrator-0123abcd.js")
    s3.put("other/y-0123abcd.js")
    s3.advance(2 * DAY)
    report = run(s3, full=True, policy=replace(POLICY, orphans=Orphans.ALL, version_limit=9))
    assert set(s3.ledger.retired) - {A} == {"assets/administrator-0123abcd.js"}
    assert report.orphans == 1


def test_site_configured_inside_this_one_has_its_assets_before_its_first_release(s3: FakeS3) -> None:
    """It may be older than its release log: its objects are not orphans."""
    s3.put("assets/admin/x-0123abcd.js")
    s3.put("assets/administrator-0123abcd.js")
    s3.advance(2 * DAY)
    report = run(s3, full=True, policy=replace(POLICY, version_limit=9), inner=("assets/admin/",))
    assert set(s3.ledger.retired) - {A} == {"assets/administrator-0123abcd.js"}
    assert report.orphans == 1


@pytest.mark.scenario("T34b")
def test_entry_whose_object_is_gone_leaves_the_ledger_at_a_full_listing(s3: FakeS3) -> None:
    """The cleaner sends no request for it any more."""
    s3.objects.pop(A)
    report = run(s3, full=True)
    assert s3.ledger.retired == {}
    assert report.counts()["keep"] == 1


@pytest.mark.scenario("T34a")
def test_missing_current_asset_is_named(s3: FakeS3) -> None:
    """``MissingAssets``: somebody deleted an asset that a page needs."""
    s3.objects.pop(B)
    assert run(s3, full=True).document()["missing"] == [B]
    assert run(s3).missing is None, "without a listing nothing is known"


def test_full_listing_is_due_a_day_after_the_last(s3: FakeS3) -> None:
    """Not with each run: its cost is in proportion to the bucket."""
    s3.advance(DAY / 2 - 1)
    run(s3)
    assert ("list", "assets/") not in s3.requests
    s3.advance(1)
    run(s3)
    assert ("list", "assets/") in s3.requests
    s3.requests.clear()
    run(s3)
    assert ("list", "assets/") not in s3.requests


def test_full_flag_asks_for_a_listing_at_once(s3: FakeS3) -> None:
    """On demand too."""
    run(s3, full=True)
    assert ("list", "assets/") in s3.requests
