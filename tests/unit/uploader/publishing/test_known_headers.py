"""The headers of objects, from the markers of earlier releases: used only where they certainly still hold."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from release_log.marker import Asset, Release, encode
from tests.fake_uploader_s3 import LAYOUT, NOON, FakeBucket
from uploader.columns import places_of
from uploader.publishing.known_headers import MOST, NewestMarker, read_known

A, B = "assets/a-3f9c2ab1.js", "assets/b-3f9c2ab1.js"


def marker(bucket: FakeBucket, second: int, headers: dict[str, str | None], channel: str = "default") -> str:
    """Write the marker of a release from this second; each of its assets has one byte."""
    key = LAYOUT.marker_key(f"20261123T1200{second:02}Z-r{second}")
    assets = {name: Asset(name, 1, fingerprinted=True, headers=digest) for name, digest in headers.items()}
    release = Release("r", channel, NOON, "assets/", {"name": "t", "version": "0"}, assets)
    bucket.write(key, encode(release))
    bucket.times[key] = NOON + timedelta(seconds=second)
    return key


def begun(bucket: FakeBucket, *keys: str) -> NewestMarker:
    newest = NewestMarker(bucket, LAYOUT, NOON)
    newest.look_for(places_of(keys or (A, B)))
    return newest


def read(bucket: FakeBucket, *, ahead: bool) -> dict[str, str]:
    newest = begun(bucket) if ahead else None
    look = bucket.look(LAYOUT, frozenset({A, B}))
    return dict(read_known(bucket, LAYOUT, "default", look, newest).headers)


@pytest.fixture
def bucket() -> FakeBucket:
    """A bucket with both assets, stored before every release."""
    bucket = FakeBucket()
    bucket.write(A)
    bucket.write(B)
    return bucket


@pytest.mark.parametrize("ahead", [True, False])
def test_the_newest_release_of_the_channel_has_priority_over_older_releases(bucket: FakeBucket, *, ahead: bool) -> None:
    markers = [marker(bucket, 1, {A: "older", B: "older"}), marker(bucket, 2, {A: "newer"}, "other")]
    assert read(bucket, ahead=ahead) == {A: "newer", B: "older"}
    assert [bucket.requests.count(f"get {key}") for key in markers] == [1, 1], "each is read once"
    marker(bucket, 3, {B: "newest"})
    assert read(bucket, ahead=ahead) == {B: "newest"}


def test_headers_that_may_have_changed_are_left_out(bucket: FakeBucket) -> None:
    marker(bucket, 1, {A: "one", B: None})
    assert read(bucket, ahead=True) == {A: "one"}
    bucket.times[A] = NOON + timedelta(seconds=1)
    assert read(bucket, ahead=True) == {A: "one"}
    bucket.times[A] = NOON + timedelta(seconds=2)
    assert read(bucket, ahead=True) == {}, "stored again after the release"
    bucket.times[A] = NOON
    bucket.objects[A] = b"xx"
    assert read(bucket, ahead=True) == {}, "the object has another size"


@pytest.mark.parametrize("ahead", [True, False])
def test_a_marker_that_cannot_be_read_is_skipped(bucket: FakeBucket, *, ahead: bool) -> None:
    marker(bucket, 1, {A: "one"})
    bucket.objects[marker(bucket, 2, {})] = b"{"
    assert read(bucket, ahead=ahead) == {A: "one"}


def test_a_marker_that_is_written_after_the_read_ahead_is_read_too(bucket: FakeBucket) -> None:
    marker(bucket, 1, {A: "one", B: "one"})
    newest = begun(bucket)
    newest._read._workers.wait()  # noqa: SLF001 (its answer is given once)
    marker(bucket, 2, {A: "two"})
    look = bucket.look(LAYOUT, frozenset({A, B}))
    assert read_known(bucket, LAYOUT, "default", look, newest).headers == {A: "two"}


def test_a_second_call_reads_the_newest_marker_again(bucket: FakeBucket) -> None:
    marker(bucket, 1, {A: "one", B: "one"})
    newest = begun(bucket)
    look = bucket.look(LAYOUT, frozenset({A, B}))
    for _ in range(2):
        assert read_known(bucket, LAYOUT, "default", look, newest).headers == {A: "one", B: "one"}


def test_the_number_of_markers_read_is_limited_and_no_marker_is_not_an_error(bucket: FakeBucket) -> None:
    assert read(bucket, ahead=True) == {}
    marker(bucket, 0, {A: "one"})
    for second in range(1, MOST + 1):
        marker(bucket, second, {}, "other")
    assert read(bucket, ahead=True) == {}


def test_a_failed_read_ahead_is_repeated(bucket: FakeBucket) -> None:
    key = marker(bucket, 1, {A: "one"})
    bucket.fail = key
    newest = begun(bucket)
    assert newest.answer() is None
    bucket.fail = ""
    look = bucket.look(LAYOUT, frozenset({A, B}))
    assert read_known(bucket, LAYOUT, "default", look, newest).headers == {A: "one"}


def test_headers_of_what_was_stored_again_before_a_marker_was_copied_are_left_out(bucket: FakeBucket) -> None:
    """The cleaner knows since when the marker is there."""
    key = marker(bucket, 1, {A: "one", B: "one"})
    bucket.times[A] = NOON + timedelta(seconds=30)
    bucket.times[key] = NOON + timedelta(seconds=60)
    look = bucket.look(LAYOUT, frozenset({A, B}))
    look = look._replace(instants={LAYOUT.release_id(key): NOON + timedelta(seconds=1)})
    assert read_known(bucket, LAYOUT, "default", look).headers == {B: "one"}


def test_what_a_marker_says_of_other_keys_is_passed_over(bucket: FakeBucket) -> None:
    marker(bucket, 1, {A: "one", B: "one"})
    found = begun(bucket, A).answer()
    assert found is not None
    assert (dict(found.headers), dict(found.sizes)) == ({A: "one"}, {A: 1})


def test_a_newest_marker_that_nobody_needs_is_not_read_any_further(bucket: FakeBucket) -> None:
    """The build could not be read: no thread may wait for its keys."""
    marker(bucket, 1, {A: "one"})
    newest = NewestMarker(bucket, LAYOUT, NOON)
    newest.drop()
    assert newest.answer() is None


def test_a_newest_marker_of_another_program_is_read_as_a_whole(bucket: FakeBucket) -> None:
    key = marker(bucket, 1, {A: "one"})
    bucket.objects[key] = json.dumps(json.loads(bucket.objects[key])).encode()
    newest = begun(bucket)
    look = bucket.look(LAYOUT, frozenset({A, B}))
    assert read_known(bucket, LAYOUT, "default", look, newest).headers == {A: "one"}
    assert bucket.requests.count(f"get {key}") == 2
