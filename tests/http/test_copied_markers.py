"""Markers that somebody copies onto themselves on a real S3 server: ``LastModified`` is anew, and nothing is lost."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from tests.http.in_process import publish_here

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from release_log.layout import Layout
    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]
    Cleaner = Callable[..., dict[str, Any]]

OLD, LIVE = "assets/app-3f9c2ab1.js", "assets/app-4a1b2c3d.js"


def copy_onto_itself(uploader: Uploader, key: str) -> None:
    """For another storage class; the copy is newer than every file that was there before."""
    s3, there = uploader.aws.client("s3"), {"Bucket": uploader.bucket, "Key": key}
    before = s3.head_object(**there)["LastModified"]
    time.sleep(1.1)
    s3.copy_object(**there, CopySource=there, StorageClass="STANDARD_IA", MetadataDirective="COPY")
    assert s3.head_object(**there)["LastModified"] > before


def current(uploader: Uploader) -> str:
    """What ``status`` says is current."""
    document = json.loads(uploader.process("status", "--bucket", uploader.bucket, "--json").stdout)
    (release,) = document["current"]
    return str(release["release"])


def test_an_old_marker_that_is_copied_onto_itself_changes_nothing(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner
) -> None:
    """The ledger knows since when it is there, for the cleaner and for the uploader's commands."""
    old = publish_here(uploader, site_folder("a", {"app-3f9c2ab1.js": "1"}), "r1")
    live = publish_here(uploader, site_folder("b", {"app-4a1b2c3d.js": "2"}), "r2")
    cleaner()
    copy_onto_itself(uploader, old.key)

    for _ in range(2):
        answer = cleaner()
        assert (answer["current"], answer["stopped_by"]) == ({"default": live.id}, [])
    assert LIVE in uploader.keys()
    assert current(uploader) == live.id
    listed = json.loads(uploader.process("releases", "--bucket", uploader.bucket, "--json").stdout)["releases"]
    assert [(each["release"], each["standing"]) for each in listed] == [(live.id, "current"), (old.id, "earlier")]


def test_without_a_ledger_a_copied_marker_stops_all_deletion_until_the_channel_has_a_release(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner, layout: Layout
) -> None:
    """Its id and its content say that it is older than the release that it comes after by S3's clock."""
    s3, bucket = uploader.aws.client("s3"), uploader.bucket
    young = publish_here(uploader, site_folder("a", {"app-3f9c2ab1.js": "1"}), "r1")
    marker = json.loads(s3.get_object(Bucket=bucket, Key=young.key)["Body"].read())
    old = layout.marker_key("20260101T000000Z-r1")
    s3.put_object(Bucket=bucket, Key=old, Body=json.dumps({**marker, "created_at": "2026-01-01T00:00:00Z"}).encode())
    s3.delete_object(Bucket=bucket, Key=young.key)
    live = publish_here(uploader, site_folder("b", {"app-4a1b2c3d.js": "2"}), "r2")
    copy_onto_itself(uploader, old)

    for _ in range(3):
        answer = cleaner()
        assert "unknown_order" in [stop["reason"] for stop in answer["stopped_by"]]
        assert live.id in answer["stopped_by"][0]["message"]
        assert answer["delete"] == []
    refused = uploader.process("rollback", "--previous", "--bucket", bucket)
    assert (refused.returncode, "name the one to go back to" in refused.stderr) == (1, True)
    assert "roll back to it" in uploader.process("status", "--bucket", bucket).stdout

    back = uploader.process("rollback", live.id, "--bucket", bucket)
    assert back.returncode == 0, back.stderr
    answer = cleaner()
    assert answer["stopped_by"] == []
    assert keys_left(uploader) == {LIVE}


def keys_left(uploader: Uploader) -> set[str]:
    """The assets in the bucket."""
    return {key for key in uploader.keys() if ".releases" not in key}
