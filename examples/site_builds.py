"""Builds the three releases of the example site with the real Vite.

``examples/site`` holds release 1. Each later release is the release before it, without the folders that
``releases/<n>/drop.txt`` names, and with the other files of ``releases/<n>`` copied over it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

RELEASES: Final = (1, 2, 3)

_SITE: Final = Path(__file__).resolve().parent / "site"
_VITE: Final = _SITE / "node_modules" / "vite" / "bin" / "vite.js"
_BASE: Final = ("index.html", "package.json", "vite.config.js", "public", "src")
_DROP: Final = "drop.txt"
_TIMEOUT_SECONDS: Final = 60


class SiteBuildError(Exception):
    """The site could not be built. The first line says why; the rest is Vite's output."""


def build(release: int, out: Path, *, node_bin: Path | None = None) -> Path:
    """Build one release into a folder.

    A release consists of the same files, byte for byte, wherever it is built. Several builds can run at once, as each
    has its own copy of the sources.

    Args:
        release: One of ``RELEASES``.
        out: The folder to fill; its old content is deleted.
        node_bin: The Node.js program; by default the program beside this Python, or else on the ``PATH``.

    Returns:
        ``out``, holding ``index.html`` and the fingerprinted files side by side, to be published under ``assets/``.

    Raises:
        SiteBuildError: Node.js or Vite is missing, or Vite failed.
        ValueError: There is no such release.
    """
    if release not in RELEASES:
        msg = f"there is no release {release} of the example site; there are {RELEASES}"
        raise ValueError(msg)
    if not _VITE.is_file():
        msg = "Vite is not installed in examples/site/node_modules: run `make setup`"
        raise SiteBuildError(msg)
    node = node_bin or _find_node()
    with tempfile.TemporaryDirectory(prefix="example-site-") as scratch:
        sources = Path(scratch).resolve() / "site"
        _write_sources(release, sources)
        _run_vite(node, sources, out, release)
    return out


def _find_node() -> Path:
    beside_python = Path(sys.executable).parent / "node"
    if beside_python.exists():
        return beside_python
    on_path = shutil.which("node")
    if on_path is None:
        msg = "Node.js was not found beside Python or on the PATH: run `make setup`"
        raise SiteBuildError(msg)
    return Path(on_path)


def _write_sources(release: int, sources: Path) -> None:
    sources.mkdir()
    for name in _BASE:
        _copy(_SITE / name, sources / name)
    for number in range(RELEASES[0] + 1, release + 1):
        overlay = _SITE / "releases" / str(number)
        for dropped in (overlay / _DROP).read_text(encoding="utf-8").split():
            shutil.rmtree(sources / dropped)
        shutil.copytree(overlay, sources, dirs_exist_ok=True, ignore=shutil.ignore_patterns(_DROP))


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy2(source, target)


def _run_vite(node: Path, sources: Path, out: Path, release: int) -> None:
    command = [str(node), str(_VITE), "build", "--outDir", str(out.resolve()), "--logLevel", "warn"]
    try:
        done = subprocess.run(
            command,
            cwd=sources,
            # A test runner may set another NODE_ENV, with which Vite would build other files.
            env={**os.environ, "NODE_ENV": "production", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except OSError as error:
        msg = f"{node} could not be started: {error.strerror}"
        raise SiteBuildError(msg) from error
    except subprocess.TimeoutExpired as error:
        msg = f"Vite did not build release {release} of the example site within {_TIMEOUT_SECONDS} seconds"
        raise SiteBuildError(msg) from error
    if done.returncode != 0:
        msg = f"Vite failed on release {release} of the example site (exit status {done.returncode})\n{done.stderr}"
        raise SiteBuildError(msg)
