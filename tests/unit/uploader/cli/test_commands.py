"""Rules that hold for every command of the command line, also for a new one."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, cast

import click
import pytest

from release_log.policy_settings import SETTINGS
from tests.paths import ROOT
from uploader.cli.command import Command
from uploader.cli.entry import main
from uploader.cli.group import COMMANDS, load

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "commands.md").read_text()
ONE_CALL = {
    "digest",
    "full",
    "force",
    "adopt",
    "only_channel",
    "ended_channel",
    "whole_site",
    "limit",
    "previous",
    "show_all",
    "install",
    "html",
    "newest",
    "as_markdown",
} | set(SETTINGS)
"""Options that belong to one call: a forgotten environment variable must not change a later call."""


@pytest.fixture(params=COMMANDS)
def command(request: pytest.FixtureRequest) -> click.Command:
    """Each command."""
    return load(cast("str", request.param))


def options(command: click.Command) -> list[click.Option]:
    """The options of a command, except for ``--help``."""
    return [parameter for parameter in command.params if isinstance(parameter, click.Option)]


def test_its_help_has_examples_and_ends_with_the_exit_status(command: click.Command) -> None:
    said = command.get_help(click.Context(command, info_name=command.name))
    example = "dist" if command.name == "upload" else command.name
    assert re.search(rf"\n  Examples?:\n +python -m uploader {example} ", said), said
    assert "\n  Exit status: " in said


def test_the_examples_of_its_help_are_right(
    command: click.Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "uploader.toml").write_text('directory = "dist"\n[environments.production]\nbucket = "my-assets"\n')
    monkeypatch.chdir(tmp_path)
    for example in re.findall(r"^ +python -m uploader (.*)$", command.help or "", re.MULTILINE):
        words = shlex.split(re.split(r" (?:>+|\||#) ", example)[0])
        name = words.pop(0) if words[0] in COMMANDS else "upload"
        assert name == command.name
        command.make_context(name, words)


def test_its_texts_are_sentences(command: click.Command) -> None:
    assert (command.help or "").partition("\n")[0].endswith(".")
    for option in options(command):
        text, _, default = (option.help or "").partition("  [default: ")
        assert text.endswith("."), option.name
        assert text[0].isupper(), option.name
        assert not default or default.endswith("]"), option.name


def test_its_answer_can_be_read_by_a_program(command: click.Command) -> None:
    if command.name not in {"completion", "schema"}:  # a shell or an editor reads it
        assert "as_json" in {option.name for option in options(command)}


@pytest.mark.scenario("T19a")
def test_each_option_has_its_environment_variable(command: click.Command) -> None:
    for option in options(command):
        name = max(option.opts, key=len).lstrip("-").replace("-", "_")
        variable = "UPLOADER_RELEASE_ID" if option.name == "release_id" else f"UPLOADER_{name.upper()}"
        one_call = {name, option.name} & ONE_CALL or (command.name, name) == ("verify", "release")
        assert option.envvar == (None if one_call else variable)


def test_it_can_be_configured(command: click.Command) -> None:
    if command.name not in {"completion", "schema"}:
        assert isinstance(command, Command)
        assert {"config", "env", "print_config"} <= {option.name for option in options(command)}


def test_the_first_line_of_the_help_names_it() -> None:
    said = main.get_help(click.Context(main, info_name="python -m uploader"))
    assert all(f"\n  {name} " in said for name in COMMANDS)
    assert "Exit status: " in said


def test_an_option_has_the_same_help_in_all_commands() -> None:
    """Except for the release that a command needs, and the actions that its dry run leaves out."""
    texts: dict[str, set[str | None]] = {}
    for name in COMMANDS:
        for option in options(load(name)):
            texts.setdefault(str(option.name), set()).add(option.help)
    assert {name for name, said in texts.items() if len(said) > 1} <= {"release_id", "dry_run"}


def test_each_has_its_section_on_the_page_in_the_order_of_the_help() -> None:
    assert re.findall(r"^## `(\w+)`$", PAGE, re.MULTILINE) == list(COMMANDS)
