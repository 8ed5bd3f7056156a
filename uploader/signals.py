"""SIGTERM, as CI systems send it to a job that is cancelled: the same as Ctrl-C, but for the exit code."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Iterator


Answer = TypeVar("Answer")


SETTLE_SECONDS = 0.05
"""How long what is cancelled may take to end, in the library's own threads."""


def run_requests(requests: Coroutine[Any, Any, Answer]) -> Answer:
    """Run requests to their end; Ctrl-C and SIGTERM cancel them.

    Raises:
        KeyboardInterrupt: They were cancelled.
        Exception: What the first of them raised that failed.
    """
    import asyncio  # noqa: PLC0415 (the help and a wrong option do without it)

    async def run() -> Answer:
        try:
            return await requests
        except BaseException:
            # Those beside it are cancelled. An answer that comes at this very moment must still find the loop open.
            await asyncio.sleep(SETTLE_SECONDS)
            raise

    try:
        return asyncio.run(run())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    except ExceptionGroup as group:  # of those that ran side by side the first that failed stopped the rest
        raise _first(group) from None


def _first(error: Exception) -> Exception:
    return _first(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


def _cancel(loop: asyncio.AbstractEventLoop) -> None:
    import asyncio  # noqa: PLC0415 (as above)

    for task in asyncio.all_tasks(loop):
        task.cancel()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    """The loop of this thread; nothing is imported for it, because a signal may come in the midst of an import."""
    find: Callable[[], asyncio.AbstractEventLoop] | None = getattr(sys.modules.get("asyncio"), "get_running_loop", None)
    try:
        return None if find is None else find()
    except RuntimeError:
        return None


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
        # By way of SIGINT, because asyncio handles that: the running requests are cancelled first.
        if callable(signal.getsignal(signal.SIGINT)):
            signal.raise_signal(signal.SIGINT)
            return
        # A shell starts what runs in its background with SIGINT ignored, and asyncio leaves it so. An exception in the
        # midst of its own code could leave it waiting for ever.
        loop = _running_loop()
        if loop is None:
            raise KeyboardInterrupt
        loop.call_soon_threadsafe(_cancel, loop)

    before = signal.getsignal(signal.SIGTERM)
    if before is signal.SIG_IGN:
        yield ending
        return
    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield ending
    finally:
        signal.signal(signal.SIGTERM, before)
