"""The errors of this package, and the one place that maps them to exit codes."""

from __future__ import annotations

import signal

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_SIGNAL = 128
"""What shells add to the number of the signal that ended a command."""
EXIT_INTERRUPTED = EXIT_SIGNAL + signal.SIGINT
EXIT_TERMINATED = EXIT_SIGNAL + signal.SIGTERM

EXIT_STATUSES = {
    EXIT_DONE: "done",
    EXIT_FAILED: "failed (what was live is unchanged, unless the message says otherwise)",
    EXIT_USAGE: "wrong usage",
    EXIT_INTERRUPTED: "interrupted",
    EXIT_TERMINATED: "terminated",
}
"""Exit status -> its meaning, for every command but the exit status of the command that `run` ran."""

EXIT_STATUS = f"Exit status: {', '.join(f'{code} {meaning}' for code, meaning in EXIT_STATUSES.items())}."
"""The last line of each command's help; also in ``docs/ci.md``."""

EXIT_STATUS_OF_READING = (
    "Exit status: 0 all is well, 1 something is wrong, or it failed, 2 wrong usage, 130 interrupted, 143 terminated. "
    "Nothing is written."
)
"""The same for commands that only read."""


class UploaderError(Exception):
    """An operation failed, and what was live is unchanged. The message is one line that says what to do next."""

    exit_code = EXIT_FAILED


class UsageError(UploaderError):
    """The command is wrong. Nothing was read from the bucket, and nothing was written."""

    exit_code = EXIT_USAGE


class RequestError(UploaderError):
    """A service refused a request, or did not answer.

    Attributes:
        action: The action, as IAM calls it: ``s3:PutObject``.
        target: What it was asked of: ``s3://bucket/key``.
        code: The service's error code; empty if no answer came.
        cause: What happened.
        remedy: What to do; empty if the cause says it.
    """

    def __init__(self, *, action: str, target: str, code: str, cause: str, remedy: str) -> None:
        super().__init__(f"{cause}: {remedy}" if remedy else cause)
        self.action = action
        self.target = target
        self.code = code
        self.cause = cause
        self.remedy = remedy


class RequestUsageError(RequestError, UsageError):
    """A service refused a request because the command was wrong."""


class NotWholeError(UploaderError):
    """Some of the release's assets are gone, so it cannot be activated, pinned or rolled back to. Nothing was changed.

    Attributes:
        gone: The keys of those assets.
    """

    def __init__(self, message: str, gone: frozenset[str]) -> None:
        super().__init__(message)
        self.gone = gone


class TakenError(UploaderError):
    """Somebody has stored another object since this upload looked, where it was about to store a file."""


class NotPlacedError(UploaderError):
    """A release is current, and not all of its pages are in place."""


class NotActivatedError(UploaderError):
    """A release was rolled out and could not be made current: production serves it, its assets are kept for a while.

    Attributes:
        release_id: The staged release.
        why: What went wrong.
    """

    def __init__(self, release_id: str, why: str) -> None:
        super().__init__(f"{release_id} was rolled out, but is not current yet ({why}): activate it")
        self.release_id = release_id
        self.why = why


class StoppedError(KeyboardInterrupt):
    """Ctrl-C or SIGTERM when the usual "no marker was written" would be wrong or too little.

    Attributes:
        done: Whether the interrupt came too late: the command had already finished its work.
        is_current: Whether the release is current, and something is left to do.
    """

    def __init__(self, message: str, *, done: bool = False, is_current: bool = False) -> None:
        super().__init__(message)
        self.done = done
        self.is_current = is_current


def is_panic(error: BaseException) -> bool:
    """Whether a native library panicked. pyo3 raises a `BaseException` then, of a class that no module exports."""
    return type(error).__name__ == "PanicException"
