"""The last check of a finished plan: a law for every plan and every state, and ledgers that are wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaner_lambda.guard import check
from cleaner_lambda.ledger import Retired
from cleaner_lambda.plan import Action, Plan, Reason
from cleaner_lambda.policy import decide
from cleaner_lambda.view import Protection, View
from release_log.layout import Layout
from release_log.policy_settings import Policy
from release_log.tags import Mark, State
from tests.unit.cleaner_lambda.runs import APP, DAY, POLICY, A, B, C, keys_of, run

if TYPE_CHECKING:
    from tests.fake_cleaner_s3 import FakeS3

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
SITE = Layout("assets/")
OUTSIDE = ("other/a.js", "assets", "assets/.releases/ledger.json.gz", "assets/.releases/markers/x.json", "")
KEYS = ("assets/a.js", "assets/b.js", "assets/c.js", "assets/d/.releases/markers/x.json", *OUTSIDE)

some = st.frozensets(st.sampled_from(KEYS))
entries = st.builds(
    Retired, st.just("a.js"), st.builds(Mark, st.sampled_from(State), st.just(NOW)), st.just(1), st.just("r")
)
actions = st.builds(Action, st.sampled_from(KEYS), st.sampled_from(Reason), st.none() | entries)
lists = st.lists(actions, max_size=5, unique_by=lambda action: action.key).map(tuple)
plans = st.builds(Plan, lists, lists, lists, lists, lists, st.just(()), st.none())
views = st.builds(
    View,
    live=some.map(lambda keys: frozenset(filter(SITE.owns, keys))),
    retired=st.just({}),
    owed=some,
    protected=some.map(lambda keys: dict.fromkeys(keys, Protection(Reason.PENDING, NOW))),
    pinned=some,
    kept=some,
    tags_unknown=some,
    doubles=some.map(lambda keys: dict.fromkeys(keys, "assets/missing.js")),
)


def needed(view: View) -> frozenset[str]:
    """What must stay, whatever a plan says."""
    return view.live | view.protected.keys() | view.pinned | view.kept | view.tags_unknown | view.doubles.keys()


@given(plans, views)
def test_no_plan_deletes_what_is_needed_or_not_the_sites(plan: Plan, view: View) -> None:
    """Whoever made the plan; and nothing is added to it, nor does anything else leave it."""
    checked = check(plan, view, SITE)
    left = {action.key for action in checked.plan.delete}
    assert left <= {action.key for action in plan.delete}
    assert left.isdisjoint(needed(view))
    assert all(map(SITE.owns, left))
    assert {action.key for action in plan.delete} - left <= checked.set_aside.keys()
    for name in ("tag", "untag", "keep"):
        assert all(SITE.owns(action.key) for action in getattr(checked.plan, name))
    assert not {action.key for action in checked.plan.tag if action.entry is not None} & view.live


@given(st.dictionaries(st.sampled_from(KEYS), entries), views, st.booleans())
def test_a_plan_of_the_policy_passes_but_for_wrong_entries(
    retired: dict[str, Retired],
    view: View,
    force: bool,  # noqa: FBT001 (hypothesis)
) -> None:
    """What the ledger may say leaves the plan as it is; each key that it may not say is named."""
    everything = replace(view, retired=retired)
    wrong = {key for key in retired if not SITE.owns(key) or key in view.live}
    sound = replace(view, retired={key: retired[key] for key in retired.keys() - wrong}, owed=view.owed - wrong)
    policy = Policy(version_limit=0, version_ttl=0, removed_ttl=0, grace=0)
    plan = decide(sound, policy, NOW + timedelta(days=9), force=force)
    checked = check(plan, sound, SITE)
    assert checked.plan == replace(plan, untag=tuple(action for action in plan.untag if SITE.owns(action.key))), (
        "no wrong entry"
    )
    both = check(decide(everything, policy, NOW + timedelta(days=9), force=force), everything, SITE)
    assert both.set_aside.keys() >= wrong
    assert {a.key for a in both.plan.delete} <= retired.keys() - wrong


def spoil(s3: FakeS3, *keys: str) -> None:
    """Let the ledger say of some keys that they were removed long ago."""
    ledger = s3.ledger
    entry = Retired("x", Mark(State.REMOVED, NOW - timedelta(days=99)), 1, "r0")
    s3.ledger = replace(ledger, retired={**ledger.retired, **dict.fromkeys(keys, entry)})


@pytest.mark.parametrize("key", [B, "other/app-3f9c2ab1.js", "assets/.releases/markers/20261123T120000Z-r1.json"])
def test_an_entry_that_the_ledger_must_not_have_is_never_followed(s3: FakeS3, key: str) -> None:
    """A live asset, an object outside the site, a file of the release log: named once, and the rest goes on."""
    s3.put(key, s3.objects[key].body if key in s3.objects else b"x")
    s3.advance(POLICY.version_ttl)
    spoil(s3, key)
    report = run(s3)
    assert key in s3.objects
    assert keys_of(report, "delete") == [A], "the rest goes on"
    assert keys_of(report, "set_aside") == [key]
    assert report.counts()["set_aside"] == 1
    assert (key in s3.ledger.retired, key in s3.ledger.owed) == (False, key == B)
    assert keys_of(run(s3), "set_aside") == [], "the entry is gone"
    assert s3.ledger.owed == frozenset(), "and its tags were looked at"


@pytest.mark.parametrize("how", ["pending", "staged", "pinned", "kept"])
def test_what_is_needed_otherwise_stays_if_the_ledger_calls_it_removed(s3: FakeS3, how: str) -> None:
    s3.put(C)
    other = {"assets/c.js": C}
    policy = POLICY
    if how == "pending":
        s3.intend("r3", "default", other)
    elif how == "staged":
        s3.stage("r3", "default", other)
    elif how == "pinned":
        s3.pin("20261123T120000Z-r3", "default", other)
    else:
        policy = replace(POLICY, keep_releases=1)
        s3.publish("r3", "default", other)
        run(s3)
        s3.advance(60)
        s3.publish("r4", "default", {APP: B})
        run(s3)
    spoil(s3, C)
    s3.advance(60)
    run(s3, policy=policy)
    assert C in s3.objects


def test_nothing_but_the_last_check_keeps_a_live_asset_of_a_wrong_ledger(
    s3: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it the live asset is deleted: the test above would see it."""
    spoil(s3, B)
    s3.advance(3 * DAY)
    monkeypatch.setattr(
        "cleaner_lambda.decision.check", lambda plan, _view, _layout, _inner: check(plan, View(frozenset(), {}), SITE)
    )
    run(s3)
    assert B not in s3.objects
