"""Work that is done while the build is still being looked at. Whoever gets no answer from it does it again."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING, Generic, TypeVar

from uploader.clocks import seconds_passed
from uploader.errors import UploaderError

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")


class Ahead(Generic[Answer]):
    """Work on its way, in a thread of its own.

    Attributes:
        began: Before it was begun, by `uploader.clocks.seconds_passed`.
    """

    def __init__(self, work: Callable[[], Answer]) -> None:
        self.began = seconds_passed()
        self._work = work
        self._answer: Answer | None = None
        # The process does not wait for it, should it end before.
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def answer(self) -> Answer | None:
        """Wait for the answer; None if it failed."""
        self._thread.join()
        return self._answer

    def _run(self) -> None:
        try:
            self._answer = self._work()
        except UploaderError:
            return
