"""The package that `pip install` and `uvx` bring: built, installed into an environment of its own, and run."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.paths import ROOT
from uploader.about import VERSION
from uploader.cli.group import COMMANDS

if TYPE_CHECKING:
    from tests.http.conftest import Uploader


MARKER = "release_log/marker.schema.json"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, made from the source distribution as an installer makes it that finds no wheel."""
    folder = tmp_path_factory.mktemp("built")
    uv = Path(sys.executable).with_name("uv")
    subprocess.run(
        [uv, "build", "--quiet", "--offline", "--no-build-isolation", "--python", sys.executable, "-o", folder, ROOT],
        check=True,
    )
    assert (folder / f"asset_cleaner-{VERSION}.tar.gz").exists()
    return folder / f"asset_cleaner-{VERSION}-py3-none-any.whl"


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment with the package; the libraries that it names are those of the tests."""
    environment = tmp_path_factory.mktemp("environment")
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "--quiet", "--offline", "--python", sys.executable, environment], check=True)
    programs = environment / "bin"
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", programs / "python", wheel], check=True
    )
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return programs


def test_the_wheel_has_the_uploader_and_what_it_shares_with_the_cleaner_and_no_more(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0] for name in names} == {
        "uploader",
        "release_log",
        f"asset_cleaner-{VERSION}.data",
        f"asset_cleaner-{VERSION}.dist-info",
    }
    manual = {f"uploader-{name}.1" for name in COMMANDS} | {"uploader.1"}
    data = f"asset_cleaner-{VERSION}.data/data/share/man/man1/"
    assert {name for name in names if ".data/" in name} == {data + page for page in manual}
    typed, schemas = {"uploader/py.typed", "release_log/py.typed"}, {"uploader/uploader.schema.json", MARKER}
    assert typed | schemas <= set(names)
    parts = ("page.html", "page.css", "page.js", "uPlot.js", "uPlot.css", "uPlot.LICENSE")
    assert {f"uploader/cli/report/parts/{part}" for part in parts} <= set(names)


@pytest.mark.parametrize("command", [["uploader"], ["python", "-P", "-m", "uploader"]])
def test_the_program_runs_in_a_repository_with_modules_of_the_same_names(
    command: list[str], installed: Path, tmp_path: Path, uploader: Uploader
) -> None:
    for name in ("uploader/__init__.py", "uploader/__main__.py", "release_log.py", "click.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("raise SystemExit('a module of the repository')\n")
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "app-3f9c2ab1.js").write_text("1")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        program, *words = command
        return subprocess.run(
            [installed / program, *words, *arguments],
            cwd=tmp_path,
            env=uploader.aws.environment(PYTHONPATH=""),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    assert run("--version").stdout == f"uploader, version {VERSION}\n"
    staged = run("dist", "--bucket", uploader.bucket, "--stage")
    assert (staged.returncode, staged.stderr) == (0, "")
    assert f"to make it current: {' '.join(command)} activate " in staged.stdout
    done = run("dist", "--bucket", uploader.bucket, "--json")
    assert json.loads(done.stdout)["counts"] == {"uploaded": 0, "unchanged": 1}
    wrong = run("statsu", "--bucket", uploader.bucket)
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
