"""The laws of the policy, which hold for every state."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaner_lambda.ledger import Retired
from cleaner_lambda.plan import Plan, Reason, Stop
from cleaner_lambda.policy import decide
from cleaner_lambda.view import Protection, View
from release_log.policy_settings import Policy
from release_log.tags import Mark, State
from tests.unit.cleaner_lambda.states import MORE, NOW, reasons

if TYPE_CHECKING:
    from random import Random


seconds = st.integers(0, 40)
states = st.sampled_from(State)
marks = st.builds(lambda state, ago: Mark(state, NOW - timedelta(seconds=ago)), states, seconds)
names = st.sampled_from([f"k{number}" for number in range(12)])
entry_values = st.builds(
    Retired,
    logical=st.sampled_from(["a.js", "b.js"]),
    mark=marks,
    size=st.just(1),
    release=st.sampled_from(["", "r1", "r2"]),
    tagged=st.none() | marks,
)
protections = st.builds(
    lambda reason, after: Protection(reason, NOW + timedelta(seconds=after)),
    st.sampled_from([Reason.PENDING, Reason.STAGED]),
    st.integers(1, 40),
)
policies = st.builds(
    Policy,
    version_limit=st.integers(0, 3),
    version_ttl=seconds,
    removed_ttl=seconds,
    grace=st.integers(0, 20),
)
stops = st.lists(
    st.builds(
        lambda reason, after: Stop(reason, "why", None if after is None else NOW + timedelta(seconds=after)),
        st.sampled_from([Reason.INVALID_MARKER, Reason.DELETING]),
        st.none() | st.integers(1, 40),
    ),
    max_size=1,
)


@st.composite
def views(draw: st.DrawFn, *, stopped: bool = True) -> View:
    """Any state as a run may find it."""
    live = draw(st.frozensets(st.sampled_from(["l1", "l2", "l3"])))
    return View(
        live=live,
        retired=draw(st.dictionaries(names, entry_values)),
        owed=draw(st.frozensets(st.sampled_from(sorted(live)))) if live else frozenset(),
        protected=draw(st.dictionaries(names, protections, max_size=3)),
        pinned=draw(st.frozensets(names, max_size=3)),
        kept=draw(st.frozensets(names, max_size=3)),
        stops=tuple(draw(stops)) if stopped else (),
    )


def deleted(plan: Plan) -> set[str]:
    """The keys that a plan deletes."""
    return set(reasons(plan, "delete"))


def effects(plan: Plan) -> tuple[object, ...]:
    """What a plan does."""
    return tuple(sorted(reasons(plan, name)) for name in ("delete", "tag", "untag"))


def at(state: View, now: datetime) -> View:
    """The state as a run at that instant reads it: without expired protections and stops."""
    return replace(
        state,
        protected={key: each for key, each in state.protected.items() if each.until > now},
        stops=tuple(stop for stop in state.stops if stop.until is None or stop.until > now),
    )


@given(views(), policies)
def test_keep_and_delete_are_all_assets_each_once(state: View, policy: Policy) -> None:
    """Each has one reason. Tagged and untagged assets are kept, and no asset is both."""
    plan = decide(state, policy, NOW)
    keys = [action.key for action in (*plan.keep, *plan.delete)]
    assert sorted(keys) == sorted({*state.live, *state.retired})
    kept, tag, untag = (set(reasons(plan, name)) for name in ("keep", "tag", "untag"))
    assert tag | untag <= kept
    assert not tag & untag
    assert all(list(reasons(plan, name)) == sorted(reasons(plan, name)) for name in ("keep", "delete", "tag", "untag"))


@given(views(), policies, st.randoms(use_true_random=False))
def test_order_of_the_input_does_not_matter(state: View, policy: Policy, random: Random) -> None:
    """Sets and mappings may have any order."""
    items = list(state.retired.items())
    random.shuffle(items)
    protected = dict(reversed(list(state.protected.items())))
    shuffled = replace(state, retired=dict(items), protected=protected)
    assert decide(shuffled, policy, NOW) == decide(state, policy, NOW)


@pytest.mark.scenario("T33b", "A3")
@given(views(), policies, st.integers(0, 100), st.booleans())
def test_nothing_live_protected_pinned_kept_or_in_its_grace_is_deleted(
    state: View,
    policy: Policy,
    later: int,
    force: bool,  # noqa: FBT001
) -> None:
    """This is the product's promise."""
    now = NOW + timedelta(seconds=later)
    gone = deleted(decide(state, policy, now, force=force))
    assert not gone & (state.live | state.protected.keys() | state.pinned | state.kept)
    assert all(now - state.retired[key].mark.since >= timedelta(seconds=policy.grace) for key in gone)
    assert not (gone and state.stops)


