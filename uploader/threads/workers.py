"""Requests side by side, in threads: obstore blocks without noticing
signals; waiting in our own thread can be interrupted.

asyncio would take 20 ms to load, and half as much CPU time again for each request.
"""

from __future__ import annotations

import time
from threading import Event, Lock, Thread, current_thread, main_thread
from typing import TYPE_CHECKING, Generic, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Answer = TypeVar("Answer")
Item = TypeVar("Item")

SETTLE_SECONDS = 5
"""After a failure: how long the requests in progress may take to end."""

LOOK_SECONDS = 0.2
"""How often a wait wakes up, so that a signal that arrived just before it began is still noticed."""


def run(request: Callable[[], Answer]) -> Answer:
    """Make a request. Ctrl-C and SIGTERM end the wait for the answer; the request itself may continue.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM.
        Exception: What the request raised.
    """
    if current_thread() is not main_thread():  # signals are for the main thread only
        return request()
    answers: list[Answer] = []
    for_each([request], lambda each: answers.append(each()), at_once=1)
    return answers[0]


def for_each(
    items: Iterable[Item], work: Callable[[Item], object], *, at_once: int, stop: Callable[[], object] = lambda: None
) -> None:
    """Do work on each item, and wait until all of it is done.

    Args:
        items: The items.
        work: Called with each item.
        at_once: How many items are worked on at one time, at most.
        stop: Called after a failure or an interrupt: stops the calls in progress, as far as they can be stopped.

    Raises:
        KeyboardInterrupt: The wait was interrupted. No further item is begun; calls in progress may continue.
        Exception: What the first failed call raised. The other calls have ended, or take longer than `SETTLE_SECONDS`.
    """
    workers = Workers(items, work, at_once=at_once)
    try:
        workers.start().wait()
    except Exception:
        stop()
        workers.join(SETTLE_SECONDS)
        raise
    except BaseException:
        workers.stop()
        stop()
        raise


class Workers(Generic[Item]):
    """Threads that work on items, a limited number at a time. The first failure stops them."""

    def __init__(
        self, items: Iterable[Item], work: Callable[[Item], object], *, at_once: int, daemon: bool = False
    ) -> None:
        """Prepare the threads; none is started yet.

        Args:
            items: The items.
            work: Called with each item.
            at_once: How many threads there are, at most.
            daemon: The process can end before the threads do.
        """
        self._left = iter(items)
        self._work = work
        self._lock = Lock()
        self._ended = Event()
        self._error: BaseException | None = None
        self._running = 0
        self._at_once = at_once
        self._daemon = daemon
        self._threads: list[Thread] = []

    def start(self) -> Self:
        """Start the threads; returns itself."""
        self._running += 1  # this thread, until all others are started
        for _ in range(self._at_once):
            first = self._next()
            if first is None:
                break
            thread = Thread(target=self._go_on, args=first, daemon=self._daemon)
            with self._lock:
                self._running += 1
            self._threads.append(thread)
            thread.start()
        self._leave()
        return self

    def wait(self, seconds: float | None = None) -> None:
        """Wait until all items are done.

        Raises:
            TimeoutError: It took longer than `seconds`.
            Exception: What the first failed call raised, or the error that `stop` was given.
        """
        if seconds is None:
            while not self._ended.wait(LOOK_SECONDS):
                pass
        elif not self._ended.wait(seconds):
            raise TimeoutError
        if self._error is not None:
            raise self._error

    def stop(self, error: BaseException | None = None) -> None:
        """Begin no further item, and end every `wait` although calls are in progress.

        Args:
            error: What `wait` raises, if no call failed before.
        """
        self._error = self._error or error
        self._ended.set()

    def join(self, seconds: float) -> None:
        """Wait until the calls in progress have ended, but no longer than this."""
        until = time.monotonic() + seconds
        for thread in self._threads:
            if thread.ident is not None:  # the operating system could start it
                thread.join(max(0.0, until - time.monotonic()))

    def _go_on(self, item: Item) -> None:
        try:
            self._work(item)
            while (more := self._next()) is not None:
                self._work(more[0])
        except BaseException as error:  # noqa: BLE001 (`wait` raises it)
            self.stop(error)
        self._leave()

    def _next(self) -> tuple[Item] | None:
        with self._lock:
            if self._ended.is_set():
                return None
            for item in self._left:
                return (item,)
        return None

    def _leave(self) -> None:
        with self._lock:
            self._running -= 1
            last = not self._running
        if last:
            self._ended.set()
