"""The uploader's steps in their order, on a bucket in memory that fails where a test says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from release_log.layout import Layout
from release_log.settings import HALF_PENDING_TTL
from uploader.clocks import Clocks
from uploader.collect import LocalAsset, collect
from uploader.compare import Reason
from uploader.errors import UploaderError
from uploader.publish import Build, publish
from uploader.store import Blob, ReadOnly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LAYOUT = Layout("assets/")


class FakeBucket:
    """`uploader.store.BucketPort` in memory; ``fail`` names the request that fails."""

    def __init__(self, fail: str = "") -> None:
        self.objects: dict[str, bytes] = {}
        self.stored: dict[str, dict[str, str]] = {}
        self.requests: list[str] = []
        self.fail = fail

    def create(self, key: str, body: bytes) -> bool:
        self._request(f"create {key}")
        return self.objects.setdefault(key, body) == body

    def get(self, key: str) -> Blob | None:
        self._request(f"get {key}")
        return Blob(self.objects[key], NOON) if key in self.objects else None

    def written_since(self, prefix: str, instant: datetime) -> list[str]:
        self._request(f"list {prefix}")
        return [key for key in self.objects if key.startswith(prefix) and instant <= NOON]

    def sizes(self, prefix: str) -> dict[str, int]:
        self._request(f"list {prefix}")
        return {key: len(body) for key, body in self.objects.items() if key.startswith(prefix)}

    def metadata(self, keys: Sequence[str]) -> dict[str, Mapping[str, str]]:
        return {key: self.stored[key] for key in keys if key in self.stored}

    def put(self, assets: Iterable[LocalAsset], done: Callable[[LocalAsset], None]) -> None:
        for asset in assets:
            self._request(f"put {asset.key}")
            self.objects[asset.key] = asset.path.read_bytes()
            self.stored[asset.key] = {"digest": asset.digest, "headers": asset.headers.digest()}
            done(asset)

    def withdraw(self, key: str) -> None:
        self._request(f"delete {key}")
        self.objects.pop(key, None)

    def _request(self, what: str) -> None:
        self.requests.append(what)
        if self.fail and self.fail in what:
            msg = f"{what} failed: run again"
            raise UploaderError(msg)


class Clock:
    """Moves when somebody sleeps."""

    def __init__(self) -> None:
        self.passed = 0.0

    def clocks(self) -> Clocks:
        return Clocks(self.wall, self.monotonic, self.sleep)

    def wall(self) -> datetime:
        return NOON + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.passed += seconds


@pytest.fixture
def build(tmp_path: Path) -> Build:
    (tmp_path / "app-3f9c2ab1.js").write_text("app")
    (tmp_path / "index.html").write_text("page")
    return Build(assets=collect(tmp_path, "assets/"), prefix="assets/", channel="default", release="r1")


def run(bucket: FakeBucket, build: Build, clock: Clock | None = None) -> None:
    clock = clock or Clock()
    publish(bucket, build, clocks=clock.clocks())


def test_intent_listing_fingerprinted_files_pages_marker_intent_gone(build: Build) -> None:
    bucket = FakeBucket()
    run(bucket, build)
    assert bucket.requests == [
        "create assets/.releases/pending/20261123T120000Z-r1.json",
        "get assets/.releases/ledger.json.gz",
        "list assets/",
        "put assets/app-3f9c2ab1.js",
        "put assets/index.html",
        "create assets/.releases/markers/20261123T120000Z-r1.json",
        "delete assets/.releases/pending/20261123T120000Z-r1.json",
    ]


def test_the_intent_says_what_the_marker_says(build: Build) -> None:
    bucket = FakeBucket(fail="delete")
    run(bucket, build)
    bodies = {body for key, body in bucket.objects.items() if key.startswith(LAYOUT.log)}
    assert len(bodies) == 1, "an intent that cannot be removed is no failure; it expires"


@pytest.mark.parametrize("fail", ["create assets/.releases/pending", "list", "put assets/app", "put assets/index"])
def test_a_failure_at_any_step_before_it_leaves_no_marker_and_no_intent(build: Build, fail: str) -> None:
    bucket = FakeBucket(fail=fail)
    with pytest.raises(UploaderError, match="run again"):
        run(bucket, build)
    assert not [key for key in bucket.objects if key.startswith(LAYOUT.log)]


def test_a_second_run_after_a_failure_sends_only_what_did_not_arrive(build: Build) -> None:
    bucket = FakeBucket(fail="put assets/index")
    with pytest.raises(UploaderError):
        run(bucket, build)
    bucket.fail, bucket.requests = "", []
    run(bucket, build)
    assert [request for request in bucket.requests if request.startswith("put")] == ["put assets/index.html"]


def test_an_intent_older_than_half_its_time_is_not_trusted(build: Build) -> None:
    """The marker is only written under an intent that still protects; the check begins again under a new one."""
    clock, bucket = Clock(), FakeBucket()
    once = iter([HALF_PENDING_TTL + 1.0])
    real = bucket.put

    def slow(assets: Iterable[LocalAsset], done: Callable[[LocalAsset], None]) -> None:
        real(assets, done)
        clock.sleep(next(once, 0.0))

    bucket.put = slow  # type: ignore[method-assign]
    published = publish(bucket, build, clocks=clock.clocks())
    assert sum(request.startswith("list") for request in bucket.requests) == 2
    assert [key for key in bucket.objects if key.startswith(LAYOUT.markers)] == [published.key]
    assert published.key > LAYOUT.marker_key("20261123T120000Z-r1")
    assert {upload.reason for upload in published.uploads} == {Reason.NEW}, "what the first round sent is counted"
    assert len(published.uploads) == 2


def test_an_id_that_another_upload_has_is_not_taken(build: Build) -> None:
    bucket = FakeBucket()
    bucket.objects[LAYOUT.pending_key("20261123T120000Z-r1")] = b"another upload's"
    bucket.objects[LAYOUT.marker_key("20261123T120001Z-r1")] = b"another release"
    clock = Clock()
    run(bucket, build, clock)
    assert bucket.objects[LAYOUT.pending_key("20261123T120000Z-r1")] == b"another upload's"
    assert bucket.objects[LAYOUT.marker_key("20261123T120001Z-r1")] == b"another release"
    assert LAYOUT.marker_key("20261123T120002Z-r1") in bucket.objects


def test_a_dry_run_makes_no_write(build: Build) -> None:
    bucket = FakeBucket()
    published = publish(ReadOnly(bucket), build)
    assert [upload.reason for upload in published.uploads] == [Reason.NEW, Reason.NEW]
    assert bucket.requests == ["list assets/"]
    assert bucket.objects == {}


def test_the_same_build_gives_the_same_marker_but_for_its_id_and_time(build: Build) -> None:
    bodies = []
    for _ in range(2):
        bucket = FakeBucket()
        run(bucket, build)
        bodies.append([body for key, body in bucket.objects.items() if key.startswith(LAYOUT.markers)])
    assert bodies[0] == bodies[1]
