"""The one place that maps errors to a line for people and to an exit code."""

from __future__ import annotations

import errno
import traceback
from pathlib import Path

import click

from uploader.aws.access import first_line
from uploader.errors import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_TERMINATED,
    StoppedError,
    UploaderError,
    UsageError,
)


def complaint(error: BaseException, *, terminated: bool) -> tuple[str, int]:
    """The line about an error, and the exit code.

    Args:
        error: What ended the command.
        terminated: Whether SIGTERM was the reason, if it is a `KeyboardInterrupt`.
    """
    match error:
        case UploaderError():
            return f"{'wrong usage: ' if isinstance(error, UsageError) else ''}{error}", error.exit_code
        case click.ClickException():
            where: click.Context | None = getattr(error, "ctx", None)
            path = where.command_path if where is not None else "python -m uploader"
            line = error.format_message().rstrip(".").replace("\n\t", " ")
            if line.endswith("requires an argument"):
                line += " (is a variable empty?)"
            return f"wrong usage: {line}; see {path} --help", error.exit_code
        case KeyboardInterrupt():
            rest = str(error) if isinstance(error, StoppedError) else "no marker was written; run again to finish"
            line = f"{'terminated' if terminated else 'interrupted'}: {rest}"
            return line, EXIT_TERMINATED if terminated else EXIT_INTERRUPTED
        case OSError(errno=errno.EMFILE | errno.ENFILE):
            return "too many open files: raise the limit (ulimit -n), or lower --concurrency", EXIT_FAILED
        case OSError():
            return f"{error.filename or 'standard output'}: {error.strerror or first_line(error)}", EXIT_FAILED
    return _unexpected(error), EXIT_FAILED


def _unexpected(error: BaseException) -> str:
    """An error that no part of the program foresees: a limit of the machine, or a bug."""
    line = first_line(error)
    if isinstance(error, MemoryError) or "start new thread" in line:
        return f"out of memory or threads ({line or 'no more memory'}): raise the limit (ulimit)"
    if isinstance(error, ImportError):
        return f"a library cannot be loaded ({line}): install the package again, or raise the memory limit (ulimit)"
    frame = next(reversed(traceback.extract_tb(error.__traceback__)), None)
    where = f" at {Path(frame.filename).name}:{frame.lineno}" if frame else ""
    return f"unexpected {type(error).__name__}{where} ({line}): please report it, with the output of --verbose"
