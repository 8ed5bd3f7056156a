"""The clocks of one side of the protocol, as seams: nothing is decided by a clock that somebody can set."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


def seconds_passed() -> float:
    """Seconds since some instant, on a clock that nobody sets and that goes on while the machine sleeps.

    A laptop that was closed for a night has an old intent; `time.monotonic` would not know on every system.
    """
    clock = getattr(time, "CLOCK_BOOTTIME", None) or getattr(time, "CLOCK_MONOTONIC", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


class Clocks(NamedTuple):
    """What an upload reads the time from, and waits by.

    Attributes:
        wall: Names the release; nothing is decided by it.
        passed: Measures how old an intent is, in seconds.
        sleep: Waits for so many seconds.
    """

    wall: Callable[[], datetime] = lambda: datetime.now(UTC)
    passed: Callable[[], float] = seconds_passed
    sleep: Callable[[float], None] = time.sleep