@given(views(), policies, st.integers(0, 60), st.integers(0, 60))
def test_later_now_never_undeletes(state: View, policy: Policy, first: int, more: int) -> None:
    """A due asset stays due while nothing is published, so a late wake-up deletes no less."""
    early, late = NOW + timedelta(seconds=first), NOW + timedelta(seconds=first + more)
    assert deleted(decide(at(state, early), policy, early)) <= deleted(decide(at(state, late), policy, late))


@pytest.mark.parametrize("name", ["version_limit", "version_ttl", "removed_ttl", "grace"])
@settings(max_examples=100 * MORE)
@given(state=views(stopped=False), policy=policies, more=st.integers(1, 40))
def test_larger_limits_and_ttls_never_delete_more(name: str, state: View, policy: Policy, more: int) -> None:
    """A higher value of each setting errs towards keeping."""
    larger = replace(policy, **{name: getattr(policy, name) + more})
    assert deleted(decide(state, larger, NOW)) <= deleted(decide(state, policy, NOW))


@given(
    views(),
    policies,
    st.dictionaries(names, protections, max_size=3),
    st.frozensets(names, max_size=3),
    st.frozensets(names, max_size=3),
)
def test_more_protection_never_deletes_more(
    state: View, policy: Policy, protected: dict[str, Protection], pinned: frozenset[str], kept: frozenset[str]
) -> None:
    """The second look relies on it: it deletes nothing that was not announced."""
    protected = {**state.protected, **protected}
    safer = replace(state, protected=protected, pinned=state.pinned | pinned, kept=state.kept | kept)
    assert deleted(decide(safer, policy, NOW)) <= deleted(decide(state, policy, NOW))


@given(views(stopped=False), policies, st.frozensets(names, max_size=3))
def test_pin_keeps_its_own_keys_and_changes_nothing_else(state: View, policy: Policy, pinned: frozenset[str]) -> None:
    """The other assets are deleted or kept as without the pin."""
    state = replace(state, pinned=frozenset())
    # Without the brake, which counts assets.
    plain, plan = (decide(each, policy, NOW, force=True) for each in (state, replace(state, pinned=pinned)))
    assert deleted(plan) == deleted(plain) - pinned
    assert reasons(plan, "untag") == reasons(plain, "untag")


@given(views(stopped=False), policies)
def test_next_due_is_the_first_instant_at_which_the_effects_change(state: View, policy: Policy) -> None:
    """Not a second earlier; without one, they never change."""
    plan = decide(state, policy, NOW)
    if plan.next_due is None:
        forever = NOW + timedelta(days=1000)
        assert effects(decide(at(state, forever), policy, forever)) == effects(plan)
        return
    assert plan.next_due > NOW
    assert effects(decide(at(state, plan.next_due), policy, plan.next_due)) != effects(plan)


@given(views(), policies)
def test_effects_do_not_change_before_next_due(state: View, policy: Policy) -> None:
    """At none of the seconds until then, also under a stop: no deletion is missed."""
    plan = decide(state, policy, NOW)
    end = plan.next_due or NOW + timedelta(seconds=90)
    for ahead in range(round((end - NOW).total_seconds())):
        now = NOW + timedelta(seconds=ahead)
        assert effects(decide(at(state, now), policy, now)) == effects(plan)
