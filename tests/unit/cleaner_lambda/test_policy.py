"""The policy: golden cases named for what they show, and the laws that hold for every state."""

from __future__ import annotations

import copy
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaner_lambda.ledger import Retired
from cleaner_lambda.policy import BRAKE_FLOOR, Plan, Protection, Reason, Stop, View, decide
from cleaner_lambda.read_only import ReadOnly
from cleaner_lambda.run import Job, clean
from release_log.instants import parse_instant
from release_log.policy_settings import Policy
from release_log.tags import Mark, State
from tests.fake_cleaner_s3 import FakeS3

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
YEAR = 365 * 86_400
POLICY = Policy()
ALL = Policy(version_limit=0, version_ttl=0, removed_ttl=0, grace=0)
"""Everything that is retired is due."""
MORE = 20 if os.environ.get("TORTURE") == "1" else 1
"""So many times the examples of the laws that need many."""


def retired(state: State, ago: float, *, logical: str = "app.js", tagged: bool = True, release: str = "r") -> Retired:
    """An asset that was retired some seconds ago; as a rule it bears the right tag."""
    mark = Mark(state, NOW - timedelta(seconds=ago))
    return Retired(logical, mark, 1, release, mark if tagged else None)


def superseded(ago: float, *, logical: str = "app.js", tagged: bool = True, release: str = "r") -> Retired:
    """A version of a logical path that is current with another key."""
    return retired(State.SUPERSEDED, ago, logical=logical, tagged=tagged, release=release)


def removed(ago: float, *, logical: str = "app.js", tagged: bool = True) -> Retired:
    """An asset whose logical path is in no current release."""
    return retired(State.REMOVED, ago, logical=logical, tagged=tagged)


def view(entries: dict[str, Retired], live: Iterable[str] = ("live.js",), **others: object) -> View:
    """A state with one live asset."""
    return replace(View(frozenset(live), entries), **others)  # type: ignore[arg-type]


def reasons(plan: Plan, name: str = "keep") -> dict[str, str]:
    """Key -> reason, of one list of a plan."""
    return {action.key: action.reason.value for action in getattr(plan, name)}


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
    """It counts versions of what is still current."""
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
    """Both, not either."""
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
    """Latest superseded first; the later release first where that is the same; other logical paths do not count."""
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
    """Its age counts from when it was superseded; nothing here knows when it was uploaded."""
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


# What is protected


@pytest.mark.parametrize("reason", [Reason.PENDING, Reason.STAGED])
def test_protected_asset_is_kept_and_loses_its_tag(reason: Reason) -> None:
    """Even long overdue."""
    until = NOW + timedelta(seconds=60)
    protected = {"a": Protection(reason, until), "b": Protection(reason, until)}
    plan = decide(view({"a": removed(YEAR), "b": superseded(YEAR, tagged=False)}, protected=protected), ALL, NOW)
    assert plan.delete == plan.tag == ()
    assert reasons(plan) == {"live.js": "current", "a": reason, "b": reason}
    assert reasons(plan, "untag") == {"a": reason}, "the other bears no tag"
    assert plan.next_due == until


def test_protected_version_takes_no_place_in_the_version_limit() -> None:
    """It is about to be current: the limit is for the older ones."""
    protected = {"v3": Protection(Reason.PENDING, NOW + timedelta(seconds=60))}
    entries = {"v1": superseded(9000), "v2": superseded(8000), "v3": superseded(7000)}
    plan = decide(view(entries, protected=protected), POLICY, NOW)
    assert plan.delete == ()


def test_live_asset_that_bears_our_tag_loses_it() -> None:
    """It came back, and needed no upload."""
    plan = decide(view({}, owed=frozenset({"live.js"})), POLICY, NOW)
    assert reasons(plan, "untag") == {"live.js": "current"}


