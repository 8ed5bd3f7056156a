"""``releases``, ``status`` and ``verify`` on a real server, after real uploads and real runs of the cleaner."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from release_log.instants import parse_instant
from release_log.policy_settings import Policy
from tests.fake_uploader_s3 import NEWER_LEDGER
from tests.few_orphans import unasked
from tests.http.conftest import is_beside
from tests.http.in_process import publish_here
from tests.paths import ROOT
from uploader.operations.releases import Standing
from uploader.operations.verify import AssetProblem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from release_log.layout import Layout
    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]
    Cleaner = Callable[..., dict[str, Any]]

ONE = {"app-3f9c2ab1.js": "one", "logo-5d6e7f80.svg": "<svg/>", "index.html": "1"}
TWO = {"app-4a1b2c3d.js": "two!", "index.html": "two"}


def ask(uploader: Uploader, command: str, *arguments: str, code: int = 0) -> dict[str, Any]:
    """Run one of the three commands; returns its JSON document."""
    answer = uploader.run(command, "--bucket", uploader.bucket, "--json", *arguments)
    assert (answer.returncode, answer.stderr) == (code, "")
    document: dict[str, Any] = json.loads(answer.stdout)
    return document


def tell(uploader: Uploader, command: str, *arguments: str, code: int = 0) -> str:
    """The same command's text for people."""
    answer = uploader.run(command, "--bucket", uploader.bucket, *arguments)
    assert (answer.returncode, answer.stderr) == (code, "")
    return answer.stdout


# releases


def test_releases_says_what_was_published_and_from_which_commit(uploader: Uploader, site_folder: Folder) -> None:
    """From the CI system's environment."""
    commit = "3f9c2ab1" * 5
    answer = uploader.run(
        *(site_folder("a", ONE), "--bucket", uploader.bucket, "--channel", "production", "--json"),
        GITHUB_SHA=commit,
        GITHUB_REF_NAME="main",
        GITHUB_SERVER_URL="https://user:secret@git.example",
        GITHUB_REPOSITORY="us/site",
        GITHUB_RUN_ID="42",
    )
    published = json.loads(answer.stdout)
    (entry,) = ask(uploader, "releases")["releases"]
    assert entry == {
        "release": published["release"],
        "key": published["marker"],
        "standing": "current",
        "pinned": False,
        "channel": "production",
        "name": "3f9c2ab",
        "at": entry["at"],
        "metadata": {
            "commit": commit,
            "branch": "main",
            "build_url": "https://git.example/us/site/actions/runs/42",
        },
        "assets": 3,
        "bytes": 10,
        "missing": 0,
        "problem": None,
    }
    assert [line.split() for line in tell(uploader, "releases").splitlines()[1:]] == [
        [published["release"], "production", "current", entry["at"], commit[:12], "main", "3", "10", "B", "yes"]
    ]


def test_releases_are_newest_first_with_the_current_one_of_each_channel(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner
) -> None:
    """And the assets that the cleaner deleted from earlier ones; a staged release is shown so until its activation."""
    first = publish_here(uploader, site_folder("a", ONE), "r1")
    uploader.upload(site_folder("a", ONE), "--release", "r2", "--channel", "staging")
    third = uploader.upload(site_folder("b", TWO), "--release", "r3", "--channel", "staging")["release"]
    fourth = publish_here(uploader, site_folder("b", TWO), "r4")
    cleaner()
    cleaner(force=True)
    staged = publish_here(uploader, site_folder("b", TWO), "r5", stage=True)
    found = ask(uploader, "releases")["releases"]
    assert [(each["name"], each["standing"], each["missing"]) for each in found] == [
        ("r5", "staged", 0), ("r4", "current", 0), ("r3", "current", 0), ("r2", "earlier", 2), ("r1", "earlier", 2),
    ]  # fmt: skip
    assert {each["release"] for each in found} > {first.id, third, fourth.id, staged.id}
    assert [each["name"] for each in ask(uploader, "releases", "--limit", "2")["releases"]] == ["r5", "r4"]
    only = ask(uploader, "releases", "--channel", "staging", "--limit", "1")["releases"]
    assert [(each["name"], each["standing"]) for each in only] == [("r3", "current")]
    assert "2 missing" in tell(uploader, "releases").splitlines()[-1]
    uploader.run("activate", staged.id, "--bucket", uploader.bucket)
    assert [each["standing"] for each in ask(uploader, "releases")["releases"]][:2] == ["current", "earlier"]


