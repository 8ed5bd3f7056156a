"""A closed stream, a reader that has gone, and too little memory: never a traceback, and a true exit code."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.paths import ROOT
from uploader.start import DATA, FILES, MEMORY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]


def in_shell(uploader: Uploader, line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of a shell, in which ``$U`` is the uploader."""
    return subprocess.run(
        ["/bin/sh", "-c", line.replace("$U", f"{sys.executable} -m uploader")],
        cwd=ROOT,
        env=uploader.aws.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_closed_streams(uploader: Uploader, site_folder: Folder) -> None:
    """What is printed goes nowhere, and never into a connection to S3, whose number would be the closed one's."""
    upload = f"$U {site_folder('a', {'index.html': 'x'})} --bucket {uploader.bucket}"
    ended = in_shell(uploader, f"{upload} -v 2>&-")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("released ")

    ended = in_shell(uploader, f"{upload} >&-")
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (1, "", 1)
    assert "it is closed" in ended.stderr

    ended = in_shell(uploader, f"{upload} <&- >&- 2>&-")
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", "")

    # The command of `run` writes what it likes to a standard error that was closed.
    ended = in_shell(uploader, f"$U run {upload.removeprefix('$U ')} -- sh -c 'echo lost >&2; echo said' 2>&-")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "said" in ended.stdout


def test_a_reader_that_has_gone(uploader: Uploader, site_folder: Folder) -> None:
    """As behind ``| head -1``."""
    upload = f"$U {site_folder('a', {'index.html': 'x'})} --bucket {uploader.bucket}"
    for line in (
        f"{upload} -v 2>&1 >/dev/null | true",
        f"{upload} --nonsense 2>&1 >/dev/null | true",
        "$U --help | true",
    ):
        ended = in_shell(uploader, line)
        assert "Traceback" not in ended.stderr
        assert len(ended.stderr.splitlines()) <= 1, ended.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="ulimit -v limits nothing elsewhere")
@pytest.mark.parametrize("limit", ["v 20000", "v 140000", "v 400000", "d 20000", "d 200000", "n 8"])
def test_too_little_memory_or_too_few_files(uploader: Uploader, site_folder: Folder, limit: str) -> None:
    """For a library, or for a thread: obstore's would abort."""
    folder = site_folder("a", {"index.html": "x"})
    ended = in_shell(uploader, f"ulimit -{limit}; $U {folder} --bucket {uploader.bucket}")
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (1, "", 1), ended.stderr
    assert "unexpected" not in ended.stderr
    assert ("files" if "n" in limit else "memory") in ended.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="as above")
@pytest.mark.parametrize("limit", [f"v {MEMORY // 1024}", f"d {DATA // 1024}", f"n {FILES}"])
def test_what_is_just_enough_is_enough(uploader: Uploader, site_folder: Folder, limit: str) -> None:
    """For as many requests at once as usual, with one file in parts: obstore would abort, sooner or later."""
    files = {f"app{number}-3f9c{number:04x}.js": str(number) for number in range(200)}
    folder = site_folder("a", files | {"film-3f9c2ab1.mp4": "x" * 9_000_000})
    concurrency = " --concurrency 2" if "n" in limit else ""
    ended = in_shell(uploader, f"ulimit -{limit}; $U {folder} --bucket {uploader.bucket}{concurrency}")
    assert ended.returncode == 0, ended.stderr
    assert "201 uploaded" in ended.stdout
