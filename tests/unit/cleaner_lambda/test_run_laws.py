"""The laws of a whole run on buckets with a history: the policy's settings, and the dry run."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaner_lambda.job import Job
from cleaner_lambda.read_only import ReadOnly
from cleaner_lambda.run import clean
from release_log.instants import parse_instant
from release_log.policy_settings import Policy
from tests.fake_cleaner_s3 import FakeS3
from tests.unit.cleaner_lambda.states import MORE, POLICY

DAY_LESS = 86_399
"""The time until the next full listing, which may find something new."""
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


whole_runs = settings(max_examples=50 * MORE)
"""Half as many examples as usual, as each is a whole story; `make torture` has more."""


@st.composite
def buckets(draw: st.DrawFn) -> FakeS3:
    """A bucket with some releases and runs, some releases that no run has seen yet, and an orphan."""
    s3 = FakeS3()
    s3.put("assets/b-9a9b9c9d.js", tags={"team": "shop"})
    s3.advance(86_400)
    s3.publish("first", "production", draw(builds))
    clean(s3, Job(prefix="assets/", policy=POLICY, run="first"))
    for number, (what, *arguments) in enumerate(draw(happenings)):
        if what == "advance":
            s3.advance(*arguments)
        elif what == "clean":
            clean(s3, Job(prefix="assets/", policy=draw(site_policies), run="before"))
        elif what == "lose":
            s3.objects.pop(s3.layout.ledger, None)
        else:
            getattr(s3, what)(f"r{number}", *arguments)
    for kind in ("intend", "stage"):
        if draw(st.booleans()):
            getattr(s3, kind)(kind, "production", draw(builds))
    s3.advance(draw(st.integers(0, 20)))
    s3.requests.clear()
    return s3


def answer(
    s3: FakeS3, policy: Policy, *, dry_run: bool = True, full: bool = False, force: bool = False
) -> dict[str, Any]:
    """The answer of a run; a dry run gets the store's read-only cover."""
    job = Job(prefix="assets/", policy=policy, run="run", dry_run=dry_run, full=full, force=force)
    return clean(ReadOnly(s3) if dry_run else s3, job).document()


def to_delete(s3: FakeS3, policy: Policy) -> set[str]:
    """The keys that a run would delete."""
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
    """The whole answer, except ``dry_run`` itself."""
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
    """The settings that reach the policy as sets of keys."""
    eager = replace(policy, version_limit=0, version_ttl=0, removed_ttl=0, grace=0)
    larger = replace(eager, **{name: getattr(eager, name) + more})
    assert to_delete(s3, larger) <= to_delete(s3, eager)


@whole_runs
@given(buckets(), site_policies)
def test_run_at_the_instant_that_a_run_announces_is_the_first_to_do_something(s3: FakeS3, policy: Policy) -> None:
    """An earlier wake-up would find nothing to do; without an instant, nothing is left to do."""
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
