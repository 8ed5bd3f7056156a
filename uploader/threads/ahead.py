"""Work that is done while the build is still being looked at. Whoever gets no answer from it does it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from uploader.clocks import seconds_passed
from uploader.errors import UploaderError
from uploader.threads.workers import Workers

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
        self._answers: list[Answer] = []
        # The process does not wait for it, should it end before.
        self._workers = Workers([work], lambda each: self._answers.append(each()), at_once=1, daemon=True).start()

    def answer(self) -> Answer | None:
        """Wait for the answer, which is handed over; None if it failed, or was handed over before."""
        try:
            self._workers.wait()
        except UploaderError:
            return None
        return self._answers.pop() if self._answers else None
