"""Ctrl-C, SIGTERM and a closed terminal end the steps, once; nothing ends the removal."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class EndEarly(BaseException):
    """The person or the machine wants us to end. The message names the signal."""


class Interrupts:
    """The state of the signals.

    Attributes:
        removing: Whether the removal has begun: from then on a signal is only told about.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.removing = False
        self._say, self._raised = say, False

    def came(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal: the first one is an exception."""
        name = signal.Signals(number).name
        if self.removing or self._raised:
            self._say(f"{name}: the removal goes on, or things that cost money would be left")
            return
        self._raised = True
        raise EndEarly(name)


@contextmanager
def interrupts(say: Callable[[str], None]) -> Iterator[Interrupts]:
    """Handle the signals within ``with``."""
    state = Interrupts(say)
    before = {number: signal.signal(number, state.came) for number in SIGNALS}
    try:
        yield state
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
