"""A line in the log every ten seconds: a CI system that sees no output for some minutes may end the job."""

from __future__ import annotations

import logging
import time
from threading import Event, Thread
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 10.0
"""The time between two lines. What takes less needs none."""

log = logging.getLogger("uploader")


class Heartbeat:
    """Says a line every ten seconds. Use it with ``with``, or call `stop` at the end.

    Args:
        line: What to say; it is given the seconds since the beginning.
    """

    def __init__(self, line: Callable[[float], str]) -> None:
        self._line = line
        self._began = time.monotonic()
        self._ended = Event()

    def start(self) -> Self:
        """Begin; returns itself."""
        Thread(target=self._go_on, daemon=True).start()
        return self

    def stop(self) -> None:
        """Say no more."""
        self._ended.set()

    def __enter__(self) -> Self:
        """See `start`."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """See `stop`."""
        self.stop()

    def _go_on(self) -> None:
        while not self._ended.wait(SECONDS):
            log.info("%s", self._line(time.monotonic() - self._began))
