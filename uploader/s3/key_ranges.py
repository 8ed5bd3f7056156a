"""Which parts of a site are listed side by side: cut at our own keys, so that each holds as much as the next. Pure."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

PAGE = 900
"""Our keys in one page of a listing. S3 lists 1,000, and between ours there are older ones."""


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


def key_ranges(keys: Collection[str], at_once: int, page: int = PAGE) -> list[KeyRange]:
    """Ranges that hold all of these keys, to be listed side by side.

    Each is of a few whole pages: what S3 lists beyond the end of a range is lost.

    Args:
        keys: The keys.
        at_once: How many ranges are wanted at most; a range is never less than a page for it.
        page: How many keys fill a page.
    """
    ordered = sorted(keys)
    ranges = []
    size = page * max(1, -(-len(ordered) // (at_once * page)))
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
    """Where a range ends: with a folder, rather a high one, if that is not far off; else when it is full."""
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
