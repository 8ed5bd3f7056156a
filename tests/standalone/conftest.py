"""The archives of `make bundle`, unpacked."""

from __future__ import annotations

import platform
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from standalone.debian import fetch, unpack
from standalone.machines import MACHINES
from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Machine -> the folder of its archive."""
    folders = {}
    for machine in MACHINES:
        folders[machine] = tmp_path_factory.mktemp(machine)
        with tarfile.open(ROOT / "dist" / f"uploader-linux-{machine}.tar.gz") as archive:
            archive.extractall(folders[machine], filter="data")
    return {machine: folder / "uploader" for machine, folder in folders.items()}


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a shell that needs no library, and with programs that run those of other machines."""
    folder = tmp_path_factory.mktemp("tools")
    for package in fetch(MACHINES[platform.machine()], ["busybox-static", "qemu-user"], folder):
        unpack(package, folder / "root")
    return folder / "root" / "usr" / "bin"


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build."""
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "app-3f9c2ab1.js").write_text("1")
    return tmp_path


@pytest.fixture
def call() -> Callable[..., str]:
    """Run a program that has to succeed, and to log nothing, with just this environment; returns its output."""

    def run(*words: str | Path, cwd: Path | None = None, environ: Mapping[str, str]) -> str:
        done = subprocess.run(
            words, cwd=cwd, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return run
