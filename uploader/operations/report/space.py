"""How long what is stored has been there, and which logical paths take the most space. Pure."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from uploader.operations.report.amount import Amount, amount_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

BANDS = (
    ("less than a day", timedelta(days=1)),
    ("1 to 7 days", timedelta(days=7)),
    ("7 to 30 days", timedelta(days=30)),
    ("30 to 90 days", timedelta(days=90)),
    ("90 days to a year", timedelta(days=365)),
    ("a year and more", timedelta.max),
)
"""Band -> the age at which the next one begins."""

LARGEST = 20
"""How many logical paths are shown."""


class Stored(NamedTuple):
    """An object of the site.

    Attributes:
        logical: Its logical path.
        size: Bytes.
        since: When it was stored, by S3's clock.
        current: Whether a current release names it; else it is retired.
    """

    logical: str
    size: int
    since: datetime
    current: bool


class Band(NamedTuple):
    """What has been there for so long."""

    age: str
    current: Amount
    retired: Amount


class LogicalPath(NamedTuple):
    """All versions of a logical path: the current ones and the retired ones."""

    logical: str
    whole: Amount
    current: Amount


def by_age(stored: Iterable[Stored], now: datetime) -> list[Band]:
    """How much has been there for how long: each of `BANDS`, also those that are empty."""
    ends = [end for _, end in BANDS[:-1]]
    sizes: dict[tuple[int, bool], list[int]] = defaultdict(list)
    for each in stored:
        sizes[bisect_right(ends, now - each.since), each.current].append(each.size)
    return [Band(age, amount_of(sizes[i, True]), amount_of(sizes[i, False])) for i, (age, _) in enumerate(BANDS)]


def largest(stored: Iterable[Stored]) -> Sequence[LogicalPath]:
    """The logical paths whose versions take the most space, the largest first."""
    sizes: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    for each in stored:
        sizes[each.logical].append((each.size, each.current))
    paths = (
        LogicalPath(
            logical, amount_of(size for size, _ in found), amount_of(size for size, current in found if current)
        )
        for logical, found in sizes.items()
    )
    return heapq.nsmallest(LARGEST, paths, key=lambda each: (-each.whole.size, each.logical))
