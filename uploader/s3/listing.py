"""Ranges of keys, listed side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from obstore.exceptions import InvalidPathError

from release_log.layout import LOG_FOLDER
from uploader.columns import Digests, Numbers, Objects
from uploader.threads.workers import for_each

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from obstore import ObjectMeta

    from uploader.s3.key_ranges import KeyRange
    from uploader.s3.pages import Pages

AT_ONCE = 6
"""How many pages are asked for at one time. Each takes a megabyte from its arrival until it is read, which is 3 ms of
processor time: where S3 takes longer than 20 ms for a page, more at a time would be faster, for more memory."""

INNER_LOG = f"/{LOG_FOLDER}"

MD5 = 32
"""The hexadecimal digits of an ETag, as a rule."""

FEW = 4
"""Up to this many ranges, threads are as fast. Above it, asyncio saves a third of the CPU time."""


class KeyListing(NamedTuple):
    """What a listing found.

    Attributes:
        sizes: Key -> bytes.
        times: Key -> ``LastModified``.
        logs: The prefixes of release logs among the keys.
        etags: Key -> ETag without its quotes.
        doubtful: Keys that were listed twice, with different objects: obstore reads the key ``x/`` as ``x``.
    """

    sizes: Numbers
    times: Objects[datetime]
    logs: set[str]
    etags: Digests
    doubtful: set[str]

    def add(self, other: KeyListing) -> None:
        """Add what a listing of a few other keys found."""
        self.sizes.add(other.sizes)
        self.times.add(other.times)
        self.etags.add(other.etags)
        self.logs.update(other.logs)
        self.doubtful.update(other.doubtful)

    def put(self, place: int, stored: ObjectMeta | None) -> None:
        """Note an object; None: there is none."""
        if stored is None:
            self.sizes.put(place, None)
            self.times.put(place, None)
            self.etags.put(place, None)
            return
        self.sizes.put(place, stored["size"])
        self.times.put(place, stored["last_modified"])
        etag = stored["e_tag"]
        if etag is not None:
            self.etags.put(place, etag.strip('"'))


class RangeListing:
    """A listing that looks for some keys.

    Attributes:
        found: The keys that were found so far.
    """

    def __init__(self, pages: Pages, ranges: Sequence[KeyRange], places: Mapping[str, int], at_once: int) -> None:
        """Prepare the listing; no request is sent yet.

        Args:
            pages: Lists the bucket.
            ranges: What is listed.
            places: The wanted keys, each with its place in the answer's columns.
            at_once: How many pages may be asked for at one time.
        """
        self.found = KeyListing(Numbers(places), Objects(places), set(), Digests(places, MD5), set())
        self._pages = pages
        self._left = list(ranges)
        self._places = places
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
            try:
                self._read_many(left, self._pages.all_at_once, self._take, self._left.remove, self._at_once)
            except InvalidPathError:
                left = tuple(self._left)  # in threads, where each page with an odd key is asked for again
            else:
                return
        for_each(left, self._read, at_once=self._at_once)

    def _read(self, keys: KeyRange) -> None:
        for page in self._pages.of(keys.folder, keys.after):
            if self._take(page, keys):
                break
        self._left.remove(keys)

    def _take(self, page: Sequence[ObjectMeta], keys: KeyRange) -> bool:
        """Keep the wanted keys of a page; whether it was the last page of its range."""
        found = self.found
        for entry in page:
            path = entry["path"]
            place = self._places.get(path)
            if place is not None:
                size = found.sizes.at(place)
                if size is not None and (size, found.times.at(place)) != (entry["size"], entry["last_modified"]):
                    found.doubtful.add(path)
                found.put(place, entry)
            elif INNER_LOG in path:
                found.logs.add(path[: path.index(INNER_LOG) + 1])
        return bool(page) and page[-1]["path"] >= keys.last
