"""Requests that begin while the build is still being read: only the time depends on them."""

from __future__ import annotations

import resource
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

from examples.embedded_aws import REGION
from release_log.layout import Layout
from uploader.aws.access import Access, Keys
from uploader.errors import UploaderError
from uploader.s3 import bucket as bucket_module
from uploader.s3.bucket import Bucket
from uploader.s3.connection import WARM, connect
from uploader.s3.requests import Requests
from uploader.threads.ahead import Ahead

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.http.conftest import Uploader
    from tests.http.fault_proxy import FaultProxy
    from uploader.s3.connection import Connection

LAYOUT = Layout("assets/")
KEYS = frozenset({"assets/a.js", "assets/b.js"})
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def opened(uploader: Uploader, name: str | None = None) -> Bucket:
    access = Access(name or uploader.bucket, REGION, uploader.aws.url, keys=Keys("test", "test"))
    return Bucket(connect(access), 4)


def put(uploader: Uploader, key: str, body: str = "x") -> None:
    uploader.aws.client("s3").put_object(Bucket=uploader.bucket, Key=key, Body=body.encode())


def wait_until_warm(connection: Connection, *, keep: bool = False) -> None:
    for each in connection.markers:
        each.answer(keep=keep)
    for thread in threading.enumerate():
        if thread.daemon and "touch" in thread.name:
            thread.join()


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


def test_nobody_waits_for_headers_that_nobody_reads(uploader: Uploader, monkeypatch: pytest.MonkeyPatch) -> None:
    put(uploader, "assets/a.js")
    bucket, free = opened(uploader), threading.Event()
    real = Requests.metadata_if_readable

    def slow(self: Requests, key: str) -> Mapping[str, str] | None:
        assert free.wait(20)
        return real(self, key)

    monkeypatch.setattr(Requests, "metadata_if_readable", slow)
    bucket.head_ahead(sorted(KEYS))
    look = bucket.look(LAYOUT, KEYS)
    free.set()
    assert look.metadata.keys() == {"assets/a.js"}


