"""A run on a large site reads no retired asset, unless it has to: the next sweep takes in what it changes of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleaner_lambda import segments
from cleaner_lambda.head import decode
from release_log.ledger_file import FORMAT, HEAD_FORMAT, HOLDS
from release_log.tags import OUR_KEYS, Mark, State, read_mark
from tests.fake_cleaner_s3 import FakeS3
from tests.ledger_formats import writing
from tests.unit.cleaner_lambda.runs import (
    APP,
    DAY,
    LOGO,
    POLICY,
    A,
    B,
    C,
    at_request,
    fail_with,
    keys_of,
    run,
    stopped_by,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cleaner_lambda.head import Head

OTHER = "assets/other.js"


@pytest.fixture(autouse=True)
def large(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every site counts as large, and the site's ledger is a head that was swept a moment ago."""
    with writing(HEAD_FORMAT):
        s3.publish("r3", "default", {APP: C})
        run(s3)
        s3.requests.clear()
        monkeypatch.setattr(segments, "SMALL", -1)
        yield


def head(s3: FakeS3) -> Head:
    """The head."""
    return decode(s3.objects[s3.layout.ledger].body)


def read(s3: FakeS3) -> list[str]:
    """The files of the ledger that were read."""
    return [key for _, key in s3.made("get") if key.startswith(s3.layout.ledger_files)]


def test_a_release_is_folded_in_without_reading_what_retired_before(s3: FakeS3) -> None:
    """It tags what it retires, and notes the rest."""
    s3.publish("r4", "default", {APP: B, "assets/logo.png": LOGO})
    report = run(s3)
    assert (read(s3), keys_of(report, "tag"), keys_of(report, "untag")) == ([], [C], [B]), "the logo is new"
    assert [each.rows for each in head(s3).index.deltas] == [4]
    assert s3.tags(B) == {}
    assert {key: entry.mark.state for key, entry in s3.ledger.retired.items()} == dict.fromkeys(
        (A, C), State.SUPERSEDED
    )
    assert s3.ledger.retired[C].tagged == s3.ledger.retired[C].mark


def test_a_run_in_which_nothing_happened_reads_nothing_and_writes_nothing(s3: FakeS3) -> None:
    run(s3)
    assert (read(s3), s3.writes) == ([], [])
    assert len(s3.requests) == 6


def requests_of_a_release(*, files: int, releases: int, changed: int) -> int:
    """Those of the run that it wakes, on a site that has had so many releases of so many files, all new in each."""

    def build(number: int) -> dict[str, str]:
        return {f"assets/app{n}.js": f"assets/app{n}-3f9c2a{number:02x}.js" for n in range(files)}

    s3, keep = FakeS3(), replace(POLICY, version_limit=releases)
    for number in range(1, releases + 1):
        s3.publish(f"r{number}", "default", build(number))
        run(s3, policy=keep)
        s3.advance(60)
    assert sum(each.entries for each in head(s3).index.segments) + head(s3).index.rows >= files * (releases - 1)
    s3.publish("last", "default", build(releases) | dict(list(build(0).items())[:changed]))
    s3.requests.clear()
    assert len(keys_of(run(s3, policy=keep), "tag")) == changed
    return len(s3.requests)


@pytest.mark.parametrize("changed", [1, 9])
@pytest.mark.parametrize(("files", "releases"), [(10, 2), (10, 18), (300, 3)])
def test_a_release_takes_two_requests_for_each_file_that_it_changes_and_ten_more(
    files: int, releases: int, changed: int
) -> None:
    """Whatever the site holds, and has held, as docs/cost.md says."""
    assert requests_of_a_release(files=files, releases=releases, changed=changed) == 2 * changed + 10


def test_a_marker_that_wrongly_says_that_an_asset_is_new_leaves_its_old_tag_until_it_retires_again(s3: FakeS3) -> None:
    """Nothing but a rebuild reads that tag, and a rebuild takes the tags of all that lives away."""
    there = s3.objects.pop(B)
    s3.publish("r4", "default", {APP: B})
    s3.objects[B] = there
    assert keys_of(run(s3), "untag") == []
    assert s3.tags(B) != {}
    s3.advance(60)
    s3.publish("r5", "default", {APP: C})
    assert keys_of(run(s3), "tag") == [B]
    assert read_mark(s3.tags(B)) == s3.ledger.retired[B].mark == Mark(State.SUPERSEDED, s3.clock.replace(microsecond=0))


