"""Collecting a build: every file is one asset of the release, whatever the names look like."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uploader.builds.collect import collect
from uploader.builds.files import File

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "names",
    [
        ["index-3f9c2ab1.js", "index-4a1b2c3d.js"],
        ["index-3f9c2ab1.js", "index.js"],
        # The third's logical path is the first's whole name, which the first falls back to.
        ["a-3f9c2ab1.js", "a-4a1b2c3d.js", "a-3f9c2ab1-5e5e5e5f.js"],
        ["a-3f9c2ab1.js", "a-3f9c2ab1-5e5e5e5f.js"],
    ],
)
def test_no_two_files_have_one_logical_path(tmp_path: Path, names: list[str]) -> None:
    """The marker maps logical paths to keys: of two with one path it would lose one, and the cleaner delete it."""
    for name in names:
        (tmp_path / name).write_text(name)
    assets = collect(tmp_path, "assets/")
    assert {asset.key for asset in assets} == {f"assets/{name}" for name in names}
    assert len({asset.logical for asset in assets}) == len(names)


def test_a_name_of_its_own_is_the_logical_path(tmp_path: Path) -> None:
    (tmp_path / "app-3f9c2ab1.js").write_text("x")
    (tmp_path / "index.html").write_text("x")
    assert [asset.logical for asset in collect(tmp_path, "assets/")] == ["assets/app.js", "assets/index.html"]


NAMES = st.sampled_from(["a.js", "a-3f9c2ab1.js", "a-4a1b2c3d.js", "a-3f9c2ab1-5e5e5e5f.js", "a-5e5e5e5f.js"])


@given(st.dictionaries(NAMES, st.none() | NAMES, min_size=1))
def test_whatever_a_manifest_says_no_two_files_have_one_logical_path(
    tmp_path_factory: pytest.TempPathFactory, said: dict[str, str | None]
) -> None:
    """Nor does a name stand for another file's path."""
    folder = tmp_path_factory.mktemp("build")
    for name in said:
        (folder / name).write_text(name)
    files = [File(str(folder / name), name, logical) for name, logical in said.items()]
    assets = collect(folder, "", collector=lambda _: files)
    assert len({asset.logical for asset in assets}) == len(said)
    assert all(asset.logical == asset.key for asset in assets if asset.logical in said)


def test_what_earlier_builds_left_behind_does_not_take_the_current_ones_path(tmp_path: Path) -> None:
    """Rails keeps old files for a while: they are published, and only the manifest knows which is new."""
    old, new = "app-0cc175b9c0f1b6a831c399e269772661.js", "app-92eb5ffee6ae2fec3ad71c777531578f.js"
    for name in (old, new):
        (tmp_path / name).write_text(name)
    (tmp_path / ".sprockets-manifest-900150983cd24fb0d6963f7d28e17f72.json").write_text(
        json.dumps({"files": {old: {}, new: {}}, "assets": {"app.js": new}})
    )
    found = {asset.key: (asset.logical, asset.fingerprinted) for asset in collect(tmp_path, "assets/")}
    assert found[f"assets/{new}"] == ("assets/app.js", True)
    assert found[f"assets/{old}"] == (f"assets/{old}", True)


def test_a_users_pattern_goes_before_a_frameworks_folder_and_after_a_manifest(tmp_path: Path) -> None:
    (tmp_path / "_nuxt").mkdir()
    for name in ("_nuxt/B096mfoQ.js", "tea_v7.js", "cup_v8.js"):
        (tmp_path / name).write_text(name)
    (tmp_path / "staticfiles.json").write_text(json.dumps({"paths": {"cup_v8.js": "cup_v8.js"}, "version": "1.1"}))
    assets = collect(tmp_path, "", pattern=re.compile("_(v[0-9])"))
    assert {asset.key: asset.logical for asset in assets if asset.fingerprinted} == {"tea_v7.js": "tea.js"}
