"""``rollback`` against a real server, followed by the real cleaner."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from release_log.marker import decode
from tests.http.in_process import publish_here

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from release_log.layout import Layout
    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]
    Cleaner = Callable[..., dict[str, Any]]

APPS = ["assets/app-3f9c2ab1.js", "assets/app-4a1b2c3d.js", "assets/app-5b2c3d4e.js"]
ONE, TWO, THREE = ({key.removeprefix("assets/"): key, "logo-5e5e5e5f.png": "same"} for key in APPS)


def tags(uploader: Uploader, key: str) -> set[str]:
    """The names of an asset's tags."""
    answer = uploader.aws.client("s3").get_object_tagging(Bucket=uploader.bucket, Key=key)
    return {tag["Key"] for tag in answer["TagSet"]}


@pytest.fixture
def ids(uploader: Uploader, site_folder: Folder, cleaner: Cleaner, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three releases, each cleaned after; nothing is due yet."""
    policy = {"grace": 3600, "version_limit": 9, "version_ttl": 3600}
    monkeypatch.setenv("SITES", json.dumps([{"bucket": uploader.bucket, "prefix": "assets/", "policy": policy}]))
    ids = []
    for number, files in enumerate((ONE, TWO, THREE), 1):
        ids.append(publish_here(uploader, site_folder(f"r{number}", files), f"r{number}").id)
        cleaner()
    assert [tags(uploader, key) for key in APPS] == [{"superseded_at"}, {"superseded_at"}, set()]
    return ids


def back(uploader: Uploader, *arguments: str) -> dict[str, Any]:
    """Roll back; it must succeed with an empty standard error. Returns the JSON document."""
    answer = uploader.run("rollback", *arguments, "--bucket", uploader.bucket, "--json")
    assert (answer.returncode, answer.stderr) == (0, "")
    document: dict[str, Any] = json.loads(answer.stdout)
    return document


@pytest.mark.scenario("A1")
def test_an_old_release_is_current_again_untagged_and_the_new_one_retires(
    uploader: Uploader, ids: list[str], cleaner: Cleaner, layout: Layout
) -> None:
    """By its name, in a process of its own."""
    before = set(uploader.keys())
    answer = uploader.process("rollback", "r1", "--bucket", uploader.bucket)
    assert (answer.returncode, answer.stderr) == (0, "")
    (marker,) = set(uploader.keys()) - before
    new = layout.release_id(marker)
    assert answer.stdout == (
        f"rolled back channel default from {ids[2]} to {ids[0]} at s3://{uploader.bucket}/assets/: "
        f"all 2 assets of {ids[0]} are there; its new id is {new}\n"
    )
    run = cleaner()
    assert run["current"] == {"default": new}
    assert [entry["key"] for entry in run["untag"]] == [APPS[0]]
    assert [tags(uploader, key) for key in APPS] == [set(), {"superseded_at"}, {"superseded_at"}]
    stored = uploader.aws.client("s3").get_object(Bucket=uploader.bucket, Key=marker)["Body"].read()
    assert decode(stored, "assets/").metadata["rollback_of"] == ids[0]


def test_the_document_says_all_and_a_second_time_nothing_is_written(
    uploader: Uploader, ids: list[str], layout: Layout
) -> None:
    """A deploy job may be repeated."""
    first = back(uploader, ids[0])
    assert first == {
        "dry_run": False,
        "bucket": uploader.bucket,
        "prefix": "assets/",
        "channel": "default",
        "from": ids[2],
        "rollback_of": ids[0],
        "release": first["release"],
        "marker": layout.marker_key(first["release"]),
        "already": False,
        "replaced": [],
        "placed": [],
        "invalidation": None,
        "gone": [],
        "counts": {"assets": 2},
    }
    before = uploader.keys()
    again = back(uploader, ids[0])
    assert again == {**first, "already": True, "from": first["release"]}
    assert uploader.keys() == before
    said = uploader.run("rollback", ids[0], "--bucket", uploader.bucket).stdout
    assert said.startswith(f"{ids[0]} is current already in channel default as {first['release']} at s3://")


def test_previous_is_the_one_before(uploader: Uploader, ids: list[str], cleaner: Cleaner) -> None:
    assert back(uploader, "--previous")["rollback_of"] == ids[1]
    cleaner()
    assert [tags(uploader, key) for key in APPS] == [{"superseded_at"}, set(), {"superseded_at"}]


def test_a_dry_run_writes_nothing(uploader: Uploader, ids: list[str]) -> None:
    before = uploader.keys()
    document = back(uploader, "r1", "--dry-run")
    assert (document["dry_run"], document["rollback_of"], document["release"]) == (True, ids[0], None)
    answer = uploader.run("rollback", "r1", "--bucket", uploader.bucket, "--dry-run")
    assert answer.stdout == (
        f"dry run: all 2 assets of {ids[0]} are there, it can be current again in channel default; nothing written\n"
    )
    assert uploader.keys() == before


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_what_the_cleaner_has_deleted_is_listed_and_nothing_is_changed(
    uploader: Uploader, ids: list[str], options: tuple[str, ...]
) -> None:
    """Each on a line of its own, or in the document; the error is one line with its remedy."""
    uploader.aws.client("s3").delete_object(Bucket=uploader.bucket, Key=APPS[0])
    before = uploader.keys()
    answer = uploader.run("rollback", "r1", "--bucket", uploader.bucket, *options)
    assert (answer.returncode, answer.stdout) == (1, f"gone {APPS[0]}\n")
    assert answer.stderr == (
        f"uploader: {ids[0]} is not whole (missing or changed: {APPS[0]}); nothing was changed: "
        "publish it again, or restore it if the bucket has versioning\n"
    )
    answer = uploader.run("rollback", "r1", "--bucket", uploader.bucket, "--json", *options)
    assert (answer.returncode, json.loads(answer.stdout)["gone"]) == (1, [APPS[0]])
    assert uploader.keys() == before


def test_a_page_that_a_later_release_replaced_is_back(uploader: Uploader, site_folder: Folder) -> None:
    """S3 copies its stored version; unchanged pages are left as they are."""
    for name in ("r1", "r2"):
        files = {"index.html": name, "robots.txt": "same", f"app-3f9c2ab{name[1]}.js": name}
        publish_here(uploader, site_folder(name, files), name)
    answer = uploader.run("rollback", "r1", "--bucket", uploader.bucket, "--json")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert json.loads(answer.stdout)["placed"] == [{"key": "assets/index.html", "reason": "content_differs"}]
    body = uploader.aws.client("s3").get_object(Bucket=uploader.bucket, Key="assets/index.html")["Body"].read()
    assert body == b"r1"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "name either RELEASE, its id or its name, or --previous"),
        (("r1", "--previous"), 2, "name either RELEASE, its id or its name, or --previous"),
        (("r 1",), 2, "'r 1' is neither the id of a release, such as 20261123T060500Z-3f9c2ab, nor a name"),
        (("r1", "--channel", "a b"), 2, "'a b' is not up to 64 letters"),
        (("r1",), 1, "no release r1: `python -m uploader releases` lists them"),
        (("--previous",), 1, "channel 'default' has no other release before its current one"),
    ],
)
def test_what_cannot_be_is_one_line(uploader: Uploader, arguments: tuple[str, ...], code: int, words: str) -> None:
    """Nothing is written."""
    answer = uploader.run("rollback", *arguments, "--bucket", uploader.bucket)
    assert (answer.returncode, answer.stdout) == (code, "")
    assert words in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert uploader.keys() == []
