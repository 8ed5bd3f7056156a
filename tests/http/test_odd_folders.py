"""Folder names with special characters: Next.js has ``[id]``, and a listing asks for each folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.http.in_process import publish_here

if TYPE_CHECKING:
    from pathlib import Path

    from tests.http.conftest import Uploader

FOLDERS = [
    "[id]",
    "(group)",
    "a b",
    "x~y",
    "50%",
    "%5Bid%5D",
    "é",
    "a#b",
    "{x}",
    "a^b",
    "a|b",
    "a+b",
    "a&b=c",
    "a?b",
    "@x",
    "a'b",
]


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_in_such_a_folder_is_found_again(uploader: Uploader, tmp_path: Path, folder: str) -> None:
    (tmp_path / "dist" / folder / "deep").mkdir(parents=True)
    for name in ("app-3f9c2ab1.js", "deep/b-3f9c2ab1.js", "page.html"):
        (tmp_path / "dist" / folder / name).write_text("x")
    first = publish_here(uploader, tmp_path / "dist", "r1")
    second = publish_here(uploader, tmp_path / "dist", "r2")
    assert (len(first.uploads), len(second.uploads)) == (3, 0)
