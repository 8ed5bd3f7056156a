"""What earlier releases say of the headers that objects are stored with is a hint, as far as it surely still holds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from release_log.marker import Asset, Release, encode
from tests.fake_uploader_s3 import LAYOUT, NOON, FakeBucket
from uploader.publishing.known_headers import MOST, earlier_headers, newest_ahead

A, B = "assets/a-3f9c2ab1.js", "assets/b-3f9c2ab1.js"


def marker(bucket: FakeBucket, second: int, headers: dict[str, str | None], channel: str = "default") -> str:
    """A release of that second whose assets are one byte each."""
    key = LAYOUT.marker_key(f"20261123T1200{second:02}Z-r{second}")
    assets = {name: Asset(name, 1, fingerprinted=True, headers=digest) for name, digest in headers.items()}
    release = Release("r", channel, NOON, "assets/", {"name": "t", "version": "0"}, assets)
    bucket.write(key, encode(release))
    bucket.times[key] = NOON + timedelta(seconds=second)
    return key


def read(bucket: FakeBucket, *, ahead: bool) -> dict[str, str]:
    newest = newest_ahead(bucket, LAYOUT) if ahead else None
    listing = bucket.listing("assets/", {A, B})
    return dict(earlier_headers(bucket, LAYOUT, "default", listing, newest))


@pytest.fixture
def bucket() -> FakeBucket:
    """Both assets are there, since before every release."""
    bucket = FakeBucket()
    bucket.write(A)
    bucket.write(B)
    return bucket


@pytest.mark.parametrize("ahead", [True, False])
def test_the_newest_release_of_the_channel_goes_before_older_ones(bucket: FakeBucket, *, ahead: bool) -> None:
    markers = [marker(bucket, 1, {A: "older", B: "older"}), marker(bucket, 2, {A: "newer"}, "other")]
    assert read(bucket, ahead=ahead) == {A: "newer", B: "older"}
    assert [bucket.requests.count(f"get {key}") for key in markers] == [1, 1], "each is read once"
    marker(bucket, 3, {B: "newest"})
    assert read(bucket, ahead=ahead) == {B: "newest"}


def test_what_is_not_known_to_be_so_is_left_out(bucket: FakeBucket) -> None:
    marker(bucket, 1, {A: "one", B: None})
    assert read(bucket, ahead=True) == {A: "one"}
    bucket.times[A] = NOON + timedelta(seconds=1)
    assert read(bucket, ahead=True) == {A: "one"}
    bucket.times[A] = NOON + timedelta(seconds=2)
    assert read(bucket, ahead=True) == {}, "stored again since"
    bucket.times[A] = NOON
    bucket.objects[A] = b"xx"
    assert read(bucket, ahead=True) == {}, "of another size"


@pytest.mark.parametrize("ahead", [True, False])
def test_a_marker_that_cannot_be_read_is_passed_over(bucket: FakeBucket, *, ahead: bool) -> None:
    marker(bucket, 1, {A: "one"})
    bucket.objects[marker(bucket, 2, {})] = b"{"
    assert read(bucket, ahead=ahead) == {A: "one"}


def test_a_marker_that_comes_after_the_newest_was_read_is_read_too(bucket: FakeBucket) -> None:
    marker(bucket, 1, {A: "one", B: "one"})
    newest = newest_ahead(bucket, LAYOUT)
    newest._workers.wait()  # noqa: SLF001 (its answer is given once)
    marker(bucket, 2, {A: "two"})
    listing = bucket.listing("assets/", {A, B})
    assert earlier_headers(bucket, LAYOUT, "default", listing, newest) == {A: "two"}


def test_what_was_read_ahead_is_read_again_for_whoever_asks_again(bucket: FakeBucket) -> None:
    marker(bucket, 1, {A: "one", B: "one"})
    newest = newest_ahead(bucket, LAYOUT)
    listing = bucket.listing("assets/", {A, B})
    for _ in range(2):
        assert earlier_headers(bucket, LAYOUT, "default", listing, newest) == {A: "one", B: "one"}


def test_only_so_many_markers_are_read_and_none_is_no_error(bucket: FakeBucket) -> None:
    assert read(bucket, ahead=True) == {}
    marker(bucket, 0, {A: "one"})
    for second in range(1, MOST + 1):
        marker(bucket, second, {}, "other")
    assert read(bucket, ahead=True) == {}


def test_a_failure_ahead_is_asked_for_again(bucket: FakeBucket) -> None:
    key = marker(bucket, 1, {A: "one"})
    bucket.fail = key
    newest = newest_ahead(bucket, LAYOUT)
    assert newest.answer() is None
    bucket.fail = ""
    listing = bucket.listing("assets/", {A, B})
    assert earlier_headers(bucket, LAYOUT, "default", listing, newest) == {A: "one"}
