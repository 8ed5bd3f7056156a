"""The manual pages: ``uploader(1)``, and one for each command, made from the help that click shows.

click-man, the library for this, knows neither our commands, which are imported when they are needed, nor the end of a
help text, and leaves it to groff to take a line that begins with a dot for a request.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from uploader.about import VERSION, WRITER
from uploader.cli.entry import main
from uploader.cli.group import COMMANDS, load

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).resolve().parents[1] / "man"


def pages() -> dict[Path, str]:
    """File -> manual page."""
    contexts = [click.Context(main, info_name="uploader")]
    contexts += [click.Context(load(name), info_name=name, parent=contexts[0]) for name in COMMANDS]
    return {FOLDER / f"{_name(context)}.1": "\n".join([*_page(context), ""]) for context in contexts}


def _name(context: click.Context) -> str:
    return context.command_path.replace(" ", "-")


def _page(context: click.Context) -> Iterator[str]:
    name, command = _name(context), context.command
    first, *rest = _paragraphs(command.help or "")
    yield f'.TH "{_text(name.upper())}" "1" "" "{WRITER} {VERSION}" "{WRITER}"'
    yield ".SH NAME"
    yield f"{_text(name)} \\- {_text(first.rstrip('.'))}"
    yield ".SH SYNOPSIS"
    yield f"\\fB{_text(context.command_path)}\\fR {_text(' '.join(command.collect_usage_pieces(context)))}"
    examples = [each for each in rest if each.startswith("\b")]
    yield ".SH DESCRIPTION"
    for paragraph in [first, *(each for each in rest if each not in examples)]:
        yield ".PP"
        yield _text(" ".join(paragraph.split()))
    options = [each for each in command.get_params(context) if isinstance(each, click.Option)]
    yield ".SH OPTIONS"
    for option in options:
        yield from _option(option, context)
    if isinstance(command, click.Group):
        yield ".SH COMMANDS"
        for each in COMMANDS:
            yield ".TP"
            yield f"\\fBuploader\\-{_text(each)}\\fR(1)"
            yield _text(_paragraphs(load(each).help or "")[0])
    for example in examples:
        title, *lines = example.removeprefix("\b\n").splitlines()
        yield f".SH {title.rstrip(':').upper()}"
        yield ".nf"
        yield from (_text(line.strip().replace("python -m uploader", "uploader")) for line in lines)
        yield ".fi"
    yield ".SH EXIT STATUS"
    yield _text((command.epilog or "").removeprefix("Exit status: "))
    if context.parent is not None:
        yield ".SH SEE ALSO"
        yield "\\fBuploader\\fR(1)"


def _option(option: click.Option, context: click.Context) -> Iterator[str]:
    record = option.get_help_record(context)
    if record is None:
        return
    names, text = record
    yield ".TP"
    yield f"\\fB{_text(names)}\\fR"
    yield _text(re.sub(r"\s+", " ", text))
    if option.envvar is not None:
        yield f"The environment variable is {_text(str(option.envvar))}."


def _paragraphs(text: str) -> list[str]:
    return inspect.cleandoc(text).split("\n\n")


def _text(text: str) -> str:
    """A text in which nothing is a request of groff's. A word in backticks is bold."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    bold = re.sub(r"`([^`]+)`", r"\\fB\1\\fR", escaped)
    return f"\\&{bold}" if bold.startswith(".") else bold
