"""A release log with missing, late, invalid or deleted files: nothing is deleted until its state is known again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cleaner_lambda.cursor import Cursor, MapRun
from cleaner_lambda.ledger import Folded
from cleaner_lambda.so_far import BrokenOffError
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
    keys_of,
    run,
    stopped_by,
)


@pytest.mark.scenario("T8a", "T29c")
@pytest.mark.parametrize("full", [False, True])
def test_without_any_marker_nothing_happens(full: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    """An installation on a bucket without a release: its objects are not ours."""
    s3 = FakeS3()
    s3.put("assets/app-aaaa1111.js", tags={"removed_at": "2020-01-01T00:00:00Z"})
    s3.advance(400 * DAY)
    report = run(s3, full=full)
    assert s3.writes == []
    assert report.counts() == {"tag": 0, "untag": 0, "delete": 0, "keep": 0, "failed": 0, "set_aside": 0}


def test_marker_that_comes_out_of_order_gives_the_state_of_markers_in_order() -> None:
    """S3's clock orders releases. A run may have missed an older marker (two of one second, the ids reversed)."""
    late, in_order = FakeS3(), FakeS3()
    for s3 in (late, in_order):
        s3.publish("r1", "default", {APP: A})
        run(s3)
        s3.advance(60)
    first, second = "20261123T120100Z-a", "20261123T120100Z-b"
    late.publish(second, "default", {APP: C})
    run(late)
    late.publish(first, "default", {APP: B})
    run(late)
    in_order.publish(first, "default", {APP: B})
    run(in_order)
    in_order.publish(second, "default", {APP: C})
    run(in_order)

    assert late.ledger.current == in_order.ledger.current == {"default": second}
    assert late.ledger.retired == in_order.ledger.retired
    assert set(late.ledger.retired) == {A, B}
    assert {key: late.tags(key) for key in (A, B, C)} == {key: in_order.tags(key) for key in (A, B, C)}


@pytest.mark.scenario("T30")
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"format": 4}', "until a cleaner that reads it is deployed; do not delete the file"),
        (
            (
                b'{"format": 1, "release": "x", "channel": "default", "created_at": "2026-11-23T06:05:38Z", '
                b'"prefix": "assets/", "uploader": {}, '
                b'"assets": {"app.js": {"key": "other/app.js", "size": 1, "fingerprinted": true}}}'
            ),
            "outside the site",
        ),
    ],
    ids=["empty", "not_json", "newer_format", "key_outside"],
)  # fmt: skip
@pytest.mark.parametrize("folder", ["markers", "pending", "staged", "pins"])
def test_invalid_file_of_the_log_stops_all_deletion_and_says_so(
    s3: FakeS3, folder: str, body: bytes, words: str
) -> None:
    """It is unknown which assets are current, so nothing is deleted until that file is."""
    s3.advance(POLICY.version_ttl)
    key = f"{s3.layout.log}{folder}/20261124T000000Z-bad.json"
    s3.put(key, body)

    report = run(s3)

    assert s3.assets() == {A, B}
    assert stopped_by(report) == ["invalid_marker"]
    assert key in report.plan.stops[0].message
    assert words in report.plan.stops[0].message
    assert s3.made("delete") == []
    s3.objects.pop(key)
    assert keys_of(run(s3), "delete") == [A]


def test_file_with_a_foreign_name_among_the_markers_stops_all_deletion(s3: FakeS3) -> None:
    """It may be a marker."""
    s3.advance(POLICY.version_ttl)
    s3.put(f"{s3.layout.markers}latest.json", b"{}")
    assert stopped_by(run(s3)) == ["invalid_marker"]
    assert A in s3.assets()


def test_folder_objects_of_consoles_are_not_markers(s3: FakeS3) -> None:
    """The S3 console's "create folder" puts an empty object whose key ends with a slash."""
    s3.advance(POLICY.version_ttl)
    for folder in (s3.layout.markers, s3.layout.pending, s3.layout.staged, s3.layout.pins):
        s3.put(folder, b"")
    assert keys_of(run(s3), "delete") == [A]


