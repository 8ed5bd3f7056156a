"""The uploader and its locked libraries, as wheels for another machine than this one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from standalone.assemble import PYTHON
from standalone.debian import call

if TYPE_CHECKING:
    from standalone.machines import Machine

ROOT = Path(__file__).resolve().parents[1]


def build_wheel(folder: Path) -> Path:
    """Build our own wheel; returns its file."""
    build = ["build", "--quiet", "--wheel", "--offline", "--no-build-isolation", "--python", sys.executable]
    _uv(*build, "-o", str(folder), str(ROOT))
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(machine: Machine, wheel: Path, folder: Path) -> None:
    """Install our wheel and the libraries of `uv.lock` into a folder, each by its hash.

    Raises:
        BuildError: A library has no wheel for that machine, or another hash.
    """
    requirements = folder.with_suffix(".txt")
    options = ["--quiet", "--locked", "--no-default-groups", "--no-emit-project", "-o", str(requirements)]
    _uv("export", *options, "--project", str(ROOT))
    into = ["pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--target", str(folder)]
    into += ["--python-platform", machine.wheels, "--python-version", PYTHON, "--link-mode", "copy"]
    _uv(*into, "--require-hashes", "-r", str(requirements))
    _uv(*into, "--offline", str(wheel))


def _uv(*words: str) -> None:
    call([str(Path(sys.executable).with_name("uv")), *words], cwd=ROOT)
