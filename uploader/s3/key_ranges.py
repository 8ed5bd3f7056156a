"""Divides a listing into ranges of equal size, cut at the keys we look for, to be listed side by side. Pure."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

PAGE = 900
"""How many of our keys fill a page of a listing. S3's pages have 1,000 keys, older ones among ours."""


class KeyRange(NamedTuple):
    """A range of keys in S3's order: by their UTF-8 bytes, which is also Python's order.

    Attributes:
        folder: The folder that holds all of them, sent as the prefix. S3 is as fast without it; other servers read
            everything under a prefix.
        after: The range begins after this key.
        last: The last key that is needed.
    """

    folder: str
    after: str
    last: str


def key_ranges(keys: Collection[str], at_once: int, page: int = PAGE) -> list[KeyRange]:
    """Ranges that hold all of these keys, to be listed side by side.

    Each range is a few whole pages, because the keys that S3 lists beyond the end of a range are wasted.

    Args:
        keys: The keys.
        at_once: How many ranges are wanted, at most. A range is never smaller than a page.
        page: How many keys fill a page.
    """
    ordered = sorted(keys)
    ranges = []
    size = page * max(1, -(-len(ordered) // (at_once * page)))
    # Without its last character, the first key sorts before itself: so the first range includes it. Without a slash at
    # its end, obstore can hold it.
    after = ordered[0][:-1].rstrip("/") if ordered else ""
    start = 0
    while start < len(ordered):
        end = _cut(ordered, start, size)
        last = ordered[end - 1]
        ranges.append(KeyRange(_folder_of(ordered[start], last), after, last))
        after, start = last, end
    return ranges


def page_ends(keys: Collection[str]) -> list[str]:
    """Where to cut a listing of all that is under a prefix, so that its pages can be asked for side by side.

    Args:
        keys: What was there a moment ago.
    """
    ordered = sorted(keys)
    return [ordered[end - 1] for end in range(PAGE, len(ordered) - PAGE // 9, PAGE)]


def _cut(ordered: Sequence[str], start: int, size: int) -> int:
    """Where a range ends: at the end of a folder, rather a high one, if one is near; else when the range is full."""
    most = start + size + size // 9
    if most >= len(ordered):
        return len(ordered)
    for folder in _folders_of(ordered[most]):
        begins = bisect_left(ordered, folder, start, most)
        if begins >= start + (size + 1) // 2:
            return begins
    return start + size


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
