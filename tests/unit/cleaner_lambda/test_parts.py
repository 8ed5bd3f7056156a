"""The policy for the parts of a site: together they decide what the policy decides for the whole."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaner_lambda import policy as policies
from cleaner_lambda.parts import others, tally, view_of
from cleaner_lambda.plan import Plan, Reason
from cleaner_lambda.policy import decide
from cleaner_lambda.view import Elsewhere, View
from tests.unit.cleaner_lambda.states import ALL, NOW, reasons, removed, superseded, view
from tests.unit.cleaner_lambda.test_policy_laws import names, views
from tests.unit.cleaner_lambda.test_policy_laws import policies as any_policy

if TYPE_CHECKING:
    from cleaner_lambda.ledger import Retired
    from release_log.policy_settings import Policy

LISTS = ("keep", "delete", "tag", "untag", "upcoming")


def parts_of(site: View) -> list[dict[str, Retired]]:
    """The retired assets by logical path."""
    paths = sorted({entry.logical for entry in site.retired.values()})
    return [{key: entry for key, entry in site.retired.items() if entry.logical == path} for path in paths]


def decide_in_parts(site: View, policy: Policy, *, force: bool = False) -> list[Plan]:
    """Count first, as the brake needs all numbers; then decide."""
    parts = parts_of(site)
    counted = [tally(decide(view_of(part, site), policy, NOW, force=True), part) for part in parts]
    return [
        decide(
            view_of(part, site, others((*counted[:place], *counted[place + 1 :]), part, site)),
            policy,
            NOW,
            force=force,
        )
        for place, part in enumerate(parts)
    ]


def actions(plan: Plan, retired: set[str]) -> dict[str, dict[str, str]]:
    """What a plan does with retired assets, list by list."""
    return {
        name: {key: reason for key, reason in reasons(plan, name).items() if key in retired and reason != "current"}
        for name in LISTS
    }


@given(
    views(),
    st.frozensets(names, max_size=3),
    any_policy,
    st.booleans(),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.sampled_from([0, 2, 100]),
)
def test_the_parts_plans_are_the_plan_of_the_whole(
    site: View,
    owed: frozenset[str],
    policy: Policy,
    force: bool,  # noqa: FBT001
    fraction: float,
    floor: int,
) -> None:
    """With the same reasons, stops and times, whether the brake stops it or not."""
    site = replace(site, owed=site.owed | owed)
    policy = replace(policy, max_delete_fraction=fraction, orphan_tags=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(policies, "BRAKE_FLOOR", floor)
        whole, plans = decide(site, policy, NOW, force=force), decide_in_parts(site, policy, force=force)
    retired = set(site.retired)
    together: dict[str, dict[str, str]] = {name: {} for name in LISTS}
    for plan in plans:
        for name, found in actions(plan, retired).items():
            together[name] |= found
        assert plan.stops == whole.stops
    assert together == actions(whole, retired)
    ends = [plan.next_due for plan in plans if plan.next_due is not None]
    assert not plans or min(ends, default=None) == whole.next_due


def test_a_part_alone_does_not_hide_that_all_of_the_site_is_due() -> None:
    """Each part is below the floor of the brake; together they are not."""
    site = view({f"{path}-{n}": removed(9, logical=path) for path in "ab" for n in range(60)})
    plans = decide_in_parts(site, ALL)
    assert [[stop.reason for stop in plan.stops] for plan in plans] == [[Reason.BRAKE]] * 2
    assert all(not plan.delete for plan in plans)
    assert sum(len(plan.delete) for plan in decide_in_parts(site, ALL, force=True)) == 120


def test_a_site_of_which_a_part_is_due_is_not_stopped_by_that_part() -> None:
    """All of one path is due, and much else is not."""
    assets = {f"a-{n}": removed(9, logical="a") for n in range(150)}
    site = view(assets, live=[f"live-{n}" for n in range(500)])
    (plan,) = decide_in_parts(site, ALL)
    assert (len(plan.delete), plan.stops) == (150, ())


def test_nothing_falls_due_while_the_other_versions_are_not_read() -> None:
    """A run that only folds in a release tags what retired, and leaves the rest to the next sweep."""
    site = replace(view({"a-1": superseded(9, logical="a", tagged=False)}), unswept=True)
    plan = decide(site, ALL, NOW)
    assert reasons(plan) == {"a-1": "not_swept", "live.js": "current"}
    assert reasons(plan, "tag") == {"a-1": "superseded"}
    assert (plan.delete, plan.upcoming, plan.next_due) == ((), (), None)


def test_what_a_channel_that_ended_had_is_no_accident() -> None:
    ended = {"a-1": replace(removed(9, logical="a"), ended=True), "a-2": removed(9, logical="a")}
    plan = decide(view_of(ended, view({})), ALL, NOW, force=True)
    assert tally(plan, ended) == Elsewhere(1, 2)