@pytest.mark.scenario("A1")
def test_assets_of_kept_releases_stay_whatever_their_age() -> None:
    """``keep_releases``: time alone never makes them due; they are tagged all the same."""
    entries = {"a": removed(YEAR, tagged=False), "b": superseded(YEAR)}
    plan = decide(view(entries, kept=frozenset({"a"})), ALL, NOW)
    assert reasons(plan)["a"] == "kept_release"
    assert reasons(plan, "tag") == {"a": "removed"}
    assert set(reasons(plan, "delete")) == {"b"}
    assert plan.next_due is None


def test_assets_of_pinned_releases_stay_tagged_and_their_clocks_go_on() -> None:
    """So that they go at once when they are unpinned, if they are due by then; a pin comes before ``keep_releases``."""
    entries = {"a": removed(YEAR, tagged=False), "b": superseded(YEAR), "c": superseded(YEAR)}
    state = view(entries, pinned=frozenset({"a", "b"}), kept=frozenset({"a"}))
    plan = decide(state, ALL, NOW)
    assert reasons(plan) == {"live.js": "current", "a": "pinned", "b": "pinned"}
    assert reasons(plan, "tag") == {"a": "removed"}
    assert (reasons(plan, "untag"), plan.upcoming, plan.next_due) == ({}, (), None)
    unpinned = decide(replace(state, pinned=frozenset(), kept=frozenset()), ALL, NOW)
    assert set(reasons(unpinned, "delete")) == {"a", "b", "c"}


def test_pinned_asset_that_is_pending_too_loses_its_tag() -> None:
    """An upload comes first: it is about to make it current."""
    protected = {"a": Protection(Reason.PENDING, NOW + timedelta(seconds=60))}
    plan = decide(view({"a": removed(YEAR)}, pinned=frozenset({"a"}), protected=protected), ALL, NOW)
    assert reasons(plan, "untag") == {"a": "pending"}


def test_pinned_version_takes_the_place_in_the_version_limit_that_it_had() -> None:
    """Neither a pin nor its end changes what becomes of the others."""
    entries = {"v1": superseded(9000), "v2": superseded(8000), "v3": superseded(7000), "v4": superseded(6000)}
    plain, pinned = (decide(view(entries, pinned=frozenset(keys)), POLICY, NOW) for keys in ((), ("v1", "v3")))
    assert set(reasons(plain, "delete")) == {"v1", "v2"}
    assert set(reasons(pinned, "delete")) == {"v2"}


# Tags


@pytest.mark.scenario("T23b")
def test_tag_is_written_when_it_is_missing_or_says_something_else() -> None:
    """Not again, when it is right."""
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
    """One request less, and never a tag on what is gone."""
    assert decide(view({"a": removed(YEAR, tagged=False)}), POLICY, NOW).tag == ()


# Stops and the brake


@pytest.mark.scenario("T25b", "L24")
@pytest.mark.parametrize("reason", [Reason.INVALID_MARKER, Reason.MISSING_MARKER, Reason.DELETING, Reason.REBUILT])
def test_stop_tags_and_untags_but_deletes_nothing(reason: Reason) -> None:
    """What is due is kept for that reason, and tagged as usual."""
    entries = {"due": removed(YEAR, tagged=False), "young": superseded(10, tagged=False)}
    stop = Stop(reason, "why")
    plan = decide(view(entries, stops=(stop,), owed=frozenset({"live.js"})), ALL, NOW, force=True)
    assert plan.delete == ()
    assert reasons(plan, "tag") == {"due": "removed", "young": "superseded"}
    assert reasons(plan, "untag") == {"live.js": "current"}
    assert reasons(plan)["due"] == reason
    assert plan.stops == (stop,)


def test_stop_that_ends_by_itself_is_when_to_come_back() -> None:
    """Another run's announcement, or an intent that does not validate."""
    until = NOW + timedelta(seconds=60)
    stop = Stop(Reason.DELETING, "why", until)
    assert decide(view({"a": removed(YEAR)}, stops=(stop,)), POLICY, NOW).next_due == until


