"""The start of the command line: it imports only the modules that the run needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.paths import ROOT
from uploader.cli.group import COMMANDS, load

HEAVY = {"asyncio", "boto3", "botocore", "obstore", "rich"}


def loaded(*arguments: str) -> set[str]:
    """The modules that a run of the command line has imported when it ends."""
    program = (
        "import sys; from uploader.cli.entry import run\n"
        f"sys.argv = ['uploader', *{list(arguments)}]; run(); sys.__stdout__.write('\\n' + ' '.join(sys.modules))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, env={}
    )
    return set(answer.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        (),
        ("upload",),
        ("upload", "--help"),
        ("dist", "--bucket", "b", "--concurrency", "0"),
        ("dist", "--no-such-option"),
    ],
    ids=" ".join,
)
def test_the_help_and_wrong_usage_import_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert not HEAVY & loaded(*arguments)


def test_only_the_command_that_runs_is_imported() -> None:
    modules = {name for name in loaded("activate", "--help") if name.startswith("uploader.cli.commands.")}
    assert "uploader.cli.commands.staging" in modules
    assert not modules & {"uploader.cli.commands.upload", "uploader.cli.commands.run", "uploader.cli.commands.restore"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_found_by_its_name(name: str) -> None:
    assert load(name).name == name
