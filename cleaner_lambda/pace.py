"""How a run spends the time it has: it stops between two batches, and the next run goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

BATCH = 128
"""How many requests run between two looks at the clock."""

MARGIN_SECONDS = 120
"""How much of the invocation is left for the batch under way, its repetitions, and the ledger."""

BACKOFF_SECONDS = (0.5, 2.0, 8.0)
"""The pauses before a batch is tried again; S3 asks for growing ones after 503 SlowDown:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html"""

Mapper = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]
"""How independent requests are run: the builtin `map`, or an executor's. Results come in the order of the items."""

Item = TypeVar("Item")


def _unlimited() -> bool:
    return True


def _sleep(seconds: float) -> None:
    time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Pace:
    """What a run asks before it begins another batch.

    Attributes:
        mapper: See `Mapper`.
        has_time: Whether there is time for one.
        sleep: Waits for so many seconds.
    """

    mapper: Mapper = map
    has_time: Callable[[], bool] = _unlimited
    sleep: Callable[[float], None] = _sleep


def within(left_ms: Callable[[], float]) -> Callable[[], bool]:
    """`Pace.has_time` for an invocation.

    Args:
        left_ms: How many milliseconds the invocation has left, as Lambda's context says.
    """
    margin = min(MARGIN_SECONDS * 1000, left_ms() / 4)
    return lambda: left_ms() > margin


def batches(items: Sequence[Item], size: int = BATCH) -> Iterator[Sequence[Item]]:
    """The items in pieces of that size."""
    return (items[start : start + size] for start in range(0, len(items), size))
