"""Ctrl-C, and SIGTERM, which CI systems send to a cancelled job: both do the same, with different exit codes.

What happens then:

1. `KeyboardInterrupt` is raised in the main thread, wherever it is.
2. A wait for S3 ends at once (`uploader.threads.workers`): no further request begins, and the upload of a file in parts
   is aborted.
3. The intent is withdrawn (`uploader.protocol.intent`), unless S3 has not said whether the marker was written. Whoever
   knows more than "no marker was written" raises `uploader.errors.StoppedError`.
4. `uploader.cli.entry` prints one line and ends with 130, or 143 after SIGTERM.

While ``run`` waits for its command, it passes both on to the command instead (`uploader.cli.child_process`).
"""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from threading import Event, Thread, get_ident
from time import sleep
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

AGAIN_SECONDS = 0.01
"""How long after a lost interrupt to send another: by then the main thread runs other code."""


class Ending:
    """Which signal ends the process.

    Attributes:
        terminated: Whether SIGTERM does.
    """

    terminated = False


@contextmanager
def terminate_as_interrupt() -> Iterator[Ending]:
    """Let SIGTERM raise `KeyboardInterrupt`, as Ctrl-C does, and let neither be lost."""
    ending = Ending()

    def interrupt(_number: int, _frame: object) -> None:
        ending.terminated = True
        raise KeyboardInterrupt

    before, hook = signal.getsignal(signal.SIGTERM), sys.unraisablehook

    def raise_again(unraisable: sys.UnraisableHookArgs) -> None:
        # Python drops an exception that is raised in the callback of a weak reference, and every import creates some.
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            _interrupt_soon(signal.SIGTERM if ending.terminated else signal.SIGINT)
        elif not issubclass(unraisable.exc_type, MemoryError):  # which the command itself meets too, and says
            hook(unraisable)

    sys.unraisablehook = raise_again
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGTERM, interrupt)
    try:
        yield ending
    finally:
        signal.signal(signal.SIGTERM, before)
        sys.unraisablehook = hook


def _interrupt_soon(number: signal.Signals) -> None:
    left, main = Event(), get_ident()  # only the main thread is interrupted

    def send() -> None:
        # Until the main thread has left the hook, an interrupt would be lost there too.
        left.wait()
        sleep(AGAIN_SECONDS)
        # A real signal, sent to that thread: nothing else wakes it while it waits.
        signal.pthread_kill(main, number)

    Thread(target=send, daemon=True).start()
    left.set()
