"""A site inside another's prefix, with the deployed handler: neither loses what it needs, whichever came first.

With one installation that knows both, and with one for each, which know each other by their release logs alone.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cleaner_lambda import handler
from release_log.layout import Layout
from tests.http.in_process import publish_here

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]
    Cleaner = Callable[..., dict[str, Any]]
    Clean = Callable[..., dict[str, Any]]

OUTER, INNER = "assets/", "assets/admin/"
NOW = {"grace": 0, "version_limit": 0, "version_ttl": 0, "removed_ttl": 0, "orphans": "all", "max_delete_fraction": 1.0}
"""Every retired asset is due at once."""

OLD, NEW = "ui-3f9c2ab1.js", "ui-4a1b2c3d.js"


@pytest.fixture(params=["one installation", "two installations"])
def clean(
    request: pytest.FixtureRequest, uploader: Uploader, cleaner: Cleaner, monkeypatch: pytest.MonkeyPatch
) -> Clean:
    """Cleans one of the two sites."""

    def do(prefix: str, **payload: bool) -> dict[str, Any]:
        known = [OUTER, INNER] if request.param == "one installation" else [prefix]
        sites = [{"bucket": uploader.bucket, "prefix": each, "policy": NOW} for each in known]
        monkeypatch.setenv("SITES", json.dumps(sites))
        return cleaner(site=prefix, **payload)

    return do


def untouched(answer: dict[str, Any]) -> bool:
    """Whether a run did and said nothing about any asset."""
    lists = ("tag", "untag", "delete", "failed", "set_aside", "upcoming", "missing")
    return all(answer[name] == [] for name in lists) and not answer["orphans"]


def tags(uploader: Uploader, key: str) -> list[Any]:
    """An object's tags."""
    answer = uploader.aws.client("s3").get_object_tagging(Bucket=uploader.bucket, Key=key)
    return list(answer["TagSet"])


def a_day_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was stored just now is old enough for an orphan."""
    monkeypatch.setattr("cleaner_lambda.listing.ORPHAN_SECONDS", -5)


def test_the_outer_site_retires_what_the_inner_ones_release_needs(
    uploader: Uploader, site_folder: Folder, clean: Clean
) -> None:
    """The outer site came first, and published beneath the later prefix."""
    publish_here(uploader, site_folder("o1", {f"admin/{OLD}": "1", "index.html": "1"}), "o1", prefix=OUTER)
    clean(OUTER)
    publish_here(uploader, site_folder("i1", {OLD: "1"}), "i1", prefix=INNER)
    clean(INNER)
    publish_here(uploader, site_folder("o2", {"index.html": "1"}), "o2", prefix=OUTER)
    for full in (False, False, True):
        answer = clean(OUTER, full=full)
        assert untouched(answer)
    assert answer["inner_sites"] == [INNER]
    assert INNER + OLD in uploader.keys()
    assert tags(uploader, INNER + OLD) == []


def test_the_inner_site_finds_the_outer_ones_assets_among_its_own(
    uploader: Uploader, site_folder: Folder, clean: Clean, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The inner site came first, and no release of its own ever named them: they are no orphans."""
    publish_here(uploader, site_folder("i1", {NEW: "1"}), "i1", prefix=INNER)
    publish_here(uploader, site_folder("o1", {f"admin/{OLD}": "1", "index.html": "1"}), "o1", prefix=OUTER)
    a_day_passes(monkeypatch)
    clean(INNER)
    for _ in range(2):
        assert untouched(clean(INNER, full=True))
    assert INNER + OLD in uploader.keys()
    assert tags(uploader, INNER + OLD) == []