def test_releases_shows_pins_also_of_what_has_no_marker_any_more(
    uploader: Uploader, site_folder: Folder, layout: Layout
) -> None:
    first = publish_here(uploader, site_folder("a", ONE), "r1").id
    publish_here(uploader, site_folder("b", TWO), "r2")
    assert uploader.run("pin", first, "--bucket", uploader.bucket).returncode == 0
    assert [(each["name"], each["standing"], each["pinned"]) for each in ask(uploader, "releases")["releases"]] == [
        ("r2", "current", False),
        ("r1", "earlier", True),
    ]
    assert "earlier, pinned" in tell(uploader, "releases")
    uploader.aws.client("s3").delete_object(Bucket=uploader.bucket, Key=layout.marker_key(first))
    (pinned,) = [each for each in ask(uploader, "releases")["releases"] if each["pinned"]]
    assert (pinned["release"], pinned["key"]) == (first, layout.pin_key(first))


def test_marker_that_cannot_be_read_is_shown_as_such_by_all_three(
    uploader: Uploader, site_folder: Folder, layout: Layout
) -> None:
    """It stops the cleaner, so it is an error here too; the other releases are still shown."""
    good = publish_here(uploader, site_folder("a", ONE), "r1")
    bad = layout.marker_key("20200101T000000Z-bad")
    uploader.aws.client("s3").put_object(Bucket=uploader.bucket, Key=bad, Body=b"{}")
    listed = ask(uploader, "releases", code=1)["releases"]
    assert {each["release"]: each["standing"] for each in listed} == {
        good.id: "current",
        "20200101T000000Z-bad": "unreadable",
    }
    assert f"{bad} is not valid (format: None is not a version number): the cleaner" in tell(
        uploader, "releases", code=1
    )
    for command in ("status", "verify"):
        (problem,) = ask(uploader, command, code=1)["problems"]
        assert problem.startswith(f"{bad} is not valid")
        assert bad in tell(uploader, command, code=1)


def test_empty_bucket_is_no_error_but_to_verify(uploader: Uploader) -> None:
    """An empty site has no wrong object; but `verify` expects a release."""
    assert ask(uploader, "releases")["releases"] == []
    assert tell(uploader, "releases") == f"no release at s3://{uploader.bucket}/assets/ yet\n"
    document = ask(uploader, "status")
    assert (document["current"], document["cleaner"], document["problems"]) == ([], None, [])
    assert "nothing is current" in tell(uploader, "status")
    answer = uploader.run("verify", "--bucket", uploader.bucket)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == "uploader: no release is current at 'assets/': publish one\n"


# status


