"""The uploader's requests, on a store in memory: what they read is bounded, and what comes too late is not repeated."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import obstore
import pytest
from obstore.exceptions import GenericError
from obstore.store import MemoryStore

from uploader.errors import UploaderError
from uploader.s3 import requests
from uploader.s3.requests import Requests


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def asked(store: MemoryStore) -> Requests:
    access = SimpleNamespace(bucket="b", region="r", endpoint=None, who="you")
    connection: Any = SimpleNamespace(
        store=store, access=access, encryption={}, errors=(GenericError, FileNotFoundError), bandwidth=None
    )
    return Requests(connection)


@pytest.mark.parametrize("size", [9, 10, 11, 1000])
def test_a_file_beyond_the_bound_is_read_no_further(
    store: MemoryStore, asked: Requests, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its reader refuses it by its length. (A piece that has arrived is kept whole.)"""
    monkeypatch.setattr(requests, "FILE_BYTES", 10)
    obstore.put(store, "k", b"x" * size)
    blob = asked.get("k")
    assert blob is not None
    assert len(blob.body) == size if size <= 10 else len(blob.body) > 10


def test_a_release_log_of_too_many_files_is_one_line(
    store: MemoryStore, asked: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "LOG_FILES", 2)
    for number in range(3):
        obstore.put(store, f"assets/.releases/pending/{number}.json", b"x")
    with pytest.raises(UploaderError, match=r"^s3://b/assets/\.releases/ has more than 2 files: delete those"):
        asked.written("assets/.releases/")
    obstore.delete(store, "assets/.releases/pending/2.json")
    assert len(asked.written("assets/.releases/")) == 2


@pytest.mark.parametrize(("in_time", "sent"), [(True, 4), (False, 1)])
def test_a_request_is_repeated_only_while_it_is_in_time(
    asked: Requests,
    in_time: bool,  # noqa: FBT001 (a parameter of the test)
    sent: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The machine may have been suspended, and the intent have expired."""
    tries = []

    def fail(*_: object, **__: object) -> None:
        tries.append(1)
        msg = "connection closed"
        raise GenericError(msg)

    monkeypatch.setattr(obstore, "put", fail)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with pytest.raises(UploaderError):
        asked.create("k", b"x", lambda: in_time)
    assert len(tries) == sent
