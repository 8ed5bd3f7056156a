"""Threads that work on items: how many, in which order they end, and that a wait can be interrupted."""

from __future__ import annotations

import signal
import threading
import time
from _thread import interrupt_main
from threading import Event, Thread, current_thread, main_thread
from typing import TYPE_CHECKING

import pytest

from uploader.threads.workers import Workers, for_each, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOON = 10.0


class OddError(Exception):
    """The error of the work below."""


def test_a_thread_that_cannot_be_started_is_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """And nobody waits for it to end."""
    monkeypatch.setattr(Thread, "start", lambda _: (_ for _ in ()).throw(RuntimeError("can't start new thread")))
    with pytest.raises(RuntimeError, match="can't start"):
        for_each([1], print, at_once=1)


def test_every_item_is_done_once_and_never_more_at_a_time_than_allowed() -> None:
    lock, gate = threading.Lock(), threading.Barrier(3)
    done: list[int] = []
    running = most = 0

    def work(item: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        gate.wait(SOON)  # three at a time, or this breaks
        with lock:
            running -= 1
            done.append(item)

    for_each(iter(range(9)), work, at_once=3)
    assert (sorted(done), most) == (list(range(9)), 3)


def test_items_are_taken_one_by_one() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(4):
            taken.append(item)
            yield item

    seen: list[list[int]] = []
    for_each(items(), lambda _: seen.append(list(taken)), at_once=1)
    assert [len(each) for each in seen] == [1, 2, 3, 4]


def test_no_item_is_no_work() -> None:
    for_each([], lambda _: pytest.fail("called"), at_once=3)


def test_the_first_failure_stops_the_rest_and_calls_in_progress_end_first() -> None:
    begun: list[int] = []
    under_way, stopped, ended = Event(), Event(), Event()

    def work(item: int) -> None:
        begun.append(item)
        if item == 0:
            under_way.wait(SOON)
            raise OddError(item)
        under_way.set()
        stopped.wait(SOON)
        ended.set()

    with pytest.raises(OddError):
        for_each(range(5), work, at_once=2, stop=stopped.set)
    assert sorted(begun) == [0, 1]
    assert ended.is_set()


def send_sigint() -> None:
    """Send the main thread a signal."""
    signal.pthread_kill(main_thread().ident or 0, signal.SIGINT)


def note_sigint() -> None:
    """Leave the signal as one that arrives just before the main thread waits: it is noted, and ends no wait."""
    time.sleep(0.1)  # now it waits
    interrupt_main()


@pytest.mark.parametrize("interrupted", [send_sigint, note_sigint], ids=["in the wait", "a moment before it"])
def test_an_interrupted_wait_ends_at_once_whatever_is_in_progress(interrupted: Callable[[], None]) -> None:
    begun, stopped, free = Event(), Event(), Event()
    items: list[int] = []

    def work(item: int) -> None:
        items.append(item)
        begun.set()
        free.wait(SOON)

    def interrupt() -> None:
        begun.wait(SOON)
        interrupted()

    Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        for_each(range(3), work, at_once=1, stop=stopped.set)
    assert stopped.is_set()
    free.set()
    for thread in threading.enumerate():
        if thread not in {current_thread(), main_thread()} and not thread.daemon:
            thread.join(SOON)
    assert items == [0]


def test_the_main_thread_makes_a_request_in_another_thread_and_others_in_their_own() -> None:
    assert run(current_thread) is not main_thread()
    threads: list[tuple[Thread, Thread]] = []
    aside = Thread(target=lambda: threads.append((run(current_thread), current_thread())))
    aside.start()
    aside.join()
    assert threads[0][0] is threads[0][1]


def test_the_error_of_a_request_is_raised() -> None:
    def fail() -> None:
        raise OddError

    with pytest.raises(OddError):
        run(fail)


def test_wait_raises_the_error_that_stop_was_given() -> None:
    free = Event()
    workers = Workers([1], lambda _: free.wait(SOON), at_once=1).start()
    with pytest.raises(TimeoutError):
        workers.wait(0)
    workers.stop(OddError())
    with pytest.raises(OddError):
        workers.wait()
    free.set()
    workers.join(SOON)
