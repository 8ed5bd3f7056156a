"""Work that begins while the build is still being read. If it fails, the caller does the work again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from uploader.clocks import seconds_passed
from uploader.errors import UploaderError
from uploader.threads.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")


class Ahead(Generic[Answer]):
    """Work in progress, in a thread of its own.

    Attributes:
        began: When it began, on `uploader.clocks.seconds_passed`.
    """

    def __init__(self, work: Callable[[], Answer]) -> None:
        self.began = seconds_passed()
        self._answers: list[Answer] = []
        # A daemon: the process can end before this work does.
        self._workers = Workers([work], lambda each: self._answers.append(each()), at_once=1, daemon=True).start()

    def answer(self) -> Answer | None:
        """Wait for the answer. None if the work failed, or if the answer was taken before: only one caller gets it."""
        try:
            self._workers.wait()
        except UploaderError:
            return None
        return self._answers.pop() if self._answers else None

    def peek(self) -> Answer | None:
        """The answer if it is there already; None if it is not. It stays for `answer`."""
        answers = self._answers[:]
        return answers[0] if answers else None
