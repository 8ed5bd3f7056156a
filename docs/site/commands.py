"""A page for each command, made from the help that click shows, as the manual pages are."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from docs.tables.command_help import every_help

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docs.tables.command_help import CommandHelp, OptionHelp

FOLDER = "commands"


def pages() -> dict[str, str]:
    """Page of the site -> its Markdown."""
    return {f"{FOLDER}/{each.name}.md": "\n".join([*_page(each), ""]) for each in every_help() if each.name}


def with_links(overview: str) -> str:
    """The overview of the commands, with a link to the page of each beneath its heading."""
    return re.sub(
        r"^## `([a-z]+)`$",
        lambda found: f"{found[0]}\n\n[Every option of `{found[1]}`]({FOLDER}/{found[1]}.md)",
        overview,
        flags=re.MULTILINE,
    )


def _page(command: CommandHelp) -> Iterator[str]:
    yield f"# {command.name}"
    yield ""
    yield _text(command.summary)
    for paragraph in command.text:
        yield ""
        yield _text(paragraph)
    yield from ("", "```text", f"{command.path} {command.usage}", "```", "")
    yield f"What it answers, and which rights it needs: [Commands](../commands.md#{command.name})."
    for example in command.examples:
        yield from ("", f"## {example.title}", "", "```console")
        yield from (f"$ {line}" if line.startswith("python ") else line for line in example.lines)
        yield "```"
    yield from ("", "## Options", "")
    for option in command.options:
        yield from _option(option)
    yield from ("## Exit status", "", _text(command.exit_status))


def _option(option: OptionHelp) -> Iterator[str]:
    yield f"`{option.names}`"
    variable = "" if option.variable is None else f" Environment variable: `{option.variable}`."
    yield f":   {_text(option.text)}{variable}"
    yield ""


def _text(text: str) -> str:
    """A text in which nothing is Markdown but words in backticks."""
    parts = re.split(r"(`[^`]+`)", text)
    parts[::2] = [re.sub(r"([\\*_\[\]#])", r"\\\1", escape(part, quote=False)) for part in parts[::2]]
    return "".join(parts)
