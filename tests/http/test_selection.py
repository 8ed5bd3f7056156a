"""Files that are left out of a release, by each of the ways, and what becomes of those that were published before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]

FILES = {"index.html": "1", "js/app-3f9c2ab1.js": "1", "js/app-3f9c2ab1.js.map": "1", "drafts/a.html": "1", ".env": "1"}


def sent(document: dict[str, Any]) -> set[str]:
    return {each["key"].removeprefix("assets/") for each in document["uploaded"]}


def test_every_way_leaves_files_out(
    uploader: Uploader, site_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A private file that is left out is not refused either."""
    monkeypatch.chdir(tmp_path)
    site_folder("dist", FILES)
    (tmp_path / "uploader.toml").write_text('exclude = [".env", "*.map"]\ninclude = ["js/**", "*.html"]\n')
    (tmp_path / ".uploaderignore").write_text("/dist/drafts/\n")
    answer = uploader.run("dist", "--bucket", uploader.bucket, "--json")
    assert sent(json.loads(answer.stdout)) == {"index.html", "js/app-3f9c2ab1.js"}
    left = "of these names, what an earlier release published retires as removed"
    assert answer.stderr == f"uploader: 3 files left out, such as '.env'; {left}\n"
    (tmp_path / "dist" / ".uploaderignore").write_text("*.html\n")
    refused = uploader.run("dist", "--bucket", uploader.bucket, "--include", "**", "--exclude", "*.mpa")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "holds private files: '.env'" in refused.stderr
    assert "leave them out with --exclude" in refused.stderr
    last = uploader.run("dist", "--bucket", uploader.bucket, "--json", "--exclude", "*.mpa", "--exclude", ".*", "-v")
    assert json.loads(last.stdout)["counts"] == {"uploaded": 1, "unchanged": 1}  # the map, as no longer excluded
    assert "uploader: --exclude '*.mpa' matches no file\n" in last.stderr
    assert "uploader: drafts/a.html: left out\n" in last.stderr


def test_an_upload_without_any_file_is_refused(uploader: Uploader, site_folder: Folder) -> None:
    """An empty release would retire the whole site."""
    folder = site_folder("dist", {"app-3f9c2ab1.js": "1"})
    uploader.upload(folder)
    before = uploader.keys()
    answer = uploader.run(folder, "--bucket", uploader.bucket, "--exclude", "*", "--include", "*.js", "-q")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == (
        f"uploader: wrong usage: every file of {str(folder)!r} is left out by --include, --exclude or .uploaderignore, "
        "or skipped by a rule: a release needs at least one asset; an --exclude goes before every --include, in "
        "whatever order they are given\n"
    )
    assert uploader.keys() == before


def test_a_glob_that_is_none_is_refused(uploader: Uploader, site_folder: Folder) -> None:
    for option in ("--include", "--exclude"):
        answer = uploader.run(site_folder("dist", FILES), "--bucket", uploader.bucket, option, "a[")
        assert (answer.returncode, answer.stderr.count("\n")) == (2, 1)
        assert f"wrong usage: {option}: 'a[' has a '[' without its ']'" in answer.stderr


def test_what_is_left_out_was_removed(
    uploader: Uploader, site_folder: Folder, cleaner: Callable[..., dict[str, Any]]
) -> None:
    """As if the build did not have the file any more, and no sooner deleted."""
    folder = site_folder("dist", {"app-3f9c2ab1.js": "1", "app-3f9c2ab1.js.map": "1"})
    uploader.upload(folder)
    cleaner()
    uploader.upload(folder, "--exclude", "*.map")
    document = cleaner()
    assert [(each["key"], each["state"]) for each in document["tag"]] == [("assets/app-3f9c2ab1.js.map", "removed")]
    assert document["delete"] == []
