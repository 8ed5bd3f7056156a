"""Which parts of a site are listed side by side: cut at our own keys, so that each holds as much as the next. Pure."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

KEYS = 900
"""Our keys in one range. S3 lists 1,000 in one answer, and between ours there are older ones."""


class KeyRange(NamedTuple):
    """Keys in S3's order: that of their UTF-8 bytes, which is Python's own.

    Attributes:
        folder: What all of them begin with. S3 does not mind; other servers look through all that a prefix holds.
        after: They come after this.
        last: The last of them.
    """

    folder: str
    after: str
    last: str


def key_ranges(keys: Collection[str], size: int = KEYS) -> list[KeyRange]:
    """Ranges that hold all of these keys, each so many of them at most."""
    ordered = sorted(keys)
    ranges = []
    # What a key begins with comes before it, and before nothing that is needed.
    after = ordered[0][:-1] if ordered else ""
    start = 0
    while start < len(ordered):
        end = _cut(ordered, start, size)
        last = ordered[end - 1]
        ranges.append(KeyRange(_folder_of(ordered[start], last), after, last))
        after, start = last, end
    return ranges


def _cut(ordered: Sequence[str], start: int, size: int) -> int:
    """Where a range ends: where the highest folder begins that begins in its second half, else when it is full."""
    end = start + size
    if end >= len(ordered):
        return len(ordered)
    # A range of one folder is worth more than a full one.
    for folder in _folders_of(ordered[end]):
        begins = bisect_left(ordered, folder, start, end)
        if begins >= start + (size + 1) // 2:
            return begins
    return end


def _folders_of(key: str) -> Iterator[str]:
    """The folders that a key lies in, the highest first."""
    slash = key.find("/")
    while slash >= 0:
        yield key[: slash + 1]
        slash = key.find("/", slash + 1)


def _folder_of(first: str, last: str) -> str:
    """The lowest folder that holds both keys, and so all between them."""
    found = ""
    for folder in _folders_of(first):
        if not last.startswith(folder):
            break
        found = folder
    return found
