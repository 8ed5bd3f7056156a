"""Colours, on a real pseudo-terminal: only if the terminal can show them and the user wants them."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest

from tests.paths import ROOT

CSI = "\x1b["
COLOUR = re.compile(r"\x1b\[[\d;]*m")
TERMINAL = {"TERM": "xterm-256color", "COLUMNS": "200"}
PLAIN = [
    {**TERMINAL, "NO_COLOR": "1"},
    {**TERMINAL, "NO_COLOR": "0"},
    {"TERM": "dumb"},
    {**TERMINAL, "NO_COLOR": "1", "FORCE_COLOR": "1"},
]
TABLE = ("-m", "uploader", "activate", "--print-config")
MISTAKE = ("-m", "uploader", "dist", "--concurrency", "0")
LOGGED = (
    "-c",
    (
        "import logging; from uploader.cli.logs import log_to_stderr\n"
        "from uploader.cli.output import OutputOptions\n"
        "log_to_stderr(OutputOptions())\n"
        "logging.getLogger('uploader').warning('one'); logging.getLogger('uploader').error('two')"
    ),
)
BAR = (
    "-c",
    (
        "from types import SimpleNamespace as Some; from uploader.cli.progress import Bar\n"
        "bar = Bar()\n"
        "bar.started([Some(asset=Some(size=2))]); bar._progress.refresh(); bar.finished()"
    ),
)


def on_terminal(arguments: tuple[str, ...], environ: dict[str, str]) -> str:
    """The text on the terminal, as a person sees it."""
    ours, its = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env=environ, stdin=its, stdout=its, stderr=its
        )
        os.close(its)
        seen = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # on Linux: the last process has closed the terminal
                break
            if not part:
                break
            seen += part
        process.wait(timeout=60)
    finally:
        os.close(ours)
    return seen.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("environ", [TERMINAL, {**TERMINAL, "NO_COLOR": ""}], ids=str)
def test_on_a_terminal_headings_are_bold_warnings_yellow_and_errors_red(environ: dict[str, str]) -> None:
    """An empty `NO_COLOR` has no effect: https://no-color.org."""
    first, second, *_ = on_terminal(TABLE, environ).splitlines()
    assert re.fullmatch(r"\x1b\[1msetting +value +from\x1b\[0m", first)
    assert CSI not in second
    assert re.fullmatch(r"\x1b\[31muploader: wrong usage: .*\x1b\[0m\n", on_terminal(MISTAKE, environ))
    assert on_terminal(LOGGED, environ) == f"{CSI}33muploader: one{CSI}0m\n{CSI}31muploader: two{CSI}0m\n"
    assert COLOUR.search(on_terminal(BAR, environ))


@pytest.mark.parametrize("environ", PLAIN, ids=str)
def test_no_colours_if_the_user_does_not_want_them_or_the_terminal_cannot_show_them(environ: dict[str, str]) -> None:
    for arguments in (TABLE, MISTAKE, LOGGED):
        assert CSI not in on_terminal(arguments, environ)
    assert not COLOUR.search(on_terminal(BAR, environ))


@pytest.mark.parametrize("arguments", [TABLE, MISTAKE, LOGGED], ids=["table", "mistake", "log"])
@pytest.mark.parametrize(("forced", "coloured"), [("", False), ("0", False), ("1", True)])
def test_piped_output_is_plain_unless_the_user_wants_colours(
    arguments: tuple[str, ...], forced: str, *, coloured: bool
) -> None:
    environ = {**TERMINAL, "FORCE_COLOR": forced}
    said = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert said.stdout + said.stderr
    assert (CSI in said.stdout + said.stderr) is coloured


@pytest.mark.parametrize("columns", [60, 80])
def test_a_table_follows_the_width_of_the_terminal(columns: int) -> None:
    lines = COLOUR.sub("", on_terminal(TABLE, {**TERMINAL, "COLUMNS": str(columns)})).splitlines()
    assert columns - 20 < max(map(len, lines)) <= columns


def test_the_table_is_plain_where_only_the_errors_are_on_a_terminal() -> None:
    """`python -m uploader status > status.txt`."""
    ours, its = pty.openpty()
    try:
        said = subprocess.run(
            [sys.executable, *TABLE], cwd=ROOT, env=TERMINAL, stdout=subprocess.PIPE, stderr=its, check=True
        )
    finally:
        os.close(ours)
        os.close(its)
    assert b"setting" in said.stdout
    assert CSI.encode() not in said.stdout
