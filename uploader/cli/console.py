"""A command's answer, on standard output; everything else goes to standard error."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from uploader.cli.colours import shaded
from uploader.cli.table import Table
from uploader.errors import StoppedError, UploaderError
from uploader.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from uploader.cli.output import OutputOptions
    from uploader.errors import NotWholeError

KILO = 1000


Answer = str | Table
"""A line, or a table. What is in it may come from the bucket; a `uploader.cli.colours.Shade` has a colour."""


def answer(output: OutputOptions, document: Mapping[str, Any], lines: Answer | Sequence[Answer], *, done: str) -> None:
    """Give a command's answer: the document under ``--json``, nothing under ``--quiet``, else the lines.

    Args:
        output: The user's choice.
        document: The answer for programs.
        lines: The answer for people: a line, a table, or several; see `say`.
        done: The state that is reached, for the error if the answer cannot be written.

    Raises:
        UploaderError: The answer cannot be written.
    """
    if output.as_json:
        write(as_json(document), done=done)
    elif not output.quiet:
        say(lines, done=done)


def answer_gone(output: OutputOptions, document: Mapping[str, Any], error: NotWholeError) -> None:
    """Give the answer of a command that missing assets of a release stop: the list of them; see `answer`."""
    gone = sorted(error.gone)
    answer(output, {**document, "gone": gone}, [f"gone {key}" for key in gone], done="nothing was changed")


def as_json(document: Mapping[str, Any]) -> str:
    """A document as one line in ASCII; it holds no control character either, of which JSON would allow one.

    Nor does it hold what a CI system takes for a command anywhere in a line; see `uploader.printable.printable`.
    """
    return json.dumps(document, default=str).replace("\x7f", "\\u007f").replace("##", "#\\u0023")


def say(lines: Answer | Sequence[Answer], *, done: str) -> None:
    """Write lines and tables for people, each line as `printable`, so that none can be forged; see `answer`."""
    parts = [lines] if isinstance(lines, Answer) else lines
    write("\n".join(line for part in parts for line in _shown(part)), done=done)


def _shown(part: Answer) -> list[str]:
    if isinstance(part, str):
        return [shaded(part, printable(part), sys.stdout)]
    if sys.stdout is None or not sys.stdout.isatty():
        return part.lines(sys.stdout)
    from shutil import get_terminal_size  # noqa: PLC0415 (5 ms, and a pipe has no width)

    return part.lines(sys.stdout, get_terminal_size().columns)


def plain(parts: Sequence[Answer]) -> list[str]:
    """Lines and tables as a pipe gets them."""
    return [line for part in parts for line in (part.lines() if isinstance(part, Table) else [part])]


def write(text: str, *, done: str) -> None:
    """Write a text of our own on standard output, as it is and at once; see `answer`."""
    try:
        if sys.stdout is None:
            reason = "it is closed"
        else:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
            return
    except KeyboardInterrupt as error:
        raise StoppedError(done, done=True) from error
    except OSError as error:
        reason = error.strerror or str(error)
        # Without this the interpreter tries once more when it ends, and prints a message of its own.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    msg = f"{done}, but the answer could not be written to standard output ({reason})"
    raise UploaderError(msg)


def readable(size: float) -> str:
    """A number of bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < KILO or unit == "GB":
            break
        size /= KILO
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