def test_what_falls_due_goes_with_the_next_sweep(s3: FakeS3) -> None:
    """A day after the last one; the cleaner wakes up for it."""
    report = run(s3)
    assert report.next_due == s3.clock.replace(microsecond=0) + timedelta(days=1)
    s3.advance(POLICY.version_ttl + 1)
    assert keys_of(run(s3), "delete") == []
    s3.advance(DAY - POLICY.version_ttl)
    assert keys_of(run(s3), "delete") == [A, B]
    assert (s3.ledger.retired, head(s3).index.deltas) == ({}, ())


def test_a_sweep_that_finds_nothing_to_do_is_not_repeated(s3: FakeS3) -> None:
    """Also while no listing is due, so that nothing else has to be written."""
    policy = replace(POLICY, version_ttl=9 * DAY)
    s3.advance(DAY // 2)
    run(s3, policy=policy, full=True)
    for _ in range(2):
        s3.advance(DAY - 60)
        run(s3, policy=policy)
        s3.advance(120)
        run(s3, policy=policy)
        s3.requests.clear()
        run(s3, policy=policy)
        assert (read(s3), s3.writes) == ([], [])


def test_a_run_that_dies_before_it_has_done_what_was_due_leaves_the_sweep_to_the_next(s3: FakeS3) -> None:
    s3.advance(DAY + POLICY.version_ttl)
    at_request(s3, "put_if", s3.layout.ledger, fail_with("InternalError"), number=3)  # the first one is of the listing
    with pytest.raises(Exception, match="could not be written"):
        run(s3, run_id="dies")
    s3.on_request = None
    s3.advance(HOLDS.total_seconds() + 1)
    s3.requests.clear()
    run(s3)
    assert read(s3) != []
    assert s3.ledger.retired == {}


@pytest.mark.parametrize("asked", ["full", "force", "dry_run"])
def test_who_asks_gets_the_whole_answer(s3: FakeS3, asked: str) -> None:
    s3.advance(POLICY.version_ttl + 1)
    report = run(s3, full=asked == "full", force=asked == "force", dry_run=asked == "dry_run")
    assert keys_of(report, "delete") == [A, B]


def test_much_that_was_noted_is_taken_in_at_once(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "ROWS", 4)
    s3.publish("r4", "default", {APP: B, "assets/logo.png": LOGO})
    run(s3)
    assert head(s3).index.deltas == ()
    assert s3.ledger.retired.keys() == {A, C}


def test_a_marker_that_turns_up_late_takes_all_of_them(s3: FakeS3) -> None:
    late = s3.publish("r0", "default", {APP: A, OTHER: "assets/other-eeee5555.js"})
    key = s3.layout.marker_key(late)
    s3.objects[key] = replace(s3.objects[key], last_modified=s3.clock - timedelta(days=1))
    run(s3)
    assert read(s3) != []
    assert s3.ledger.retired.keys() == {A, B, "assets/other-eeee5555.js"}


def test_a_current_marker_that_is_gone_takes_all_of_them_also_when_a_newer_one_came(s3: FakeS3) -> None:
    """What another channel left meanwhile may have been of that release: it counts from the newer one on."""
    old, new = "assets/other-eeee5555.js", "assets/other-ffff6666.js"
    s3.advance(1)
    s3.publish("b1", "beta", {OTHER: old})
    run(s3)
    del s3.objects[s3.layout.marker_key(s3.ledger.current["default"])]
    s3.requests.clear()
    s3.advance(1)
    s3.publish("b2", "beta", {OTHER: new})
    s3.advance(600)
    s3.publish("r4", "default", {APP: B})
    run(s3)
    assert read(s3) != []
    assert s3.ledger.retired[old].mark.since == s3.ledger.folded[s3.ledger.current["default"]].placed


def test_the_end_of_a_channel_takes_all_of_them(s3: FakeS3) -> None:
    s3.advance(1)
    s3.end()
    run(s3)
    assert read(s3) != []
    assert {entry.mark.state for entry in s3.ledger.retired.values()} == {State.REMOVED}


def test_a_run_that_died_may_have_tagged_anything_and_the_next_sweep_looks(s3: FakeS3) -> None:
    """A retired asset whose tag is in doubt is not untagged by a run that does not know that it is retired."""
    s3.publish("r4", "default", {APP: B})
    at_request(s3, "put_if", s3.layout.ledger, fail_with("InternalError"), number=2)
    with pytest.raises(Exception, match="could not be written"):
        run(s3, run_id="dies")
    s3.on_request = None
    s3.advance(HOLDS.total_seconds() + 1)
    run(s3)
    assert OUR_KEYS & s3.tags(C).keys()
    s3.advance(DAY)
    run(s3, policy=replace(POLICY, version_ttl=9 * DAY))
    assert {key: bool(OUR_KEYS & s3.tags(key).keys()) for key in (A, B, C)} == {A: True, B: False, C: True}
    assert (s3.ledger.owed, s3.ledger.tagging) == (frozenset(), ())


def test_an_upload_under_way_keeps_what_the_sweep_would_delete(s3: FakeS3) -> None:
    s3.advance(DAY + POLICY.version_ttl)
    s3.intend("back", "default", {APP: A})
    assert keys_of(run(s3), "delete") == [B]


def test_a_whole_site_is_not_deleted_by_a_sweep_either(s3: FakeS3) -> None:
    """The brake counts all of it."""
    s3.publish("r4", "default", {f"assets/{n}.js": f"assets/{n}-aaaa1111.js" for n in range(200)})
    run(s3)
    s3.publish("r5", "default", {APP: C})
    run(s3)
    s3.advance(9 * DAY)
    assert stopped_by(run(s3)) == ["brake"]


releases = st.lists(
    st.tuples(
        st.sampled_from(["default", "default", "beta"]),
        st.dictionaries(st.sampled_from([APP, OTHER, "assets/logo.png"]), st.integers(1, 3), min_size=1),
        st.sampled_from([1, 600, 5000, DAY // 2, DAY + 1]),
        st.sampled_from(["a run", "a run", "no run", "a run, and its marker is lost"]),
    ),
    min_size=1,
    max_size=7,
)
Story = list[tuple[str, dict[str, int], int, str]]


def play(version: int, small: int, story: Story) -> FakeS3:
    """Publish releases, as a rule each with a run after it; then two days pass, with runs."""
    with writing(version), pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "SMALL", small)
        if small < 0:  # each logical path is a group of its own
            patch.setattr(segments, "ENTRIES", 1)
            patch.setattr(segments, "GROUP", 1)
        s3 = FakeS3()
        policy = replace(POLICY, version_limit=1, version_ttl=3 * DAY, removed_ttl=2 * DAY)
        for number, (channel, assets, seconds, then) in enumerate(story):
            s3.advance(1)
            keys = {path: f"{path[:-3]}-{n}aaaa111{path[-3:]}" for path, n in assets.items()}
            release_id = s3.publish(f"r{number}", channel, keys)
            if then == "no run":
                s3.advance(seconds)
                continue
            run(s3, policy=policy)
            if "lost" in then:
                del s3.objects[s3.layout.marker_key(release_id)]
            s3.advance(seconds)
            if "lost" not in then:
                run(s3, policy=policy)
        for _ in range(2):
            s3.advance(DAY + 1)
            run(s3, policy=policy)
            run(s3, policy=policy, full=True)
        return s3


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(releases)
def test_after_its_sweep_a_large_site_is_as_a_small_one_would_be(story: Story) -> None:
    """The same assets, with the same tags and the same instants, as with the format before."""
    large, small = play(HEAD_FORMAT, -1, story), play(FORMAT, segments.SMALL, story)
    assert large.assets() == small.assets()
    assert {key: large.tags(key) for key in large.assets()} == {key: small.tags(key) for key in small.assets()}
    marks = ({key: (e.mark, e.tagged) for key, e in s3.ledger.retired.items()} for s3 in (large, small))
    assert next(marks) == next(marks)
