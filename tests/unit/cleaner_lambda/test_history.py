"""Releases folded into the state of every asset: when each one left, came back and left again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaner_lambda.history import History, Published, fold
from cleaner_lambda.job import Job
from cleaner_lambda.run import clean
from release_log.instants import format_instant
from release_log.marker import Asset, Release
from release_log.policy_settings import Policy
from release_log.tags import Mark, State
from tests import reference
from tests.fake_cleaner_s3 import FakeS3

START = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


def at(second: int) -> datetime:
    """A number of seconds after the story's beginning."""
    return START + timedelta(seconds=second)


def release(second: int, channel: str = "default", **assets: str) -> Published:
    """A release of some assets: logical path (with ``_`` for a dot) -> key."""
    release = Release(
        release=f"r{second}",
        channel=channel,
        created_at=START,
        prefix="",
        uploader={},
        assets={logical.replace("_", "."): Asset(key, 7, fingerprinted=True) for logical, key in assets.items()},
    )
    return Published(f"{second:04}-{channel}", at(second), release)


def states(history: History) -> dict[str, tuple[str, int]]:
    """Key -> state, and since which second."""
    return {
        key: (entry.mark.state.value, round((entry.mark.since - START).total_seconds()))
        for key, entry in history.retired.items()
    }


def test_first_release_retires_nothing() -> None:
    """No release came before it."""
    history = fold(History(), [release(0, app_js="a1")])
    assert history.live_keys() == {"a1"}
    assert history.live_paths() == {"app.js"}
    assert history.retired == {}


def test_superseded_since_the_marker_that_replaced_it() -> None:
    """Its logical path is current with another key."""
    history = fold(History(), [release(0, app_js="a1"), release(5, app_js="a2")])
    assert states(history) == {"a1": ("superseded", 5)}
    entry = history.retired["a1"]
    assert (entry.logical, entry.size, entry.release, entry.tagged) == ("app.js", 7, "0000-default", None)


@pytest.mark.scenario("A3")
def test_unchanged_asset_does_not_age() -> None:
    """However many later releases name it."""
    assert states(fold(History(), [release(n, app_js="a1") for n in range(9)])) == {}


def test_removed_since_its_path_left() -> None:
    """Together with the older versions of that path, which were superseded until then."""
    history = fold(
        History(), [release(0, app_js="a1", b_js="b1"), release(5, app_js="a2", b_js="b1"), release(9, b_js="b1")]
    )
    assert states(history) == {"a1": ("removed", 9), "a2": ("removed", 9)}


def test_revived_key_loses_its_clock_and_leaves_with_a_new_one() -> None:
    """The second instant counts, not the first."""
    releases = [release(0, app_js="a1"), release(5, app_js="a2"), release(9, app_js="a1"), release(20, app_js="a3")]
    assert states(fold(History(), releases[:3])) == {"a2": ("superseded", 9)}
    assert states(fold(History(), releases)) == {"a1": ("superseded", 20), "a2": ("superseded", 9)}


def test_path_that_comes_back_supersedes_its_old_versions_again() -> None:
    """Their clock starts then: revival of one key must not leave its siblings' old clocks."""
    releases = [release(0, app_js="a1"), release(5, app_js="a2"), release(9, b_js="b1"), release(20, app_js="a2")]
    history = fold(History(), releases)
    assert states(history) == {"a1": ("superseded", 20), "b1": ("removed", 20)}


@pytest.mark.scenario("L5")
def test_path_that_leaves_a_second_time_is_removed_since_then() -> None:
    """Months later, all its versions get their whole time again."""
    releases = [
        release(0, app_js="a1"), release(5, app_js="a2"), release(9, b_js="b1"),
        release(20, app_js="a2"), release(30, b_js="b1"),
    ]  # fmt: skip
    assert states(fold(History(), releases)) == {"a1": ("removed", 30), "a2": ("removed", 30)}


@pytest.mark.scenario("L4")
def test_roll_back_retires_what_was_live_a_moment_ago_as_the_latest() -> None:
    """After A, B, back to A, then C: A left last, whenever it was uploaded."""
    releases = [release(0, app_js="a"), release(5, app_js="b"), release(9, app_js="a"), release(12, app_js="c")]
    assert states(fold(History(), releases)) == {"a": ("superseded", 12), "b": ("superseded", 9)}


@pytest.mark.scenario("T29b")
def test_key_that_two_channels_share_is_live_until_both_left_it() -> None:
    """A hash shared by two owners is kept."""
    releases = [
        release(0, "production", app_js="a1"),
        release(1, "staging", app_js="a1"),
        release(5, "production", app_js="a2"),
        release(9, "staging", app_js="a2"),
    ]
    assert states(fold(History(), releases[:3])) == {}
    assert states(fold(History(), releases)) == {"a1": ("superseded", 9)}