def many(count: int, live: int, policy: Policy, *, force: bool = False) -> Plan:
    """A plan for so many due assets beside so many live ones."""
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
    """Both; just the fraction passes."""
    plan = many(due, live, POLICY)
    assert len(plan.delete) == (0 if braked else due)
    assert [stop.reason for stop in plan.stops] == ([Reason.BRAKE] if braked else [])
    assert len(plan.keep) == live + (due if braked else 0)


def test_brake_says_how_many_and_how_to_go_on() -> None:
    """One line for whoever gets the alarm."""
    message = many(101, 1, POLICY).stops[0].message
    assert "101 of 102" in message
    assert '{"force": true}' in message


@pytest.mark.scenario("T35b", "L20")
def test_brake_fraction_zero_means_none_not_off() -> None:
    """Of however many; up to a hundred are never braked."""
    policy = replace(POLICY, max_delete_fraction=0.0)
    assert many(101, 100_000, policy).delete == ()
    assert len(many(100, 1, policy).delete) == 100


def test_brake_fraction_one_lets_the_whole_go() -> None:
    """More than everything is never due."""
    assert len(many(500, 0, replace(POLICY, max_delete_fraction=1.0)).delete) == 500


def test_force_lets_the_brake_go() -> None:
    """And nothing else: see the stops."""
    assert len(many(500, 0, POLICY, force=True).delete) == 500


def test_nothing_retired_nothing_due() -> None:
    """The quiet site asks for no wake-up."""
    plan = decide(view({}), POLICY, NOW)
    assert plan == Plan(keep=plan.keep, delete=(), tag=(), untag=(), upcoming=(), stops=(), next_due=None)


def test_upcoming_is_what_time_alone_makes_due() -> None:
    """With the instant; neither what the version limit keeps, nor a kept release, nor what an upload protects."""
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


# Laws


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
    """The state as a run at that instant reads it: without what has expired."""
    return replace(
        state,
        protected={key: each for key, each in state.protected.items() if each.until > now},
        stops=tuple(stop for stop in state.stops if stop.until is None or stop.until > now),
    )


@given(views(), policies)
def test_keep_and_delete_are_all_assets_each_once(state: View, policy: Policy) -> None:
    """With one reason each; what is tagged and untagged is kept, and never both."""
    plan = decide(state, policy, NOW)
    keys = [action.key for action in (*plan.keep, *plan.delete)]
    assert sorted(keys) == sorted({*state.live, *state.retired})
    kept, tag, untag = (set(reasons(plan, name)) for name in ("keep", "tag", "untag"))
    assert tag | untag <= kept
    assert not tag & untag
    assert all(list(reasons(plan, name)) == sorted(reasons(plan, name)) for name in ("keep", "delete", "tag", "untag"))


@given(views(), policies, st.randoms(use_true_random=False))
def test_order_of_the_input_does_not_matter(state: View, policy: Policy, random: Random) -> None:
    """Sets and mappings come in any order."""
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
    """The promise that everything else serves."""
    now = NOW + timedelta(seconds=later)
    gone = deleted(decide(state, policy, now, force=force))
    assert not gone & (state.live | state.protected.keys() | state.pinned | state.kept)
    assert all(now - state.retired[key].mark.since >= timedelta(seconds=policy.grace) for key in gone)
    assert not (gone and state.stops)


@given(views(), policies, st.integers(0, 60), st.integers(0, 60))
def test_later_now_never_undeletes(state: View, policy: Policy, first: int, more: int) -> None:
    """What is due stays due, while nothing is published; so a wake-up that is late deletes no less."""
    early, late = NOW + timedelta(seconds=first), NOW + timedelta(seconds=first + more)
    assert deleted(decide(at(state, early), policy, early)) <= deleted(decide(at(state, late), policy, late))


