"""``end`` against a real server, followed by the real cleaner: a channel goes, then the site with its release log."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cleaner_lambda import ending
from release_log.marker import decode
from tests.http.in_process import publish_here

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]
    Cleaner = Callable[..., dict[str, Any]]

APP, PREVIEW, LOGO = "assets/app-3f9c2ab1.js", "assets/app-4a1b2c3d.js", "assets/logo-5e5e5e5f.png"


@pytest.fixture
def ids(uploader: Uploader, site_folder: Folder, cleaner: Cleaner) -> list[str]:
    """A release in each of two channels. They share the logo, and have one path with two versions."""
    ids = []
    for number, (channel, key) in enumerate((("production", APP), ("pr-12", PREVIEW)), 1):
        files = {key.removeprefix("assets/"): key, LOGO.removeprefix("assets/"): "same"}
        ids.append(publish_here(uploader, site_folder(channel, files), f"r{number}", channel=channel).id)
    cleaner()
    return ids


@pytest.fixture
def at_once(uploader: Uploader, cleaner: Cleaner, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 (it comes first)
    """A policy without any waiting but for superseded versions, of which some stay for ever."""
    policy = {"grace": 0, "removed_ttl": 0, "version_limit": 2, "version_ttl": 3600}
    monkeypatch.setenv("SITES", json.dumps([{"bucket": uploader.bucket, "prefix": "assets/", "policy": policy}]))
    monkeypatch.setattr(ending, "HOLDS", timedelta(0))


def end(uploader: Uploader, *arguments: str) -> dict[str, Any]:
    """End something; it must succeed. Returns the JSON document."""
    answer = uploader.run("end", *arguments, "--bucket", uploader.bucket, "--json")
    assert answer.returncode == 0, answer.stderr
    document: dict[str, Any] = json.loads(answer.stdout)
    return document


def shown(uploader: Uploader, command: str, *arguments: str) -> dict[str, Any]:
    """The JSON document of a command that reads."""
    answer = uploader.run(command, *arguments, "--bucket", uploader.bucket, "--json")
    document: dict[str, Any] = json.loads(answer.stdout)
    return document


def assets(uploader: Uploader) -> set[str]:
    """Every key outside the release log."""
    return {key for key in uploader.keys() if "/.releases/" not in key}


@pytest.mark.usefixtures("at_once")
def test_a_channel_goes_and_at_last_the_site(uploader: Uploader, ids: list[str], cleaner: Cleaner) -> None:
    """In a process of its own. What the other channel needs stays; the version that only the preview had goes."""
    answer = uploader.process("end", "--channel", "pr-12", "--bucket", uploader.bucket)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout == (
        f"ended channel pr-12 at s3://{uploader.bucket}/assets/; the cleaner deletes each asset that no other channel "
        "needs after removed_ttl (2 days by default)\n"
    )
    (marker,) = [key for key in uploader.keys() if key.endswith("-end.json")]
    stored = uploader.aws.client("s3").get_object(Bucket=uploader.bucket, Key=marker)["Body"].read()
    assert (decode(stored, "assets/").ended, json.loads(stored)["format"]) == (True, 2)
    planned = cleaner(dry_run=True)
    assert [entry["reason"] for entry in planned["delete"]] == ["beyond_removed_ttl"]
    run = cleaner()
    assert (run["current"], list(run["ended"])) == ({"production": ids[0]}, ["pr-12"])
    assert assets(uploader) == {APP, LOGO}
    cleaner()
    assert [key for key in uploader.keys() if "/markers/" in key] == [f"assets/.releases/markers/{ids[0]}.json"]

    document = end(uploader, "--site")
    assert [each["channel"] for each in document["ended"]] == ["production"]
    for _ in range(3):
        assert cleaner()["stopped_by"] == []
    assert uploader.keys() == []
    assert cleaner()["next_due"] is None


def test_until_its_assets_are_gone_a_rollback_brings_it_back(
    uploader: Uploader, ids: list[str], cleaner: Cleaner
) -> None:
    """And every command knows that it has ended."""
    done = end(uploader, "--channel", "pr-12")
    assert [each["channel"] for each in done["ended"]] == ["pr-12"]
    again = end(uploader, "--channel", "pr-12")
    assert (again["ended"], again["already"]) == ([], ["pr-12"])
    assert [entry["key"] for entry in cleaner()["tag"]] == [PREVIEW]

    status = shown(uploader, "status")
    assert [each["channel"] for each in status["current"]] == ["production"]
    assert [each["channel"] for each in status["ended"]] == ["pr-12"]
    assert [each["state"] for each in status["retired"]] == ["removed"]
    standings = [(each["channel"], each["standing"]) for each in shown(uploader, "releases")["releases"]]
    assert sorted(standings) == [("pr-12", "earlier"), ("pr-12", "ended"), ("production", "current")]
    assert set(shown(uploader, "verify")["releases"]) == {"production"}
    refused = uploader.run("verify", "--channel", "pr-12", "--bucket", uploader.bucket)
    assert (refused.returncode, "the channel has ended" in refused.stderr) == (1, True)
    for command in ("pin", "rollback"):
        refused = uploader.run(command, "end", "--bucket", uploader.bucket)
        assert (refused.returncode, "says that channel 'pr-12' has ended" in refused.stderr) == (1, True)

    back = shown(uploader, "rollback", "--previous", "--channel", "pr-12")
    assert (back["from"], back["rollback_of"]) == (None, ids[1])
    run = cleaner()
    assert (run["current"], run["ended"]) == ({"production": ids[0], "pr-12": back["release"]}, {})
    assert [entry["key"] for entry in run["untag"]] == [PREVIEW]


def test_what_it_says_before_it_does_anything(uploader: Uploader, ids: list[str], site_folder: Folder) -> None:
    staged = shown(uploader, str(site_folder("next", {"x-6f6f6f6a.js": "x"})), "--stage", "--channel", "pr-12")
    before = uploader.keys()
    planned = end(uploader, "--channel", "pr-12", "--dry-run")
    assert (planned["ended"], planned["dropped"]) == ([{"channel": "pr-12", "marker": None}], [staged["release"]])
    unknown = uploader.run("end", "--channel", "pr-13", "--bucket", uploader.bucket)
    assert (unknown.returncode, unknown.stderr.count("\n")) == (1, 1)
    assert "no channel 'pr-13' at prefix 'assets/': its channels are pr-12, production" in unknown.stderr
    for arguments in ([], ["--channel", "pr-12", "--site"]):
        assert uploader.run("end", *arguments, "--bucket", uploader.bucket, UPLOADER_CHANNEL="pr-12").returncode == 2
    assert uploader.keys() == before

    assert shown(uploader, "pin", ids[1])["pin"]
    answer = uploader.run("end", "--channel", "pr-12", "--bucket", uploader.bucket)
    assert f"{ids[1]} is pinned" in answer.stderr
    assert staged["staged"] not in uploader.keys()
    assert uploader.run("activate", staged["release"], "--bucket", uploader.bucket).returncode == 1


@pytest.mark.usefixtures("at_once")
def test_a_marker_that_vanished_holds_its_own_channel_alone(
    uploader: Uploader, ids: list[str], cleaner: Cleaner, site_folder: Folder
) -> None:
    """The other channel's assets go on being deleted. An end deals with it, as a new release would."""
    lost = f"assets/.releases/markers/{ids[1]}.json"
    uploader.aws.client("s3").delete_object(Bucket=uploader.bucket, Key=lost)
    publish_here(uploader, site_folder("new", {"web-7c7c7c7d.js": "n"}), "r3", channel="production")
    publish_here(uploader, site_folder("newer", {"web-7c7c7c7d.js": "n"}), "r4", channel="production")
    (stop,) = cleaner()["stopped_by"]
    assert (stop["reason"], stop["channel"]) == ("missing_marker", "pr-12")
    assert lost in stop["message"]
    assert "end --channel pr-12" in stop["message"]
    assert {PREVIEW, LOGO} < assets(uploader), "the preview may need them"
    (problem,) = shown(uploader, "status")["problems"]
    assert "end it (end --channel pr-12)" in problem

    assert [each["channel"] for each in end(uploader, "--channel", "pr-12")["ended"]] == ["pr-12"]
    assert cleaner()["stopped_by"] == []
    assert LOGO not in assets(uploader)


def test_where_two_channels_have_a_page_the_other_one_comes_back(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner
) -> None:
    """And the cleaner deletes what the ended channel's page asked for, as nobody gets that page any more."""
    page = "assets/index.html"
    for channel, app in (("production", "app-3f9c2ab1.js"), ("pr-12", "app-4a1b2c3d.js")):
        folder = site_folder(channel, {"index.html": f"<script src={app}>", app: channel})
        assert uploader.run(folder, "--bucket", uploader.bucket, "--channel", channel).returncode == 0
    cleaner()
    assert end(uploader, "--channel", "pr-12")["placed"] == [{"key": page, "reason": "content_differs"}]
    assert b"app-3f9c2ab1.js" in uploader.aws.client("s3").get_object(Bucket=uploader.bucket, Key=page)["Body"].read()
    assert "assets/app-4a1b2c3d.js" in [entry["key"] for entry in cleaner()["tag"]]
    before = uploader.keys()
    assert end(uploader, "--channel", "pr-12")["placed"] == []
    assert uploader.keys() == before
