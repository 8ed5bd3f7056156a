"""How a run spends its time: it stops between two batches, and the next run continues."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

BATCH = 128
"""How many requests run between two checks of the remaining time."""

MARGIN_SECONDS = 120
"""The part of the invocation that is reserved for the batch under way, its retries, and the ledger."""

BACKOFF_SECONDS = (0.5, 2.0, 8.0)
"""The pauses before a batch is retried; S3 asks for growing pauses after 503 SlowDown:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html"""

Mapper = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]
"""Runs independent requests: the builtin `map`, or an executor's. Results come in the order of the items."""

Item = TypeVar("Item")


def _unlimited() -> bool:
    return True


def _no_clock() -> float:
    return 0.0


def _sleep(seconds: float) -> None:
    time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Pace:
    """How a run does its requests, and until when.

    Attributes:
        mapper: See `Mapper`.
        has_time: Whether there is time for another batch.
        sleep: Waits for a number of seconds.
        clock: Seconds, only to say how long a run took; as S3 dates not each of its answers.
    """

    mapper: Mapper = map
    has_time: Callable[[], bool] = _unlimited
    sleep: Callable[[float], None] = _sleep
    clock: Callable[[], float] = _no_clock


def within(left_ms: Callable[[], float]) -> Callable[[], bool]:
    """`Pace.has_time` for an invocation.

    Args:
        left_ms: The invocation's remaining milliseconds, from Lambda's context.
    """
    margin = min(MARGIN_SECONDS * 1000, left_ms() / 4)
    return lambda: left_ms() > margin


def batches(items: Sequence[Item], size: int = BATCH) -> Iterator[Sequence[Item]]:
    """The items in batches of a size."""
    return (items[start : start + size] for start in range(0, len(items), size))
