"""A bucket in memory for millions of objects. Its clock stands until its owner sets it."""

from __future__ import annotations

import hashlib
import threading
import zlib
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
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
        self._order: list[str] | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many objects it holds."""
        return len(self._assets) + len(self._files)

    def add_assets(self, keys: Iterable[str]) -> None:
        """Store assets, now."""
        with self._lock:
            self._assets.update(dict.fromkeys(keys, self.now))
            self._order = None

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
                self._order = None
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
                self._files.pop(key, None)
                self._tags.pop(key, None)
            self._order = None

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
            if self._order is None:
                self._order = sorted([*self._assets, *self._files])
            start = max(bisect_left(self._order, prefix), bisect_right(self._order, after))
            some = self._order[start : start + limit + 1]
        keys = [key for key in some if key.startswith(prefix)]
        found = [(key, each) for key in keys[:limit] if (each := self.get(key)) is not None]
        return found, len(keys) <= limit