def test_path_that_lives_in_another_channel_is_superseded_not_removed() -> None:
    """Removed means that it is in no current release."""
    history = fold(
        History(), [release(0, "production", app_js="a1"), release(1, "staging", app_js="s1"),
                    release(5, "production", b_js="b1")]
    )  # fmt: skip
    assert states(history) == {"a1": ("superseded", 5)}


def test_markers_of_one_second_are_ordered_by_their_id() -> None:
    """S3 gives whole seconds."""
    first = Published("a", at(0), release(0, app_js="a1").release)
    second = Published("b", at(0), release(0, app_js="a2").release)
    assert fold(History(), [second, first]).current == {"default": second}


def test_tagged_asset_that_lives_again_is_owed_a_look_at_its_tags_until_that_was_done() -> None:
    """Also if it leaves again meanwhile: its new entry does not say which tag the object has."""
    first = fold(History(), [release(0, app_js="a1"), release(5, app_js="a2")])
    mark = Mark(State.SUPERSEDED, at(5))
    entry = first.retired["a1"]
    tagged = History(first.lines, {"a1": type(entry)(entry.logical, mark, 7, entry.release, mark)})
    back = fold(tagged, [release(9, app_js="a1")])
    assert back.owed == {"a1"}
    again = fold(back, [release(12, app_js="a2")])
    assert again.owed == {"a1"}
    assert again.retired["a1"].tagged is None


builds = st.lists(
    st.tuples(
        st.sampled_from(["production", "staging"]),
        st.dictionaries(st.sampled_from(["a_js", "b_js", "c_js"]), st.sampled_from("123"), min_size=1),
    ),
    max_size=8,
)


