"""Requests that begin while the build is still being read: only the time depends on them."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from examples.embedded_aws import REGION
from release_log.layout import Layout
from uploader.aws.access import Access, Keys
from uploader.errors import UploaderError
from uploader.s3.bucket import Bucket
from uploader.s3.connection import connect

if TYPE_CHECKING:
    from tests.http.conftest import Uploader
    from tests.http.fault_proxy import FaultProxy

LAYOUT = Layout("assets/")
KEYS = frozenset({"assets/a.js", "assets/b.js"})
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def opened(uploader: Uploader, name: str | None = None) -> Bucket:
    access = Access(name or uploader.bucket, REGION, uploader.aws.url, keys=Keys("test", "test"))
    return Bucket(connect(access), 4)


def put(uploader: Uploader, key: str, body: str = "x") -> None:
    uploader.aws.client("s3").put_object(Bucket=uploader.bucket, Key=key, Body=body.encode())


def test_the_look_takes_what_was_listed_ahead_and_the_next_one_lists_anew(uploader: Uploader) -> None:
    put(uploader, "assets/a.js")
    bucket = opened(uploader)
    bucket.list_ahead(LAYOUT, KEYS)
    assert bucket._listing_ahead is not None  # noqa: SLF001 (nobody else waits for it)
    bucket._listing_ahead._workers.wait()  # noqa: SLF001
    put(uploader, "assets/b.js")
    first = bucket.look(LAYOUT, KEYS)
    second = bucket.look(LAYOUT, KEYS)
    assert first.listing.sizes == {"assets/a.js": 1}
    assert second.listing.sizes == {"assets/a.js": 1, "assets/b.js": 1}
    assert first.began < second.began


def test_the_look_takes_the_headers_that_were_asked_for_ahead_and_the_next_one_has_none(uploader: Uploader) -> None:
    put(uploader, "assets/a.js")
    bucket = opened(uploader)
    bucket.head_ahead(sorted(KEYS))
    first, second = bucket.look(LAYOUT, KEYS), bucket.look(LAYOUT, KEYS)
    assert first.metadata.keys() == {"assets/a.js"}
    assert second.metadata == {}
    assert first.began < second.began


def test_after_the_marker_pages_are_looked_at_over_the_connections_that_are_open(
    uploader: Uploader, proxy: FaultProxy
) -> None:
    """A new connection takes a round trip before its first request, and with TLS two more."""
    pages = sorted(f"assets/{number:02}.html" for number in range(20))
    proxy.delay = 0.05  # so that no connection is free for a second request in time
    bucket = Bucket(connect(Access(uploader.bucket, REGION, proxy.url, keys=Keys("test", "test"))), 32)
    bucket.head_ahead(pages)
    bucket.look(LAYOUT, frozenset(pages))
    bucket.look_at_pages(LAYOUT, pages)
    # How many of them the first look needed depends on the machine; each opened twice, they would be forty and more.
    assert proxy.opened < 2 * len(pages)


def test_the_look_lists_no_file_that_the_ledger_names(uploader: Uploader) -> None:
    """They may be many, and nobody needs them before an upload."""
    files = {LAYOUT.marker_key("20261123T120000Z-r1"), LAYOUT.pending_key("20261123T120001Z-r2")}
    for key in (*files, LAYOUT.ledger, LAYOUT.ledger_file("segment-x"), LAYOUT.ledger_file("zzz")):
        put(uploader, key)
    look = opened(uploader).look(LAYOUT, KEYS)
    assert look.listing.log.keys() == files
    assert look.ledger is not None


def test_connections_can_be_opened_ahead_whatever_is_there(
    uploader: Uploader, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in (uploader.bucket, "not-there"):
        connection = connect(Access(name, REGION, uploader.aws.url, keys=Keys("test", "test")))
        connection.warm(LAYOUT, NOW)
        assert [each.answer() is None for each in connection.markers] == [name == "not-there"] * 2
    for thread in threading.enumerate():
        if thread.daemon and "touch" in thread.name:
            thread.join()
    assert capfd.readouterr() == ("", "")


def test_what_fails_ahead_is_asked_for_again_and_then_it_is_an_error(uploader: Uploader) -> None:
    bucket = opened(uploader, "not-there")
    bucket.list_ahead(LAYOUT, KEYS)
    bucket.head_ahead(sorted(KEYS))
    with pytest.raises(UploaderError, match="bucket 'not-there' does not exist"):
        bucket.look(LAYOUT, KEYS)
