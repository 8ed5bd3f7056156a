"""``409 ConditionalRequestConflict``: another request to the key is under way, so the write is tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cleaner_lambda.errors import CleanerError, ConflictError
from cleaner_lambda.pace import BACKOFF_SECONDS
from cleaner_lambda.s3 import S3Store
from tests.http.conftest import client_of, new_bucket
from uploader.aws.access import Access, Keys
from uploader.errors import UploaderError
from uploader.s3 import asking
from uploader.s3.connection import connect
from uploader.s3.requests import Requests

if TYPE_CHECKING:
    from tests.http.fault_proxy import FaultProxy, Request

KEY = "assets/.releases/markers/20261123T120000Z-r1.json"


def is_put(request: Request) -> bool:
    """Whether the request writes an object."""
    return request.method == "PUT"


@pytest.fixture
def bucket(s3: Any, proxy: FaultProxy, waits: list[float]) -> str:  # noqa: ANN401, ARG001 (for what it does)
    """An empty bucket."""
    return new_bucket(s3, {})


@pytest.fixture
def uploader(bucket: str, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> Requests:
    """The uploader's requests."""
    monkeypatch.setattr(asking, "PAUSES", (0.002, 0.002))
    return Requests(connect(Access(bucket, "us-east-1", proxy.url, keys=Keys("test", "test", None))))


@pytest.fixture
def cleaner(bucket: str, proxy: FaultProxy) -> S3Store:
    """The cleaner's store."""
    return S3Store(client_of(proxy.url), bucket)


def test_the_uploader_writes_its_file_after_a_conflict(uploader: Requests, proxy: FaultProxy) -> None:
    proxy.conflict(is_put, times=2)
    assert uploader.create(KEY, b"{}")
    assert len(list(filter(is_put, proxy.requests))) == 3
    assert uploader.create(KEY, b"{}") is False, "somebody else's"


def test_the_uploader_gives_up_after_some_conflicts(uploader: Requests, proxy: FaultProxy) -> None:
    """It does not say that the file exists, and does not go on for ever."""
    proxy.conflict(is_put, times=None)
    with pytest.raises(UploaderError, match=r"(?s)another request to it is under way.*run again") as raised:
        uploader.create(KEY, b"{}")
    assert len(str(raised.value).splitlines()) == 1
    assert len(list(filter(is_put, proxy.requests))) == 3


def test_the_cleaner_writes_the_ledger_after_a_conflict(
    cleaner: S3Store, proxy: FaultProxy, waits: list[float]
) -> None:
    proxy.conflict(is_put, times=2)
    etag = cleaner.put_if(KEY, b"one", None)
    assert waits == list(BACKOFF_SECONDS[:2])
    proxy.conflict(is_put)
    assert cleaner.put_if(KEY, b"two", etag) != etag
    with pytest.raises(ConflictError):
        cleaner.put_if(KEY, b"three", etag)


def test_the_cleaner_gives_up_after_some_conflicts(cleaner: S3Store, proxy: FaultProxy) -> None:
    """The run does not start over either: that would ask for ever."""
    proxy.conflict(is_put, times=None)
    with pytest.raises(CleanerError, match=r"another write of it is under way .*; invoke again") as raised:
        cleaner.put_if(KEY, b"one", None)
    assert not isinstance(raised.value, ConflictError)
    assert len(list(filter(is_put, proxy.requests))) == len(BACKOFF_SECONDS) + 1
