"""SIGTERM, as CI systems send it to a job that is cancelled: the same as Ctrl-C, but for the exit code."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True)
class Ending:
    """How the process is being ended, if it is.

    Attributes:
        terminated: By SIGTERM.
    """

    terminated: bool = False


@contextmanager
def terminate_as_interrupt() -> Iterator[Ending]:
    """Let SIGTERM raise `KeyboardInterrupt`, as Ctrl-C does."""
    ending = Ending()

    def interrupt(_number: int, _frame: object) -> None:
        ending.terminated = True
        # A shell starts what runs in its background with SIGINT ignored; it would be ignored from ourselves too.
        if not callable(signal.getsignal(signal.SIGINT)):
            signal.signal(signal.SIGINT, signal.default_int_handler)
        # By way of SIGINT, because asyncio handles that: the running requests are cancelled first.
        signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGTERM)
    if before is signal.SIG_IGN:
        yield ending
        return
    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield ending
    finally:
        signal.signal(signal.SIGTERM, before)