@pytest.mark.parametrize("how", ["current", "staged", "pending", "pinned"])
def test_the_inner_site_retires_what_the_outer_one_needs(
    uploader: Uploader, site_folder: Folder, clean: Clean, how: str
) -> None:
    """It keeps it as long as the outer site names it, and deletes it after that, with the next daily listing."""
    s3, folder = uploader.aws.client("s3"), site_folder("o1", {f"admin/{OLD}": "1", "index.html": "1"})
    publish_here(uploader, site_folder("i1", {OLD: "1"}), "i1", prefix=INNER)
    clean(INNER)
    named = publish_here(uploader, folder, "o1", prefix=OUTER)
    layout = Layout(OUTER)
    if how != "current":
        place = {"staged": layout.staged_key, "pending": layout.pending_key, "pinned": layout.pin_key}[how](named.id)
        body = s3.get_object(Bucket=uploader.bucket, Key=named.key)["Body"].read()
        s3.put_object(Bucket=uploader.bucket, Key=place, Body=body)
        publish_here(uploader, site_folder("o2", {"index.html": "2"}), "o2", prefix=OUTER)
    else:
        place = named.key
    publish_here(uploader, site_folder("i2", {NEW: "2"}), "i2", prefix=INNER)
    for _ in range(2):
        answer = clean(INNER)
        assert (answer["delete"], answer["set_aside"], answer["stopped_by"]) == ([], [], [])
        assert INNER + OLD in uploader.keys()
    s3.delete_object(Bucket=uploader.bucket, Key=place)
    assert [entry["key"] for entry in clean(INNER, full=True)["delete"]] == [INNER + OLD]


def test_a_log_that_appears_during_the_run_is_seen_at_the_second_look(
    uploader: Uploader, site_folder: Folder, clean: Clean
) -> None:
    """The inner site's first intent is written after the outer one's run has found no log."""
    publish_here(uploader, site_folder("o1", {f"admin/{OLD}": "1", "index.html": "1"}), "o1", prefix=OUTER)
    clean(OUTER)
    publish_here(uploader, site_folder("o2", {"index.html": "1"}), "o2", prefix=OUTER)
    writes: list[str] = []

    def when_the_ledger_is_written(params: dict[str, Any], **_: object) -> None:
        if params["Key"] == Layout(OUTER).ledger and not writes:
            writes.append(params["Key"])
            publish_here(uploader, site_folder("i1", {OLD: "1"}), "i1", prefix=INNER)

    events = handler._s3().meta.events  # noqa: SLF001
    events.register("provide-client-params.s3.PutObject", when_the_ledger_is_written)
    assert clean(OUTER)["delete"] == []
    assert INNER + OLD in uploader.keys()


def test_one_stray_object_below_a_folder_named_as_a_log_stops_neither(
    uploader: Uploader, site_folder: Folder, clean: Clean
) -> None:
    """Around the site, inside it, and in the folders of a log: the outer one keeps what lies beside it, no more."""
    s3 = uploader.aws.client("s3")
    for key in (".releases/note.txt", ".releases/markers/note.txt", "assets/old/.releases/note.txt"):
        s3.put_object(Bucket=uploader.bucket, Key=key, Body=b"x")
    publish_here(uploader, site_folder("o1", {f"old/{OLD}": "1", f"now/{OLD}": "1"}), "o1", prefix=OUTER)
    clean(OUTER)
    publish_here(uploader, site_folder("o2", {"index.html": "1"}), "o2", prefix=OUTER)
    answer = clean(OUTER)
    assert answer["stopped_by"] == []
    assert [entry["key"] for entry in answer["delete"]] == [f"assets/now/{OLD}"]
    assert "assets/old/" in answer["inner_sites"]


def test_a_broken_marker_around_the_site_stops_it_by_name(
    uploader: Uploader, site_folder: Folder, clean: Clean
) -> None:
    """Which assets the outer site needs is unknown; when the file is gone, the inner site goes on."""
    s3, bad = uploader.aws.client("s3"), Layout(OUTER).marker_key("20200101T000000Z-bad")
    publish_here(uploader, site_folder("i1", {OLD: "1"}), "i1", prefix=INNER)
    clean(INNER)
    publish_here(uploader, site_folder("i2", {NEW: "2"}), "i2", prefix=INNER)
    s3.put_object(Bucket=uploader.bucket, Key=bad, Body=b"not json")
    answer = clean(INNER)
    assert (answer["delete"], answer["stopped_by"][0]["reason"]) == ([], "invalid_marker")
    assert bad in answer["stopped_by"][0]["message"]
    s3.delete_object(Bucket=uploader.bucket, Key=bad)
    assert [entry["key"] for entry in clean(INNER)["delete"]] == [INNER + OLD]