def releases_of(story: list[tuple[str, dict[str, str]]]) -> list[Published]:
    """The releases of a story, two in each second."""
    return [
        release(number // 2, channel, **{path: path + version for path, version in assets.items()})
        for number, (channel, assets) in enumerate(story)
        if number % 2 == 0 or channel != story[number - 1][0]  # each id is unique
    ]


@given(builds, st.data())
def test_folding_at_once_equals_folding_in_steps_of_any_size(
    story: list[tuple[str, dict[str, str]]], data: st.DataObject
) -> None:
    """The state does not depend on how many releases a run finds, nor on their order in the listing."""
    releases = sorted(releases_of(story), key=lambda each: each.order)
    stepwise, left = History(), list(releases)
    while left:
        size = data.draw(st.integers(1, len(left)))
        stepwise, left = fold(stepwise, left[:size]), left[size:]
    assert fold(History(), data.draw(st.permutations(releases))) == stepwise


@given(builds)
def test_every_key_ever_published_is_either_live_or_retired(story: list[tuple[str, dict[str, str]]]) -> None:
    """Each key is exactly one of the two, and its state agrees with the live paths."""
    releases = releases_of(story)
    history = fold(History(), releases)
    live, paths = history.live_keys(), history.live_paths()
    ever = {asset.key for published in releases for asset in published.release.assets.values()}
    assert live | history.retired.keys() == ever
    assert not live & history.retired.keys()
    for entry in history.retired.values():
        assert (entry.mark.state is State.SUPERSEDED) == (entry.logical in paths)


@given(builds)
def test_retired_since_the_release_that_brought_it_into_its_state(story: list[tuple[str, dict[str, str]]]) -> None:
    """The reference derives it from the whole story by the definition."""
    releases = releases_of(story)
    copies = [
        reference.Release(
            each.id, each.at, each.release.channel, {path: asset.key for path, asset in each.release.assets.items()}
        )
        for each in releases
    ]
    ever = {key for each in copies for key in each.assets.values()}
    expected = {
        key: (asset.logical, Mark(asset.state, asset.since), asset.release)
        for key, asset in reference.retired(reference.Site(copies, ever)).items()
    }
    entries = fold(History(), releases).retired
    assert {key: (entry.logical, entry.mark, entry.release) for key, entry in entries.items()} == expected


# Several releases between two runs

POLICY = Policy(version_limit=1, version_ttl=0, removed_ttl=0, grace=0)
APP = "assets/app.js"
A, B, C = (f"assets/app-{letter * 4}1111.js" for letter in "abc")


def run(s3: FakeS3, policy: Policy = POLICY, *, full: bool = False) -> set[str]:
    """Run the cleaner; returns the keys that it says it deleted."""
    report = clean(s3, Job(prefix="assets/", policy=policy, run="run", full=full))
    return {entry["key"] for entry in report.document()["delete"]}


def test_asset_that_came_back_and_left_within_one_run_loses_its_tag_while_an_upload_needs_it() -> None:
    """No run saw it live, so the object still has its first tag."""
    policy = Policy(version_limit=9, version_ttl=3600, removed_ttl=3600, grace=0)
    s3 = FakeS3()
    for name, key in (("r1", A), ("r2", B)):
        s3.publish(name, "default", {APP: key})
        run(s3, policy)
    assert s3.tags(A)
    s3.publish("r3", "default", {APP: A})
    s3.publish("r4", "default", {APP: C})
    intent = s3.intend("r5", "default", {APP: A})
    run(s3, policy)
    assert s3.tags(A) == {}
    s3.break_off(intent)
    run(s3, policy)
    assert s3.tags(A) == {"superseded_at": format_instant(s3.clock)}


# A marker that appears late: the history is replayed from the start, and what only the ledger knows is kept


def publish_late(s3: FakeS3, name: str, channel: str, assets: dict[str, str], seconds: int) -> None:
    """Publish a release whose marker S3 dates some seconds ago, although no listing had it until now."""
    key = s3.layout.marker_key(s3.publish(name, channel, assets))
    s3.objects[key].last_modified -= timedelta(seconds=seconds)


def test_late_marker_does_not_bring_back_what_was_deleted_long_ago() -> None:
    """Old markers still name it: it is deleted once, counted once, and takes no place in the version limit."""
    s3 = FakeS3()
    for name, key in (("r1", A), ("r2", B), ("r3", C)):
        s3.publish(name, "default", {APP: key})
        run(s3)
        s3.advance(10)
    assert s3.assets() == {B, C}
    publish_late(s3, "late", "staging", {"assets/other.js": "assets/other-eeee1111.js"}, 15)
    assert run(s3) == set()
    assert s3.ledger.retired.keys() == {B}


def test_late_marker_gives_no_place_in_the_version_limit_to_what_was_deleted() -> None:
    """B is the only older version left of its path: A, of a later release, was deleted while B was staged."""
    other = {"assets/other.js": "assets/other-eeee1111.js"}
    s3 = FakeS3()
    s3.publish("r1", "default", {APP: B})
    run(s3)
    s3.advance(10)
    s3.publish("r2", "default", {APP: A})
    run(s3)
    s3.advance(10)
    staged = s3.stage("r3", "default", {APP: B})
    s3.publish("r4", "default", other)
    assert run(s3) == {A}
    s3.advance(10)
    s3.publish("r5", "default", {APP: C, **other})
    s3.break_off(staged)
    publish_late(s3, "late", "staging", {"assets/more.js": "assets/more-ffff1111.js"}, 15)
    assert run(s3) == set()
    assert B in s3.assets()


def test_late_marker_makes_no_orphan_older_than_its_finding() -> None:
    """It was found a moment ago: its logical path became current before, but its age did not count then."""
    policy = Policy(version_limit=0, version_ttl=3600, removed_ttl=3600, grace=0)
    s3 = FakeS3()
    s3.put(A)
    s3.publish("r1", "default", {"assets/other.js": "assets/other-eeee1111.js"})
    s3.advance(2 * 86_400)
    run(s3, policy, full=True)
    found = s3.clock
    assert s3.ledger.retired[A].mark == Mark(State.REMOVED, found)
    publish_late(s3, "late", "staging", {APP: B}, 3 * 86_400)
    s3.advance(1)
    assert run(s3, policy) == set()
    assert s3.ledger.retired[A].mark == Mark(State.SUPERSEDED, found)


def test_late_marker_loses_no_change_of_an_orphan_that_came_with_it() -> None:
    """Its path came back and left again: it is removed since then, as it is without the late marker."""
    policy = Policy(version_limit=0, version_ttl=3600, removed_ttl=3600, grace=0)
    s3 = FakeS3()
    s3.put(A)
    other = {"assets/other.js": "assets/other-eeee1111.js"}
    s3.advance(2 * 86_400)
    s3.publish("r1", "default", other)
    run(s3, policy)
    s3.advance(3000)
    s3.publish("r2", "default", {APP: B})
    s3.advance(1000)
    s3.publish("r3", "default", other)
    publish_late(s3, "late", "staging", {"assets/more.js": "assets/more-ffff1111.js"}, 4001)
    assert run(s3, policy) == set()
    assert s3.ledger.retired[A].mark == Mark(State.REMOVED, s3.clock)
