"""The clocks of one side of the protocol, as arguments: no decision depends on a clock that somebody can set."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


def seconds_passed() -> float:
    """Seconds since some instant, on a clock that nobody can set and that also counts while the machine sleeps.

    A laptop that was closed overnight has an old intent; `time.monotonic` does not notice on every system.
    """
    clock = getattr(time, "CLOCK_BOOTTIME", None) or getattr(time, "CLOCK_MONOTONIC", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


class Clocks(NamedTuple):
    """How an upload reads the time, and how it waits.

    Attributes:
        wall: The machine's clock. It names the release, and decides nothing.
        passed: Seconds since some instant; measures how old an intent is.
        sleep: Waits for a number of seconds.
    """

    wall: Callable[[], datetime] = lambda: datetime.now(UTC)
    passed: Callable[[], float] = seconds_passed
    sleep: Callable[[float], None] = time.sleep
