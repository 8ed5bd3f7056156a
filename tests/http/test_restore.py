"""``restore`` in a bucket with versioning, after the cleaner has really deleted."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from release_log.release_id import make_id
from tests.http.conftest import is_beside
from tests.http.in_process import publish_here

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from release_log.layout import Layout
    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]
    Cleaner = Callable[..., dict[str, Any]]

OLD = {"app-3f9c2ab1.js": "old", "chunk-3f9c2ab1.js": "old", "about-5e5e5e5f.js": "same", "index.html": "old"}
NEW = {"app-4a1b2c3d.js": "new", "chunk-4a1b2c3d.js": "new", "about-5e5e5e5f.js": "same", "index.html": "new"}
GONE = ["assets/app-3f9c2ab1.js", "assets/chunk-3f9c2ab1.js"]


def version(uploader: Uploader) -> None:
    """Turn on versioning, so that the bucket keeps deleted objects."""
    uploader.aws.client("s3").put_bucket_versioning(
        Bucket=uploader.bucket, VersioningConfiguration={"Status": "Enabled"}
    )


@pytest.fixture
def old(uploader: Uploader, site_folder: Folder, cleaner: Cleaner) -> str:
    """The id of a release with two assets that the cleaner has deleted; one of them has a user's tag."""
    version(uploader)
    first = publish_here(uploader, site_folder("a", OLD), "r1")
    team = {"TagSet": [{"Key": "team", "Value": "web"}]}
    uploader.aws.client("s3").put_object_tagging(Bucket=uploader.bucket, Key=GONE[0], Tagging=team)
    cleaner()
    keep = [{"Key": "superseded_at", "Value": "2026-11-23T06:05:38Z"}]
    for key, tags in ((GONE[0], [*team["TagSet"], *keep]), (GONE[1], keep)):
        # This policy leaves no time between tag and deletion, so the test tags them as an earlier run would have.
        uploader.aws.client("s3").put_object_tagging(Bucket=uploader.bucket, Key=key, Tagging={"TagSet": tags})
    publish_here(uploader, site_folder("b", NEW), "r2")
    deleted = [entry["key"] for entry in cleaner()["delete"]]
    assert sorted(key for key in deleted if not is_beside(key)) == GONE
    assert not set(GONE) & set(uploader.keys())
    return first.id


def restore(uploader: Uploader, release_id: str, *options: str) -> str:
    """Run `restore`; it must succeed with an empty standard error. Returns its output."""
    answer = uploader.run("restore", "--release", release_id, "--bucket", uploader.bucket, *options)
    assert (answer.returncode, answer.stderr) == (0, "")
    return answer.stdout


def versions(uploader: Uploader, kind: str) -> set[tuple[str, str]]:
    """Key and version id: ``Versions`` or ``DeleteMarkers``."""
    listed = uploader.aws.client("s3").list_object_versions(Bucket=uploader.bucket)
    return {(each["Key"], each["VersionId"]) for each in listed.get(kind, ())}


