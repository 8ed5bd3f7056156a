"""The errors of this package, and the one place that maps them to exit codes."""

from __future__ import annotations

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


class UploaderError(Exception):
    """The upload failed: no marker was written. The message is one line that says what to do next."""

    exit_code = EXIT_FAILED


class UsageError(UploaderError):
    """The command asks for something that cannot be: nothing was read from the bucket, nothing written."""

    exit_code = EXIT_USAGE
