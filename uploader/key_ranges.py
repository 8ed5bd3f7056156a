"""Which parts of a site are listed side by side: cut at our own keys, so that each holds as much as the next. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

KEYS = 900
"""Our keys in one range. S3 lists 1,000 in one answer, and between ours there are older ones."""


class KeyRange(NamedTuple):
    """Keys after one, up to and with another, in S3's order: that of their UTF-8 bytes, which is Python's own."""

    after: str
    last: str


def key_ranges(keys: Collection[str], size: int = KEYS) -> list[KeyRange]:
    """Ranges that hold all of these keys, each so many of them at most; nothing before the first or after the last."""
    ordered = sorted(keys)
    ranges = []
    # What a key begins with comes before it, and before nothing that is needed.
    after = ordered[0][:-1] if ordered else ""
    for start in range(0, len(ordered), size):
        last = ordered[min(start + size, len(ordered)) - 1]
        ranges.append(KeyRange(after, last))
        after = last
    return ranges
