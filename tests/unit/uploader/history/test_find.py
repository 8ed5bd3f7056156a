"""Releases found by id, by name, or as the newest of a channel."""

from __future__ import annotations

import pytest

from release_log.marker import Asset, Release, encode
from tests.fake_uploader_s3 import LAYOUT, NOON, FakeBucket
from uploader.errors import UploaderError
from uploader.history.find import find_release, releases_of

OLD, AGAIN, OTHER = "20261101T120000Z-r1", "20261102T120000Z-r1", "20261103T120000Z-r2"


def release(*names: str, channel: str = "default") -> Release:
    """A release with these files."""
    assets = {name: Asset(f"assets/{name}", 1, fingerprinted=True) for name in names}
    return Release("r", channel, NOON, "assets/", {"name": "tests"}, assets)


def put(bucket: FakeBucket, release_id: str, what: Release, folder: str = LAYOUT.markers) -> None:
    """Write the release's file, and let a second pass."""
    bucket.write(LAYOUT.key_in(folder, release_id), encode(what))
    bucket.clock.passed += 1


def find(bucket: FakeBucket, wanted: str, channel: str | None = None, *folders: str) -> str:
    """The id of the release that is found."""
    return find_release(bucket, LAYOUT, wanted, folders or (LAYOUT.markers,), channel).id


@pytest.fixture
def bucket() -> FakeBucket:
    """Three releases, two of them of one build."""
    bucket = FakeBucket()
    put(bucket, OLD, release("app-1.js"))
    put(bucket, AGAIN, release("app-1.js"))
    put(bucket, OTHER, release("app-2.js"))
    return bucket


def test_by_its_id_with_one_request(bucket: FakeBucket) -> None:
    assert find(bucket, OLD) == OLD
    assert bucket.requests == [f"get {LAYOUT.marker_key(OLD)}"]


def test_by_its_name(bucket: FakeBucket) -> None:
    assert find(bucket, "r2") == OTHER


def test_a_name_of_equal_releases_finds_the_newest_by_s3s_clock(bucket: FakeBucket) -> None:
    """The build machine's clock, which is in the ids, decides nothing."""
    put(bucket, OLD, release("app-1.js"))
    assert find(bucket, "r1") == OLD


def test_a_name_of_different_releases_is_refused_with_their_ids(bucket: FakeBucket) -> None:
    put(bucket, "20261104T120000Z-r1", release("app-3.js"))
    with pytest.raises(UploaderError, match=f"r1 is the name of 3 releases .* {OLD}, {AGAIN}, 20261104T120000Z-r1$"):
        find(bucket, "r1")


def test_the_channel_chooses_among_releases_of_different_channels(bucket: FakeBucket) -> None:
    """One build in two channels is two releases, so the newest would be a guess."""
    put(bucket, "20261104T120000Z-r1", release("app-1.js", channel="staging"))
    with pytest.raises(UploaderError, match="r1 is the name of 3 releases that are not the same"):
        find(bucket, "r1")
    assert find(bucket, "r1", "default") == AGAIN
    assert find(bucket, "r1", "staging") == "20261104T120000Z-r1"
    assert find(bucket, OLD, "staging") == OLD, "an id says all"


@pytest.mark.parametrize("wanted", ["r3", "20261101T120000Z-r3", "20261101T120000Z"])
def test_a_release_that_does_not_exist_is_an_error_with_the_command_that_lists_them(
    bucket: FakeBucket, wanted: str
) -> None:
    bucket.write(f"{LAYOUT.markers}notes.txt", b"no marker")
    with pytest.raises(UploaderError, match=f"^no release {wanted}: `python -m uploader releases` lists them$"):
        find(bucket, wanted, None, LAYOUT.markers, LAYOUT.pins)


def test_the_first_folder_wins(bucket: FakeBucket) -> None:
    put(bucket, OLD, release("app-1.js"), LAYOUT.pins)
    find(bucket, OLD, None, LAYOUT.pins, LAYOUT.markers)
    assert bucket.requests == [f"get {LAYOUT.pin_key(OLD)}"]


def test_a_marker_that_is_not_valid_is_named(bucket: FakeBucket) -> None:
    bucket.write(LAYOUT.marker_key(OTHER), b"{}")
    with pytest.raises(UploaderError, match=f"{LAYOUT.marker_key(OTHER)} is not valid"):
        find(bucket, "r2")


def test_the_newest_of_a_channel_comes_first_and_no_more_is_read_than_asked_for(bucket: FakeBucket) -> None:
    put(bucket, "20261104T120000Z-s1", release("app-1.js", channel="staging"))
    bucket.write(LAYOUT.markers, b"")  # "create folder" in the console
    line = releases_of(bucket, LAYOUT, "default", bucket.written(LAYOUT.markers), None)
    assert next(line).id == OTHER
    assert len(bucket.requests) == 3, "a listing, and two markers"
    assert [named.id for named in line] == [AGAIN, OLD]
