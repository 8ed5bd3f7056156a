"""The Lambda's bundle: our two packages and their locked, pure-Python dependencies.

Built without Docker, and always the same bytes.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from asset_cleaner_cdk.bundled import text, zip_entry
from release_log.environment import SITES_FILE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asset_cleaner_cdk.settings.stack import SiteSettings

ROOT = Path(__file__).resolve().parents[1]

PACKAGES = ("cleaner_lambda", "release_log")

PYTHON = "3.13"
"""The Lambda's Python: the newest version that the tests run the bundle on. `asset_cleaner_cdk.cleaner` has it too."""

NAMED = 20
"""Hexadecimal digits of the content's hash in the name of the zip."""

_INSTALLER_FILES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json")
"""Files in which an installer describes itself and the machine: they would change the bundle's hash for no reason."""


class BundleError(Exception):
    """The bundle could not be built; the message contains uv's own."""


def build(out: Path) -> Path:
    """Build the bundle.

    Args:
        out: The folder to fill; its old content is deleted.

    Returns:
        ``out``.

    Raises:
        BundleError: A dependency could not be installed.
    """
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    requirements = out.with_name(out.name + ".txt")
    requirements.write_text(
        _uv(
            "export",
            "--locked",
            "--only-group",
            "lambda",
            "--no-emit-project",
            "--no-header",
            "--no-annotate",
            "--quiet",
        )
    )
    _uv(
        "pip",
        "install",
        "--quiet",
        "--requirements",
        str(requirements),
        "--require-hashes",
        "--no-deps",
        "--target",
        str(out),
        "--only-binary",
        ":all:",
        "--python-version",
        PYTHON,
        "--python-platform",
        "aarch64-manylinux2014",
        "--link-mode",
        "copy",
    )
    for path in sorted(out.rglob("*"), reverse=True):
        if path.name in _INSTALLER_FILES and path.parent.name.endswith(".dist-info"):
            path.unlink()
        elif path.name in {"__pycache__", "bin", ".lock"}:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        elif path.suffix in {".so", ".pyd", ".dylib"}:
            msg = f"{path.relative_to(out)} is not pure Python, but the bundle must run on every architecture"
            raise BundleError(msg)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, out / package, ignore=shutil.ignore_patterns("__pycache__"))
    return out


def zipped(bundle: Path, out: Path) -> Path:
    """Zip a bundle, under a name made from its content: the same files have the same name on every machine.

    Args:
        bundle: The bundle.
        out: The folder for the zip.
    """
    digest = hashlib.sha256()
    archive = out / "unnamed.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for path in sorted(path for path in bundle.rglob("*") if path.is_file()):
            name, content = path.relative_to(bundle).as_posix(), path.read_bytes()
            opened.writestr(zip_entry(name), content)
            digest.update(f"{name} {len(content)}\n".encode() + content)
    return archive.rename(out / f"asset-cleaner-{digest.hexdigest()[:NAMED]}.zip")


def add_sites(bundle: Path, sites: Sequence[SiteSettings]) -> Path:
    """Write the file that says what the function cleans; the bundle's hash changes with it.

    Args:
        bundle: The folder with the function's code.
        sites: The sites. The name of a bucket that the stack creates is not known yet: it is null.

    Returns:
        ``bundle``.
    """
    (bundle / SITES_FILE).write_text(text(sites), encoding="utf-8")
    return bundle


def _uv(*arguments: str) -> str:
    command = [sys.executable, "-m", "uv", "--color", "never", *arguments]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if answer.returncode:
        msg = f"uv {' '.join(arguments[:2])} failed: {answer.stderr.strip()}"
        raise BundleError(msg)
    return answer.stdout