def test_headers_are_asked_for_behind_the_intent(
    uploader: Uploader, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the program has begun to send it, and before it is answered."""
    monkeypatch.setattr(bucket_module, "BEHIND_SECONDS", 60)
    bucket = Bucket(connect(Access(uploader.bucket, REGION, proxy.url, keys=Keys("test", "test"))), 4)
    bucket.head_ahead(sorted(KEYS))
    assert bucket.get("assets/a.js") is None
    assert [request.method for request in proxy.requests] == ["GET"]
    with proxy.holding(lambda request: request.method == "PUT"):
        written = Ahead(lambda: bucket.create(LAYOUT.pending_key("20261123T120000Z-r1"), b"{}"))
        proxy.wait_for(1 + 1 + len(KEYS))
        assert written.peek() is None
    assert written.answer()
    assert bucket.look(LAYOUT, KEYS).metadata.keys() == set()
    assert [request.method for request in proxy.requests].count("HEAD") == len(KEYS)


def test_headers_are_asked_for_although_no_intent_comes(uploader: Uploader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_module, "BEHIND_SECONDS", 0.01)
    put(uploader, "assets/a.js")
    bucket = opened(uploader)
    bucket.head_ahead(sorted(KEYS))
    assert bucket._metadata_ahead is not None  # noqa: SLF001 (nobody else waits for it)
    found = bucket._metadata_ahead.answer()  # noqa: SLF001
    assert found is not None
    assert found.keys() == {"assets/a.js"}


def test_after_the_marker_pages_are_looked_at_over_the_connections_that_are_open(
    uploader: Uploader, proxy: FaultProxy
) -> None:
    """A new connection takes a round trip before its first request, and with TLS two more."""
    pages = sorted(f"assets/{number:02}.html" for number in range(20))
    proxy.delay = 0.05  # so that no connection is free for a second request in time
    bucket = Bucket(connect(Access(uploader.bucket, REGION, proxy.url, keys=Keys("test", "test"))), 32)
    bucket.head_ahead(pages)
    assert not bucket.look(LAYOUT, frozenset(pages)).metadata
    bucket.look_at_pages(LAYOUT, pages)
    # How many of them the first look needed depends on the machine; each opened twice, they would be forty and more.
    assert proxy.opened < 2 * len(pages)


def test_the_look_opens_no_connection(uploader: Uploader, proxy: FaultProxy) -> None:
    """It makes five requests at once, or a few more, while the site is still being listed."""
    keys = frozenset({f"assets/{number:04}-3f9c2ab1.js" for number in range(2000)} | {LAYOUT.page_key("0" * 64)})
    connection = connect(Access(uploader.bucket, REGION, proxy.url, keys=Keys("test", "test")))
    proxy.delay = 0.3  # so that no connection is free for a second request in time
    connection.warm(LAYOUT, NOW)
    wait_until_warm(connection)
    time.sleep(0.3)  # a connection is free a moment after its answer
    bucket = Bucket(connection, 32)
    bucket.list_ahead(LAYOUT, [key for key in keys if key.endswith(".js")])
    bucket.look(LAYOUT, keys)
    assert len(proxy.requests) > WARM + 5
    assert proxy.opened == WARM


@pytest.mark.parametrize(("own", "again"), [("20261123T120001Z-own", False), ("20261120T120000Z-own", True)])
def test_the_look_lists_the_recent_markers(
    uploader: Uploader,
    proxy: FaultProxy,
    own: str,
    again: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    """Unless this release has an older name, because somebody has set the machine's clock back by days."""
    older, recent = (LAYOUT.marker_key(each) for each in ("20261101T120000Z-r0", "20261122T120000Z-r1"))
    put(uploader, older)
    put(uploader, recent)
    connection = connect(Access(uploader.bucket, REGION, proxy.url, keys=Keys("test", "test")))
    connection.warm(LAYOUT, NOW)
    bucket = Bucket(connection, 4)
    assert bucket.recent(LAYOUT, NOW).keys() == {recent}
    assert bucket.create(LAYOUT.pending_key(own), b"{}")
    before = len(proxy.requests)
    look = bucket.look(LAYOUT, KEYS)
    assert look.listing.log.keys() == {older, recent, LAYOUT.pending_key(own)}
    queries = [parse_qs(request.query) for request in proxy.requests[before:] if "list-type" in request.query]
    assert any("ledger/~" in query.get("start-after", [""])[0] for query in queries) is again


def test_only_the_first_look_takes_what_was_listed_at_the_start(uploader: Uploader, proxy: FaultProxy) -> None:
    """Also if it arrived too late for that look, as the roll-out between the two may take an hour."""
    connection = connect(Access(uploader.bucket, REGION, proxy.url, keys=Keys("test", "test")))
    connection.warm(LAYOUT, NOW)
    wait_until_warm(connection, keep=True)
    bucket = Bucket(connection, 4)
    pending, older = LAYOUT.pending_key("20261123T120001Z-own"), LAYOUT.marker_key("20261101T120000Z-r0")
    assert bucket.create(pending, b"{}")
    assert bucket.look(LAYOUT, KEYS).listing.log.keys() == {pending}
    assert bucket.recent(LAYOUT, NOW).keys() == set()
    put(uploader, older)
    assert bucket.look(LAYOUT, KEYS).listing.log.keys() == {pending, older}


def test_the_look_lists_no_file_that_the_ledger_names(uploader: Uploader) -> None:
    """They may be many, and nobody needs them before an upload."""
    files = {LAYOUT.marker_key("20261123T120000Z-r1"), LAYOUT.pending_key("20261123T120001Z-r2")}
    for key in (*files, LAYOUT.ledger, LAYOUT.ledger_file("segment-x"), LAYOUT.ledger_file("zzz")):
        put(uploader, key)
    look = opened(uploader).look(LAYOUT, KEYS)
    assert look.listing.log.keys() == files
    assert look.ledger is not None


@pytest.mark.parametrize(("limit", "opened_ahead"), [(16, 6), (18, 8), (1024, WARM)])
def test_a_process_that_may_open_few_files_opens_fewer_connections(
    uploader: Uploader, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, limit: int, opened_ahead: int
) -> None:
    """They stay open: there would be none left for the files that are sent."""
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (limit, limit))
    connection = connect(Access(uploader.bucket, REGION, proxy.url, keys=Keys("test", "test")))
    connection.warm(LAYOUT, NOW)
    wait_until_warm(connection)
    assert len(proxy.requests) == opened_ahead


def test_connections_can_be_opened_ahead_whatever_is_there(
    uploader: Uploader, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in (uploader.bucket, "not-there"):
        connection = connect(Access(name, REGION, uploader.aws.url, keys=Keys("test", "test")))
        connection.warm(LAYOUT, NOW)
        assert [each.answer() is None for each in connection.markers] == [name == "not-there"] * 2
        wait_until_warm(connection)
    assert capfd.readouterr() == ("", "")


def test_what_fails_ahead_is_asked_for_again_and_then_it_is_an_error(uploader: Uploader) -> None:
    bucket = opened(uploader, "not-there")
    bucket.list_ahead(LAYOUT, KEYS)
    bucket.head_ahead(sorted(KEYS))
    with pytest.raises(UploaderError, match="bucket 'not-there' does not exist"):
        bucket.look(LAYOUT, KEYS)
