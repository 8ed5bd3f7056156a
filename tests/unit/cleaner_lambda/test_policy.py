"""The policy, case by case."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda.plan import Plan, Reason, Stop
from cleaner_lambda.policy import BRAKE_FLOOR, decide
from cleaner_lambda.view import Protection
from release_log.tags import Mark, State
from tests.unit.cleaner_lambda.states import ALL, NOW, POLICY, YEAR, reasons, removed, superseded, view

if TYPE_CHECKING:
    from cleaner_lambda.ledger import Retired
    from release_log.policy_settings import Policy


# Removed assets


@pytest.mark.scenario("T4")
@pytest.mark.parametrize(
    ("ago", "kept", "deleted"),
    [
        (172_799, {"a": "within_removed_ttl"}, {}),
        (172_800, {}, {"a": "beyond_removed_ttl"}),
        (172_801, {}, {"a": "beyond_removed_ttl"}),
    ],
)
def test_removed_asset_is_kept_until_removed_ttl_is_over(
    ago: float, kept: dict[str, str], deleted: dict[str, str]
) -> None:
    """172,799 s ago: kept; 172,801 s ago: deleted."""
    plan = decide(view({"a": removed(ago)}), POLICY, NOW)
    assert reasons(plan) == {"live.js": "current", **kept}
    assert reasons(plan, "delete") == deleted


def test_version_limit_does_not_keep_what_is_removed() -> None:
    """It counts versions of current logical paths."""
    plan = decide(view({"a": removed(172_800)}), replace(POLICY, version_limit=10), NOW)
    assert reasons(plan, "delete") == {"a": "beyond_removed_ttl"}


# Superseded assets


def test_version_limit_does_not_count_the_current_version() -> None:
    """With 2, two older versions stay beside the current one; the oldest goes."""
    entries = {"v1": superseded(9000), "v2": superseded(8000), "v3": superseded(7000)}
    plan = decide(view(entries, live=("v4",)), POLICY, NOW)
    assert reasons(plan, "delete") == {"v1": "beyond_version_limit"}
    assert reasons(plan) == {"v4": "current", "v2": "within_version_limit", "v3": "within_version_limit"}


@pytest.mark.scenario("T33b")
def test_version_limit_zero_keeps_only_the_current_version() -> None:
    """Zero means none, not "no limit"."""
    plan = decide(view({"v1": superseded(9000)}, live=("v2",)), replace(POLICY, version_limit=0), NOW)
    assert reasons(plan, "delete") == {"v1": "beyond_version_limit"}


@pytest.mark.scenario("T5")
def test_version_is_deleted_only_beyond_the_limit_and_after_its_ttl() -> None:
    """Both conditions must hold."""
    policy = replace(POLICY, version_limit=1)
    entries = {
        "young_within": superseded(3599, logical="a.js"),
        "young_beyond": superseded(3599, logical="b.js"),
        "b_latest": superseded(3598, logical="b.js"),
        "old_within": superseded(3600, logical="c.js"),
        "old_beyond": superseded(3600, logical="d.js"),
        "d_latest": superseded(3598, logical="d.js"),
    }
    plan = decide(view(entries), policy, NOW)
    assert reasons(plan, "delete") == {"old_beyond": "beyond_version_limit"}
    assert reasons(plan)["young_beyond"] == "within_version_ttl"
    assert reasons(plan)["young_within"] == reasons(plan)["old_within"] == "within_version_limit"


def test_rank_follows_when_a_version_was_superseded() -> None:
    """Latest superseded first; at the same instant, the later release first; other logical paths do not count."""
    entries = {
        "z_old": superseded(9000),
        "a_new": superseded(8000, release="r1"),
        "b_newer_release": superseded(8000, release="r2"),
        "other": superseded(7000, logical="other.js"),
    }
    plan = decide(view(entries), replace(POLICY, version_limit=1), NOW)
    assert set(reasons(plan, "delete")) == {"z_old", "a_new"}


@pytest.mark.scenario("L3")
def test_bundle_stable_for_a_year_and_replaced_a_second_ago_is_kept() -> None:
    """Its age counts from when it was superseded; the policy does not know its upload."""
    policy = replace(POLICY, version_limit=0, grace=0)
    plan = decide(view({"stable": superseded(1), "older": superseded(YEAR)}), policy, NOW)
    assert set(reasons(plan, "delete")) == {"older"}
    assert reasons(plan)["stable"] == "within_version_ttl"


# Grace


@pytest.mark.scenario("T32a")
@pytest.mark.parametrize("entry", [superseded(899), removed(899)], ids=["superseded", "removed"])
def test_grace_is_a_floor_under_both_ttls(entry: Retired) -> None:
    """Whatever the other settings say."""
    policy = replace(ALL, grace=900)
    assert reasons(decide(view({"a": entry}), policy, NOW))["a"] == "within_grace"
    assert set(reasons(decide(view({"a": entry}), policy, NOW + timedelta(seconds=1)), "delete")) == {"a"}


def test_grace_adds_nothing_to_longer_ttls() -> None:
    """A floor, not an addition."""
    plan = decide(view({"a": superseded(3600)}), replace(POLICY, version_limit=0, grace=900), NOW)
    assert set(reasons(plan, "delete")) == {"a"}


# Protected assets


@pytest.mark.parametrize("reason", [Reason.PENDING, Reason.STAGED])
def test_protected_asset_is_kept_and_loses_its_tag(reason: Reason) -> None:
    """Even if it is long overdue."""
    until = NOW + timedelta(seconds=60)
    protected = {"a": Protection(reason, until), "b": Protection(reason, until)}
    plan = decide(view({"a": removed(YEAR), "b": superseded(YEAR, tagged=False)}, protected=protected), ALL, NOW)
    assert plan.delete == plan.tag == ()
    assert reasons(plan) == {"live.js": "current", "a": reason, "b": reason}
    assert reasons(plan, "untag") == {"a": reason}, "the other bears no tag"
    assert plan.next_due == until


def test_protected_version_takes_no_place_in_the_version_limit() -> None:
    """It is about to become current: the limit is for older versions."""
    protected = {"v3": Protection(Reason.PENDING, NOW + timedelta(seconds=60))}
    entries = {"v1": superseded(9000), "v2": superseded(8000), "v3": superseded(7000)}
    plan = decide(view(entries, protected=protected), POLICY, NOW)
    assert plan.delete == ()


def test_live_asset_that_bears_our_tag_loses_it() -> None:
    """It came back without an upload."""
    plan = decide(view({}, owed=frozenset({"live.js"})), POLICY, NOW)
    assert reasons(plan, "untag") == {"live.js": "current"}


@pytest.mark.scenario("A1")
def test_assets_of_kept_releases_stay_whatever_their_age() -> None:
    """``keep_releases``: they do not fall due with time alone; they are tagged all the same."""
    entries = {"a": removed(YEAR, tagged=False), "b": superseded(YEAR)}
    plan = decide(view(entries, kept=frozenset({"a"})), ALL, NOW)
    assert reasons(plan)["a"] == "kept_release"
    assert reasons(plan, "tag") == {"a": "removed"}
    assert set(reasons(plan, "delete")) == {"b"}
    assert plan.next_due is None


def test_assets_of_pinned_releases_stay_tagged_and_their_clocks_go_on() -> None:
    """So the next run after an unpin deletes them, if they are due. A pin has priority over ``keep_releases``."""
    entries = {"a": removed(YEAR, tagged=False), "b": superseded(YEAR), "c": superseded(YEAR)}
    state = view(entries, pinned=frozenset({"a", "b"}), kept=frozenset({"a"}))
    plan = decide(state, ALL, NOW)
    assert reasons(plan) == {"live.js": "current", "a": "pinned", "b": "pinned"}
    assert reasons(plan, "tag") == {"a": "removed"}
    assert (reasons(plan, "untag"), plan.upcoming, plan.next_due) == ({}, (), None)
    unpinned = decide(replace(state, pinned=frozenset(), kept=frozenset()), ALL, NOW)
    assert set(reasons(unpinned, "delete")) == {"a", "b", "c"}


def test_pinned_asset_that_is_pending_too_loses_its_tag() -> None:
    """An upload has priority: it is about to make the asset current."""
    protected = {"a": Protection(Reason.PENDING, NOW + timedelta(seconds=60))}
    plan = decide(view({"a": removed(YEAR)}, pinned=frozenset({"a"}), protected=protected), ALL, NOW)
    assert reasons(plan, "untag") == {"a": "pending"}


def test_pinned_version_takes_the_place_in_the_version_limit_that_it_had() -> None:
    """A pin and its end change nothing for other assets."""
    entries = {"v1": superseded(9000), "v2": superseded(8000), "v3": superseded(7000), "v4": superseded(6000)}
    plain, pinned = (decide(view(entries, pinned=frozenset(keys)), POLICY, NOW) for keys in ((), ("v1", "v3")))
    assert set(reasons(plain, "delete")) == {"v1", "v2"}
    assert set(reasons(pinned, "delete")) == {"v2"}


# Tags


@pytest.mark.scenario("T23b")
def test_tag_is_written_when_it_is_missing_or_says_something_else() -> None:
    """A tag that is right is not written again."""
    entries = {
        "untagged": superseded(10, tagged=False),
        "other_state": replace(superseded(10), tagged=Mark(State.REMOVED, NOW - timedelta(seconds=10))),
        "other_instant": replace(removed(10), tagged=Mark(State.REMOVED, NOW - timedelta(seconds=11))),
        "right": removed(10),
    }
    plan = decide(view(entries), POLICY, NOW)
    assert reasons(plan, "tag") == {
        "untagged": "superseded", "other_state": "superseded", "other_instant": "removed"
    }  # fmt: skip


@pytest.mark.scenario("T23a")
def test_what_is_deleted_is_not_tagged_first() -> None:
    """That saves one request."""
    assert decide(view({"a": removed(YEAR, tagged=False)}), POLICY, NOW).tag == ()


# Stops and the brake


@pytest.mark.scenario("T25b", "L24")
@pytest.mark.parametrize("reason", [Reason.INVALID_MARKER, Reason.MISSING_MARKER, Reason.DELETING, Reason.REBUILT])
def test_stop_tags_and_untags_but_deletes_nothing(reason: Reason) -> None:
    """Due assets are kept for that reason, and tagged as usual."""
    entries = {"due": removed(YEAR, tagged=False), "young": superseded(10, tagged=False)}
    stop = Stop(reason, "why")
    plan = decide(view(entries, stops=(stop,), owed=frozenset({"live.js"})), ALL, NOW, force=True)
    assert plan.delete == ()
    assert reasons(plan, "tag") == {"due": "removed", "young": "superseded"}
    assert reasons(plan, "untag") == {"live.js": "current"}
    assert reasons(plan)["due"] == reason
    assert plan.stops == (stop,)


def test_stop_that_ends_by_itself_is_when_to_come_back() -> None:
    """Another run's announcement, or an invalid intent."""
    until = NOW + timedelta(seconds=60)
    stop = Stop(Reason.DELETING, "why", until)
    assert decide(view({"a": removed(YEAR)}, stops=(stop,)), POLICY, NOW).next_due == until