@pytest.mark.scenario("T30", "T34a")
def test_missing_current_marker_stops_deletion_until_the_channel_has_a_release_again(s3: FakeS3) -> None:
    """An older release does not become current instead: production still serves the release whose marker is lost."""
    current = s3.ledger.current["default"]
    s3.objects.pop(s3.layout.marker_key(current))
    s3.advance(30 * DAY)
    report = run(s3)
    assert stopped_by(report) == ["missing_marker"]
    assert current in report.plan.stops[0].message
    assert s3.assets() == {A, B}
    assert stopped_by(run(s3)) == ["missing_marker"], "the next run knows it still"

    s3.publish("r3", "default", {APP: C})
    assert stopped_by(run(s3)) == []
    assert C in s3.assets()


def test_after_a_missing_marker_what_no_release_has_any_more_is_removed(s3: FakeS3) -> None:
    """Nobody knows which logical paths left with the release whose marker is gone: those that no current one has."""
    policy = replace(POLICY, version_limit=9)
    del s3.objects[s3.layout.marker_key(s3.ledger.current["default"])]
    s3.advance(60)
    s3.publish("r3", "default", {"assets/logo.png": LOGO})
    since = s3.clock
    run(s3, policy=policy)
    assert s3.ledger.retired[A].mark == Mark(State.REMOVED, since)
    s3.advance(policy.removed_ttl)
    assert keys_of(run(s3, policy=policy), "delete") == [A]


def test_after_a_missing_marker_a_path_that_came_back_was_none_in_between(s3: FakeS3) -> None:
    """The path may have left with the release whose marker is gone, though no run has seen the site without it."""
    del s3.objects[s3.layout.marker_key(s3.ledger.current["default"])]
    s3.advance(DAY)
    s3.publish("r3", "default", {"assets/logo.png": LOGO})
    s3.advance(60)
    s3.publish("r4", "beta", {APP: C})
    since = s3.clock
    run(s3)
    assert s3.ledger.retired[A].mark == Mark(State.SUPERSEDED, since)


def test_a_rebuild_that_dies_leaves_no_ledger_that_passes_for_whole(s3: FakeS3) -> None:
    """It dies after it has announced its tags: the next run rebuilds from the start, and deletes nothing either."""
    s3.advance(POLICY.version_ttl)
    del s3.objects[s3.layout.ledger]
    s3.put(A, tags={})
    s3.put(B, tags={"removed_at": format_instant(NOON)})
    kept = s3.put_tags

    def die(key: str, tags: dict[str, str]) -> bool:
        raise MemoryError(key, tags)

    s3.put_tags = die  # type: ignore[method-assign, assignment]
    with pytest.raises(BrokenOffError):
        run(s3, run_id="dies")
    s3.put_tags = kept  # type: ignore[method-assign]
    assert s3.ledger.tags_read_to == ""
    s3.advance(1000)
    assert stopped_by(run(s3)) == ["rebuilt"]
    assert s3.assets() == {A, B}
    assert s3.tags(B) == {}, "it lives, and its left-over tag was read"
    assert keys_of(run(s3), "delete") == [A]


def test_ledger_of_a_newer_format_is_rebuilt_without_deleting(s3: FakeS3) -> None:
    """As a broken ledger is."""
    before = s3.ledger.retired
    s3.put(s3.layout.ledger, b"not gzip")
    s3.advance(POLICY.version_ttl)
    assert stopped_by(run(s3)) == ["rebuilt"]
    assert s3.assets() == {A, B}
    assert s3.ledger.retired == before


FUTURE = NOON + timedelta(days=9)


