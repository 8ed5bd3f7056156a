"""Plays the state machine that works off a full listing: its workers one after the other, and what they would take side
by side.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from release_log.map_run import RANGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bench.cleaner.cleaner import Cleaner, Took
    from bench.cleaner.server import S3Server

WORKERS = RANGES
"""How many workers list at one time, as in the stack's state machine."""

MOST_RUNS = 100
"""A listing that takes more runs of the cleaner never ends."""


@dataclass(frozen=True, slots=True)
class Played:
    """A listing that was handed out.

    Attributes:
        invocations: What each invocation took: those of the cleaner, and of the workers.
        seconds: The listing's duration if the workers of a map run work side by side.
        cpu: The same of the processor time: that of each invocation which the others wait for.
    """

    invocations: tuple[Took, ...]
    seconds: float
    cpu: float


def play(server: S3Server, cleaner: Callable[[], Cleaner], first: Mapping[str, Any]) -> Played:
    """Have the cleaner run until it has done all its work, and work off what it hands out.

    Args:
        server: The S3 that the cleaner speaks to. It also is the Step Functions.
        cleaner: Makes a new process of the cleaner: each invocation has one of its own.
        first: The event of the first run, and of each that no map run is waited for.

    Raises:
        BenchError: An invocation failed, a worker had nothing to do, nothing was handed out, or it never ends.
    """
    took: list[Took] = []
    seconds = cpu = 0.0
    event, handed_out = first, False
    for _ in range(MOST_RUNS):
        run = _invoke(cleaner, event)
        took.append(run)
        seconds, cpu = seconds + run.seconds, cpu + run.cpu
        if server.executions:
            execution, handed_out = server.executions.pop(), True
            workers = [_invoke(cleaner, task) for task in execution["ranges"]]
            took += workers
            seconds += side_by_side(each.seconds for each in workers)
            cpu += side_by_side(each.cpu for each in workers)
            event = execution["then"]
        elif run.unfinished or run.stopped_by:
            event = first
        elif handed_out:
            return Played(tuple(took), seconds, cpu)
        else:
            msg = "the cleaner has handed out nothing: is the ledger a head?"
            raise BenchError(msg)
    said = ", ".join(took[-1].stopped_by) or "unfinished"
    msg = f"after {MOST_RUNS} runs the cleaner still says {said}"
    raise BenchError(msg)


def side_by_side(each_takes: Iterable[float], workers: int = WORKERS) -> float:
    """What some tasks take if whoever of the workers is free first takes the next one."""
    free_at = [0.0] * workers
    for takes in each_takes:
        heapq.heapreplace(free_at, free_at[0] + takes)
    return max(free_at)


def _invoke(cleaner: Callable[[], Cleaner], event: Mapping[str, Any]) -> Took:
    with cleaner() as process:
        took = process.invoke(event)
    if took.passed_over is not None:
        msg = f"the cleaner passed over {event}: {took.passed_over}"
        raise BenchError(msg)
    return took
