"""The help of each command, as click has it: the manual pages and the pages of the site are made of it."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from uploader.cli.entry import main
from uploader.cli.group import COMMANDS, load

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class OptionHelp:
    """An option's names, with the name of its value; its text; and its environment variable, if it has one."""

    names: str
    text: str
    variable: str | None


@dataclass(frozen=True, slots=True)
class Example:
    """A block of examples: its title, and its lines."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CommandHelp:
    """What the help of a command says.

    Attributes:
        name: The command; empty for the program itself.
        path: How it is called, with its program: ``uploader run``.
        summary: Its first sentence.
        usage: Its arguments.
        text: The paragraphs after the summary.
        options: Its options.
        examples: Its examples.
        exit_status: Its exit statuses.
    """

    name: str
    path: str
    summary: str
    usage: str
    text: tuple[str, ...]
    options: tuple[OptionHelp, ...]
    examples: tuple[Example, ...]
    exit_status: str


def every_help() -> list[CommandHelp]:
    """The help of the program, and then of each command."""
    program = click.Context(main, info_name="uploader")
    commands = (click.Context(load(name), info_name=name, parent=program) for name in COMMANDS)
    return [_help(program), *map(_help, commands)]


def summaries() -> dict[str, str]:
    """Command -> its first sentence."""
    return {name: _paragraphs(load(name).help or "")[0] for name in COMMANDS}


def _help(context: click.Context) -> CommandHelp:
    command = context.command
    first, *rest = _paragraphs(command.help or "")
    examples = [each for each in rest if each.startswith("\b")]
    return CommandHelp(
        name="" if context.parent is None else str(context.info_name),
        path=context.command_path,
        summary=first,
        usage=" ".join(command.collect_usage_pieces(context)),
        text=tuple(" ".join(each.split()) for each in rest if each not in examples),
        options=tuple(_options(context)),
        examples=tuple(map(_example, examples)),
        exit_status=(command.epilog or "").removeprefix("Exit status: "),
    )


def _options(context: click.Context) -> Iterator[OptionHelp]:
    for option in context.command.get_params(context):
        record = option.get_help_record(context) if isinstance(option, click.Option) else None
        if record is not None:
            names, text = record
            variable = None if option.envvar is None else str(option.envvar)
            yield OptionHelp(names, re.sub(r"\s+", " ", text), variable)


def _example(block: str) -> Example:
    title, *lines = block.removeprefix("\b\n").splitlines()
    return Example(title.rstrip(":"), tuple(line.strip() for line in lines))


def _paragraphs(text: str) -> list[str]:
    return inspect.cleandoc(text).split("\n\n")
