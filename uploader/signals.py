"""SIGTERM, as CI systems send it to a job that is cancelled: the same as Ctrl-C, but for the exit code."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Ending:
    """How the process is being ended, if it is.

    Attributes:
        terminated: By SIGTERM.
    """

    terminated = False


@contextmanager
def terminate_as_interrupt() -> Iterator[Ending]:
    """Let SIGTERM raise `KeyboardInterrupt`, as Ctrl-C does."""
    ending = Ending()

    def interrupt(_number: int, _frame: object) -> None:
        ending.terminated = True
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGTERM)
    if before is signal.SIG_IGN:
        yield ending
        return
    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield ending
    finally:
        signal.signal(signal.SIGTERM, before)
