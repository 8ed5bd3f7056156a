"""What is asked for while the build is still being looked at: nothing depends on it but time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from examples.embedded_aws import REGION
from release_log.layout import Layout
from uploader.errors import UploaderError
from uploader.s3 import open_bucket
from uploader.session import Access, Keys
from uploader.store import Needs

if TYPE_CHECKING:
    from tests.http.conftest import Uploader
    from uploader.s3 import Bucket

LAYOUT = Layout("assets/")
KEYS = frozenset({"assets/a.js", "assets/b.js"})


def opened(uploader: Uploader, name: str | None = None) -> Bucket:
    access = Access(name or uploader.bucket, REGION, uploader.aws.url, keys=Keys("test", "test"))
    return open_bucket(access, 4)


def put(uploader: Uploader, key: str, body: str = "x") -> None:
    uploader.aws.client("s3").put_object(Bucket=uploader.bucket, Key=key, Body=body.encode())


def test_the_look_takes_what_was_listed_ahead_and_the_next_one_lists_anew(uploader: Uploader) -> None:
    put(uploader, "assets/a.js")
    bucket = opened(uploader)
    bucket.list_ahead("assets/", KEYS)
    assert bucket._listed is not None  # noqa: SLF001 (nobody else waits for it)
    bucket._listed.answer()  # noqa: SLF001
    put(uploader, "assets/b.js")
    first = bucket.look(LAYOUT, Needs(KEYS))
    second = bucket.look(LAYOUT, Needs(KEYS))
    assert first.listing.sizes == {"assets/a.js": 1}
    assert second.listing.sizes == {"assets/a.js": 1, "assets/b.js": 1}
    assert first.began < second.began


def test_the_newest_marker_that_was_fetched_ahead_is_as_good_as_any(uploader: Uploader) -> None:
    old, new = (LAYOUT.marker_key(f"20261123T12000{number}Z-r{number}") for number in (1, 2))
    put(uploader, old, "old")
    put(uploader, new, "new")
    bucket = opened(uploader)
    bucket.begin(LAYOUT)
    found = {key: bucket.get(key) for key in (old, new, LAYOUT.ledger)}
    assert {key: blob and blob.body for key, blob in found.items()} == {old: b"old", new: b"new", LAYOUT.ledger: None}


def test_what_fails_ahead_is_asked_for_again_and_then_it_is_an_error(uploader: Uploader) -> None:
    bucket = opened(uploader, "not-there")
    bucket.begin(LAYOUT)
    bucket.list_ahead("assets/", KEYS)
    with pytest.raises(UploaderError, match="bucket 'not-there' does not exist"):
        bucket.look(LAYOUT, Needs(KEYS))