def test_status_says_what_is_retired_and_when_it_goes(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the settings of the cleaner's last run; the dry run's upcoming deletions are the same."""
    policy = {"grace": 0, "version_limit": 1, "version_ttl": 600, "removed_ttl": 7200}
    monkeypatch.setenv("SITES", json.dumps([{"bucket": uploader.bucket, "prefix": "assets/", "policy": policy}]))
    publish_here(uploader, site_folder("a", ONE), "r1")
    cleaner()
    last = publish_here(uploader, site_folder("b", TWO), "r2")
    before = ask(uploader, "status")
    assert (before["unseen"], before["current"][0]["seen"]) == ([last.id], False)
    assert f"the cleaner has not seen {last.id} yet" in tell(uploader, "status")
    done = cleaner()
    upcoming = cleaner(dry_run=True)["upcoming"]

    document = ask(uploader, "status")
    assert document["unseen"] == document["pending"] == document["staged"] == document["problems"] == []
    (current,) = document["current"]
    assert (current["channel"], current["release"], current["seen"]) == ("default", last.id, True)
    document["retired"] = [each for each in document["retired"] if not is_beside(each["key"])]
    assert {each["key"]: (each["due"], each["kept_by"]) for each in document["retired"]} == {
        "assets/logo-5d6e7f80.svg": (upcoming[0]["due"], None),
        "assets/app-3f9c2ab1.js": (None, "within_version_limit"),
    }
    assert {each["key"]: (each["state"], each["size"]) for each in document["retired"]} == {
        "assets/logo-5d6e7f80.svg": ("removed", 6),
        "assets/app-3f9c2ab1.js": ("superseded", 3),
    }
    run = document["cleaner"]["last_run"]
    assert {name: run[name] for name in ("at", "counts", "stopped_by", "next_due")} == {
        name: done[name] for name in ("at", "counts", "stopped_by", "next_due")
    }
    assert run["policy"]["removed_ttl"] == policy["removed_ttl"]
    told = tell(uploader, "status")
    assert f"it comes back at {done['next_due']}" in told
    assert "kept (within_version_limit)" in told
    assert "removed_ttl 7200" in told


def test_status_shows_what_waits_and_when_it_expires(uploader: Uploader, site_folder: Folder, layout: Layout) -> None:
    """A staged release, and the intent of an upload; by the defaults, because no cleaner has run."""
    staged = publish_here(uploader, site_folder("a", ONE), "r1", stage=True)
    s3 = uploader.aws.client("s3")
    pending = layout.pending_key("20261123T060500Z-r2")
    s3.copy_object(Bucket=uploader.bucket, Key=pending, CopySource={"Bucket": uploader.bucket, "Key": staged.key})
    document = ask(uploader, "status")
    assert document["current"] == document["retired"] == []
    for name, release_id, ttl in (
        ("staged", staged.id, Policy().staged_ttl),
        ("pending", "20261123T060500Z-r2", Policy().pending_ttl),
    ):
        (entry,) = document[name]
        assert (entry["release"], entry["assets"]) == (release_id, 3)
        assert _seconds(entry["until"]) - _seconds(entry["since"]) == ttl
    told = tell(uploader, "status")
    assert "no cleaner has run here yet" in told
    assert staged.id in told


def test_status_says_why_nothing_is_deleted(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner, layout: Layout
) -> None:
    """In the words of the stopped run."""
    publish_here(uploader, site_folder("a", ONE), "r1")
    cleaner()
    publish_here(uploader, site_folder("b", TWO), "r2")
    uploader.aws.client("s3").put_object(Bucket=uploader.bucket, Key=layout.marker_key("20200101T000000Z-bad"))
    (stop,) = cleaner()["stopped_by"]
    document = ask(uploader, "status", code=1)
    assert document["cleaner"]["last_run"]["stopped_by"] == [stop]
    assert f"nothing is deleted: {stop['message']}" in tell(uploader, "status", code=1)
    (overdue,) = (each for each in document["retired"] if each["key"] == "assets/app-3f9c2ab1.js")
    assert overdue["due"] == overdue["since"]


def test_status_says_what_an_old_bucket_asks_for(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it is told; then the leftovers are retired."""
    monkeypatch.setattr("cleaner_lambda.listing.ORPHAN_SECONDS", -60)
    old = [f"assets/old{number}-3f9c2ab1.js" for number in range(3)]
    for key in old:
        uploader.aws.client("s3").put_object(Bucket=uploader.bucket, Key=key, Body=b"1234")
    publish_here(uploader, site_folder("a", ONE), "r1")
    with unasked(2):
        assert [stop["reason"] for stop in cleaner()["stopped_by"]] == ["rebuilt", "adoption"]
        (stop,) = cleaner(dry_run=True)["stopped_by"]
        told = tell(uploader, "status")
        assert f"no orphan is retired: {stop['message']}" in told
        assert "3 orphans, 12 bytes, the oldest stored at 20" in told
        document = ask(uploader, "status")
        adoption = document["cleaner"]["last_run"]["adoption"]
        assert (adoption["orphans"], adoption["bytes"], document["retired"]) == (3, 12, [])
        assert cleaner(adopt=True)["stopped_by"] == []
    document = ask(uploader, "status")
    assert (document["cleaner"]["last_run"]["adoption"], [each["key"] for each in document["retired"]]) == (None, old)


def test_ledger_that_cannot_be_read_is_a_problem_and_the_markers_speak_for_themselves(
    uploader: Uploader, site_folder: Folder, layout: Layout
) -> None:
    """The cleaner rebuilds a broken one; a newer cleaner's needs a newer uploader."""
    published = publish_here(uploader, site_folder("a", ONE), "r1")
    for body, said, remedy in (
        (b"broken", "the ledger is broken (", "; the cleaner's next run rebuilds it"),
        (NEWER_LEDGER, "its format 3 is newer than 2", "; update this uploader"),
    ):
        uploader.aws.client("s3").put_object(Bucket=uploader.bucket, Key=layout.ledger, Body=body)
        document = ask(uploader, "status", code=1)
        assert [each["release"] for each in document["current"]] == [published.id]
        (problem,) = document["problems"]
        assert problem.startswith(f"{layout.ledger}: {said}")
        assert problem.endswith(remedy)
        assert ask(uploader, "verify")["findings"] == []


def test_current_marker_that_was_taken_away_is_a_problem(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner
) -> None:
    """The earlier release does not become current again."""
    publish_here(uploader, site_folder("a", ONE), "r1")
    lost = publish_here(uploader, site_folder("b", TWO), "r2")
    cleaner()
    uploader.aws.client("s3").delete_object(Bucket=uploader.bucket, Key=lost.key)
    for command in ("status", "verify"):
        document = ask(uploader, command, code=1)
        (problem,) = document["problems"]
        assert problem.startswith(f"{lost.key}, the marker of channel 'default'")
        assert document.get("current", []) == []
        assert document.get("releases", {}) == {}


# verify


def test_verify_finds_nothing_wrong_with_what_was_just_uploaded(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner
) -> None:
    """In every channel, with and without a cleaner; a page that a later upload replaced is right."""
    first = publish_here(uploader, site_folder("a", ONE), "r1")
    second = uploader.upload(site_folder("b", TWO), "--release", "r2", "--channel", "staging")["release"]
    for _ in range(2):
        document = ask(uploader, "verify")
        assert document["releases"] == {"default": first.id, "staging": second}
        assert (document["assets"], document["findings"], document["problems"]) == (4, [], [])
        assert ask(uploader, "verify", "--channel", "default")["assets"] == 3
        cleaner()
    assert tell(uploader, "verify", "--channel", "staging").startswith(f"2 assets of {second} (staging) at s3://")


def test_verify_names_each_asset_that_is_not_as_it_should_be(uploader: Uploader, site_folder: Folder) -> None:
    """Missing, of another size, of another content, with another header: each with its remedy."""
    s3 = uploader.aws.client("s3")
    build = {
        "gone-3f9c2ab1.js": "1", "long-4a1b2c3d.js": "22", "typed-5d6e7f80.js": "333", "good-6a7b8c9d.js": "4",
        "page.html": "55",
    }  # fmt: skip
    published = publish_here(uploader, site_folder("a", build), "r1")

    def change(name: str, **changes: Any) -> None:  # noqa: ANN401 (S3's own)
        key = f"assets/{name}"
        there = s3.get_object(Bucket=uploader.bucket, Key=key)
        stored = {
            "Body": there["Body"].read(),
            "ContentType": there["ContentType"],
            "CacheControl": there["CacheControl"],
            "Metadata": there["Metadata"],
        }
        s3.put_object(Bucket=uploader.bucket, Key=key, **{**stored, **changes})

    change("good-6a7b8c9d.js", StorageClass="STANDARD_IA")  # as a lifecycle rule may
    assert ask(uploader, "verify")["findings"] == []
    s3.delete_object(Bucket=uploader.bucket, Key="assets/gone-3f9c2ab1.js")
    change("long-4a1b2c3d.js", Body=b"longer")
    change("typed-5d6e7f80.js", ContentType="text/plain")
    change("page.html", Metadata={"digest": "0" * 64})
    change("good-6a7b8c9d.js", Body=b"5")
    document = ask(uploader, "verify", code=1)
    assert {each["key"]: each["wrong"] for each in document["findings"]} == {
        "assets/gone-3f9c2ab1.js": "missing",
        "assets/long-4a1b2c3d.js": "size_differs",
        "assets/typed-5d6e7f80.js": "headers_differ",
        "assets/page.html": "content_differs",
        "assets/good-6a7b8c9d.js": "content_differs",
    }
    assert all(each["releases"] == [published.id] and each["remedy"] for each in document["findings"])
    told = tell(uploader, "verify", code=1)
    assert "it has 6 bytes, not 2" in told
    assert "Content-Type: text/plain" in told
    assert document["not_compared"] == 0
    assert f"5 of 5 assets of {published.id} (default)" in told

    for name in ("long-4a1b2c3d.js", "typed-5d6e7f80.js"):
        s3.delete_object(Bucket=uploader.bucket, Key=f"assets/{name}")
    publish_here(uploader, site_folder("a", build), "r2")
    assert ask(uploader, "verify")["findings"] == []


def test_verify_of_one_release_takes_staged_and_earlier_ones(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner
) -> None:
    """A roll-out can verify the release that it is about to activate; a page may be a later release's by then."""
    first = publish_here(uploader, site_folder("a", ONE), "r1")
    publish_here(uploader, site_folder("b", TWO), "r2")
    staged = publish_here(uploader, site_folder("c", {**TWO, "index.html": "three"}), "r3", stage=True)
    for release_id in (first.id, staged.id):
        document = ask(uploader, "verify", "--release", release_id)
        assert (document["releases"], document["findings"]) == ({"default": release_id}, [])
    cleaner()
    cleaner()
    document = ask(uploader, "verify", "--release", first.id, code=1)
    found = [(each["key"], each["wrong"]) for each in document["findings"] if not is_beside(each["key"])]
    assert found == [("assets/app-3f9c2ab1.js", "missing")]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--release", "20261123T060500Z-none"], 1, "no release 20261123T060500Z-none: "),
        (["--channel", "nightly"], 1, "no release of channel nightly is current at 'assets/'"),
        (["--release", "r1"], 2, "'r1' is not the id of a release"),
        (["--release", "20261123T060500Z-r", "--channel", "x"], 2, "--release and --channel exclude each other"),
    ],
)
def test_verify_of_what_is_not_there_is_an_error(
    uploader: Uploader, site_folder: Folder, arguments: list[str], code: int, words: str
) -> None:
    publish_here(uploader, site_folder("a", ONE), "r1")
    answer = uploader.run("verify", "--bucket", uploader.bucket, *arguments)
    assert (answer.returncode, answer.stdout) == (code, "")
    assert words in answer.stderr


