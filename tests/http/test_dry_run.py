"""``upload --dry-run`` also says what the build would retire, and until when it would stay."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from release_log.instants import parse_instant
from release_log.layout import is_stored_page
from tests.http.in_process import publish_here
from uploader.publishing import retiring
from uploader.s3.bucket import Bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.http.conftest import Uploader
    from uploader.s3.port import Blob

    Folder = Callable[[str, dict[str, str]], Path]

OLD = {"app-3f9c2ab1.js": "1", "gone-3f9c2ab2.js": "1", "shared-3f9c2ab3.js": "1", "index.html": "1"}
NEW = {"app-4a1b2c3d.js": "2", "index.html": "2"}


def retires(uploader: Uploader, folder: Path) -> dict[str, dict[str, Any]]:
    """The document's list, by key."""
    document = uploader.upload(folder, "--dry-run")
    return {each["key"]: each for each in document["retires"]}


@pytest.fixture
def new(uploader: Uploader, site_folder: Folder) -> Path:
    """A new build, after a release of another one, of which another channel shares an asset."""
    publish_here(uploader, site_folder("old", OLD), "r1")
    publish_here(uploader, site_folder("other", {"shared-3f9c2ab3.js": "1"}), "r2", channel="staging")
    return site_folder("new", NEW)


def test_by_the_default_policy_before_the_cleaner_has_run(uploader: Uploader, new: Path) -> None:
    found = retires(uploader, new)
    assert set(found) == {"assets/app-3f9c2ab1.js", "assets/gone-3f9c2ab2.js"}
    app, gone = found["assets/app-3f9c2ab1.js"], found["assets/gone-3f9c2ab2.js"]
    assert (app["state"], app["until"], app["kept_by"]) == ("superseded", None, "within_version_limit")
    assert (gone["state"], gone["kept_by"]) == ("removed", None)
    later = parse_instant(gone["until"]) - datetime.now(UTC)
    assert timedelta(hours=47) < later <= timedelta(hours=48)
    lines = uploader.run(new, "--bucket", uploader.bucket, "--dry-run").stdout.splitlines()
    assert lines[-3].startswith("would retire assets/gone-3f9c2ab2.js (removed; stays until 20")
    assert lines[-2] == "would retire assets/app-3f9c2ab1.js (superseded; kept: within_version_limit)"
    assert lines[-1].startswith("dry run: 2 to upload")
    assert not [key for key in uploader.keys() if "4a1b2c3d" in key]


def test_by_the_policy_of_the_cleaners_last_run(
    uploader: Uploader, new: Path, cleaner: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = {"version_limit": 0, "version_ttl": 60, "grace": 7200}
    monkeypatch.setenv("SITES", json.dumps([{"bucket": uploader.bucket, "prefix": "assets/", "policy": policy}]))
    cleaner()
    found = retires(uploader, new)["assets/app-3f9c2ab1.js"]
    assert (found["state"], found["kept_by"]) == ("superseded", None)
    assert parse_instant(found["until"]) > datetime.now(UTC) + timedelta(minutes=119)
    monkeypatch.setenv(
        "SITES", json.dumps([{"bucket": uploader.bucket, "prefix": "assets/", "policy": {"keep_releases": 1}}])
    )
    cleaner(full=True)
    publish_here(uploader, new.parent / "old", "r3")
    cleaner()
    assert {each["kept_by"] for each in retires(uploader, new).values()} == {"kept_release"}


def test_what_is_pinned_stays_and_a_first_release_retires_nothing(
    uploader: Uploader, new: Path, site_folder: Folder
) -> None:
    assert uploader.run("pin", "r1", "--bucket", uploader.bucket).returncode == 0
    assert {each["kept_by"] for each in retires(uploader, new).values()} == {"pinned"}
    first = uploader.upload(site_folder("first", NEW), "--dry-run", "--channel", "another")
    assert first["retires"] == []
    assert uploader.upload(new)["retires"] is None


def test_of_many_the_first_are_shown(uploader: Uploader, site_folder: Folder) -> None:
    many = {f"a{number}-{number:08x}c1.js": "1" for number in range(1, 26)}
    publish_here(uploader, site_folder("many", many), "r1")
    lines = uploader.run(site_folder("few", NEW), "--bucket", uploader.bucket, "--dry-run").stdout.splitlines()
    assert sum(line.startswith("would retire assets/") for line in lines) == 20
    assert lines[-2] == "would retire 5 more files: --json lists them all"


def test_the_cleaner_does_as_it_says(
    uploader: Uploader, new: Path, cleaner: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the seconds that lie between the question and the marker."""
    policy = {"version_limit": 0, "version_ttl": 7200}
    monkeypatch.setenv("SITES", json.dumps([{"bucket": uploader.bucket, "prefix": "assets/", "policy": policy}]))
    cleaner()
    said = retires(uploader, new)
    publish_here(uploader, new, "r3")
    upcoming = {each["key"]: each for each in cleaner(dry_run=True)["upcoming"] if not is_stored_page(each["key"])}
    assert {key: each["state"] for key, each in upcoming.items()} == {key: each["state"] for key, each in said.items()}
    for key, each in said.items():
        assert abs(parse_instant(upcoming[key]["due"]) - parse_instant(each["until"])) < timedelta(minutes=1)


def test_without_a_cleaner_only_the_newest_markers_are_read(
    uploader: Uploader, site_folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There may be thousands."""
    monkeypatch.setattr(retiring, "MOST_UNSEEN", 2)
    read: list[str] = []
    get_each = Bucket.get_each

    def noting(self: Bucket, keys: Sequence[str]) -> dict[str, Blob]:
        read.extend(keys)
        return get_each(self, keys)

    monkeypatch.setattr(Bucket, "get_each", noting)
    for number in range(4):
        publish_here(uploader, site_folder(f"b{number}", {f"app-3f9c2ab{number}.js": "1"}), f"r{number}")
    read.clear()
    assert set(retires(uploader, site_folder("new", NEW))) == {"assets/app-3f9c2ab3.js"}
    assert [key.rpartition("-")[2] for key in read if "/markers/" in key] == ["r3.json", "r2.json"]
