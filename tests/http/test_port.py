"""One suite for every implementation of the cleaner's port: in memory, and over HTTP on two servers."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from cleaner_lambda.errors import CleanerError, ConflictError
from cleaner_lambda.read_only import ReadOnly
from cleaner_lambda.s3 import S3Store
from tests.fake_cleaner_s3 import FakeS3

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cleaner_lambda.port import S3Port

_numbers = itertools.count(1)

PAGE = 10


@pytest.fixture(scope="module")
def moto_client() -> Iterator[Any]:
    """A client of a moto server: unlike ministack it drops the tags of an overwritten object, as S3 does."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 (half a second, in every worker)

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    create: Any = boto3.client
    yield create(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    server.stop()


@pytest.fixture(params=["memory", "ministack", "moto"])
def store(request: pytest.FixtureRequest) -> Iterator[S3Port]:
    """An empty bucket."""
    if request.param == "memory":
        yield FakeS3(clock=datetime.now(UTC))
        return
    client = request.getfixturevalue("moto_client" if request.param == "moto" else "aws")
    client = client if request.param == "moto" else client.client("s3")
    # Pages as small as a test can fill; the tests of whole runs fill those of 1,000.
    client.meta.events.register("provide-client-params.s3.ListObjectsV2", _small_page)
    bucket = f"port-{next(_numbers)}"
    client.create_bucket(Bucket=bucket)
    yield S3Store(client, bucket)
    # Other modules have the same client.
    client.meta.events.unregister("provide-client-params.s3.ListObjectsV2", _small_page)


def _small_page(params: dict[str, Any], **_: object) -> dict[str, Any]:
    return {**params, "MaxKeys": PAGE}


def test_what_is_not_there_is_none(store: S3Port) -> None:
    assert store.get("missing") is None
    assert store.get_tags("missing") is None
    assert store.get_metadata("missing") is None
    assert store.put_tags("missing", {"a": "b"}) is False
    assert list(store.list("missing/")) == []


@pytest.mark.scenario("L6")
def test_create_only_then_compare_and_swap(store: S3Port) -> None:
    first = store.put_if("ledger", b"1", None)
    with pytest.raises(ConflictError):
        store.put_if("ledger", b"x", None)
    second = store.put_if("ledger", b"2", first)
    with pytest.raises(ConflictError):
        store.put_if("ledger", b"x", first)
    blob = store.get("ledger")
    assert blob is not None
    assert (blob.body, blob.etag) == (b"2", second)


def test_a_swap_of_what_is_gone_is_a_conflict(store: S3Port) -> None:
    etag = store.put_if("ledger", b"1", None)
    store.delete(["ledger"])
    with pytest.raises(ConflictError):
        store.put_if("ledger", b"2", etag)


@pytest.mark.scenario("T29a")
def test_listing_is_by_prefix_and_in_order_over_pages(store: S3Port) -> None:
    for number in range(3 * PAGE + 1):
        store.put_if(f"a/{number:04}", b"xy", None)
    store.put_if("b/1", b"", None)
    listed = list(store.list("a/"))
    assert [each.key for each in listed] == [f"a/{number:04}" for number in range(3 * PAGE + 1)]
    assert {each.size for each in listed} == {2}
    assert all(each.last_modified.microsecond == 0 for each in listed), "whole seconds, as S3 gives them"


def test_a_listing_between_two_keys_is_beyond_the_one_and_up_to_the_other(store: S3Port) -> None:
    for name in "abcde":
        store.put_if(f"p/{name}", b"", None)
    assert [each.key for each in store.list("p/", "p/b", "p/d")] == ["p/c", "p/d"]
    assert [each.key for each in store.list("p/", "p/b")] == ["p/c", "p/d", "p/e"]
    assert [each.key for each in store.list("p/", to="p/b")] == ["p/a", "p/b"]
    assert list(store.list("p/", "p/e")) == []


def test_the_clock_is_the_stores(store: S3Port) -> None:
    store.get("missing")
    assert abs(store.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_tags_are_replaced_as_a_whole(store: S3Port) -> None:
    store.put_if("key", b"", None)
    assert store.get_tags("key") == {}
    assert store.put_tags("key", {"a": "1", "b": "2"}) is True
    assert store.get_tags("key") == {"a": "1", "b": "2"}
    store.put_tags("key", {"a": "1"})
    assert store.get_tags("key") == {"a": "1"}


def test_no_tags_is_a_set_of_tags_too(store: S3Port, request: pytest.FixtureRequest) -> None:
    """AWS: "an empty tag set in the request removes any existing tags on the object"."""
    if request.node.callspec.params["store"] == "moto":
        pytest.skip("moto answers 500 to an empty tag set, which AWS documents as allowed")
    store.put_if("key", b"", None)
    store.put_tags("key", {"a": "1"})
    store.put_tags("key", {})
    assert store.get_tags("key") == {}


def test_deleting_twice_is_no_error(store: S3Port) -> None:
    store.put_if("key", b"", None)
    assert store.delete(["key", "never/there"]) == {}
    assert store.delete(["key"]) == {}
    assert store.get("key") is None


@pytest.mark.parametrize("key", ["key", "a\x10b", "a\uffffb", "a\rb", "a%20b", "a+b &<>\"'", "cafe\u0301"])
def test_one_object_is_deleted_whatever_its_key(store: S3Port, key: str) -> None:
    store.put_if(key, b"", None)
    store.put_if("other", b"", None)
    store.delete_one(key)
    store.delete_one(key)
    assert [store.get(each) is None for each in (key, "other")] == [True, False]


def test_a_deletion_under_a_condition_takes_only_what_was_read(store: S3Port) -> None:
    etag = store.put_if("key", b"1", None)
    newer = store.put_if("key", b"2", etag)
    assert not store.delete_if("key", etag)
    assert store.get("key") is not None
    assert store.delete_if("key", newer)
    assert store.get("key") is None
    assert not store.delete_if("key", newer), "it is gone"


def test_a_batch_over_the_limit_is_never_sent(store: S3Port) -> None:
    with pytest.raises((ValueError, AssertionError)):
        store.delete([str(number) for number in range(1001)])


def test_read_only_writes_nothing(store: S3Port) -> None:
    etag = store.put_if("key", b"1", None)
    cover = ReadOnly(store)
    cover.put_if("key", b"2", etag)
    cover.put_tags("key", {"a": "b"})
    cover.delete(["key"])
    cover.delete_one("key")
    cover.delete_if("key", etag)
    blob = store.get("key")
    assert blob is not None
    assert (blob.body, cover.get_tags("key")) == (b"1", {})


def test_read_only_reads_the_files_that_it_would_have_written(store: S3Port) -> None:
    cover = ReadOnly(store)
    assert cover.get("key") is None
    first = cover.put_if("key", b"1", None)
    assert cover.put_if("key", b"2", first) != first
    blob = cover.get("key")
    assert blob is not None
    assert (blob.body, store.get("key")) == (b"2", None)


def test_a_store_that_was_never_asked_does_not_guess_the_time() -> None:
    create: Any = boto3.client
    with pytest.raises(CleanerError):
        S3Store(create("s3", region_name="us-east-1"), "bucket").now()
