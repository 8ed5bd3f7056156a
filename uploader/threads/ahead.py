"""Work that begins while the build is still being read. If it fails, the caller does the work again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

from uploader.clocks import seconds_passed
from uploader.errors import UploaderError
from uploader.threads.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Answer = TypeVar("Answer")
Value = TypeVar("Value")


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

    def answer(self, *, keep: bool = False) -> Answer | None:
        """Wait for the answer. None if the work failed, or if the answer was taken before: only one caller gets it.

        Args:
            keep: Leave the answer for another caller.
        """
        try:
            self._workers.wait()
        except UploaderError:
            return None
        return self.peek() if keep or not self._answers else self._answers.pop()

    def peek(self) -> Answer | None:
        """The answer if it is there already; None if it is not. It stays for `answer`."""
        answers = self._answers[:]
        return answers[0] if answers else None


class Awaited(Mapping[str, Value]):
    """The answers of work in progress, by name; empty if the work failed. Only who reads them waits for them."""

    def __init__(self, answer: Callable[[], dict[str, Value] | None]) -> None:
        """Prepare to wait.

        Args:
            answer: Waits for the answers, as `Ahead.answer`; called once, and not before anybody reads.
        """
        self._answer = answer
        self._found: dict[str, Value] | None = None

    def _answers(self) -> dict[str, Value]:
        if self._found is None:
            self._found = self._answer() or {}
        return self._found

    def __getitem__(self, name: str) -> Value:
        """An answer."""
        return self._answers()[name]

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._answers())

    def __len__(self) -> int:
        """How many there are."""
        return len(self._answers())
