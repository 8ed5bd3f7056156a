"""Ranges of keys, listed side by side: few of them in threads, many under asyncio."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from examples.embedded_aws import REGION
from tests.http.fault_proxy import Fault
from uploader.aws.access import Access, Keys
from uploader.columns import places_of
from uploader.s3.connection import connect
from uploader.s3.key_ranges import key_ranges
from uploader.s3.listing import FEW, RangeListing
from uploader.s3.pages import Pages

if TYPE_CHECKING:
    from tests.http.conftest import Uploader
    from tests.http.fault_proxy import FaultProxy
    from uploader.s3.connection import Connection
    from uploader.s3.key_ranges import KeyRange

KEYS = [f"assets/{folder}/{name}.js" for folder in ("a", "a&b", "b") for name in "abcdef"]
WANTED = places_of([*KEYS, "assets/a/not-there.js"])
OTHERS = ["assets/a/cc.js", "assets/zz.js", "other/a.js"]


def opened(name: str, url: str) -> Connection:
    return connect(Access(name, REGION, url, keys=Keys("test", "test")))


def parts(ranges: int) -> list[KeyRange]:
    found = key_ranges(WANTED, ranges, page=1)
    assert (len(found) > FEW) == (ranges > FEW)
    return found


def listing(connection: Connection, ranges: int, at_once: int) -> RangeListing:
    return RangeListing(Pages(connection.store, connection.access), parts(ranges), WANTED, at_once)


@pytest.mark.parametrize("ranges", [2, 2 * FEW])
def test_what_is_wanted_is_found_and_nothing_else(uploader: Uploader, ranges: int) -> None:
    for key in (*KEYS, *OTHERS):
        uploader.aws.client("s3").put_object(Bucket=uploader.bucket, Key=key, Body=b"x" * len(key))
    found = listing(opened(uploader.bucket, uploader.aws.url), ranges, at_once=3)
    found.read()
    assert found.found.sizes == {key: len(key) for key in KEYS}
    assert found.found.times.keys() == set(KEYS)


@pytest.mark.parametrize("ranges", [2, 2 * FEW])
def test_after_a_failure_it_goes_on_with_what_is_left(uploader: Uploader, proxy: FaultProxy, ranges: int) -> None:
    for key in KEYS:
        uploader.aws.client("s3").put_object(Bucket=uploader.bucket, Key=key, Body=b"x")
    connection = opened(uploader.bucket, proxy.url)
    found = listing(connection, ranges, at_once=1)
    proxy.inject(Fault.TRUNCATED, lambda request: request.method == "GET", first=2, times=1)
    with pytest.raises(connection.errors):
        found.read()
    proxy.heal()
    found.read()
    assert len(proxy.requests) == len(parts(ranges)) - 1, "the first was done"
    assert found.found.sizes.keys() == set(KEYS)