@pytest.mark.parametrize("name", ["version_limit", "version_ttl", "removed_ttl", "grace"])
@settings(max_examples=300 * MORE)
@given(state=views(stopped=False), policy=policies, more=st.integers(1, 40))
def test_larger_limits_and_ttls_never_delete_more(name: str, state: View, policy: Policy, more: int) -> None:
    """Each setting errs towards keeping when it is raised."""
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
    """The second look relies on it: nothing goes then that was not announced."""
    protected = {**state.protected, **protected}
    safer = replace(state, protected=protected, pinned=state.pinned | pinned, kept=state.kept | kept)
    assert deleted(decide(safer, policy, NOW)) <= deleted(decide(state, policy, NOW))


@given(views(stopped=False), policies, st.frozensets(names, max_size=3))
def test_pin_keeps_its_own_keys_and_changes_nothing_else(state: View, policy: Policy, pinned: frozenset[str]) -> None:
    """What goes without the pin and is not pinned goes all the same; also nothing goes because of it."""
    state = replace(state, pinned=frozenset())
    # Without the brake, which counts.
    plain, plan = (decide(each, policy, NOW, force=True) for each in (state, replace(state, pinned=pinned)))
    assert deleted(plan) == deleted(plain) - pinned
    assert reasons(plan, "untag") == reasons(plain, "untag")


@given(views(stopped=False), policies)
def test_next_due_is_the_first_instant_at_which_the_effects_change(state: View, policy: Policy) -> None:
    """Not a second before; and without one, never."""
    plan = decide(state, policy, NOW)
    if plan.next_due is None:
        forever = NOW + timedelta(days=1000)
        assert effects(decide(at(state, forever), policy, forever)) == effects(plan)
        return
    assert plan.next_due > NOW
    assert effects(decide(at(state, plan.next_due), policy, plan.next_due)) != effects(plan)


@given(views(), policies)
def test_effects_do_not_change_before_next_due(state: View, policy: Policy) -> None:
    """At none of the seconds until then, also under a stop: no deletion is slept through."""
    plan = decide(state, policy, NOW)
    end = plan.next_due or NOW + timedelta(seconds=90)
    for ahead in range(round((end - NOW).total_seconds())):
        now = NOW + timedelta(seconds=ahead)
        assert effects(decide(at(state, now), policy, now)) == effects(plan)


# Laws of a whole run: the policy's settings and the dry run, on buckets with a history

DAY_LESS = 86_399
"""Until the next full listing, which may find something new."""
PATHS = ["assets/a.js", "assets/b.js"]
builds = st.dictionaries(st.sampled_from(PATHS), st.sampled_from("012"), min_size=1).map(
    lambda versions: {path: path.replace(".js", f"-{n}a{n}b{n}c{n}d.js") for path, n in versions.items()}
)
channels = st.sampled_from(["production", "staging"])
happenings = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), channels, builds),
        st.tuples(st.sampled_from(["stage", "intend", "pin"]), channels, builds),
        st.tuples(st.just("advance"), st.sampled_from([0, 5, 10, 20])),
        st.tuples(st.sampled_from(["clean", "clean", "lose"])),
    ),
    min_size=3,
    max_size=12,
)
site_policies = st.builds(
    Policy,
    version_limit=st.integers(0, 2),
    version_ttl=st.integers(0, 20),
    removed_ttl=st.integers(0, 20),
    grace=st.integers(0, 10),
    keep_releases=st.integers(0, 2),
    pending_ttl=st.integers(0, 20),
    staged_ttl=st.integers(0, 20),
)


whole_runs = settings(max_examples=200 * MORE)
"""A busy machine may take its time."""


