"""Requests that are made while the build is still being looked at. Whoever gets no answer from them asks again."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from uploader.clocks import seconds_passed
from uploader.errors import UploaderError
from uploader.signals import run_requests

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

Answer = TypeVar("Answer")


class Ahead(Generic[Answer]):
    """Requests on their way.

    Attributes:
        began: Before the first of them was made, by `uploader.clocks.seconds_passed`.
    """

    def __init__(self, ask: Callable[[], Coroutine[Any, Any, Answer]]) -> None:
        self.began = seconds_passed()
        self._ask = ask
        self._answer: Answer | None = None
        # The process does not wait for it, should it end before.
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def answer(self) -> Answer | None:
        """Wait for the answer; None if they failed."""
        self._thread.join()
        return self._answer

    def _run(self) -> None:
        try:
            self._answer = run_requests(self._ask())
        except UploaderError:
            return
