"""Collecting a build: every file becomes one asset of the release, whatever the names look like."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uploader.builds.collect import collect
from uploader.builds.files import File
from uploader.treatment.rule_tables import parse_rules
from uploader.treatment.selection import Selection

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.scenario("T6")
@pytest.mark.parametrize(
    "names",
    [
        ["index-3f9c2ab1.js", "index-4a1b2c3d.js"],
        ["index-3f9c2ab1.js", "index.js"],
        # The first file falls back to its own name, which is the third file's logical path.
        ["a-3f9c2ab1.js", "a-4a1b2c3d.js", "a-3f9c2ab1-5e5e5e5f.js"],
        ["a-3f9c2ab1.js", "a-3f9c2ab1-5e5e5e5f.js"],
    ],
)
def test_no_two_files_have_the_same_logical_path(tmp_path: Path, names: list[str]) -> None:
    """The marker maps logical paths to keys: it would lose one of the two, and the cleaner would delete that one."""
    for name in names:
        (tmp_path / name).write_text(name)
    assets = collect(tmp_path, "assets/")
    assert {asset.key for asset in assets} == {f"assets/{name}" for name in names}
    assert len({asset.logical for asset in assets}) == len(names)


def test_the_logical_path_of_a_single_file_has_no_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "app-3f9c2ab1.js").write_text("x")
    (tmp_path / "index.html").write_text("x")
    assert [asset.logical for asset in collect(tmp_path, "assets/")] == ["assets/app.js", "assets/index.html"]


NAMES = st.sampled_from(["a.js", "a-3f9c2ab1.js", "a-4a1b2c3d.js", "a-3f9c2ab1-5e5e5e5f.js", "a-5e5e5e5f.js"])


@given(st.dictionaries(NAMES, st.none() | NAMES, min_size=1))
def test_no_two_files_have_the_same_logical_path_whatever_a_manifest_says(
    tmp_path_factory: pytest.TempPathFactory, logical_paths: dict[str, str | None]
) -> None:
    """Nor is a file's name the logical path of another file."""
    folder = tmp_path_factory.mktemp("build")
    for name in logical_paths:
        (folder / name).write_text(name)
    files = [File(str(folder / name), name, logical) for name, logical in logical_paths.items()]
    assets = collect(folder, "", collector=lambda _: files)
    assert len({asset.logical for asset in assets}) == len(logical_paths)
    assert all(asset.logical == asset.key for asset in assets if asset.logical in logical_paths)


def test_a_users_pattern_has_priority_over_a_framework_but_not_over_a_manifest(tmp_path: Path) -> None:
    (tmp_path / "_nuxt").mkdir()
    for name in ("_nuxt/B096mfoQ.js", "tea_v7.js", "cup_v8.js"):
        (tmp_path / name).write_text(name)
    (tmp_path / "staticfiles.json").write_text(json.dumps({"paths": {"cup_v8.js": "cup_v8.js"}, "version": "1.1"}))
    assets = collect(tmp_path, "", pattern=re.compile("_(v[0-9])"))
    assert {asset.key: asset.logical for asset in assets if asset.fingerprinted} == {"tea_v7.js": "tea.js"}


def test_verbose_says_of_each_file_what_its_name_was_taken_for_and_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """``upload --dry-run -v``."""
    (tmp_path / "img").mkdir()
    for name in ("app-3f9c2ab1.js", "theme-2196f3.css", "img/a-dfs3e1.png", "img/b-aw3dsf.png", "img/c-Zk9f2Q.png"):
        (tmp_path / name).write_text("x")
    with caplog.at_level(logging.DEBUG, "uploader"):
        collect(tmp_path, "")
        collect(tmp_path, "", pattern=re.compile("-([0-9a-f]{6})[.]"))
    hero = "fingerprinted ('dfs3e1', as 3 of 3 files in 'img/' have 6 such characters after '-')"
    for line in (
        "app-3f9c2ab1.js: fingerprinted ('3f9c2ab1', by its looks); logical path app.js",
        f"img/a-dfs3e1.png: {hero}; logical path img/a.png",
        "theme-2196f3.css: plain (nothing in it looks like one)",
        "theme-2196f3.css: fingerprinted ('2196f3', by --fingerprint-pattern); logical path theme.css",
    ):
        assert line in caplog.messages


