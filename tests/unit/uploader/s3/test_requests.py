"""The uploader's requests, on a store in memory: what they read is bounded, and what comes too late is not repeated."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import obstore
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obstore.exceptions import BaseError, GenericError
from obstore.store import MemoryStore

from release_log.layout import Layout
from release_log.ledger_file import holds_head, pack, read_head
from uploader.builds.collect import collect
from uploader.errors import TakenError, UploaderError
from uploader.s3 import asking, key_ranges, requests
from uploader.s3.bandwidth import Bandwidth
from uploader.s3.bucket import Bucket
from uploader.s3.requests import Requests
from uploader.threads.ahead import Ahead


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LAYOUT = Layout("assets/")
FOLDERS = st.sampled_from([LAYOUT.markers, LAYOUT.pages, LAYOUT.pending])
NAMES = st.builds(lambda folder, number: f"{folder}{number:064x}", FOLDERS, st.integers(0, 20))


@pytest.fixture
def asked(store: MemoryStore) -> Requests:
    return requests_to(store)


def requests_to(store: MemoryStore) -> Requests:
    return Requests(connection_to(store))


def connection_to(store: MemoryStore, bandwidth: Bandwidth | None = None) -> Any:  # noqa: ANN401 (what is used of one)
    access = SimpleNamespace(bucket="b", region="r", endpoint=None, who="you")
    errors = (BaseError, FileNotFoundError)
    return SimpleNamespace(store=store, access=access, encryption={}, errors=errors, bandwidth=bandwidth, markers=[])


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


@pytest.mark.parametrize(("name", "pieces"), [("retired", 2), ("around", 10)])
def test_of_a_large_ledger_the_beginning_is_read(name: str, pieces: int) -> None:
    """Unless that does not hold all that an upload needs to know."""
    body = pack({"deleting": None, name: [os.urandom(50).hex() for _ in range(100)]})
    size = -(-len(body) // 10)
    arrived = []

    def stream(*, min_chunk_size: int) -> Iterator[bytes]:  # noqa: ARG001 (obstore's name)
        for start in range(0, len(body), size):
            arrived.append(start)
            yield body[start : start + size]

    answer: Any = SimpleNamespace(stream=stream)
    read = requests._beginning(answer, holds_head)  # noqa: SLF001 (obstore's store in memory has no pieces)
    assert body.startswith(read)
    assert read_head(read) == read_head(body)
    assert len(arrived) <= pieces


@pytest.mark.parametrize("body", [b"", b"x"])
def test_of_a_small_ledger_all_is_read(store: MemoryStore, asked: Requests, body: bytes) -> None:
    obstore.put(store, "k", body)
    assert asked.ledger("k") == asked.get("k")
    assert asked.ledger("missing") is None


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


@settings(max_examples=10)
@given(st.frozensets(NAMES), st.frozensets(NAMES))
def test_a_release_log_is_listed_side_by_side_as_one_page_after_the_other(
    there: frozenset[str], known: frozenset[str]
) -> None:
    """Whatever was there a moment ago, which tells where the parts begin."""
    store = MemoryStore()
    for name in there:
        obstore.put(store, name, b"x")
    asked = requests_to(store)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(key_ranges, "PAGE", 3)
        assert set(asked.written("assets/", known)) == there
        log = {name for name in there if name.startswith((LAYOUT.markers, LAYOUT.pending))}
        assert set(asked.written_log(LAYOUT, known)) == log


def test_of_many_markers_the_first_and_the_recent_ones_are_listed(store: MemoryStore, asked: Requests) -> None:
    for number in range(1002):
        obstore.put(store, f"{LAYOUT.markers}20261123T12{number:04}Z-r.json", b"x")
    recent = f"{LAYOUT.markers}20261123T121001Z-r.json"
    at = datetime(2026, 11, 25, 12, 10, 1, tzinfo=UTC)
    expected = {*list(asked.written(LAYOUT.markers))[:1000], recent}
    assert set(asked.recent(LAYOUT, at)) == expected
    obstore.put(store, f"{LAYOUT.log}staged/20261123T121001Z-r.json", b"x")
    assert len(asked.recent(LAYOUT, at + timedelta(days=1))) == 1000
    # As connections are opened, both pages are asked for; where that failed, once more.
    first, last = obstore.list(store, LAYOUT.markers).collect()[:2], obstore.list(store, LAYOUT.markers).collect()[-1:]
    for answers, count in (
        ((first, last), 1),
        ((first, []), 2),
        (([], []), 0),
        ((None, []), 1001),
        ((first, None), 1001),
    ):
        asked._connection.markers = [Ahead([answer].pop) for answer in answers]  # noqa: SLF001
        assert len(asked.recent(LAYOUT, at)) == count


@pytest.mark.parametrize("case", ["enough", "on its way", "too few", "too few, on their way", "failed"])
def test_under_the_intent_the_older_markers_are_not_listed_again(
    store: MemoryStore, asked: Requests, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless there are more of them than a page holds, or it could not be read."""
    monkeypatch.setattr(requests, "PAGE", 2)

    def add(key: str) -> None:
        obstore.put(store, key, b"x")

    for name in ("20261101T120000Z-a", "20261102T120000Z-b"):
        add(LAYOUT.marker_key(name))
    if case.startswith("too few"):
        add(LAYOUT.marker_key("20261103T120000Z-c"))
    add(LAYOUT.marker_key("20261123T120000Z-recent"))
    of, free, listed = asked._pages.of, threading.Event(), []  # noqa: SLF001
    here = list(next(of(LAYOUT.markers)))
    first = None if case == "failed" else here[:2] if case.startswith("too few") else here
    if "way" not in case:
        free.set()

    def answer() -> Any:  # noqa: ANN401 (obstore's)
        free.wait(20)
        return first

    asked._connection.markers = [Ahead(answer), Ahead([here[-1:]].pop)]  # noqa: SLF001
    assert len(asked.recent(LAYOUT, datetime(2026, 11, 24, 12, tzinfo=UTC))) == 1
    older = asked.older
    assert older is not None
    if "way" not in case:
        older.first.answer(keep=True)
    add(LAYOUT.marker_key("20261124T120000Z-since"))
    for key in (LAYOUT.pending_key("20261124T120001Z-own"), LAYOUT.page_key("0" * 64)):
        add(key)

    def note(folder: str, after: str | None = None) -> Iterator[object]:
        listed.append((folder, after))
        free.set()
        return iter(of(folder, after))

    monkeypatch.setattr(asked._pages, "of", note)  # noqa: SLF001
    there = {each["path"] for page in of(LAYOUT.log) for each in page if not LAYOUT.stores(each["path"])}
    assert asked.log_now(LAYOUT, (), older).keys() == there
    again = (LAYOUT.log, f"{LAYOUT.ledger_files}~")
    assert (again in listed) is (case in {"too few", "too few, on their way", "failed"})
    if again not in listed:
        recent = f"{LAYOUT.markers}20261122T120000Z-0"
        assert sorted(listed) == [(LAYOUT.log, f"{LAYOUT.pages}~"), (LAYOUT.markers, recent)]
    listed.clear()
    assert asked.log_now(LAYOUT, (), None).keys() == there
    assert again in listed