def test_what_was_deleted_is_back_untagged_and_staged_until_it_is_activated(
    uploader: Uploader, old: str, cleaner: Cleaner, layout: Layout
) -> None:
    """No version is lost on the way, no cleaner deletes it again, and the user's tag is still there."""
    s3, before = uploader.aws.client("s3"), versions(uploader, "Versions")
    assert set(GONE) < {key for key, _ in versions(uploader, "DeleteMarkers")}, "the clean deleted no version"
    answer = uploader.process("restore", "--release", old, "--bucket", uploader.bucket)
    assert (answer.returncode, answer.stderr) == (0, "")
    line = answer.stdout.strip()
    said = re.fullmatch(
        rf"restored 3 assets of {old} \(1 was there\); "
        r"kept for staged_ttl \(48 hours by default\) as staged release (\S+-r1); "
        rf"to make it current: python -m uploader activate \1 --bucket {uploader.bucket}",
        line,
    )
    assert said, line
    tags = [s3.get_object_tagging(Bucket=uploader.bucket, Key=key)["TagSet"] for key in GONE]
    assert tags == [[{"Key": "team", "Value": "web"}], []]
    assert s3.get_object(Bucket=uploader.bucket, Key=GONE[0])["Body"].read() == b"old"
    assert before < versions(uploader, "Versions")
    log = [key for key in uploader.keys() if key.startswith((layout.pending, layout.staged))]
    assert log == [layout.staged_key(said[1])]

    assert cleaner(full=True)["counts"]["delete"] == 0
    assert uploader.run("activate", said[1], "--bucket", uploader.bucket).returncode == 0
    cleaned = cleaner()
    assert cleaned["current"] == {"default": said[1]}
    assert set(GONE) < set(uploader.keys())
    assert "assets/app-4a1b2c3d.js" not in uploader.keys()


def test_a_dry_run_says_what_it_would_restore_and_writes_nothing(uploader: Uploader, old: str) -> None:
    before = versions(uploader, "Versions"), versions(uploader, "DeleteMarkers")
    said = restore(uploader, old, "--dry-run")
    assert [line for line in said.splitlines() if not is_beside(line)] == [
        *(f"would restore {key}" for key in GONE),
        "dry run: 3 to restore, 0 lost, 1 there; nothing written",
    ]
    assert (versions(uploader, "Versions"), versions(uploader, "DeleteMarkers")) == before


def test_a_key_that_was_deleted_more_than_once(uploader: Uploader, old: str) -> None:
    """Each deletion of a deleted object adds a delete marker; `restore` leaves those of other keys alone.

    Restored a second time, there is nothing to do, and nothing is written.
    """
    s3 = uploader.aws.client("s3")
    for key in (GONE[0], GONE[0], "assets/other.txt"):
        s3.delete_object(Bucket=uploader.bucket, Key=key)
    answer = uploader.run("restore", "--release", old, "--bucket", uploader.bucket, "--json", "-v")
    assert [key for key in json.loads(answer.stdout)["restored"] if not is_beside(key)] == GONE
    assert [each for each in answer.stderr.splitlines() if not is_beside(each)] == [
        f"uploader: restored: {key}" for key in GONE
    ]
    left = {key for key, _ in versions(uploader, "DeleteMarkers")}
    assert "assets/other.txt" in left
    assert not left & set(GONE)
    before = uploader.keys()
    assert set(GONE) < set(before)
    assert restore(uploader, old).startswith(f"nothing to restore: all 4 assets of {old} are there; nothing written")
    assert uploader.keys() == before


def test_an_id_that_is_taken_is_avoided_and_nothing_is_said_twice(uploader: Uploader, old: str, layout: Layout) -> None:
    """Of two releases with one name in one second, such as the restored one, the later takes a later id."""
    now = datetime.now(UTC)
    taken = [layout.staged_key(make_id(now + timedelta(seconds=ahead), "r1")) for ahead in range(2)]
    for key in taken:
        uploader.aws.client("s3").put_object(Bucket=uploader.bucket, Key=key, Body=b"another's")
    answer = uploader.run("restore", "--release", old, "--bucket", uploader.bucket, "--json", "-v")
    assert [each for each in answer.stderr.splitlines() if not is_beside(each)] == [
        f"uploader: restored: {key}" for key in GONE
    ]
    document = json.loads(answer.stdout)
    assert [key for key in document["restored"] if not is_beside(key)] == GONE
    assert document["staged"] not in taken
    log = [key for key in uploader.keys() if key.startswith((layout.pending, layout.staged))]
    assert log == [*taken, document["staged"]]