def test_every_field_of_an_answer_is_documented(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner, layout: Layout
) -> None:
    """By its name, in ``docs/commands.md``; so are the words for an asset."""
    first = publish_here(uploader, site_folder("a", ONE), "r1")
    cleaner()
    publish_here(uploader, site_folder("b", TWO), "r2")
    publish_here(uploader, site_folder("c", TWO), "r3", stage=True)
    cleaner()
    s3 = uploader.aws.client("s3")
    pending = layout.pending_key("20261123T060500Z-r4")
    s3.copy_object(Bucket=uploader.bucket, Key=pending, CopySource={"Bucket": uploader.bucket, "Key": first.key})
    s3.delete_object(Bucket=uploader.bucket, Key="assets/app-4a1b2c3d.js")
    documents = [ask(uploader, "releases"), ask(uploader, "status"), ask(uploader, "verify", code=1)]
    for name in ("counts", "policy"):
        documents[1]["cleaner"]["last_run"][name] = None
    said = (ROOT / "docs" / "commands.md").read_text()
    names = {name for document in documents for name in _names(document)} | set(AssetProblem) | set(Standing)
    names -= {"bucket", "prefix", "default"}
    assert {name for name in names if not re.search(rf"`(\w+\.)?{name}(\[\])?`", said)} == set()


def _names(value: object) -> set[str]:
    """The names of all fields."""
    if isinstance(value, dict):
        return set(value) | {name for each in value.values() for name in _names(each)}
    return {name for each in value for name in _names(each)} if isinstance(value, list) else set()


def _seconds(instant: str) -> float:
    return parse_instant(instant).timestamp()