def many(count: int, live: int, policy: Policy, *, force: bool = False) -> Plan:
    """A plan for a number of due assets beside a number of live ones."""
    entries = {f"due{number}": removed(YEAR, logical=f"{number}.js") for number in range(count)}
    return decide(view(entries, live=[f"live{number}" for number in range(live)]), policy, NOW, force=force)


@pytest.mark.scenario("T35a", "A6")
@pytest.mark.parametrize(
    ("due", "live", "braked"),
    [
        (BRAKE_FLOOR, 1, False),
        (BRAKE_FLOOR + 1, 1, True),
        (150, 150, False),
        (151, 150, True),
    ],
    ids=["all_of_the_site_but_only_100", "101_of_102", "just_half", "more_than_half"],
)
def test_brake_needs_more_than_the_fraction_and_more_than_a_hundred(due: int, live: int, braked: bool) -> None:  # noqa: FBT001
    """Both; exactly the fraction passes."""
    plan = many(due, live, POLICY)
    assert len(plan.delete) == (0 if braked else due)
    assert [stop.reason for stop in plan.stops] == ([Reason.BRAKE] if braked else [])
    assert len(plan.keep) == live + (due if braked else 0)


def test_brake_says_how_many_and_how_to_go_on() -> None:
    """One line for the person who gets the alarm."""
    message = many(101, 1, POLICY).stops[0].message
    assert "101 of 102" in message
    assert '{"force": true}' in message


