"""Very many orphans that a listing has found: packed, as a million of them do not fit into memory one by one. Pure.

They get no tag, and none of them is due in the run that finds them. So that run needs no entry of theirs: it writes
them to the segments of the ledger, in their order.
"""

from __future__ import annotations

import json
import zlib
from bisect import bisect_right
from datetime import UTC, datetime
from heapq import merge
from typing import TYPE_CHECKING, NamedTuple

from cleaner_lambda.ledger import Retired
from release_log.fingerprints import split
from release_log.layout import is_stored_page
from release_log.tags import Mark, State

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from cleaner_lambda.port import Listed

MOST = 1_000_000
"""So many a run takes in at most: it writes their segments in the time that is reserved for the ledger."""

TOUCHED = 40
"""In so many segments they may lie at most, for the same reason: each is read, and written anew."""

CHUNK = 1000
"""So many are unpacked at once of each batch: about half a megabyte."""

Row = tuple[str, str, int, float]
"""Logical path, key, size, and when the object was stored: a tuple, as there are millions and they are sorted."""


class PackedOrphans:
    """Some orphans, without stored pages: 20 to 30 bytes each.

    Attributes:
        number: How many.
    """

    def __init__(self, firsts: Sequence[str] = ("",), pattern: re.Pattern[str] | None = None) -> None:
        """Begin with none.

        Args:
            firsts: The first logical path of each segment of the ledger.
            pattern: The fingerprint in their names; None: the built-in recognition.
        """
        self.number = 0
        self._firsts, self._pattern = firsts, pattern
        self._batches: list[list[bytes]] = []
        self._touched: set[int] = set()

    @property
    def is_full(self) -> bool:
        """Whether a run takes in no more."""
        return self.number >= MOST

    def take(self, strays: Mapping[str, Listed]) -> dict[str, Listed]:
        """Pack some orphans, but for those that lie in too many segments. Returns those that are left."""
        rows = sorted(
            (split(key, self._pattern).logical, key, each.size, each.last_modified.timestamp())
            for key, each in strays.items()
            if not is_stored_page(key)
        )
        touched = self._touched.union(self._place(row) for row in rows)
        if len(touched) > TOUCHED:
            rows, touched = [row for row in rows if self._place(row) in self._touched], self._touched
        self._touched = touched
        self._add(rows)
        taken = {row[1] for row in rows}
        return {key: each for key, each in strays.items() if key not in taken}

    def without(self, theirs: Callable[[str], bool]) -> PackedOrphans:
        """The same without those that are another's."""
        left = PackedOrphans(self._firsts, self._pattern)
        for batch in self._batches:
            left._add([row for row in _unpack(batch) if not theirs(row[1])])
        return left

    def rows(self) -> Iterator[Row]:
        """All of them, in the order of their logical paths."""
        return merge(*map(_unpack, self._batches))

    def _place(self, row: Row) -> int:
        return bisect_right(self._firsts, row[0])

    def _add(self, rows: Sequence[Row]) -> None:
        self.number += len(rows)
        self._batches.append([_pack(rows[start : start + CHUNK]) for start in range(0, len(rows), CHUNK)])


class Adopted(NamedTuple):
    """What becomes of them.

    Attributes:
        orphans: The orphans.
        since: From when on they are retired.
        is_live: Whether a logical path is in a current release.
        maybe_ended: As in `cleaner_lambda.ledger.Retired`.
    """

    orphans: PackedOrphans
    since: datetime
    is_live: Callable[[str], bool]
    maybe_ended: bool

    @property
    def number(self) -> int:
        """How many they are."""
        return self.orphans.number

    def rows(self) -> Iterator[tuple[str, Retired]]:
        """The key and the entry of each, in the order of their logical paths."""
        superseded, removed = Mark(State.SUPERSEDED, self.since), Mark(State.REMOVED, self.since)
        for logical, key, size, stored in self.orphans.rows():
            mark = superseded if self.is_live(logical) else removed
            at = datetime.fromtimestamp(stored, UTC)
            yield key, Retired(logical, mark, size, "", maybe_ended=self.maybe_ended, stored=at)


def _pack(rows: Iterable[Row]) -> bytes:
    # In columns: what is alike is side by side.
    return zlib.compress(json.dumps(list(zip(*rows, strict=True)), separators=(",", ":")).encode(), 1)


def _unpack(batch: Iterable[bytes]) -> Iterator[Row]:
    for packed in batch:
        yield from zip(*json.loads(zlib.decompress(packed)), strict=True)
