"""The package of `make package`, in an empty environment of each Python that it supports, as pip or uvx brings it.

It is not a part of `make test`, because the libraries come from the package index.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.package.environments import CDK_WHEEL, DIST, SOURCES, SUPPORTED, UV, WHEEL, install
from tests.paths import ROOT
from uploader.about import VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from examples.embedded_aws import EmbeddedAws


@pytest.mark.parametrize(
    ("version", "package"), [*((version, WHEEL) for version in SUPPORTED), (SUPPORTED[0], SOURCES)], ids=str
)
def test_it_publishes_from_an_empty_environment(
    version: str, package: Path, locked: Path, tmp_path: Path, aws: EmbeddedAws, bucket: str
) -> None:
    programs = install(tmp_path / "environment", version, locked, package)
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "app-3f9c2ab1.js").write_text("1")

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [programs / "uploader", *arguments],
            cwd=tmp_path,
            env=aws.environment(PYTHONPATH=""),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    assert (programs.parent / "share" / "man" / "man1" / "uploader-run.1").exists()
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


def test_the_package_says_which_versions_it_supports_and_holds_the_build_jobs_side_alone() -> None:
    with zipfile.ZipFile(WHEEL) as archive:
        metadata = archive.read(f"asset_cleaner-{VERSION}.dist-info/METADATA").decode()
        modules = {name.split("/")[0] for name in archive.namelist() if name.endswith(".py")}
    assert re.findall(r"^Classifier: Programming Language :: Python :: (3\..*)$", metadata, re.MULTILINE) == SUPPORTED
    assert modules == {"uploader", "release_log"}


def test_the_constructs_package_holds_the_bundle_of_the_template_and_needs_this_very_version() -> None:
    (archive,) = DIST.glob("asset-cleaner-*.zip")
    with zipfile.ZipFile(CDK_WHEEL) as opened:
        metadata = opened.read(f"asset_cleaner_cdk-{VERSION}.dist-info/METADATA").decode()
        assert opened.read("asset_cleaner_cdk/bundle.zip") == archive.read_bytes()
        assert {name.split("/")[0] for name in opened.namelist() if name.endswith(".py")} == {"asset_cleaner_cdk"}
    assert f"\nVersion: {VERSION}\n" in metadata
    assert f"\nRequires-Dist: asset-cleaner=={VERSION}\n" in metadata


def test_every_file_that_is_built_is_published_in_one_place() -> None:
    workflow = (ROOT / ".github" / "workflows" / "publish.yml").read_text()
    published = {
        name: [*ROOT.glob(files)] for name, files in re.findall(r"name: (\w+)\n +path: (dist/\S+)\n", workflow)
    }
    assert {path.suffix for path in published["packages"]} == {".whl", ".gz"}
    assert {path.suffix for path in published["template"]} == {".json", ".zip"}
    every = [path for paths in published.values() for path in paths]
    assert sorted(every) == sorted(DIST.glob("asset*")), "the archives are of `make bundle`"