@pytest.mark.scenario("T35b", "L20")
def test_brake_fraction_zero_means_none_not_off() -> None:
    """Whatever their number; the brake never stops up to a hundred."""
    policy = replace(POLICY, max_delete_fraction=0.0)
    assert many(101, 100_000, policy).delete == ()
    assert len(many(100, 1, policy).delete) == 100


def test_brake_fraction_one_lets_the_whole_go() -> None:
    """There is never more due than all."""
    assert len(many(500, 0, replace(POLICY, max_delete_fraction=1.0)).delete) == 500


def test_force_lets_the_brake_go() -> None:
    """It changes nothing else: see the stops."""
    assert len(many(500, 0, POLICY, force=True).delete) == 500


def test_nothing_retired_nothing_due() -> None:
    """A quiet site needs no wake-up."""
    plan = decide(view({}), POLICY, NOW)
    assert plan == Plan(keep=plan.keep, delete=(), tag=(), untag=(), upcoming=(), stops=(), next_due=None)


def test_upcoming_is_what_time_alone_makes_due() -> None:
    """With the instant; without assets that the version limit, a kept release or an upload keeps."""
    entries = {
        "r": removed(100), "beyond": superseded(200), "within": superseded(100), "k": removed(9), "p": removed(9)
    }  # fmt: skip
    plan = decide(
        view(entries, kept=frozenset({"k"}), protected={"p": Protection(Reason.PENDING, NOW + timedelta(seconds=5))}),
        replace(POLICY, version_limit=1),
        NOW,
    )
    assert {action.key: action.due for action in plan.upcoming} == {
        "r": NOW + timedelta(seconds=172_700),
        "beyond": NOW + timedelta(seconds=3400),
    }