def test_if_one_of_the_two_fails_both_are_asked_for_again(
    store: MemoryStore, asked: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    obstore.put(store, f"{LAYOUT.markers}20261123T120000Z-r.json", b"x")
    real, failing = asked._pages.of, iter([True])  # noqa: SLF001 (obstore's store in memory never fails)

    def of(folder: str, after: str | None = None) -> Iterator[object]:
        if after is None and next(failing, False):
            msg = "connection closed"
            raise GenericError(msg)
        return iter(real(folder, after))

    monkeypatch.setattr(asked._pages, "of", of)  # noqa: SLF001
    monkeypatch.setattr(asking, "PAUSES", (0.0,))
    assert len(asked.recent(LAYOUT, datetime(2026, 12, 1, tzinfo=UTC))) == 1


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


def test_files_can_be_sent_again_after_one_was_refused(store: MemoryStore, tmp_path: Path) -> None:
    """Within one upload, which looks again; also with a limit of the bandwidth, for which a file waits."""
    for name in ("app-3f9c2ab1.js", "lib-4a1d3bc2.js"):
        (tmp_path / name).write_bytes(b"x")
    files = collect(tmp_path, "assets/")
    obstore.put(store, files[0].key, b"another")
    bucket = Bucket(connection_to(store, Bandwidth(100)), 1)
    with pytest.raises(TakenError):
        bucket.put(files, lambda *_: None, {files[0].key: None})
    sent: list[str] = []
    bucket.put(files, lambda asset, _: sent.append(asset.key), {})
    assert sent == [file.key for file in files]
