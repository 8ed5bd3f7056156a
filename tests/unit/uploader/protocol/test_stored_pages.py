"""A stored page that somebody else stored: it is neither published nor put in place."""

from __future__ import annotations

import zlib
from hashlib import sha256
from typing import TYPE_CHECKING

import brotli
import pytest

from release_log.layout import is_stored_page
from tests.fake_uploader_s3 import LAYOUT, Clock, FakeBucket
from uploader.builds.collect import collect
from uploader.errors import UploaderError
from uploader.history.stored_pages import Doubtful, check_stored
from uploader.operations.rollback import find_target, roll_back
from uploader.operations.staging import activate
from uploader.publishing.build import Build
from uploader.publishing.publish import publish

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from uploader.s3.port import Blob

PAGE = "assets/index.html"


@pytest.fixture
def bucket(tmp_path: Path) -> FakeBucket:
    """A site with two releases, whose pages differ; somebody has stored another object over the first one's."""
    bucket = FakeBucket(clock=Clock())
    publish(bucket, build(tmp_path, "old", "r1"), clocks=bucket.clock.clocks())
    (first,) = [key for key in bucket.objects if is_stored_page(key)]
    bucket.clock.passed += 60
    publish(bucket, build(tmp_path, "new", "r2"), clocks=bucket.clock.clocks())
    bucket.clock.passed += 60
    bucket.write(first, b"bad")
    return bucket


def build(folder: Path, page: str, name: str) -> Build:
    (folder / "index.html").write_text(page)
    return Build(assets=collect(folder, "assets/"), prefix="assets/", channel="default", release=name)


@pytest.mark.parametrize("stage", [False, True])
def test_the_build_is_not_published_with_it(bucket: FakeBucket, tmp_path: Path, *, stage: bool) -> None:
    """It would count as stored, and an activation would put it in place."""
    before = bucket.log(LAYOUT.log)
    with pytest.raises(UploaderError, match=r"is not the page assets/index[.]html .*operator delete it"):
        publish(bucket, build(tmp_path, "old", "r3"), stage=stage, clocks=bucket.clock.clocks())
    assert (bucket.objects[PAGE], bucket.log(LAYOUT.log)) == (b"new", before)
    for key in [key for key in bucket.objects if is_stored_page(key)]:
        del bucket.objects[key]
    publish(bucket, build(tmp_path, "old", "r3"), stage=stage, clocks=bucket.clock.clocks())
    assert bucket.objects[PAGE] == (b"new" if stage else b"old")


def test_nor_is_one_published_that_is_an_older_page(bucket: FakeBucket, tmp_path: Path) -> None:
    """Its ETag is the one that the newest release notes, but of another version of the page."""
    next_one = build(tmp_path, "next", "r3")
    (name,) = (asset.stored for asset in next_one.assets if asset.stored is not None)
    bucket.write(LAYOUT.page_key(name), b"new")
    with pytest.raises(UploaderError, match=r"is not the page assets/index[.]html"):
        publish(bucket, next_one, stage=True, clocks=bucket.clock.clocks())


def test_no_roll_back_puts_it_in_place(bucket: FakeBucket) -> None:
    target = find_target(bucket, LAYOUT, "r1", None)
    with pytest.raises(UploaderError, match=r"is not the page assets/index[.]html"):
        roll_back(bucket, LAYOUT, target, clocks=bucket.clock.clocks())
    assert bucket.objects[PAGE] == b"new"


def test_one_that_is_too_large_to_be_read_is_none(
    bucket: FakeBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of that size may be as large; but not one that is smaller."""
    (first,) = [key for key, body in bucket.objects.items() if is_stored_page(key) and body == b"bad"]
    bucket.write(first, b"far worse")
    monkeypatch.setattr("uploader.history.stored_pages.FILE_BYTES", 2)
    with pytest.raises(UploaderError, match=r"is not the page assets/index[.]html"):
        publish(bucket, build(tmp_path, "old", "r3"), clocks=bucket.clock.clocks())


def test_no_activation_does(tmp_path: Path) -> None:
    bucket = FakeBucket(clock=Clock())
    staged = publish(bucket, build(tmp_path, "old", "r1"), stage=True, clocks=bucket.clock.clocks())
    (page,) = [key for key in bucket.objects if is_stored_page(key)]
    bucket.write(page, b"bad")
    with pytest.raises(UploaderError, match=r"is not the page assets/index[.]html"):
        activate(bucket, LAYOUT, staged.id, digest=staged.digest, clocks=bucket.clock.clocks())
    assert (PAGE in bucket.objects, bucket.log(LAYOUT.markers)) == (False, [])


@pytest.mark.parametrize(
    ("body", "is_right"),
    [
        (b"page", True),
        (zlib.compress(b"page", wbits=31), True),
        (brotli.compress(b"page"), True),
        (b"evil", False),
        (zlib.compress(b"evil", wbits=31), False),
        (brotli.compress(bytes(100_000_000), quality=0), False),
    ],
)
def test_it_is_known_by_its_content_however_it_is_packed(body: bytes, is_right: bool) -> None:  # noqa: FBT001 (a column)
    """With KMS, or after somebody has encrypted it anew, its ETag tells nothing."""
    bucket = FakeBucket()
    bucket.write("p", body)
    doubtful = [Doubtful("p", PAGE, sha256(b"page").hexdigest(), len(body)), Doubtful("gone", PAGE, "x", 1)]
    if is_right:
        check_stored(bucket, doubtful)
        return
    with pytest.raises(UploaderError, match="p is not the page"):
        check_stored(bucket, doubtful)


@pytest.mark.parametrize(("size", "batches"), [(1, [64, 36]), (25, [40, 40, 20])])
def test_they_are_read_side_by_side_as_far_as_memory_allows(
    size: int, batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With KMS that may be a thousand pages of a release, or a few very large ones."""
    bucket, read = FakeBucket(), list[int]()
    get_each = bucket.get_each

    def counted(keys: Sequence[str]) -> dict[str, Blob]:
        read.append(len(keys))
        return get_each(keys)

    bucket.get_each = counted  # type: ignore[method-assign]
    monkeypatch.setattr("uploader.history.stored_pages.FILE_BYTES", 1000)
    for number in range(100):
        bucket.write(str(number), b"x" * size)
    digest = sha256(b"x" * size).hexdigest()
    check_stored(bucket, (Doubtful(str(number), PAGE, digest, size) for number in range(100)))
    assert read == batches
