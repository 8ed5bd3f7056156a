"""A command's answer, on standard output; everything else goes to standard error."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from uploader.cli.colours import heading
from uploader.errors import StoppedError, UploaderError
from uploader.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from uploader.cli.output import OutputOptions
    from uploader.errors import NotWholeError

KILO = 1000


class Heading(str):
    """The first line of a table."""

    __slots__ = ()


def answer(output: OutputOptions, document: Mapping[str, Any], lines: str | Sequence[str], *, done: str) -> None:
    """Give a command's answer: the document under ``--json``, nothing under ``--quiet``, else the lines.

    Args:
        output: The user's choice.
        document: The answer for programs.
        lines: The answer for people: a line, or several. What is in one may come from the bucket; see `say`.
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
    """A document as one line in ASCII; it holds no control character either, of which JSON would allow one."""
    return json.dumps(document, default=str).replace("\x7f", "\\u007f")


def say(lines: str | Sequence[str], *, done: str) -> None:
    """Write a line, or several, for people: each as `printable`, so that none can be forged; see `answer`."""
    written = [lines] if isinstance(lines, str) else lines
    write("\n".join(_printed(line) for line in written), done=done)


def _printed(line: str) -> str:
    return heading(printable(line), sys.stdout) if isinstance(line, Heading) else printable(line)


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


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table for people: aligned columns, two spaces between them, no cell cut."""
    lines = [tuple(columns), *(tuple(map(printable, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    head, *rest = (
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
    return [Heading(head), *rest]


def readable(size: float) -> str:
    """A number of bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < KILO or unit == "GB":
            break
        size /= KILO
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
