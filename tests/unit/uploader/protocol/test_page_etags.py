"""A page in place over which somebody has stored another object, with the same metadata."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from release_log.layout import is_stored_page
from tests.fake_uploader_s3 import LAYOUT, Clock, FakeBucket
from uploader.builds.collect import collect
from uploader.operations.verify import verify
from uploader.protocol.page_etags import etags_in
from uploader.publishing.build import Build
from uploader.publishing.publish import publish
from uploader.s3.port import Blob, PageInPlace

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from uploader.protocol.belongs import PagePlaced
    from uploader.s3.port import Listing

PAGE = "assets/index.html"


def _etag(key: str, at: datetime) -> str:
    return f"{at:%H%M%S} {key}"


class BucketWithKms(FakeBucket):
    """Each object has an ETag of its own, whatever its content."""

    def _page(self, key: str) -> PageInPlace:
        return super()._page(key)._replace(etag=f'"{_etag(key, self.times[key])}"')

    def listing(self, *arguments: object) -> Listing:
        found = super().listing(*arguments)  # type: ignore[arg-type]
        return found._replace(etags={key: _etag(key, at) for key, at in found.times.items()})


@pytest.fixture
def build(tmp_path: Path) -> Build:
    (tmp_path / "index.html").write_text("page")
    return Build(assets=collect(tmp_path, "assets/"), prefix="assets/", channel="default", release="r1")


def run(bucket: FakeBucket, build: Build, name: str) -> tuple[PagePlaced, ...]:
    bucket.clock.passed += 60
    bucket.requests.clear()
    return publish(bucket, replace(build, release=name), clocks=bucket.clock.clocks()).placed


def overwrite(bucket: FakeBucket) -> None:
    """Another content; the metadata stays."""
    bucket.clock.passed += 60
    bucket.write(PAGE, b"evil")


def test_a_stored_page_that_was_stored_over_is_to_be_deleted(build: Build) -> None:
    """To publish the build again would not replace it."""
    bucket = FakeBucket(clock=Clock())
    run(bucket, build, "r1")
    (page,) = [key for key in bucket.objects if is_stored_page(key)]
    bucket.write(page, b"evil")
    (found,) = verify(bucket, LAYOUT).findings
    assert (found.key, found.problem) == (page, "content_differs")
    assert "delete it" in found.remedy
    del bucket.objects[page]
    run(bucket, build, "r2")
    assert (bucket.objects[page], bucket.objects[PAGE]) == (b"page", b"page")
    assert verify(bucket, LAYOUT).findings == ()


@pytest.mark.parametrize("kind", [FakeBucket, BucketWithKms])
def test_it_is_found_and_replaced(build: Build, kind: type[FakeBucket]) -> None:
    bucket = kind(clock=Clock())
    assert [page.reason for page in run(bucket, build, "r1")] == ["new"]
    assert run(bucket, build, "r2") == ()
    assert verify(bucket, LAYOUT).findings == ()
    overwrite(bucket)
    assert [(each.key, each.problem) for each in verify(bucket, LAYOUT).findings] == [(PAGE, "content_differs")]
    assert [page.reason for page in run(bucket, build, "r3")] == ["content_differs"]
    assert bucket.objects[PAGE] == b"page"
    assert run(bucket, build, "r4") == ()
    assert verify(bucket, LAYOUT).findings == ()


def test_only_etags_that_are_others_than_those_of_the_stored_pages_are_noted(build: Build) -> None:
    """Without KMS the file of the newest release is never read."""
    for bucket, noted in ((FakeBucket(), {}), (BucketWithKms(), {"etags": {PAGE: f"120100 {PAGE}"}})):
        run(bucket, build, "r1")
        placed = LAYOUT.placed_key("20261123T120100Z-r1")
        assert json.loads(bucket.objects[placed]) == {"format": 1, **noted}
        run(bucket, build, "r2")
        assert (f"get {placed}" in bucket.requests) is bool(noted)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"etags":1}', b'{"etags":{"a":1}}', b"\xff", b"[" * 100_000])
def test_a_file_that_another_tool_wrote_notes_nothing(body: bytes) -> None:
    assert etags_in(Blob(body, Clock().s3())) == {}
