"""A program and a person can do the same: each command is a function, and each of its options an argument."""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING

import pytest

import uploader
from release_log.policy_settings import SETTINGS
from uploader import BuildOptions, Site
from uploader.cli.command import CONFIGURATION
from uploader.cli.group import COMMANDS, load
from uploader.cli.notice import Notice
from uploader.cli.output import OutputOptions

if TYPE_CHECKING:
    from collections.abc import Iterable

FUNCTIONS = {"upload": "publish", "doctor": "diagnose"}
"""Commands whose functions have other names: `uploader.doctor` is a package."""

ONLY_COMMANDS = {"completion": "a shell's affair", "schema": "an editor's"}

ARGUMENTS = {"wanted": "release", "only_channel": "channel", "ended_channel": "channel"}
"""Parameters of click whose names in a program are other ones."""

ONLY_FUNCTIONS = {
    "site",
    "directory",
    "build",
    "roll_out",
    "policy",
    "now",
    "progress",
    "ask_retiring",
    "who",
    "rules",
    "rules_source",
}
"""Arguments for objects that a command makes of its options, its configuration, or its command line."""


def names(record: type) -> set[str]:
    return {field.name for field in dataclasses.fields(record)}


def options_of(command: str) -> set[str]:
    """A command's parameters that say what is done, not how it is told."""
    parameters = {str(each.name) for each in load(command).params if each not in CONFIGURATION}
    return {ARGUMENTS.get(name, name) for name in parameters - names(OutputOptions) - names(Notice)}


def arguments_of(function: str) -> set[str]:
    """The arguments of a function, and the fields of the records among them."""
    own = set(inspect.signature(getattr(uploader, function)).parameters)
    records: Iterable[type] = (Site, BuildOptions) if {"build", "directory"} & own else (Site,)
    more = set(SETTINGS) if "policy" in own else set()
    return own.union(more, *(names(record) for record in records))


def test_each_command_is_a_function_and_the_other_way_round() -> None:
    functions = {FUNCTIONS.get(command, command) for command in COMMANDS if command not in ONLY_COMMANDS}
    public = {name for name in uploader.__all__ if inspect.isfunction(getattr(uploader, name))}
    assert functions == public


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ONLY_COMMANDS])
def test_each_option_is_an_argument(command: str) -> None:
    assert options_of(command) - arguments_of(FUNCTIONS.get(command, command)) == set()


def test_each_argument_is_an_option() -> None:
    functions = [FUNCTIONS.get(command, command) for command in COMMANDS if command not in ONLY_COMMANDS]
    every = set().union(*(options_of(command) for command in COMMANDS))
    assert set().union(*(arguments_of(function) for function in functions)) - every == ONLY_FUNCTIONS - {"directory"}
