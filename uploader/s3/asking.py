"""Sends one request: again after a passing error; any other error is one line."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol, TypeVar

from uploader.aws.refusals import explain_s3
from uploader.errors import UploaderError, is_panic
from uploader.s3.errors import NO_CODE, AnswerError, code_of, passes
from uploader.s3.port import always

if TYPE_CHECKING:
    from collections.abc import Callable

    from uploader.s3.connection import Connection

Answer = TypeVar("Answer")

PAUSES = (0.2, 1.0, 4.0)
"""Seconds before a request is repeated after a passing error.

obstore repeats only idempotent requests, and only until an answer begins. All of our requests may be repeated.
"""


def _nothing(_error: Exception) -> bool:
    """Expect no error."""
    return False


class Ask(Protocol):
    """Sends a request; see `Asking`."""

    def __call__(  # noqa: D102
        self,
        action: str,
        key: str,
        ask: Callable[[], Answer],
        in_time: Callable[[], bool] = always,
        expected: Callable[[Exception], bool] = ...,
    ) -> Answer: ...


class Asking:
    """An `Ask` for one bucket."""

    def __init__(self, connection: Connection) -> None:
        self._access = connection.access
        self._errors: tuple[type[Exception], ...] = (AnswerError, *connection.errors)

    def __call__(
        self,
        action: str,
        key: str,
        ask: Callable[[], Answer],
        in_time: Callable[[], bool] = always,
        expected: Callable[[Exception], bool] = _nothing,
    ) -> Answer:
        """Send a request, again after a passing error; any other error becomes one line with cause and remedy.

        An error that the caller expects is raised as it is.
        """
        pauses = iter(PAUSES)
        while True:
            try:
                return ask()
            except self._errors as error:
                pause = next(pauses, None) if passes(error) else None
                if pause is not None:
                    time.sleep(pause)
                if pause is None or not in_time():  # the machine may have been suspended meanwhile
                    if expected(error):
                        raise
                    raise explain_s3(self._access, action, key, code_of(error), str(error)) from error
            except BaseException as error:
                if is_panic(error):
                    raise explain_s3(self._access, action, key, NO_CODE, f"obstore panicked: {error}") from error
                raise


def refusal(error: UploaderError) -> str:
    """Why S3 refuses something for good.

    Raises:
        UploaderError: It does not; the same request may succeed in a moment.
    """
    cause = error.__cause__
    if not isinstance(cause, Exception) or passes(cause):
        raise error
    return str(error)