def test_what_earlier_builds_left_behind_is_left_out_and_said_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Where a manifest says which file of a logical path is current. A collector is told."""
    names = ["app-3f9c2ab1.js", "app-4a1b2c3d.js", "app-4a1b2c3d.js.map", "app-5e5e5e5f.js", "index.html"]
    for name in names:
        (tmp_path / name).write_text("x")

    def took_over(folder: Path) -> list[File]:
        return [File(str(folder / name), name, "app.js" if name == names[0] else None) for name in names]

    (tmp_path / ".manifest.json").write_text(json.dumps({"app.js": {"digested_path": names[0]}}))
    assets = collect(tmp_path, "")
    assert {asset.key: asset.logical for asset in assets} == {
        ".manifest.json": ".manifest.json",
        names[0]: "app.js",
        "index.html": "index.html",
    }
    (line,) = caplog.messages
    assert line.startswith("3 files of earlier builds left out, such as 'app-4a1b2c3d.js'")
    caplog.clear()
    assert len(collect(tmp_path, "", collector=took_over)) == len(names)
    (line,) = caplog.messages
    assert line.startswith("2 files, such as 'app-4a1b2c3d.js', may be of earlier builds")


def test_what_may_be_of_an_earlier_build_beside_a_bundlers_manifest_is_named_and_published(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Such a manifest need not name a worker, which may have a name like that of a chunk."""
    names = ["main-BxY_1z9Q.js", "main-D4k_x7Qz.js", "main-D4k_x7Qz.js.map", "worker-C7FL7PMJ.js"]
    for name in names:
        (tmp_path / name).write_text("x")
    entry = {"file": names[0], "name": "main", "src": "src/main.js", "isEntry": True}
    (tmp_path / "manifest.json").write_text(json.dumps({"src/main.js": entry}))
    assert {asset.key for asset in collect(tmp_path, "")} == {*names, "manifest.json"}
    (line,) = caplog.messages
    assert line.startswith("2 files, such as 'main-D4k_x7Qz.js', may be of earlier builds: the build manifest names")


NFD, COMPOSED = "cafe\u0301-3f9c2ab1.js", "caf\u00e9-3f9c2ab1.js"


def test_names_that_are_not_in_nfc_are_named_and_stored_in_nfc_on_demand(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A build on macOS may have them; the manifest's and the rules' names are meant all the same."""
    (tmp_path / NFD).write_text("x")
    (tmp_path / "cafz.txt").write_text("x")
    (plain,) = [asset for asset in collect(tmp_path, "a/") if asset.fingerprinted]
    assert (plain.key, plain.logical) == (f"a/{NFD}", "a/cafe\u0301.js")
    (record,) = caplog.records
    assert record.getMessage().startswith(r"not in Unicode's NFC: 1 name, such as 'a/cafe\u0301-3f9c2ab1.js'")
    assert "--normalize nfc" in record.getMessage()
    caplog.clear()
    named: list[str] = []
    rules = parse_rules([{"match": "caf\u00e9*", "cache_control": "no-store"}], "")
    assets = collect(tmp_path, "a/", rules=rules, normalize="nfc", named=named.extend)
    assert [(asset.key, asset.logical) for asset in assets] == [
        ("a/cafz.txt", "a/cafz.txt"),
        (f"a/{COMPOSED}", "a/caf\u00e9.js"),
    ]
    assert assets[1].treatment.headers.cache_control == "no-store"
    assert assets[1].path == str(tmp_path / NFD)
    assert sorted(named) == [asset.key for asset in assets]
    assert caplog.records == []


def test_names_that_differ_in_case_alone_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """They are two objects in S3, and one file on macOS and Windows."""
    for name in ("Logo.png", "logo.png", "img/logo.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert len(collect(tmp_path, "")) == 3
    (record,) = caplog.records
    assert "1 pair of names, such as 'Logo.png' and 'logo.png'; macOS and Windows" in record.getMessage()


def test_data_that_is_compressed_is_a_coding_only_beside_its_original(tmp_path: Path) -> None:
    for name in ("data.json.gz", "feed.xml", "feed.xml.gz", "app.js.gz", "list.json", "list-3f9c2ab1.json.gz"):
        (tmp_path / name).write_text("x")
    found = {
        asset.key: (asset.treatment.headers.content_type, asset.treatment.headers.content_encoding)
        for asset in collect(tmp_path, "")
        if asset.key.endswith("gz")
    }
    assert found == {
        "app.js.gz": ("text/javascript; charset=utf-8", "gzip"),
        "data.json.gz": ("application/gzip", None),
        "feed.xml.gz": ("application/xml", "gzip"),
        "list-3f9c2ab1.json.gz": ("application/gzip", None),
    }


def test_a_manifest_that_is_left_out_is_read_all_the_same(tmp_path: Path) -> None:
    """As one that a rule skips: six letters alone would be no fingerprint."""
    (tmp_path / "manifest.json").write_text('{"app.js": "app-3f9c2a.js"}')
    (tmp_path / "app-3f9c2a.js").touch()
    (asset,) = collect(tmp_path, "", selection=Selection(exclude=("manifest.json",)))
    assert (asset.logical, asset.fingerprinted) == ("app.js", True)
