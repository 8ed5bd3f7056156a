"""The first word of a command line: a command, a directory, or what somebody meant by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from uploader.cli import entry
from uploader.cli.group import COMMANDS
from uploader.errors import EXIT_DONE, EXIT_USAGE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory with a build, and one with the name of a word."""
    (tmp_path / "dist").mkdir()
    (tmp_path / "stats").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in ("UPLOADER_BUCKET", "UPLOADER_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)


def ended(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Run the command line; returns its exit code."""
    monkeypatch.setattr("sys.argv", ["uploader/__main__.py", *words])
    return entry.run()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("statsu", "no such command, and no such directory: 'statsu'; did you mean 'status'?"),
        ("uplaod dist --bucket b", "no such command, and no such directory: 'uplaod'; did you mean 'upload'?"),
        ("paln --full", "did you mean 'plan'?"),
        ("Roll-Back x", "did you mean 'rollback'?"),
        ("vresion", "did you mean 'version'?"),
        ("publish dist", "no such command, and no such directory: 'publish'; the commands are upload, run, activate"),
        ("--bucket b status", "build first, or, if you mean the command 'status', write it before its options"),
        ("--bucket b statsu", "if you mean the command 'status', write it before its options"),
        ("public --bucket b", "no such directory: 'public'; build first, or name the build's output"),
        ("dist --bucket", "Option '--bucket' requires an argument (is a variable empty?)"),
        ("dist --bucket --prefix a/", "'--prefix' is an option, so the option before it has no value"),
        ("run dist --bucket b ./roll-out.sh", "(./roll-out.sh): the command to run comes last, after --"),
        ("completion tcsh", "'tcsh' is not one of 'bash', 'zsh', 'fish'"),
        ("stats", "Missing option '--bucket'"),
        ("help nobody", "No such command 'nobody'"),
    ],
)
def test_a_word_that_is_no_command_is_answered_with_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str, line: str
) -> None:
    assert ended(monkeypatch, *words.split()) == EXIT_USAGE
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)
    assert line in captured.err


@pytest.mark.parametrize(
    ("words", "begins"),
    [
        ("help", "Usage: python -m uploader [OPTIONS] COMMAND"),
        ("-h", "Usage: python -m uploader [OPTIONS] COMMAND"),
        ("help plan", "Usage: python -m uploader plan"),
        *((f"{name} -h", f"Usage: python -m uploader {name}") for name in COMMANDS),
        ("version", "uploader, version "),
    ],
)
def test_help_and_version_are_given_however_one_asks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str, begins: str
) -> None:
    assert ended(monkeypatch, *words.split()) == EXIT_DONE
    assert capsys.readouterr().out.startswith(begins)


def test_a_directory_goes_before_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "help").mkdir()
    assert ended(monkeypatch, "help", "--bucket", "s3://b") == EXIT_USAGE
    assert "'s3://b' is a URL: name the bucket alone: --bucket b" in capsys.readouterr().err
