"""How many bytes a second an upload may send: so that it leaves some of the line to others."""

from __future__ import annotations

import re
import time
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from uploader.aws.values import ValueProblemError
from uploader.errors import UploaderError

if TYPE_CHECKING:
    from collections.abc import Callable

UNITS = {"kB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}

LEAST = 64_000
"""Bytes a second. With less, S3 could give up on a part of a large file of which nothing comes for a while."""

_RATE = rf"([0-9]+(?:\.[0-9]+)?) ?({'|'.join(UNITS)})(?:/s)?"  # compiled when it is needed: few uploads have a limit


def bytes_per_second(text: str) -> float:
    """A rate such as ``20MB/s`` or ``512 KiB/s``.

    Raises:
        ValueProblemError: It is not one, or too low.
    """
    found = re.fullmatch(_RATE, text)
    if found is None:
        msg = f"{text!r} is not a rate such as 20MB/s: a number, one of {', '.join(UNITS)} (B is for bytes), and /s"
        raise ValueProblemError(msg)
    rate = float(found[1]) * UNITS[found[2]]
    if rate < LEAST:
        msg = f"{text!r} is too low: give at least {LEAST // 1000}kB/s"
        raise ValueProblemError(msg)
    return rate


class Stop(Protocol):
    """The part of `threading.Event` that is used."""

    def wait(self, timeout: float) -> bool:
        """Wait until it is set, but no longer than this; returns whether it is set."""
        ...


class Bandwidth:
    """Shares a line among all who send on it. Each waits until what was sent before has had its time.

    Args:
        rate: Bytes a second.
        clock: Seconds that go by at an even pace.
    """

    PIECES_A_SECOND = 10
    """How finely somebody who sends while reading should divide what is read."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._lock = Lock()
        self._free_at = clock()

    @property
    def piece(self) -> int:
        """How many bytes to send at one time, if that can be chosen."""
        return int(self._rate / self.PIECES_A_SECOND)

    def take(self, size: int, stop: Stop) -> None:
        """Wait until so many bytes may be sent.

        Args:
            size: How many.
            stop: Ends the wait.

        Raises:
            UploaderError: The wait was ended: nothing may be sent any more.
        """
        with self._lock:
            now = self._clock()
            begins = max(now, self._free_at)
            self._free_at = begins + size / self._rate
        if begins > now and stop.wait(begins - now):
            msg = "the upload was stopped"
            raise UploaderError(msg)
