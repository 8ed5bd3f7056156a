"""Builds the package ``asset-cleaner-cdk``: the construct, with the Lambda's bundle inside. ``make package`` calls it.

An extra can name further packages, and add no module. So what ``asset-cleaner[deploy]`` brings is a package of its own,
of the same version.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.bundle import ROOT, BundleError, build, zipped

PACKAGE = "asset_cleaner_cdk"
DESCRIBED = Path(__file__).with_name("package")
"""The folder with its ``pyproject.toml`` and its README."""

PLACEHOLDER = "0.0.0"
"""Stands for the version there."""


def version() -> str:
    """The version of both packages: ``pyproject.toml`` reads it from the same place."""
    (found,) = re.findall(r'^VERSION = "([^"]+)"$', (ROOT / "uploader" / "about.py").read_text(), re.MULTILINE)
    return str(found)


def lay_out(folder: Path) -> None:
    """Lay out the package's sources: all that its wheel and its source distribution need.

    Args:
        folder: An empty folder outside the repository, whose ``.gitignore`` would keep the bundle out.

    Raises:
        BundleError: The bundle could not be built.
    """
    shutil.copytree(ROOT / PACKAGE, folder / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    with TemporaryDirectory() as scratch:
        zipped(build(Path(scratch) / "bundle"), Path(scratch)).rename(folder / PACKAGE / "bundle.zip")
    shutil.copy(ROOT / "LICENSE", folder)
    for file in DESCRIBED.iterdir():
        (folder / file.name).write_text(file.read_text().replace(PLACEHOLDER, version()))


def main() -> None:
    """Build the wheel and the source distribution into a folder, or exit with one line that says what is wrong."""
    out = Path(sys.argv[1]).resolve()
    with TemporaryDirectory() as folder:
        try:
            lay_out(Path(folder))
        except BundleError as error:
            sys.exit(f"infra.distribution: {error}")
        command = [sys.executable, "-m", "uv", "build", "--quiet", "--no-build-isolation", "--python", sys.executable]
        subprocess.run([*command, "--out-dir", out, folder], check=True)


if __name__ == "__main__":
    main()
