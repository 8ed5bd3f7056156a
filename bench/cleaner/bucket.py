"""A bucket in memory for millions of objects. Its clock stands until its owner sets it."""

from __future__ import annotations

import hashlib
import threading
import zlib
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

ASSET_BYTES = 20_000
"""The size of every asset. It has no content: nobody reads it."""


class Object(NamedTuple):
    """One object.

    Attributes:
        at: ``LastModified``.
        body: Its content; None for an asset.
        etag: Its ETag, with quotes.
    """

    at: datetime
    body: bytes | None
    etag: str

    @property
    def size(self) -> int:
        """Bytes."""
        return ASSET_BYTES if self.body is None else len(self.body)


class MemoryBucket:
    """The objects of one bucket. Safe to use from several threads.

    Attributes:
        now: Its clock.
    """

    def __init__(self, now: datetime) -> None:
        """Make an empty bucket."""
        self.now = now
        # Of an asset only the time is kept: a site of millions shall fit into a small machine.
        self._assets: dict[str, datetime] = {}
        self._files: dict[str, Object] = {}
        self._tags: dict[str, Mapping[str, str]] = {}
        # In order, also with assets that are deleted: to sort a million anew after each thousand takes a second each.
        self._asset_order: list[str] | None = None
        self._file_order: list[str] | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many objects it holds."""
        return len(self._assets) + len(self._files)

    def add_assets(self, keys: Iterable[str]) -> None:
        """Store assets, now."""
        with self._lock:
            self._assets.update(dict.fromkeys(keys, self.now))
            self._asset_order = None

    def put(self, key: str, body: bytes, *, if_match: str | None = None, if_none_match: bool = False) -> Object | None:
        """Store a file, unless a condition fails; then None."""
        with self._lock:
            there = self._files.get(key)
            if (if_none_match and there is not None) or (
                if_match is not None and (not there or there.etag != if_match)
            ):
                return None
            stored = Object(self.now, body, f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"')
            if there is None:
                self._file_order = None
            self._files[key] = stored
            return stored

    def get(self, key: str) -> Object | None:
        """An object; None if it does not exist."""
        at = self._assets.get(key)
        if at is not None:
            return Object(at, None, f'"{zlib.crc32(key.encode()):032x}"')
        return self._files.get(key)

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects; they need not exist."""
        with self._lock:
            for key in keys:
                self._assets.pop(key, None)
                self._tags.pop(key, None)
                if self._files.pop(key, None) is not None:
                    self._file_order = None

    def tags(self, key: str) -> Mapping[str, str]:
        """An object's tags."""
        return self._tags.get(key, {})

    def set_tags(self, key: str, tags: Mapping[str, str]) -> None:
        """Replace an object's tags."""
        self._tags[key] = tags

    def page(self, prefix: str, after: str, limit: int) -> tuple[list[tuple[str, Object]], bool]:
        """A page of a listing, and whether it is the last one.

        Args:
            prefix: What the keys begin with.
            after: Only keys behind this one.
            limit: How many at most.
        """
        with self._lock:
            assets, files = self._sorted()
            some = _some(assets, self._assets, prefix, after, limit + 1)
            keys = sorted(some + _some(files, self._files, prefix, after, limit + 1))
        found = [(key, each) for key in keys[:limit] if (each := self.get(key)) is not None]
        return found, len(keys) <= limit

    def sort(self) -> None:
        """Sort its keys now: of ten million that takes seconds, for which the first listing would wait."""
        with self._lock:
            self._sorted()

    def _sorted(self) -> tuple[Sequence[str], Sequence[str]]:
        if self._asset_order is None:
            self._asset_order = sorted(self._assets)
        if self._file_order is None:
            self._file_order = sorted(self._files)
        return self._asset_order, self._file_order


def _some(order: Sequence[str], there: Collection[str], prefix: str, after: str, count: int) -> list[str]:
    """The first keys with a prefix behind a key, of those that are there."""
    start = max(bisect_left(order, prefix), bisect_right(order, after))
    some: list[str] = []
    for place in range(start, len(order), count):
        piece = order[place : place + count]
        some += [key for key in piece if key in there and key.startswith(prefix)]
        if len(some) >= count or not piece[-1].startswith(prefix):
            break
    return some[:count]