@st.composite
def buckets(draw: st.DrawFn) -> FakeS3:
    """A bucket with some releases and runs behind it, and some that no run has seen yet; and an orphan."""
    s3 = FakeS3()
    s3.put("assets/b-9a9b9c9d.js", tags={"team": "shop"})
    s3.advance(86_400)
    s3.publish("first", "production", draw(builds))
    clean(s3, Job(prefix="assets/", policy=POLICY, run="first"))
    for number, (what, *how) in enumerate(draw(happenings)):
        if what == "advance":
            s3.advance(*how)
        elif what == "clean":
            clean(s3, Job(prefix="assets/", policy=draw(site_policies), run="before"))
        elif what == "lose":
            s3.objects.pop(s3.layout.ledger, None)
        else:
            getattr(s3, what)(f"r{number}", *how)
    for kind in ("intend", "stage"):
        if draw(st.booleans()):
            getattr(s3, kind)(kind, "production", draw(builds))
    s3.advance(draw(st.integers(0, 20)))
    s3.requests.clear()
    return s3


def answer(
    s3: FakeS3, policy: Policy, *, dry_run: bool = True, full: bool = False, force: bool = False
) -> dict[str, Any]:
    """What a run says; under a dry run on the store's read-only cover."""
    job = Job(prefix="assets/", policy=policy, run="run", dry_run=dry_run, full=full, force=force)
    return clean(ReadOnly(s3) if dry_run else s3, job).document()


def to_delete(s3: FakeS3, policy: Policy) -> set[str]:
    """What a run would delete."""
    return {entry["key"] for entry in answer(s3, policy)["delete"]}


@pytest.mark.scenario("T25a")
@whole_runs
@given(buckets(), site_policies, st.booleans(), st.booleans())
def test_dry_run_says_what_the_run_at_that_instant_does_and_writes_nothing(
    s3: FakeS3,
    policy: Policy,
    full: bool,  # noqa: FBT001 (drawn)
    force: bool,  # noqa: FBT001 (drawn)
) -> None:
    """The whole answer, but for the word that it was dry."""
    before = copy.deepcopy(s3.objects)
    dry = answer(s3, policy, full=full, force=force)
    assert s3.objects == before
    assert s3.writes == []
    real = answer(s3, policy, dry_run=False, full=full, force=force)
    assert (dry.pop("dry_run"), real.pop("dry_run")) == (True, False)
    assert dry == real
    assert {key for key in before if key not in s3.objects and s3.layout.owns(key)} == {
        entry["key"] for entry in dry["delete"]
    }


@pytest.mark.parametrize("name", ["keep_releases", "pending_ttl", "staged_ttl"])
@whole_runs
@given(s3=buckets(), policy=site_policies, more=st.integers(1, 20))
def test_run_that_keeps_and_protects_for_longer_never_deletes_more(
    name: str, s3: FakeS3, policy: Policy, more: int
) -> None:
    """The settings that the policy is not given itself, but as sets of keys."""
    eager = replace(policy, version_limit=0, version_ttl=0, removed_ttl=0, grace=0)
    larger = replace(eager, **{name: getattr(eager, name) + more})
    assert to_delete(s3, larger) <= to_delete(s3, eager)


@whole_runs
@given(buckets(), site_policies)
def test_run_at_the_instant_that_a_run_announces_is_the_first_to_do_something(s3: FakeS3, policy: Policy) -> None:
    """A wake-up before it would find nothing to do; without one, nothing is left to be done."""
    for _ in range(2):  # The first may rebuild the ledger, and come back for that alone.
        due = answer(s3, policy, dry_run=False, full=True)["next_due"]
    seconds_left = DAY_LESS if due is None else round((parse_instant(due) - s3.clock).total_seconds()) - 1
    for ahead in {seconds_left // 2, seconds_left}:
        early = copy.deepcopy(s3)
        early.advance(ahead)
        assert not any(answer(early, policy)[name] for name in ("delete", "tag", "untag"))
    if due is not None:
        s3.advance(seconds_left + 1)
        assert any(answer(s3, policy)[name] for name in ("delete", "tag", "untag"))
