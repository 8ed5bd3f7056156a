"""Repositories whose own files have the names of the uploader and of the libraries that it needs."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Uploader

    Run = Callable[..., subprocess.CompletedProcess[str]]

THEIRS = "raise SystemExit('a module of the repository')\n"
COLLECTOR = """
import helper
from uploader import File
def collect(directory):
    import late
    yield File(path=str(directory / "app-3f9c2ab1.js"), name=helper.NAME)
"""


@pytest.fixture
def repository(tmp_path: Path, uploader: Uploader) -> Run:
    """A repository with files that have the names of libraries; runs the uploader in it."""
    for path, text in {
        "dist/app-3f9c2ab1.js": "1",
        "build_files.py": COLLECTOR,
        "helper.py": "NAME = 'app-3f9c2ab1.js'\n",
        "late.py": "",
        **dict.fromkeys(("click.py", "brotli.py", "boto3/__init__.py", "obstore.py", "rich/__init__.py"), THEIRS),
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)

    def run(*arguments: str, python: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *python, "-m", "uploader", "dist", "--bucket", uploader.bucket, *arguments],
            cwd=tmp_path,
            env=uploader.aws.environment(PYTHONPATH=str(ROOT)),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def test_a_file_that_is_called_as_a_library_is_not_imported(repository: Run) -> None:
    said = repository("--json", "--collector", "build_files:collect")
    assert (said.returncode, said.stderr) == (0, "")
    assert json.loads(said.stdout)["counts"] == {"uploaded": 1, "unchanged": 0}


def test_with_p_their_uploader_is_not_run_and_the_commands_that_are_printed_have_it_too(
    repository: Run, tmp_path: Path
) -> None:
    (tmp_path / "uploader").mkdir()
    (tmp_path / "uploader" / "__init__.py").write_text(THEIRS)
    assert repository().stderr == "a module of the repository\n"
    said = repository("--stage", "--collector", "build_files:collect", python=("-P",))
    assert (said.returncode, said.stderr) == (0, "")
    assert "to make it current: python -P -m uploader activate " in said.stdout
