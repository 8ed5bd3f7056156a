"""Builds as their users publish them: with a manifest, and with a user's own collector."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.builds.listing import rebuild
from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]


@pytest.fixture
def project(tmp_path: Path, uploader: Uploader) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Somebody's project with a build of its own kind; runs the uploader there, as its build job does."""
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "builds.md").read_text(), re.DOTALL)
    for path, text in {
        "my_build/assets.py": example,
        "my_build/broken.py": "def collect(directory):\n    return directory.nothing\n",
        "dist/tea@1f3a.js": "tea",
        "dist/drafts/cup.txt": "",
        "licences/tea.txt": "MIT",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "uploader", "dist", "--bucket", uploader.bucket, *arguments],
            cwd=tmp_path,
            env=uploader.aws.environment(PYTHONPATH=str(ROOT)),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def uploaded(document: dict[str, Any]) -> dict[str, str]:
    """Key -> logical path, of fingerprinted files."""
    return {entry["key"]: entry["logical"] for entry in document["uploaded"] if entry["fingerprinted"]}


def test_a_collector_from_outside_the_package(
    uploader: Uploader, project: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """The documented collector, in a process of its own."""
    answer = project("--collector", "my_build.assets:collect", "--json")
    assert answer.returncode == 0, answer.stderr
    assert uploaded(json.loads(answer.stdout)) == {"assets/tea@1f3a.js": "assets/tea.js"}
    assert [key for key in uploader.keys() if ".releases/" not in key] == [
        "assets/licences/tea.txt",
        "assets/tea@1f3a.js",
    ]


@pytest.mark.parametrize(
    ("collector", "words"),
    [
        ("my_build.broken:collect", "my_build/broken.py, line 2)"),
        ("my_build.asets:collect", "no module 'my_build.asets'"),
        ("my_build.assets", "package.module:function"),
    ],
)
def test_a_collector_that_fails_is_one_line_and_nothing_is_written(
    uploader: Uploader, project: Callable[..., subprocess.CompletedProcess[str]], collector: str, words: str
) -> None:
    answer = project("--collector", collector)
    assert (answer.returncode, len(answer.stderr.splitlines())) == (2, 1), answer.stderr
    assert words in answer.stderr
    assert uploader.keys() == []


def test_the_next_real_build_supersedes_what_changed(uploader: Uploader, tmp_path: Path) -> None:
    """Vite's manifest: files that the pattern alone would miss keep their logical paths too."""
    uploader.upload(rebuild("vite", "v1", tmp_path / "v1"), "--release", "r1")
    changed = uploaded(uploader.upload(rebuild("vite", "v2", tmp_path / "v2"), "--release", "r2"))
    assert set(changed.values()) == {
        f"assets/assets/{name}.js{end}" for name in ("basket", "cart", "index") for end in ("", ".map")
    }


def test_a_named_manifest_outside_the_directory(uploader: Uploader, site_folder: Folder) -> None:
    build = site_folder("public", {"app-deadbeef.js": "x", "logo.png": "y"})
    manifest = site_folder("config", {"assets.json": '{"files": {}, "assets": {"app.js": "app-deadbeef.js"}}'})
    document = uploader.upload(build, "--manifest", manifest / "assets.json")
    assert uploaded(document) == {"assets/app-deadbeef.js": "assets/app.js"}
    assert document["counts"]["uploaded"] == 2


@pytest.mark.scenario("T30")
def test_a_manifest_of_another_build_is_refused_and_nothing_is_written(uploader: Uploader, site_folder: Folder) -> None:
    build = site_folder("public", {"app-3f9c2ab1.js": "x", "staticfiles.json": '{"paths": {"a": "b"}, "version": "1"}'})
    answer = uploader.run(build, "--bucket", uploader.bucket)
    assert (answer.returncode, len(answer.stderr.splitlines())) == (2, 1)
    assert "names 'b' (entry 'a')" in answer.stderr
    assert uploader.keys() == []
