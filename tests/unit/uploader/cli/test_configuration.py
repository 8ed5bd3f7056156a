"""The command line's settings: flags, then environment variables, then the file; and the source of each value."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from uploader.cli import entry
from uploader.cli.configuration import every_setting, key, kind, settings_of
from uploader.cli.group import COMMANDS, load
from uploader.library.defaults import DEFAULT_CONCURRENCY

if TYPE_CHECKING:
    from collections.abc import Callable

    Call = Callable[..., tuple[int, str, str]]
    Settings = Callable[..., dict[str, Any]]

TOML = """\
directory = "dist"
bucket = "top"
channel = "top"
concurrency = 2

[[rules]]
match = "*.html"
cache_control = "no-store"

[environments.production]
bucket = "production"
channel = "production"
concurrency = 3
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project with a configuration file, without environment variables."""
    monkeypatch.chdir(tmp_path)
    for parameter in [*every_setting().values(), *load("upload").params]:
        monkeypatch.delenv(str(parameter.envvar), raising=False)
    Path("uploader.toml").write_text(TOML)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run the command line in this process; returns exit code, output and errors."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["uploader/__main__.py", *words])
        code = entry.run()
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def settings(call: Call) -> Settings:
    """The settings that a command line would run with."""

    def printed(*words: str) -> dict[str, Any]:
        code, out, err = call(*words, "--print-config", "--json")
        assert code == 0, err
        document: dict[str, Any] = json.loads(out)["settings"]
        return document

    return printed


@pytest.mark.scenario("T19a")
def test_each_source_has_priority_over_the_next(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def now(*words: str) -> list[tuple[object, str, str]]:
        found = settings(*words)
        return [
            tuple(found[name][part] for part in ("value", "source", "where")) for name in ("channel", "concurrency")
        ]

    flags = ("--channel", "flag", "--concurrency", "5")
    environment = ("--env", "production")
    table = "uploader.toml [environments.production]"
    monkeypatch.setenv("UPLOADER_CHANNEL", "variable")
    monkeypatch.setenv("UPLOADER_CONCURRENCY", "4")
    assert now(*flags, *environment) == [("flag", "flag", "--channel"), (5, "flag", "--concurrency")]
    variables = [("variable", "environment", "UPLOADER_CHANNEL"), (4, "environment", "UPLOADER_CONCURRENCY")]
    assert now(*environment) == variables
    monkeypatch.delenv("UPLOADER_CHANNEL")
    monkeypatch.delenv("UPLOADER_CONCURRENCY")
    assert now(*environment) == [("production", "file", table), (3, "file", table)]
    assert now() == [("top", "file", "uploader.toml"), (2, "file", "uploader.toml")]
    Path("uploader.toml").write_text('bucket = "b"')
    assert now() == [("default", "default", "default"), (DEFAULT_CONCURRENCY, "default", "default")]


def test_the_environment_can_be_chosen_by_a_variable(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPLOADER_ENV", "production")
    found = settings()
    assert found["bucket"]["value"] == "production"
    assert found["env"] == {"value": "production", "source": "environment", "where": "UPLOADER_ENV"}


def test_the_file_can_be_named_by_a_variable(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("other.toml").write_text('bucket = "other"')
    monkeypatch.setenv("UPLOADER_CONFIG", "other.toml")
    assert settings()["bucket"] == {"value": "other", "source": "file", "where": "other.toml"}
    assert settings("--config", "uploader.toml")["bucket"]["value"] == "top"


def test_a_variable_can_switch_off_a_setting_of_the_file(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("uploader.toml").write_text("stage = true")
    assert settings()["stage"]["value"] is True
    monkeypatch.setenv("UPLOADER_STAGE", "false")
    assert settings()["stage"] == {"value": False, "source": "environment", "where": "UPLOADER_STAGE"}


def test_an_empty_prefix_in_the_file_is_not_the_default(settings: Settings) -> None:
    Path("uploader.toml").write_text('prefix = ""')
    assert settings()["prefix"] == {"value": "", "source": "file", "where": "uploader.toml"}


def test_paths_in_the_file_are_relative_to_the_file(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("deploy").mkdir()
    Path("deploy/web.toml").write_text('directory = "../dist"\nmanifest = "none"')
    found = settings("--config", "deploy/web.toml")
    assert found["directory"]["value"] == "deploy/../dist"
    assert found["manifest"]["value"] == "none", "a word"
    Path("uploader.toml").write_text('directory = "/srv/dist"')
    assert settings()["directory"]["value"] == "/srv/dist"
    monkeypatch.chdir("deploy")
    assert settings("--config", "../uploader.toml", "dist")["directory"]["value"] == "dist"


@pytest.mark.parametrize("name", sorted(set(every_setting()) - {"json"}))
def test_only_the_commands_that_have_a_setting_take_its_key(call: Call, name: str) -> None:
    example = {bool: "true", int: "7", float: "0.5", list: '["x/"]', str: '"x/"'}[kind(every_setting()[name])]
    Path("uploader.toml").write_text(f"{name} = {example}\n")
    for command in sorted(COMMANDS.keys() - {"completion", "schema"}):
        code, out, err = call(command, "--print-config", "--json")
        if name not in settings_of(load(command)):
            assert code == 0, err
            assert name not in json.loads(out)["settings"]
        elif code:  # the command takes the key, and refuses the value
            assert f"{name} in uploader.toml" in err
        else:
            assert json.loads(out)["settings"][name]["source"] == "file"


def test_the_release_of_a_call_is_not_a_setting(call: Call) -> None:
    """Nobody wants to drop a release because a file names it."""
    Path("uploader.toml").write_text('release_id = "20261123T060500Z-3f9c2ab"')
    code, _, err = call("drop", "--bucket", "b")
    assert code == 2
    assert "unknown key 'release_id'" in err


def test_the_name_of_a_new_release_is_not_used_as_the_id_of_an_old_release(call: Call) -> None:
    """Both options are `--release`."""
    Path("uploader.toml").write_text('bucket = "b"\nrelease = "20261123T060500Z-3f9c2ab"')
    assert "Missing option '--release'. Give it, or set UPLOADER_RELEASE_ID; see" in call("restore")[2]


@pytest.mark.parametrize(
    ("toml", "words", "said"),
    [
        ('bukcet = "b"', ["drop"], "uploader.toml: unknown key 'bukcet' (its value is 'b'): did you mean 'bucket'?"),
        ("stage = 1", ["drop"], "uploader.toml: stage = 1 is a whole number: give it true or false"),
        (
            '[environments.x]\nchannel = "!"',
            ["dist", "--bucket", "b", "--env", "x"],
            "Invalid value for channel in uploader.toml [environments.x]: '!' is not up to 64 letters",
        ),
        (
            "concurrency = 0",
            ["dist", "--bucket", "b"],
            "Invalid value for concurrency in uploader.toml: 0 is not in the range 1<=x<=512; see ",
        ),
        (
            "",
            [],
            "Missing argument 'DIRECTORY'. Give it, or set UPLOADER_DIRECTORY, or directory in uploader.toml; see",
        ),
        ("", ["dist"], "Missing option '--bucket'. Give it, or set UPLOADER_BUCKET, or bucket in uploader.toml; see"),
        ("", ["drop", "--bucket", "b"], "Missing argument 'ID'. Give it, or set UPLOADER_RELEASE_ID; see"),
        ("", ["--env", "x"], "uploader.toml: unknown environment 'x': it has none"),
        (None, ["--env", "x"], "unknown environment 'x': there is no uploader.toml in this directory, nor"),
        (
            None,
            [],
            "Missing argument 'DIRECTORY'. Give it, or set UPLOADER_DIRECTORY, or directory in uploader.toml; see",
        ),
        (None, ["--config", "x.toml"], "x.toml: no such file: check --config"),
    ],
)
def test_wrong_configuration_is_wrong_usage_in_one_line(
    call: Call, toml: str | None, words: list[str], said: str
) -> None:
    if toml is None:
        Path("uploader.toml").unlink()
    else:
        Path("uploader.toml").write_text(toml)
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert err.startswith(f"uploader: wrong usage: {said}")
    assert err.count("\n") == 1


def test_a_wrong_variable_is_named(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPLOADER_CONCURRENCY", "0")
    assert "Invalid value for UPLOADER_CONCURRENCY: 0 is not" in call()[2]


def test_the_help_works_with_a_broken_configuration(call: Call) -> None:
    Path("uploader.toml").write_text("broken")
    assert call("--help")[0] == call("upload", "--help")[0] == 0
    assert call("completion", "bash")[0] == 0


def test_print_config_shows_the_source_of_each_value(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPLOADER_CHANNEL", "blue")
    monkeypatch.setenv("UPLOADER_EXCLUDE", "*.map *.txt")
    code, out, err = call("--env", "production", "--concurrency", "9", "--print-config")
    assert (code, err) == (0, "")
    head, *lines = [re.split(r"  +", line) for line in out.splitlines()]
    assert head == ["setting", "value", "from"]
    rows = {name: rest for name, *rest in lines}
    assert rows["directory"] == ["dist", "uploader.toml"]
    assert rows["bucket"] == ["production", "uploader.toml [environments.production]"]
    assert rows["channel"] == ["blue", "UPLOADER_CHANNEL"]
    assert rows["concurrency"] == ["9", "--concurrency"]
    assert rows["exclude"] == ['["*.map", "*.txt"]', "UPLOADER_EXCLUDE"]
    assert rows["include"] == ["-", "default"]
    assert rows["region"] == ["as boto3 finds it", "default"]
    assert rows["stage"] == ["false", "default"]
    assert rows["env"] == ["production", "--env"]
    assert rows["config"] == ["uploader.toml", "default"]
    assert rows["rule 1"] == ["match = *.html, cache_control = no-store", "uploader.toml"]


def test_print_config_shows_missing_settings_beside_all_others(call: Call) -> None:
    """A missing setting does not stop it."""
    Path("uploader.toml").write_text('channel = "blue"')
    code, out, _ = call("run", "--print-config", "--json")
    found = json.loads(out)["settings"]
    assert code == 0
    assert (
        found["directory"]
        == found["bucket"]
        == {
            "value": None,
            "source": "missing",
            "where": "missing, and required",
        }
    )
    assert found["channel"]["value"] == "blue"


@pytest.mark.parametrize("words", [["--concurrency", "0"], ["dist", "extra"], ["--no-such-option"]])
def test_print_config_refuses_what_a_run_would_refuse(call: Call, words: list[str]) -> None:
    code, out, _ = call(*words, "--print-config")
    assert (code, out) == (2, "")


def test_keys_are_the_options_long_names_in_snake_case() -> None:
    for command in COMMANDS:
        for parameter in load(command).params:
            name = key(parameter)
            assert name is None or name == "directory" or f"--{name.replace('_', '-')}" in parameter.opts


def test_an_option_has_the_same_type_in_all_commands() -> None:
    """So a key means the same for each command that reads it."""
    kinds = {name: kind(parameter) for name, parameter in every_setting().items()}
    for command in COMMANDS:
        assert {
            name: kind(parameter) for name, parameter in settings_of(load(command)).items()
        }.items() <= kinds.items()
