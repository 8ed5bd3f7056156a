"""The uploader's bucket in memory, and clocks that move when somebody sleeps."""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from release_log.layout import LOG_FOLDER, Layout, is_stored_page
from release_log.ledger_file import HEAD_FORMAT, Announcement, encode_announcement, pack
from release_log.release_id import PLACED
from release_log.sent import HEADERS
from uploader.clocks import Clocks
from uploader.errors import TakenError, UploaderError
from uploader.s3.port import Blob, Listing, Look, Neighbour, PageInPlace, PlacingAnswer, always, inner_of
from uploader.treatment.headers import STORED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from uploader.builds.asset import LocalAsset, Stored
    from uploader.s3.port import Placement

PIECE = 100
"""A fake object arrives in pieces of so many bytes."""

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LAYOUT = Layout("assets/")
NEWER_LEDGER = gzip.compress(json.dumps({"format": HEAD_FORMAT + 1}).encode())
"""As a newer version of the cleaner may write it."""


def _etag(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def stored_with(asset: LocalAsset) -> dict[str, str]:
    """The headers and metadata that the uploader stores an asset with."""
    headers = asset.treatment.headers
    notes = {HEADERS: headers.digest, "digest": asset.digest, STORED: asset.stored}
    return headers.as_http() | {name: note for name, note in notes.items() if note is not None}


def inner_logs(layout: Layout, keys: Iterable[str]) -> frozenset[str]:
    """The prefixes of the sites inside a site, by these keys."""
    mark = f"/{LOG_FOLDER}"
    logs = (key[: key.index(mark) + 1] for key in keys if mark in key)
    return frozenset(prefix for prefix in logs if prefix.startswith(layout.prefix) and prefix != layout.prefix)


class Clock:
    """S3's clock, the build machine's, and a stopwatch: all three move when somebody sleeps.

    Attributes:
        ahead: By how many seconds the build machine's clock is wrong.
        on_sleep: Called after each sleep; others act meanwhile.
    """

    def __init__(self, ahead: float = 0) -> None:
        self.passed = 0.0
        self.ahead = ahead
        self.on_sleep: Callable[[], None] = lambda: None

    def clocks(self) -> Clocks:
        return Clocks(self.wall, self.monotonic, self.sleep)

    def wall(self) -> datetime:
        return NOON + timedelta(seconds=self.passed + self.ahead)

    def s3(self) -> datetime:
        return (NOON + timedelta(seconds=self.passed)).replace(microsecond=0)

    def monotonic(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.passed += seconds
        self.on_sleep()


class FakeBucket:
    """`uploader.s3.port.BucketPort` in memory.

    Attributes:
        objects: Key -> content.
        times: Key -> ``LastModified``; noon for a key without an entry.
        stored: Key -> metadata.
        requests: Every request, in order.
        refused: Prefix -> why S3 refuses its release log.
        fail: Names the request that fails.
        error: The error of that request; an `UploaderError` by default.
    """

    def __init__(self, fail: str = "", *, clock: Clock | None = None, error: BaseException | None = None) -> None:
        self.objects: dict[str, bytes] = {}
        self.times: dict[str, datetime] = {}
        self.stored: dict[str, dict[str, str]] = {}
        self.requests: list[str] = []
        self.refused: dict[str, str] = {}
        self.fail = fail
        self.error = error
        self.clock = clock or Clock()
        self._ahead: tuple[float, Listing] | None = None
        self._metadata_ahead: dict[str, Mapping[str, str]] = {}

    def list_ahead(self, layout: Layout, keys: Collection[str]) -> None:
        self._ahead = (self.clock.passed, self.listing(layout, keys))

    def head_ahead(self, keys: Sequence[str]) -> None:
        self._metadata_ahead = self.metadata(keys)

    def create(self, key: str, body: bytes, in_time: Callable[[], bool] = always) -> bool:  # noqa: ARG002 (the port's own signature)
        self._request(f"create {key}")
        if key in self.objects:
            return False
        self.write(key, body)
        return True

    def get(self, key: str) -> Blob | None:
        self._request(f"get {key}")
        if key not in self.objects:
            return None
        return Blob(self.objects[key], self.times.get(key, NOON), _etag(self.objects[key]))

    def pieces(self, key: str) -> Iterator[bytes]:
        blob = self.get(key)
        if blob is not None:
            yield from (blob.body[start : start + PIECE] for start in range(0, len(blob.body), PIECE))

    def get_each(self, keys: Sequence[str]) -> dict[str, Blob]:
        found = {key: self.get(key) for key in keys}
        return {key: blob for key, blob in found.items() if blob is not None}

    def written(self, prefix: str) -> dict[str, datetime]:
        self._request(f"list {prefix}")
        return {key: self.times.get(key, NOON) for key in self.objects if key.startswith(prefix)}

    def recent(self, layout: Layout, now: datetime) -> dict[str, datetime]:  # noqa: ARG002 (the port's own signature)
        return self.written(layout.markers)

    def odd_keys(self, prefix: str) -> list[str]:  # noqa: ARG002 (the port's own signature)
        return []

    def listing(self, layout: Layout, keys: Collection[str]) -> Listing:
        self._request(f"list {layout.prefix}")
        there = {key: self.times.get(key, NOON) for key in self.objects if key.startswith(layout.prefix)}
        times = {key: at for key, at in there.items() if key in keys}
        log = {key: at for key, at in there.items() if key.startswith(layout.log)}
        etags = {key: hashlib.md5(self.objects[key], usedforsecurity=False).hexdigest() for key in times}
        sizes = {key: len(self.objects[key]) for key in times}
        return Listing(sizes, times, log, inner_logs(layout, there), etags)

    def neighbours(self, prefixes: Collection[str]) -> tuple[Neighbour, ...]:
        found = []
        for prefix in prefixes:
            layout = Layout(prefix)
            if prefix in self.refused:
                found.append(Neighbour(prefix, None, self.refused[prefix]))
            elif any(key.startswith(layout.log) for key in self.objects):
                found.append(Neighbour(prefix, self.get(layout.ledger)))
        return tuple(found)

    def look(self, layout: Layout, keys: frozenset[str]) -> Look:
        # The real port sends these requests in parallel. In this order the ledger is read under the oldest listing.
        (began, listing), self._ahead = (
            self._ahead or (self.clock.passed, self.listing(layout, keys)),
            None,
        )
        log = {key: self.times.get(key, NOON) for key in self.objects if key.startswith(layout.log)}
        metadata, self._metadata_ahead = self._metadata_ahead, {}
        ledger = self.get(layout.ledger)
        neighbours = self.neighbours([*layout.around, *inner_of(layout, listing, keys)])
        return Look(listing._replace(log=log), began, ledger, metadata, neighbours=neighbours)

    def metadata(self, keys: Sequence[str]) -> dict[str, Mapping[str, str]]:
        return {key: self.stored[key] for key in keys if key in self.stored}

    def begin_withdrawal(self, key: str) -> Callable[[], None]:
        return lambda: self.withdraw(key)

    def put(
        self,
        assets: Iterable[LocalAsset],
        done: Callable[[LocalAsset, Stored], None],
        over: Mapping[str, str | None],
    ) -> None:
        for asset in assets:
            self._request(f"put {asset.key}")
            there = _etag(self.objects[asset.key]) if asset.key in self.objects else None
            if there is not None and over.get(asset.key, there) != there:
                headers = self.stored.get(asset.key, {}).get(HEADERS)
                if there != _etag(Path(asset.path).read_bytes()) or headers != asset.treatment.headers.digest:
                    raise TakenError(asset.key)
                done(asset, asset.as_it_is()._replace(etag=there))
                continue
            self.write(asset.key, Path(asset.path).read_bytes())
            self.stored[asset.key] = stored_with(asset)
            etag = hashlib.md5(self.objects[asset.key], usedforsecurity=False).hexdigest()
            done(asset, asset.as_it_is()._replace(etag=etag))

    def look_at_pages(
        self, layout: Layout, keys: Sequence[str]
    ) -> tuple[Mapping[str, datetime], dict[str, PageInPlace]]:
        there = [key for key in keys if key in self.objects]
        return self.written(layout.markers), {key: self._page(key) for key in there}

    def place(self, placements: Sequence[Placement]) -> PlacingAnswer:
        etags = {}
        for page in placements:
            self._request(f"place {page.key}")
            if (self._page(page.key).etag if page.key in self.objects else None) == page.etag:
                self.write(page.key, self.objects[page.source])
                self.stored[page.key] = self.stored[page.source]
                etags[page.key] = self._page(page.key).etag
        return PlacingAnswer(etags)

    def _page(self, key: str) -> PageInPlace:
        return PageInPlace(hashlib.md5(self.objects[key], usedforsecurity=False).hexdigest(), self.stored.get(key, {}))

    def withdraw(self, key: str, etag: str | None = None) -> None:
        self._request(f"delete {key}")
        if key in self.objects and etag in {None, _etag(self.objects[key])}:
            del self.objects[key]

    def _request(self, what: str) -> None:
        self.requests.append(what)
        if self.fail and self.fail in what:
            raise self.error or UploaderError(f"{what} failed: run again")

    # Changes that tests make to the bucket, without a request of the uploader's

    def write(self, key: str, body: bytes = b"x") -> None:
        """Somebody writes an object, now."""
        self.objects[key] = body
        self.times[key] = self.clock.s3()

    def announce(self, *keys: str, since: datetime | None = None) -> None:
        """A cleaner announces in the ledger that it will delete these keys; without keys it withdraws that."""
        deleting = Announcement("run", frozenset(keys), since) if keys else None
        self.write(LAYOUT.ledger, pack({"deleting": encode_announcement(deleting)}))

    def log(self, folder: str) -> list[str]:
        """The keys of the releases in a folder of the release log, or in the whole log."""
        there = [key for key in self.objects if key.startswith(folder)]
        return [key for key in there if not key.endswith(PLACED) and not is_stored_page(key)]
