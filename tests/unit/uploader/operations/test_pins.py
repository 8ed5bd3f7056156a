"""Pins: written once, only if the release is whole, and removed by an operator."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from release_log.marker import decode, encode
from release_log.policy_settings import HALF_PENDING_TTL
from tests.fake_uploader_s3 import LAYOUT, FakeBucket
from uploader.builds.collect import collect
from uploader.errors import NotWholeError, UploaderError
from uploader.operations.pins import pin, unpin
from uploader.publishing.build import Build
from uploader.publishing.publish import publish

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from release_log.layout import Layout
    from uploader.s3.port import Listing

ID = "20261123T120000Z-r1"
PIN, APP = LAYOUT.pin_key(ID), "assets/app-3f9c2ab1.js"


@pytest.fixture
def build(tmp_path: Path) -> Build:
    (tmp_path / "app-3f9c2ab1.js").write_text("app")
    (tmp_path / "index.html").write_text("page")
    return Build(assets=collect(tmp_path, "assets/"), prefix="assets/", channel="default", release="r1")


@pytest.fixture
def bucket(build: Build) -> FakeBucket:
    """A bucket with a release, half an hour old."""
    bucket = FakeBucket()
    publish(bucket, build, clocks=bucket.clock.clocks())
    bucket.clock.passed += 1800
    bucket.requests.clear()
    return bucket


def keep(bucket: FakeBucket, wanted: str = ID) -> bool:
    """Pin; returns whether the release was pinned before."""
    return pin(bucket, LAYOUT, wanted, clocks=bucket.clock.clocks()).already


def test_a_pin_is_a_copy_of_the_marker_written_under_an_intent_if_the_release_is_whole(bucket: FakeBucket) -> None:
    assert keep(bucket) is False
    intent = LAYOUT.pending_key("20261123T123000Z-r1")
    assert bucket.requests == [
        f"get {LAYOUT.marker_key(ID)}",
        f"get {PIN}",
        f"create {intent}",
        "list assets/",
        f"get {LAYOUT.ledger}",
        f"create {PIN}",
        f"delete {intent}",
    ]
    pinned, marker = (decode(bucket.objects[key], "assets/") for key in (PIN, LAYOUT.marker_key(ID)))
    assert pinned == replace(marker, uploader=pinned.uploader, new=frozenset())
    assert pinned.uploader["pinned_at"] == "2026-11-23T12:30:00+00:00"
    assert sorted(bucket.log(LAYOUT.log)) == [LAYOUT.marker_key(ID), PIN]


def test_pinning_twice_is_not_an_error_and_writes_nothing(bucket: FakeBucket) -> None:
    keep(bucket)
    before = dict(bucket.objects)
    assert keep(bucket, "r1") is True
    assert bucket.objects == before


def test_a_decoy_pin_is_an_error(bucket: FakeBucket) -> None:
    """A thief's pin of that id keeps something else, so the release would not be kept."""
    release = decode(bucket.objects[LAYOUT.marker_key(ID)], "assets/")
    page = {"assets/index.html": release.assets["assets/index.html"]}
    bucket.write(PIN, encode(replace(release, assets=page)))
    before = dict(bucket.objects)
    with pytest.raises(UploaderError, match="keeps other assets than the release"):
        keep(bucket)
    assert bucket.objects == before


def test_one_of_two_simultaneous_pins_is_the_first(bucket: FakeBucket) -> None:
    listing = bucket.listing

    def meanwhile(layout: Layout, keys: Collection[str]) -> Listing:
        bucket.write(PIN, bucket.objects[LAYOUT.marker_key(ID)])
        return listing(layout, keys)

    bucket.listing = meanwhile  # type: ignore[method-assign]
    assert keep(bucket) is True


def test_missing_assets_are_listed_and_nothing_is_pinned(bucket: FakeBucket) -> None:
    del bucket.objects[APP]
    with pytest.raises(NotWholeError, match=rf"{ID} is not whole \(missing or changed: {APP}\)") as error:
        keep(bucket)
    assert error.value.gone == {APP}
    assert bucket.log(LAYOUT.log) == [LAYOUT.marker_key(ID)]


def test_a_pin_that_took_too_long_checks_again(bucket: FakeBucket) -> None:
    clock, listing, slept = bucket.clock, bucket.listing, iter([HALF_PENDING_TTL + 1.0])

    def slow(layout: Layout, keys: Collection[str]) -> Listing:
        found = listing(layout, keys)
        clock.sleep(next(slept, 0.0))
        return found

    bucket.listing = slow  # type: ignore[method-assign]
    keep(bucket)
    assert bucket.requests.count("list assets/") == 2


def test_a_staged_release_can_be_pinned_and_stays_staged(build: Build) -> None:
    """A trial that never becomes current."""
    bucket = FakeBucket()
    publish(bucket, build, stage=True, clocks=bucket.clock.clocks())
    assert keep(bucket) is False
    assert sorted(bucket.log(LAYOUT.log)) == [PIN, LAYOUT.staged_key(ID)]
    del bucket.objects[LAYOUT.staged_key(ID)]
    assert keep(bucket) is True, "the staged release has expired; the pin has not"


@pytest.mark.parametrize("wanted", [ID, "r1"])
def test_unpinning_removes_the_pin_and_no_more(bucket: FakeBucket, wanted: str) -> None:
    before = dict(bucket.objects)
    keep(bucket)
    assert unpin(bucket, LAYOUT, wanted) == ID
    assert bucket.objects == before


@pytest.mark.parametrize("wanted", [ID, "r1", "r2"])
def test_a_release_that_is_not_pinned_cannot_be_unpinned(bucket: FakeBucket, wanted: str) -> None:
    with pytest.raises(UploaderError, match=f"^{wanted} is not pinned: pins are the files under {LAYOUT.pins}$"):
        unpin(bucket, LAYOUT, wanted)


def test_a_name_of_two_pins_removes_neither(bucket: FakeBucket) -> None:
    other = LAYOUT.pin_key("20261124T120000Z-r1")
    keep(bucket)
    bucket.write(other, bucket.objects[PIN])
    with pytest.raises(UploaderError, match=f"r1 is the name of 2 releases .*: name one of {ID}, 20261124T120000Z-r1"):
        unpin(bucket, LAYOUT, "r1")
    assert sorted(bucket.log(LAYOUT.pins)) == [PIN, other]


def test_a_pin_that_is_not_valid_can_be_removed(bucket: FakeBucket) -> None:
    """It stops all deletion for the site until then."""
    bucket.write(PIN, b"{}")
    with pytest.raises(UploaderError, match=f"{PIN} is not valid"):
        keep(bucket)
    assert unpin(bucket, LAYOUT, ID) == ID
