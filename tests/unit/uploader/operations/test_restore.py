"""The restoration of a release, on a versioned bucket in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from release_log.marker import Asset, Release, decode, encode
from release_log.policy_settings import HALF_PENDING_TTL
from tests.fake_uploader_s3 import LAYOUT, NOON, FakeBucket
from uploader.history.release import LoggedRelease
from uploader.operations.restore import restore
from uploader.s3.port import Deleted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

OLD = "20261101T120000Z-r1"
KEY = "assets/app-3f9c2ab1.js"


class FakeVersions:
    """`uploader.s3.port.VersionsPort` over a `FakeBucket`.

    Attributes:
        on_undelete: Called after delete markers were removed.
    """

    def __init__(self, bucket: FakeBucket, deleted: dict[str, bytes]) -> None:
        self._bucket = bucket
        self._deleted = deleted
        self.untagged: set[str] = set()
        self.on_undelete: Callable[[], None] = lambda: None

    def deleted(self, keys: Collection[str]) -> dict[str, Deleted]:
        return {key: Deleted(f"version of {key}", len(body)) for key, body in self._deleted.items() if key in keys}

    def undelete(self, markers: Mapping[str, str]) -> None:
        for key in markers:
            self._bucket.write(key, self._deleted.pop(key))
        self.on_undelete()

    def untag(self, keys: set[str]) -> None:
        self.untagged |= keys


@pytest.fixture
def logged() -> LoggedRelease:
    """A release with one asset, of three bytes."""
    assets = {"app.js": Asset(KEY, 3, fingerprinted=True)}
    release = Release("r1", "default", NOON, "assets/", {"name": "tests"}, assets)
    return LoggedRelease(OLD, LAYOUT.marker_key(OLD), NOON, release)


@pytest.fixture
def bucket(logged: LoggedRelease) -> FakeBucket:
    """The release's marker; its asset is deleted."""
    bucket = FakeBucket()
    bucket.write(logged.key, encode(logged.release))
    return bucket


def intents(bucket: FakeBucket) -> list[str]:
    """The intents that were written."""
    return [each for each in bucket.requests if each.startswith(f"create {LAYOUT.pending}")]


def test_a_deleted_asset_is_restored_untagged_and_staged(bucket: FakeBucket, logged: LoggedRelease) -> None:
    versions = FakeVersions(bucket, {KEY: b"app"})
    restored = restore(bucket, versions, LAYOUT, logged, clocks=bucket.clock.clocks())
    assert (set(restored.keys), versions.untagged) == ({KEY}, {KEY})
    assert decode(bucket.objects[restored.staged], "assets/") == logged.release
    assert len(intents(bucket)) == 1
    assert bucket.log(LAYOUT.pending) == []


def test_an_intent_older_than_half_its_time_is_not_trusted(bucket: FakeBucket, logged: LoggedRelease) -> None:
    """It may expire before the staged release exists, so everything is checked again under a new intent."""
    versions = FakeVersions(bucket, {KEY: b"app"})
    versions.on_undelete = lambda: bucket.clock.sleep(HALF_PENDING_TTL + 1)
    restored = restore(bucket, versions, LAYOUT, logged, clocks=bucket.clock.clocks())
    first, second = intents(bucket)
    assert first < second
    assert second.endswith(f"{restored.id}.json")
    assert restored.keys == {KEY}
    assert bucket.log(LAYOUT.staged) == [restored.staged]
