"""Collecting a build: every file is one asset of the release, whatever the names look like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from uploader.collect import collect

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