@pytest.mark.parametrize("why", ["the version is gone", "another version", "an archived version"])
def test_what_cannot_be_restored_is_named_and_the_rest_stays(
    uploader: Uploader, old: str, layout: Layout, why: str
) -> None:
    """Its noncurrent version expired, or is where nobody can read it, or its key has another content by now."""
    s3, lost = uploader.aws.client("s3"), GONE[1]
    if why == "another version":
        s3.put_object(Bucket=uploader.bucket, Key=lost, Body=b"another size")
    else:
        (noncurrent,) = (version for key, version in versions(uploader, "Versions") if key == lost)
        s3.delete_object(Bucket=uploader.bucket, Key=lost, VersionId=noncurrent)
        if why == "an archived version":
            s3.put_object(Bucket=uploader.bucket, Key=lost, Body=b"old", StorageClass="GLACIER")
            s3.delete_object(Bucket=uploader.bucket, Key=lost)
    answer = uploader.run("restore", "--release", old, "--bucket", uploader.bucket)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == (
        f"uploader: 1 of 4 assets of {old} cannot be restored (the bucket has no versioning, its window "
        f"is over, its version is in an archive, or another file has the key): {lost}; "
        "2 were restored, until they fall due again, and 1 was there before; publish that build again\n"
    )
    assert GONE[0] in uploader.keys()
    assert not [key for key in uploader.keys() if key.startswith((layout.pending, layout.staged))]


def test_a_bucket_without_versioning(uploader: Uploader, site_folder: Folder) -> None:
    """The message names five and counts the rest."""
    files = {f"c{number}-3f9c2ab1.js": "x" for number in range(7)} | {"index.html": "x"}
    released = publish_here(uploader, site_folder("a", files), "r1").id
    for name in files:
        if name != "index.html":
            uploader.aws.client("s3").delete_object(Bucket=uploader.bucket, Key=f"assets/{name}")
    answer = uploader.run("restore", "--release", released, "--bucket", uploader.bucket)
    assert answer.returncode == 1
    assert "7 of 8 assets" in answer.stderr
    assert "c4-3f9c2ab1.js and 2 more; 0 were restored" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_no_such_release(uploader: Uploader) -> None:
    answer = uploader.run("restore", "--release", "20261123T060500Z-3f9c2ab", "--bucket", uploader.bucket)
    assert answer.returncode == 1
    assert re.fullmatch(r"uploader: no release \S+-3f9c2ab: `python -m uploader releases` lists them\n", answer.stderr)


def test_versions_beyond_the_bound_are_not_read(uploader: Uploader, old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line names the place, the bound and the remedy."""
    monkeypatch.setattr("uploader.s3.versions.VERSIONS", 1)
    answer = uploader.run("restore", "--release", old, "--bucket", uploader.bucket)
    assert answer.returncode == 1
    (line,) = answer.stderr.splitlines()
    assert f"s3://{uploader.bucket}/assets/" in line
    assert "has more than 1 versions" in line
    assert set(GONE).isdisjoint(uploader.keys())


def test_a_pinned_release_whose_marker_is_gone(uploader: Uploader, old: str, layout: Layout) -> None:
    """A pin outlives its release's marker. `rollback` then names `restore` as the remedy."""
    s3 = uploader.aws.client("s3")
    marker = s3.get_object(Bucket=uploader.bucket, Key=layout.marker_key(old))["Body"].read()
    s3.put_object(Bucket=uploader.bucket, Key=layout.key_in(layout.pins, old), Body=marker)
    s3.delete_object(Bucket=uploader.bucket, Key=layout.marker_key(old))
    refused = uploader.run("rollback", old, "--bucket", uploader.bucket)
    assert "or restore it if the bucket has versioning" in refused.stderr
    assert restore(uploader, old).startswith(f"restored 3 assets of {old} ")
    assert set(GONE) < set(uploader.keys())
    verified = uploader.run("verify", "--release", old, "--bucket", uploader.bucket, "--json")
    assert (verified.returncode, json.loads(verified.stdout)["releases"]) == (0, {"default": old})
