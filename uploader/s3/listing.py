"""Ranges of keys, listed side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import obstore

from uploader.threads.workers import for_each

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from obstore import ObjectMeta
    from obstore.store import S3Store

    from uploader.s3.key_ranges import KeyRange

AT_ONCE = 12
"""How many pages are asked for at one time. They come faster than they are read, and each takes a megabyte until it is.
"""

FEW = 4
"""So many ranges are not worth asyncio. Of more it saves a third of the processor time: a page comes in a hundred
pieces, and a thread that waits for it is woken for each."""

SETTLE_SECONDS = 0.05
"""How long what is cancelled may take to end, in obstore's own threads."""


class KeyListing(NamedTuple):
    """What a listing found: key -> bytes, and key -> ``LastModified``."""

    sizes: dict[str, int]
    times: dict[str, datetime]


class RangeListing:
    """A listing of what there is of some keys.

    Attributes:
        found: What is known so far.
    """

    def __init__(self, store: S3Store, ranges: Sequence[KeyRange], keys: Mapping[str, str], at_once: int) -> None:
        """Ask for nothing yet.

        Args:
            store: Where.
            ranges: What is listed.
            keys: What is wanted of that. They are the values: of 100,000 those that S3 sends need not be kept beside
                our own.
            at_once: How many pages may be asked for at one time.
        """
        self.found = KeyListing({}, {})
        self._store = store
        self._left = list(ranges)
        self._keys = keys
        self._at_once = min(AT_ONCE, at_once)
        if len(self._left) > FEW:
            # Here, by whoever asks for the listing: in a thread, beside the one that looks at 50,000 files, each of its
            # modules would wait for its turn, a quarter of a second in all.
            import asyncio  # noqa: F401, PLC0415 (see `FEW`)

    def read(self) -> None:
        """List all ranges; after a failure, those that are left.

        Raises:
            Exception: What the first raised that failed.
        """
        left = tuple(self._left)
        if len(left) > FEW:
            self._read_many(iter(left))
        else:
            for_each(left, self._read, at_once=self._at_once)

    def _read(self, keys: KeyRange) -> None:
        for page in obstore.list(self._store, keys.folder or None, offset=keys.after, chunk_size=1000):
            if self._take(page, keys):
                break
        self._left.remove(keys)

    def _read_many(self, left: Iterator[KeyRange]) -> None:
        import asyncio  # noqa: PLC0415 (see `FEW`)

        async def worker() -> None:
            for keys in left:
                pages = obstore.list(self._store, keys.folder or None, offset=keys.after, chunk_size=1000)
                async for page in pages:
                    if self._take(page, keys):
                        break
                self._left.remove(keys)

        async def read() -> None:
            workers = [asyncio.create_task(worker()) for _ in range(self._at_once)]
            try:
                await asyncio.gather(*workers)
            except BaseException:
                for each in workers:
                    each.cancel()
                # An answer that comes at this very moment must still find the loop open.
                await asyncio.sleep(SETTLE_SECONDS)
                raise

        asyncio.run(read())

    def _take(self, page: Sequence[ObjectMeta], keys: KeyRange) -> bool:
        """Keep what is wanted of a page; whether it was the last."""
        sizes, times = self.found
        for entry in page:
            key = self._keys.get(entry["path"])
            if key is not None:
                sizes[key], times[key] = entry["size"], entry["last_modified"]
        return bool(page) and page[-1]["path"] >= keys.last
