"""Objects whose keys no release can name: every command passes over them, and `status` and `doctor` name them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from release_log.marker import Asset, Release
from tests.http.in_process import no_sleep, publish_here, run_here, short_sleep
from uploader.aws.access import Access, Keys
from uploader.columns import places_of
from uploader.history.body import body_of
from uploader.s3.connection import connect
from uploader.s3.key_ranges import key_ranges
from uploader.s3.listing import RangeListing
from uploader.s3.pages import Pages, is_odd
from uploader.s3.requests import Requests

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]

ODD = (
    "assets/.releases/x//y",
    "assets/.releases/markers//20261123T120000Z-r.json",
    "assets/.releases/markers/./x.json",
    "assets/.releases/pending/../x.json",
    "assets/.releases/staged/a\x01.json",
    "assets/.releases/pins/a\x7f.json",
    "assets/app-3f9c2ab1.js/../x",
    "assets/b//c.js",
    "assets/b/\n.js",
    "assets/./c.js",
)


def put(uploader: Uploader, *keys: str) -> None:
    """Write empty objects, as anybody may who may write under the prefix."""
    for key in keys:
        uploader.aws.client("s3").put_object(Bucket=uploader.bucket, Key=key, Body=b"")


def test_no_odd_key_stops_any_command(uploader: Uploader, site_folder: Folder) -> None:
    """Each works as without them; those that show the site's state name them."""
    one, two = site_folder("1", {"app-3f9c2ab1.js": "1"}), site_folder("2", {"app-3f9c2ab2.js": "2", "b/d.js": "2"})
    uploader.aws.client("s3").put_bucket_versioning(
        Bucket=uploader.bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    put(uploader, *ODD)
    environ, site = uploader.aws.environment(), ["--bucket", uploader.bucket]
    for folder, name, counts in ((one, "r1", (1, 0)), (two, "r2", (2, 0)), (two, "r3", (0, 2))):
        ended = run_here([folder, "--release", name, "--json", *site], environ, no_sleep)
        assert json.loads(ended.stdout)["counts"] == dict(zip(("uploaded", "unchanged"), counts, strict=True))
    staged = publish_here(uploader, two, "r4", stage=True).id
    restored = ["restore", "--release", staged]
    for words in (["activate", staged], ["verify"], ["releases"], ["rollback", "r1"], ["pin", "r1"], restored):
        # A roll-back takes a name for the second time: it waits for its second to be over.
        ended = run_here([*words, *site], environ, short_sleep)
        assert (ended.returncode, ended.stderr) == (0, ""), words

    ended = uploader.run("status", "--bucket", uploader.bucket, "--json")
    assert ended.returncode == 0, ended.stderr
    assert sorted(json.loads(ended.stdout)["passed_over"]) == sorted(ODD)
    ended = uploader.run("doctor", "--bucket", uploader.bucket, "--json")
    (finding,) = [each for each in json.loads(ended.stdout)["findings"] if each["check"] == "keys"]
    assert finding["state"] == "warning"
    assert all(key in finding["finding"] for key in ODD)


def test_a_folders_marker_is_not_the_file_of_its_name(uploader: Uploader, site_folder: Folder) -> None:
    """obstore reads the key `x/` as `x`: the empty file would never be sent."""
    put(uploader, "assets/", "assets/b/", "assets/empty-3f9c2ab1.js/", "assets/.releases/markers/")
    folder = site_folder("1", {"empty-3f9c2ab1.js": ""})
    assert uploader.upload(folder, "--release", "r1")["counts"] == {"uploaded": 1, "unchanged": 0}
    assert uploader.upload(folder, "--release", "r2")["counts"] == {"uploaded": 0, "unchanged": 1}
    assert uploader.run("verify", "--bucket", uploader.bucket).returncode == 0
    put(uploader, "assets/.releases/markers/20261123T120000Z-r9.json/")
    ended = uploader.run("doctor", "--bucket", uploader.bucket)
    assert "20261123T120000Z-r9.json/: passed over" in ended.stdout
    assert "assets/b/" not in ended.stdout


def test_a_file_that_is_called_as_ours_and_a_slash_changes_nothing(uploader: Uploader, site_folder: Folder) -> None:
    """obstore lists both as one key: the other object's size or content would stop a pin, or send ours each time."""
    folder = site_folder("1", {"app-3f9c2ab1.js": "1", "logo-5d6e7f8a.png": "2"})
    uploader.upload(folder, "--release", "r1")
    for key, body in (("assets/app-3f9c2ab1.js/", b"longer"), ("assets/logo-5d6e7f8a.png/", b"3")):
        uploader.aws.client("s3").put_object(Bucket=uploader.bucket, Key=key, Body=body)
    assert uploader.upload(folder, "--release", "r2")["counts"] == {"uploaded": 0, "unchanged": 2}
    for words in (["verify"], ["pin", "r1"]):
        ended = run_here([*words, "--bucket", uploader.bucket], uploader.aws.environment(), short_sleep)
        assert (ended.returncode, ended.stderr) == (0, ""), words
    uploader.aws.client("s3").delete_object(Bucket=uploader.bucket, Key="assets/app-3f9c2ab1.js")
    uploader.aws.client("s3").delete_object(Bucket=uploader.bucket, Key="assets/logo-5d6e7f8a.png")
    assert uploader.upload(folder, "--release", "r3")["counts"] == {"uploaded": 2, "unchanged": 0}


@pytest.mark.parametrize("page", [1, 100])
def test_odd_keys_among_those_that_are_looked_for(uploader: Uploader, page: int) -> None:
    """In many ranges, which asyncio reads, and in few, which threads read: at their ends and between them."""
    wanted = [f"assets/b/{n}.js" for n in range(10)]
    put(uploader, *wanted, *(f"assets/b/{n}.js//" for n in range(0, 10, 3)), "assets/b//", "assets/c/../d")
    connection = connect(Access(uploader.bucket, "us-east-1", uploader.aws.url, keys=Keys("test", "test", None)))
    listing = RangeListing(
        Pages(connection.store, connection.access),
        key_ranges(wanted, 24, page),
        places_of(wanted),
        at_once=4,
    )
    listing.read()
    assert sorted(listing.found.sizes) == wanted
    requests = Requests(connection)
    assert sorted(requests.written("assets/")) == wanted
    assert len(requests.odd_keys("assets/")) == 6


def test_a_listing_goes_on_behind_a_whole_page_of_odd_keys(
    uploader: Uploader, site_folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """obstore cannot begin behind an odd key either."""
    monkeypatch.setattr("uploader.s3.raw_pages.KEYS", 2)
    put(uploader, *(f"assets/b//{n}" for n in range(5)), "assets/c/x.js")
    publish_here(uploader, site_folder("1", {"app-3f9c2ab1.js": "1"}), "r1")
    connection = connect(Access(uploader.bucket, "us-east-1", uploader.aws.url, keys=Keys("test", "test", None)))
    found = Requests(connection).written("assets/")
    assert {"assets/c/x.js", "assets/app-3f9c2ab1.js"} <= found.keys()
    assert not any(map(is_odd, found))


def test_a_release_with_an_odd_key_can_be_verified(uploader: Uploader) -> None:
    """A tool of one's own may have published it: its marker is valid, and S3 holds the object."""
    key, release_id = "assets/b//c.js", "20261123T120000Z-r1"
    release = Release(
        release="r1",
        channel="default",
        created_at=datetime(2026, 11, 23, 12, tzinfo=UTC),
        prefix="assets/",
        uploader={"name": "ours", "version": "1"},
        metadata={},
        assets={key: Asset(key, 1, fingerprinted=True)},
    )
    s3 = uploader.aws.client("s3")
    s3.put_object(Bucket=uploader.bucket, Key=f"assets/.releases/markers/{release_id}.json", Body=body_of(release))
    assert "missing" in uploader.run("verify", "--bucket", uploader.bucket).stdout
    s3.put_object(Bucket=uploader.bucket, Key=key, Body=b"x", Metadata={"digest": "d"}, CacheControl="max-age=1")
    for words in (["verify"], ["releases"], ["pin", "r1"], ["rollback", "r1", "--channel", "x"]):
        ended = run_here([*words, "--bucket", uploader.bucket], uploader.aws.environment(), short_sleep)
        assert (ended.returncode, ended.stderr) == (0, ""), ended
    connection = connect(Access(uploader.bucket, "us-east-1", uploader.aws.url, keys=Keys("test", "test", None)))
    found = Requests(connection).metadata(key)
    assert found is not None
    assert (found["Cache-Control"], found["digest"]) == ("max-age=1", "d")
    assert Requests(connection).metadata("assets/b//d.js") is None
