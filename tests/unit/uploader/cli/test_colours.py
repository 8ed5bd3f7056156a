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
TERMINAL = {"TERM": "xterm-256color"}
PLAIN = [{**TERMINAL, "NO_COLOR": "1"}, {**TERMINAL, "NO_COLOR": "0"}, {"TERM": "dumb"}]
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
def test_on_a_terminal_headings_are_bold_and_errors_red(environ: dict[str, str]) -> None:
    """An empty `NO_COLOR` has no effect: https://no-color.org."""
    first, second, *_ = on_terminal(TABLE, environ).splitlines()
    assert re.fullmatch(r"\x1b\[1msetting +value +from\x1b\[0m", first)
    assert CSI not in second
    assert re.fullmatch(r"\x1b\[31muploader: wrong usage: .*\x1b\[0m\n", on_terminal(MISTAKE, environ))
    assert on_terminal(LOGGED, environ) == f"uploader: one\n{CSI}31muploader: two{CSI}0m\n"
    assert COLOUR.search(on_terminal(BAR, environ))


@pytest.mark.parametrize("environ", PLAIN, ids=str)
def test_no_colours_if_the_user_does_not_want_them_or_the_terminal_cannot_show_them(environ: dict[str, str]) -> None:
    for arguments in (TABLE, MISTAKE, LOGGED):
        assert CSI not in on_terminal(arguments, environ)
    assert not COLOUR.search(on_terminal(BAR, environ))


@pytest.mark.parametrize("arguments", [TABLE, MISTAKE, LOGGED], ids=["table", "mistake", "log"])
def test_piped_output_is_plain(arguments: tuple[str, ...]) -> None:
    said = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=TERMINAL, capture_output=True, text=True, check=False
    )
    assert said.stdout + said.stderr
    assert CSI not in said.stdout + said.stderr


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
