"""Ranges of keys, listed side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import obstore

from uploader.threads.workers import for_each

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from obstore import ListStream, ObjectMeta
    from obstore.store import S3Store

    from uploader.s3.key_ranges import KeyRange

AT_ONCE = 12
"""How many pages are asked for at one time. They arrive faster than they are read, and each takes a megabyte."""

FEW = 4
"""Up to this many ranges, threads are as fast. Above it, asyncio saves a third of the CPU time."""


class KeyListing(NamedTuple):
    """What a listing found: key -> bytes, and key -> ``LastModified``."""

    sizes: dict[str, int]
    times: dict[str, datetime]


class RangeListing:
    """A listing that looks for some keys.

    Attributes:
        found: The keys that were found so far.
    """

    def __init__(self, store: S3Store, ranges: Sequence[KeyRange], keys: Mapping[str, str], at_once: int) -> None:
        """Prepare the listing; no request is sent yet.

        Args:
            store: The bucket.
            ranges: What is listed.
            keys: The wanted keys. Each maps to itself, so that we store our own string object and not S3's copy of it.
            at_once: How many pages may be asked for at one time.
        """
        self.found = KeyListing({}, {})
        self._store = store
        self._left = list(ranges)
        self._keys = keys
        self._at_once = min(AT_ONCE, at_once)
        if len(self._left) > FEW:
            # Here, where the listing is prepared. In its thread, beside the one that reads 50,000 files, each module of
            # asyncio would wait for its turn: a quarter of a second in all.
            from uploader.s3.many_ranges import read_ranges  # noqa: PLC0415 (asyncio takes 20 ms; see `FEW`)

            self._read_many = read_ranges

    def read(self) -> None:
        """List all ranges; after a failure, those that are left.

        Raises:
            Exception: What the first range raised that failed.
        """
        left = tuple(self._left)
        if len(left) > FEW:
            self._read_many(left, self._pages, self._take, self._left.remove, self._at_once)
        else:
            for_each(left, self._read, at_once=self._at_once)

    def _read(self, keys: KeyRange) -> None:
        for page in self._pages(keys):
            if self._take(page, keys):
                break
        self._left.remove(keys)

    def _pages(self, keys: KeyRange) -> ListStream[Sequence[ObjectMeta]]:
        return obstore.list(self._store, keys.folder or None, offset=keys.after, chunk_size=1000)

    def _take(self, page: Sequence[ObjectMeta], keys: KeyRange) -> bool:
        """Keep the wanted keys of a page; whether it was the last page of its range."""
        sizes, times = self.found
        for entry in page:
            key = self._keys.get(entry["path"])
            if key is not None:
                sizes[key], times[key] = entry["size"], entry["last_modified"]
        return bool(page) and page[-1]["path"] >= keys.last
