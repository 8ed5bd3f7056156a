"""``.uploaderignore``: as git reads a ``.gitignore``, and where it may lie."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from uploader.builds.ignore_files import IGNORE_FILE, read_ignore_files
from uploader.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

PATTERNS = r"""
# a comment
*.map
!keep.js.map
/top.txt
drafts/
!drafts/no-way-back.html
a/**/z.js
\#odd\ name.txt
[Tt]humbs.db
trailing.txt   
sub/*.css
"""  # noqa: W291 (git passes over the spaces)
NAMES = [
    "app.js",
    "app.js.map",
    "js/keep.js.map",
    "top.txt",
    "js/top.txt",
    "drafts/no-way-back.html",
    "old/drafts/x.html",
    "a/z.js",
    "a/b/c/z.js",
    "#odd name.txt",
    "Thumbs.db",
    "trailing.txt",
    "sub/a.css",
    "sub/sub/a.css",
]


def left_out(build: Path, here: Path, names: list[str]) -> list[str]:
    ignored = read_ignore_files(build, here)
    assert ignored is not None
    return [name for name in names if ignored(name)]


OTHERS = [
    ["*", "!*/", "!*.js"],
    ["**", "!*/", "!/a/**"],
    ["a/", "!b/"],
    ["a/*", "!a/b/"],
    ["/*", "!/b", "/b/*", "!/b/a"],
    ["a/**", "!a/*"],
    ["!*.js", "*.j[a-s]", "!**/b/*"],
    ["?", "[!a]*", "!/js"],
]
"""Ways to take something back, of which git allows some."""
DEEP = [f"{folder}{name}" for folder in ("", "a/", "b/", "a/b/", "b/a/", "js/") for name in ("c.js", "c.txt", "d")]


@pytest.mark.parametrize("patterns", [PATTERNS.split("\n"), *OTHERS], ids=lambda patterns: " ".join(patterns)[:30])
def test_it_is_read_as_git_reads_it(tmp_path: Path, patterns: list[str]) -> None:
    for file in (IGNORE_FILE, ".gitignore"):
        (tmp_path / file).write_text("\n".join(patterns))
    names = [*NAMES, *DEEP]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)  # noqa: S607 (by the PATH)
    command = ["git", "-c", "core.excludesFile=", "-c", "core.quotePath=false", "check-ignore", *names]
    git = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.splitlines()
    assert left_out(tmp_path, tmp_path, names) == git
    assert 0 < len(git) < len(names)


def test_its_paths_start_at_its_own_folder(tmp_path: Path) -> None:
    """Both files are read, the project's and the build's, and neither takes back what the other has left out."""
    build = tmp_path / "web" / "dist"
    build.mkdir(parents=True)
    assert read_ignore_files(build, tmp_path) is None
    (tmp_path / IGNORE_FILE).write_text("/web/dist/a.js\n/b.js\n*.map\n")
    assert left_out(build, tmp_path, ["a.js", "b.js", "x/c.map", IGNORE_FILE]) == ["a.js", "x/c.map", IGNORE_FILE]
    (build / IGNORE_FILE).write_text("/b.js\n!*.map\n")
    assert left_out(build, tmp_path, ["a.js", "b.js", "x/c.map", "x/b.js"]) == ["a.js", "b.js", "x/c.map"]
    assert left_out(build, build, ["a.js", "b.js", "x/c.map"]) == ["b.js"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / IGNORE_FILE).write_text("*\n")
    assert left_out(build, elsewhere, ["a.js", "b.js"]) == ["b.js"]


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_a_pattern(tmp_path: Path) -> None:
    (tmp_path / IGNORE_FILE).write_bytes("\ufeff*.map\r\n*.txt\r\n".encode())
    assert left_out(tmp_path, tmp_path, ["a.map", "a.txt", "a.js"]) == ["a.map", "a.txt"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"*.js\n!\n", "line 2: '!' is not a pattern as in .gitignore"),
        (b"[z-a]\n", "line 1: '[z-a]' is not a pattern as in .gitignore"),
        (b"\xff\xfe", "is not UTF-8: save it as UTF-8"),
    ],
)
def test_what_is_not_a_pattern_is_refused(tmp_path: Path, body: bytes, said: str) -> None:
    (tmp_path / IGNORE_FILE).write_bytes(body)
    with pytest.raises(UsageError) as caught:
        read_ignore_files(tmp_path, tmp_path)
    assert said in str(caught.value)


def test_one_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / IGNORE_FILE).mkdir()
    with pytest.raises(UsageError, match="Is a directory"):
        read_ignore_files(tmp_path, tmp_path)
