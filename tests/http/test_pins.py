"""``pin`` and ``unpin`` against a real server, and the assets that the real cleaner keeps and deletes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.http.in_process import publish_here
from uploader.aws.access import Access, Keys
from uploader.s3.connection import connect
from uploader.s3.requests import Requests

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from release_log.layout import Layout
    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]
    Cleaner = Callable[..., dict[str, Any]]

ONE, TWO, THREE = {"app-3f9c2ab1.js": "1"}, {"app-4a1b2c3d.js": "2"}, {"app-5b2c3d4e.js": "3"}


def assets(uploader: Uploader) -> list[str]:
    return [key.removeprefix("assets/") for key in uploader.keys() if ".releases/" not in key]


def run(uploader: Uploader, command: str, *arguments: str) -> str:
    """Run a command that must succeed with an empty standard error; returns its output."""
    answer = uploader.run(command, *arguments, "--bucket", uploader.bucket)
    assert (answer.returncode, answer.stderr) == (0, "")
    return answer.stdout


@pytest.mark.scenario("A1")
def test_a_pinned_release_outlives_what_would_be_deleted_until_it_is_unpinned(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner, layout: Layout
) -> None:
    """With a policy that deletes at once, in processes of their own."""
    first = publish_here(uploader, site_folder("a", ONE), "r1")
    cleaner()
    answer = uploader.process("pin", "r1", "--bucket", uploader.bucket)
    assert (answer.returncode, answer.stderr) == (0, "")
    where = f"s3://{uploader.bucket}/assets/"
    assert answer.stdout == f"pinned {first.id} at {where}: its 1 asset is kept until it is unpinned\n"
    assert layout.pin_key(first.id) in uploader.keys()
    for name, files in (("r2", TWO), ("r3", THREE)):
        publish_here(uploader, site_folder(name, files), name)
        kept = cleaner()
        assert kept["counts"]["delete"] == (1 if name == "r3" else 0), "only what is not pinned"
    assert assets(uploader) == [*ONE, *THREE]
    s3 = uploader.aws.client("s3")
    (tag,) = s3.get_object_tagging(Bucket=uploader.bucket, Key="assets/app-3f9c2ab1.js")["TagSet"]
    assert tag["Key"] == "superseded_at"
    assert cleaner(full=True)["counts"]["delete"] == 0

    answer = uploader.process("unpin", first.id, "--bucket", uploader.bucket)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout == (
        f"unpinned {first.id} at {where}; "
        "the cleaner deletes, within a day, each of its assets that nothing else keeps\n"
    )
    assert [entry["key"] for entry in cleaner()["delete"]] == ["assets/app-3f9c2ab1.js"]
    assert assets(uploader) == list(THREE)


def test_the_documents(uploader: Uploader, site_folder: Folder, layout: Layout) -> None:
    """A page of a pinned release is kept, but not its content."""
    first = publish_here(uploader, site_folder("a", {**ONE, "index.html": "1"}), "r1")
    expected = {
        "bucket": uploader.bucket,
        "prefix": "assets/",
        "release": first.id,
        "gone": [],
        "pin": layout.pin_key(first.id),
        "already": False,
        "counts": {"assets": 2, "replaceable": 1},
    }
    assert json.loads(run(uploader, "pin", "r1", "--json")) == expected
    assert json.loads(run(uploader, "pin", first.id, "--json")) == {**expected, "already": True}
    assert run(uploader, "pin", "r1") == (
        f"{first.id} is pinned already at s3://{uploader.bucket}/assets/; nothing written\n"
    )
    unpinned = json.loads(run(uploader, "unpin", "r1", "--json"))
    assert unpinned == {"bucket": uploader.bucket, "prefix": "assets/", "release": first.id, "unpinned": True}
    assert run(uploader, "pin", "r1").endswith(
        "its 2 assets are kept until it is unpinned; 1 of them has no fingerprint, so later uploads replace the "
        "content\n"
    )


def test_a_release_that_is_not_whole_is_not_pinned(uploader: Uploader, site_folder: Folder, cleaner: Cleaner) -> None:
    """After the cleaner has deleted some of its assets."""
    first = publish_here(uploader, site_folder("a", ONE), "r1")
    cleaner()
    publish_here(uploader, site_folder("b", TWO), "r2")
    cleaner()
    before = uploader.keys()
    answer = uploader.run("pin", first.id, "--bucket", uploader.bucket)
    assert (answer.returncode, answer.stdout) == (1, "gone assets/app-3f9c2ab1.js\n")
    assert answer.stderr.startswith(f"uploader: {first.id} is not whole (missing or changed: assets/app-3f9c2ab1.js)")
    assert len(answer.stderr.splitlines()) == 1
    answer = uploader.run("pin", first.id, "--bucket", uploader.bucket, "--json")
    assert (answer.returncode, json.loads(answer.stdout)["gone"]) == (1, ["assets/app-3f9c2ab1.js"])
    assert uploader.keys() == before


def test_what_is_not_there_or_not_pinned_is_one_line(uploader: Uploader) -> None:
    for command, code, words in (
        ("pin", 1, "no release r1: `python -m uploader releases` lists them"),
        ("unpin", 1, "r1 is not pinned: pins are the files under assets/.releases/pins/"),
    ):
        answer = uploader.run(command, "r1", "--bucket", uploader.bucket)
        assert (answer.returncode, answer.stdout) == (code, "")
        assert words in answer.stderr
        assert len(answer.stderr.splitlines()) == 1


def test_an_invalid_pin_stops_the_cleaner_until_it_is_unpinned(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner, layout: Layout
) -> None:
    first = publish_here(uploader, site_folder("a", ONE), "r1")
    cleaner()
    publish_here(uploader, site_folder("b", TWO), "r2")
    uploader.aws.client("s3").put_object(Bucket=uploader.bucket, Key=layout.pin_key(first.id), Body=b"{}")
    (stop,) = cleaner()["stopped_by"]
    assert layout.pin_key(first.id) in stop["message"]
    assert assets(uploader) == [*ONE, *TWO]
    run(uploader, "unpin", first.id)
    assert cleaner()["counts"]["delete"] == 1


def test_a_deletion_of_a_pin_that_arrives_late_leaves_a_newer_one(
    uploader: Uploader, site_folder: Folder, layout: Layout
) -> None:
    """S3 compares the ETag when it executes the request; a pin that is gone is no error."""
    first = publish_here(uploader, site_folder("a", {"app-3f9c2ab1.js": "1"}), "r1")
    key = layout.pin_key(first.id)
    requests = Requests(
        connect(Access(uploader.bucket, "us-east-1", uploader.aws.url, keys=Keys("test", "test", None)))
    )
    etags = []
    for _ in range(2):
        assert uploader.run("pin", "r1", "--bucket", uploader.bucket).returncode == 0
        found = requests.get(key)
        assert found is not None
        etags.append(found.etag)
        if len(etags) == 1:
            assert uploader.run("unpin", "r1", "--bucket", uploader.bucket).returncode == 0
            requests.delete_exactly(key, str(found.etag))
    assert etags[0] != etags[1]
    requests.delete_exactly(key, str(etags[0]))
    assert key in uploader.keys()
    requests.delete_exactly(key, str(etags[1]))
    assert key not in uploader.keys()
