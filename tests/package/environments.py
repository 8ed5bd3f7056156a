"""Empty environments, one for each Python that the packages support, with what `make package` has built."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT
from uploader.about import VERSION

SUPPORTED = ["3.11", "3.12", "3.13", "3.14"]
DIST = ROOT / "dist"
WHEEL = DIST / f"asset_cleaner-{VERSION}-py3-none-any.whl"
SOURCES = DIST / f"asset_cleaner-{VERSION}.tar.gz"
CDK_WHEEL = DIST / f"asset_cleaner_cdk-{VERSION}-py3-none-any.whl"
UV = Path(sys.executable).with_name("uv")


def interpreter(version: str) -> str | None:
    """The Python of this version on this machine, on the PATH or pyenv's; None without one."""
    candidates = [f"python{version}"]
    if shutil.which("pyenv"):
        prefix = subprocess.run(["pyenv", "prefix", version], capture_output=True, text=True, check=False)  # noqa: S607
        candidates.append(f"{prefix.stdout.strip()}/bin/python{version}")
    for candidate in candidates:
        try:
            # A shim of pyenv is on the PATH also if no version is chosen, and then it only fails.
            asked = [candidate, "-c", "import sys; print(sys.executable)"]
            return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
        except (OSError, subprocess.CalledProcessError):
            continue
    return None


def install(environment: Path, version: str, locked: Path, *packages: str | Path) -> Path:
    """Make an environment, and install packages as pip would; skip the test if this machine lacks that Python.

    Args:
        environment: The environment's folder.
        version: The version of Python.
        locked: Constraints for the libraries' versions.
        packages: What to install.

    Returns:
        The folder of its programs.
    """
    python = interpreter(version)
    if python is None:
        pytest.skip(f"Python {version} is not on this machine")
    into = ["--python", str(environment / "bin" / "python")]
    for words in (
        ["venv", "--python", python, environment],
        ["pip", "install", *into, "--constraint", locked, *packages],
        ["pip", "check", *into],
    ):
        # Elsewhere than in the checkout, whose settings are not everybody's; but the certificates are, behind a proxy.
        environ = {**os.environ, "UV_SYSTEM_CERTS": "true"}
        subprocess.run([UV, "--quiet", *words], cwd=environment.parent, env=environ, check=True)
    return environment / "bin"
