"""The package of `make package`, in an empty environment of each Python that it supports, as pip or uvx brings it.

It is not a part of `make test`, because the libraries come from the package index.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.paths import ROOT
from uploader.about import VERSION

if TYPE_CHECKING:
    from examples.embedded_aws import EmbeddedAws

SUPPORTED = ["3.11", "3.12", "3.13", "3.14"]
WHEEL = ROOT / "dist" / f"asset_cleaner-{VERSION}-py3-none-any.whl"
SOURCES = ROOT / "dist" / f"asset_cleaner-{VERSION}.tar.gz"
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


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The versions in ``uv.lock`` as constraints: a library's newest release breaks no build of ours."""
    file = tmp_path_factory.mktemp("locked") / "constraints.txt"
    words = ["export", "--quiet", "--locked", "--no-default-groups", "--no-hashes", "--no-emit-project"]
    subprocess.run([UV, *words, "-o", file], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return file


@pytest.mark.parametrize(
    ("version", "package"), [*((version, WHEEL) for version in SUPPORTED), (SUPPORTED[0], SOURCES)], ids=str
)
def test_it_publishes_from_an_empty_environment(
    version: str, package: Path, locked: Path, tmp_path: Path, aws: EmbeddedAws, bucket: str
) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"Python {version} is not on this machine")
    environment = tmp_path / "environment"
    subprocess.run([UV, "venv", "--quiet", "--python", python, environment], check=True)
    into = ["--python", str(environment / "bin" / "python")]
    subprocess.run([UV, "pip", "install", "--quiet", *into, "--constraint", locked, package], check=True)
    subprocess.run([UV, "pip", "check", "--quiet", *into], check=True)
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "app-3f9c2ab1.js").write_text("1")

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [environment / "bin" / "uploader", *arguments],
            cwd=tmp_path,
            env=aws.environment(PYTHONPATH=""),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    assert (environment / "share" / "man" / "man1" / "uploader-run.1").exists()
    assert run("--version") == f"uploader, version {VERSION}\n"
    assert json.loads(run("dist", "--bucket", bucket, "--json"))["counts"] == {"uploaded": 1, "unchanged": 0}


def test_uvx_publishes_as_the_readme_shows(tmp_path: Path, locked: Path, aws: EmbeddedAws, bucket: str) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "app-3f9c2ab1.js").write_text("1")
    (line,) = re.findall(r"`uvx (--from asset-cleaner .*?)`", (ROOT / "README.md").read_text())
    words = shlex.split(line.replace("--from asset-cleaner", f"--from {WHEEL}").replace("my-assets", bucket))
    done = subprocess.run(
        [UV, "tool", "run", "--quiet", "--constraints", locked, *words],
        cwd=tmp_path,
        # As set-up does by pyproject.toml, for a company's proxy: there is none in this folder.
        env=aws.environment(UV_SYSTEM_CERTS="true"),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert re.match(r"released \S+ to s3://", done.stdout)


def test_the_package_says_which_versions_it_supports() -> None:
    with zipfile.ZipFile(WHEEL) as archive:
        metadata = archive.read(f"asset_cleaner-{VERSION}.dist-info/METADATA").decode()
    assert re.findall(r"^Classifier: Programming Language :: Python :: (3\..*)$", metadata, re.MULTILINE) == SUPPORTED
