"""The manual pages: ``uploader(1)``, and one for each command, made from the help that click shows.

click-man, the library for this, knows neither our commands, which are imported when they are needed, nor the end of a
help text, and leaves it to groff to take a line that begins with a dot for a request.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from docs.tables.command_help import every_help, summaries
from uploader.about import VERSION, WRITER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docs.tables.command_help import CommandHelp

FOLDER = Path(__file__).resolve().parents[1] / "man"


def pages() -> dict[Path, str]:
    """File -> manual page."""
    return {FOLDER / f"{_name(command)}.1": "\n".join([*_page(command), ""]) for command in every_help()}


def _name(command: CommandHelp) -> str:
    return command.path.replace(" ", "-")


def _page(command: CommandHelp) -> Iterator[str]:
    name = _name(command)
    yield f'.TH "{_text(name.upper())}" "1" "" "{WRITER} {VERSION}" "{WRITER}"'
    yield ".SH NAME"
    yield f"{_text(name)} \\- {_text(command.summary.rstrip('.'))}"
    yield ".SH SYNOPSIS"
    yield f"\\fB{_text(command.path)}\\fR {_text(command.usage)}"
    yield ".SH DESCRIPTION"
    for paragraph in (" ".join(command.summary.split()), *command.text):
        yield ".PP"
        yield _text(paragraph)
    yield ".SH OPTIONS"
    for option in command.options:
        yield ".TP"
        yield f"\\fB{_text(option.names)}\\fR"
        yield _text(option.text)
        if option.variable is not None:
            yield f"The environment variable is {_text(option.variable)}."
    if not command.name:
        yield ".SH COMMANDS"
        for each, summary in summaries().items():
            yield ".TP"
            yield f"\\fBuploader\\-{_text(each)}\\fR(1)"
            yield _text(summary)
    for example in command.examples:
        yield f".SH {example.title.upper()}"
        yield ".nf"
        yield from (_text(line.replace("python -m uploader", "uploader")) for line in example.lines)
        yield ".fi"
    yield ".SH EXIT STATUS"
    yield _text(command.exit_status)
    if command.name:
        yield ".SH SEE ALSO"
        yield "\\fBuploader\\fR(1)"


def _text(text: str) -> str:
    """A text in which nothing is a request of groff's. A word in backticks is bold."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    bold = re.sub(r"`([^`]+)`", r"\\fB\1\\fR", escaped)
    return f"\\&{bold}" if bold.startswith(".") else bold