@pytest.mark.parametrize(
    "changes",
    [
        {"deleting": Announcement("x", frozenset({"assets/x.js"}), FUTURE)},
        {"tagging": (Announcement("x", frozenset({A}), FUTURE),)},
        {"listed_at": FUTURE},
        {"sure_since": FUTURE},
        {"lingering": {"20261123T120000Z-r1": FUTURE}},
        {"gone": {"20261123T110000Z-end": Folded(FUTURE, "default", ended=True, placed=FUTURE)}},
        {"cursor": Cursor(FUTURE, (("", None),))},
        {"cursor": Cursor(NOON, (), map_run=MapRun(FUTURE, {0: ("", None)}))},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_ledger_that_tells_of_what_is_yet_to_come_is_rebuilt(s3: FakeS3, changes: dict[str, Any]) -> None:
    """Whatever waits for that instant would wait as long, and mostly without a word."""
    s3.ledger = replace(s3.ledger, **changes)
    s3.advance(POLICY.version_ttl)
    assert stopped_by(run(s3)) == ["rebuilt"]
    assert keys_of(run(s3), "delete") == [A]


def test_ledger_whose_current_release_is_yet_to_come_does_not_hide_the_next_one(s3: FakeS3) -> None:
    """The next release would be superseded by it at once, and lose its assets though it is live."""
    current = s3.ledger.current["default"]
    tomorrow = NOON + timedelta(days=1)
    later = replace(s3.ledger.folded[current], at=tomorrow, placed=tomorrow)
    s3.ledger = replace(s3.ledger, folded={**s3.ledger.folded, current: later})
    s3.advance(30)
    s3.publish("r3", "default", {APP: C})
    for _ in range(4):
        run(s3)
        s3.advance(DAY)
    assert s3.assets() == {C}


def test_ledger_lost_is_rebuilt_from_markers_and_tags_with_the_same_instants(s3: FakeS3) -> None:
    """Also for an orphan, which its tag dates and no marker does."""
    s3.put("assets/stray-0123abcd.js")
    s3.advance(2 * DAY)
    run(s3, full=True, policy=replace(POLICY, version_limit=9))
    before = s3.ledger.retired
    assert set(before) == {A, "assets/stray-0123abcd.js"}
    s3.objects.pop(s3.layout.ledger)
    s3.advance(DAY)
    run(s3, policy=replace(POLICY, version_limit=9))
    assert s3.ledger.retired == before


@pytest.mark.scenario("T28")
def test_tag_left_over_from_an_earlier_retirement_makes_nothing_older(s3: FakeS3) -> None:
    """If marker and tag disagree after the ledger is lost, the later instant counts."""
    s3.tags(A)["superseded_at"] = "2020-01-01T00:00:00Z"
    since = s3.ledger.retired[A].mark.since
    s3.objects.pop(s3.layout.ledger)
    run(s3)
    assert s3.ledger.retired[A].mark.since == since
    assert s3.tags(A)["superseded_at"] == format_instant(since)


@pytest.mark.parametrize("key", [A, "assets/stray-0123abcd.js"])
def test_tag_that_is_later_than_now_keeps_nothing_when_the_ledger_is_rebuilt(s3: FakeS3, key: str) -> None:
    """Somebody set it by hand: the asset would stay for as long, without a word."""
    s3.put("assets/stray-0123abcd.js")
    s3.advance(2 * DAY)
    run(s3, full=True, policy=replace(POLICY, version_limit=9))
    for name in s3.tags(key):
        s3.tags(key)[name] = "2999-01-01T00:00:00Z"
    s3.objects.pop(s3.layout.ledger)
    for _ in range(4):
        run(s3)
        s3.advance(2 * DAY)
    assert s3.assets() == {B}


def test_live_asset_with_a_left_over_tag_loses_it_when_the_ledger_is_rebuilt(s3: FakeS3) -> None:
    """Only the object itself says that it has one."""
    s3.tags(B)["removed_at"] = "2020-01-01T00:00:00Z"
    s3.objects.pop(s3.layout.ledger)
    run(s3)
    assert s3.tags(B) == {}


ETAGS = {f"assets/{name}.html": "d41d8cd98f00b204e9800998ecf8427e" for name in ("about", "index", "news")}


@pytest.mark.parametrize("there", [True, False])
def test_file_that_notes_many_etags_is_not_a_marker(there: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    """As with KMS, where each page in place has an ETag of its own; also if its marker is gone."""
    s3 = FakeS3()
    first = s3.publish("r1", "default", {APP: A})
    s3.put(s3.layout.placed_key(first), json.dumps({"format": 1, "etags": ETAGS}).encode())
    s3.advance(60)
    s3.publish("r2", "default", {APP: B})
    run(s3)
    if not there:
        del s3.objects[s3.layout.marker_key(first)]
    s3.advance(2 * POLICY.version_ttl)
    report = run(s3)
    assert (stopped_by(report), keys_of(report, "delete")) == ([], [A])


def test_older_versions_marker_of_a_release_whose_name_ends_as_that_files_stops_all_deletion() -> None:
    s3 = FakeS3()
    s3.publish("r1", "default", {APP: A})
    marker = s3.layout.marker_key(s3.publish("r2", "default", {APP: B}))
    s3.objects[marker.replace("-r2.json", "-r2.placed.json")] = s3.objects.pop(marker)
    assert "invalid_marker" in stopped_by(run(s3))
