"""What a terminal gets of a text that somebody else wrote, and that no module of the command line writes around it."""

from __future__ import annotations

import ast
import json

import pytest

from tests.paths import ROOT
from uploader.cli.console import as_json
from uploader.printable import printable, without_passwords

ODD = {
    "\x1b]0;title\x07": r"\x1b]0;title\x07",
    "\x1b[2J\x1b[H": r"\x1b[2J\x1b[H",
    "\x9b8m": r"\x9b8m",
    "a\nuploader: forged\r": r"a\nuploader: forged\r",
    "a\u2028b\u2029c\x85": r"a\u2028b\u2029c\x85",
    "\u202egnp.exe\u2066": r"\u202egnp.exe\u2066",
    "zero\u200bwidth\ufeff": r"zero\u200bwidth\ufeff",
    "\udc80\x00\x7f\b\t": r"\udc80\x00\x7f\x08\t",
    "\U000e0041": r"\U000e0041",
    "a\u3164b\u2800\U000e0101": r"a\u3164b\u2800\U000e0101",
    "::stop-commands::x": r"\x3a:stop-commands::x",
    "  ::error::forged": r"  \x3a:error::forged",
    "a ##[error]forged": r"a #\x23[error]forged",
    "a ##vso[task.prependpath]/tmp": r"a #\x23vso[task.prependpath]/tmp",
    "###VSO[x]##teamcity[y]": r"##\x23VSO[x]#\x23teamcity[y]",
}


@pytest.mark.parametrize(("text", "expected"), ODD.items())
def test_nothing_is_hidden_and_nothing_moves(text: str, expected: str) -> None:
    assert printable(text) == expected
    assert printable(printable(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s3://b/assets/@scope/a.js",
        "caf\u00e9 \u65e5\u672c \U0001f600\u2764\ufe0f",
        "[red]x[/red]",
        r"\x1b",
        "a::b",
        "a##b",
        "[::1]",
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert printable(text) == text


def test_a_document_holds_no_command_of_a_ci_system() -> None:
    """It is one line of a job's log too, in which some look for a command anywhere."""
    document = {"##[stop-commands]x": ["a ##vso[task.prependpath]/tmp", "###", "\x7f"]}
    line = as_json(document)
    assert "##" not in line
    assert json.loads(line) == document


def test_a_password_in_a_url_is_left_out() -> None:
    assert without_passwords("to 'http://me:sec@ret@127.0.0.1:9/x' and https://h/") == (
        "to 'http://***@127.0.0.1:9/x' and https://h/"
    )
    assert printable("https://me:secret@[::1]:9") == "https://***@[::1]:9"


WRITERS = {
    "console.py": {"write"},
    "entry.py": {"echo"},
    "progress.py": set[str](),
}
"""Modules that may write to a stream, and how: all they write is printable, or the program's own."""


def test_no_other_module_writes_to_a_stream() -> None:
    """So a new command cannot forget it."""
    found = []
    for path in sorted((ROOT / "uploader").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            name = called.rpartition(".")[2]
            writes = called in {"print", "click.echo", "click.secho"} or (
                name in {"write", "writelines"} and "std" in called
            )
            if writes and name not in WRITERS.get(path.name, set()) and path.name != "start.py":
                found.append(f"{path.name}:{node.lineno} {called}")
    assert found == []
