"""Requests side by side, in threads: obstore's own waits cannot be interrupted, and those of ours can.

Not asyncio: that costs 20 ms to load, and half as much again of processor time for each request.
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
"""How long what is still under way may take to end, once something failed."""

LOOK_SECONDS = 0.2
"""How often a wait looks up: a signal that came a moment before the wait began does not end it, and is seen then."""


def run(request: Callable[[], Answer]) -> Answer:
    """Make a request; Ctrl-C and SIGTERM end the wait for it, whatever becomes of it.

    Raises:
        KeyboardInterrupt: They did.
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
    """Do work on each item, and wait for its end.

    Args:
        items: On what.
        work: What is done on each.
        at_once: How many at a time, at most.
        stop: Called if it does not come to its end: stops what can be stopped of what is under way.

    Raises:
        KeyboardInterrupt: The wait was interrupted. Nothing else is begun; what is under way may go on.
        Exception: What the first raised that failed. The others have ended, or take longer than `SETTLE_SECONDS`.
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
    """Threads at work on items, as many at a time as are allowed. The first failure stops them."""

    def __init__(
        self, items: Iterable[Item], work: Callable[[Item], object], *, at_once: int, daemon: bool = False
    ) -> None:
        """Begin nothing yet.

        Args:
            items: On what.
            work: What is done on each.
            at_once: How many threads there are at most.
            daemon: The process need not wait for them to end.
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
        """Begin; returns itself."""
        self._running += 1  # this one, until all are started
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
        """Wait until all is done.

        Raises:
            TimeoutError: That took longer.
            Exception: What the first raised that failed, or what they were stopped with.
        """
        if seconds is None:
            while not self._ended.wait(LOOK_SECONDS):
                pass
        elif not self._ended.wait(seconds):
            raise TimeoutError
        if self._error is not None:
            raise self._error

    def stop(self, error: BaseException | None = None) -> None:
        """Begin nothing else, and let nobody wait for what is under way.

        Args:
            error: What those who wait get, if nothing failed before.
        """
        self._error = self._error or error
        self._ended.set()

    def join(self, seconds: float) -> None:
        """Wait until what is under way has ended, but not for ever."""
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _go_on(self, item: Item) -> None:
        try:
            self._work(item)
            while (more := self._next()) is not None:
                self._work(more[0])
        except BaseException as error:  # noqa: BLE001 (it is raised where all this is waited for)
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
