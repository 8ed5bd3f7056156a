"""A segment of the ledger: retired assets in columns, written and read again."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaner_lambda.ledger import Retired
from cleaner_lambda.segment import columns_of, retired_of
from release_log import packed
from release_log.bounds import OBJECT_BYTES
from release_log.errors import LedgerError, NewerLedgerError
from release_log.segment_file import FORMAT, Columns, decode, encode
from release_log.tags import Mark, State
from tests.unit.cleaner_lambda.states import entries, texts

if TYPE_CHECKING:
    from random import Random

AT = datetime(2026, 11, 23, 6, 5, 38, tzinfo=UTC)
SUPERSEDED = Mark(State.SUPERSEDED, AT)
TWO = {
    "app-1.js": Retired("app.js", SUPERSEDED, 5, "r1", SUPERSEDED, kept_by="within_version_limit"),
    "app-2.js": Retired("app.js", Mark(State.REMOVED, AT), 7, "r2", due=AT + timedelta(days=2)),
}


@given(st.dictionaries(texts, entries, max_size=6))
def test_what_was_written_is_read_again(retired: dict[str, Retired]) -> None:
    assert retired_of(decode(encode(columns_of(retired)))) == retired


@given(st.dictionaries(texts, entries, max_size=6), st.randoms(use_true_random=False))
def test_the_same_assets_give_the_same_bytes(retired: dict[str, Retired], random: Random) -> None:
    """In whatever order they were found."""
    items = list(retired.items())
    random.shuffle(items)
    assert encode(columns_of(dict(items))) == encode(columns_of(retired))


def test_an_asset_takes_few_bytes() -> None:
    """Beside its random name: whatever its neighbours have too is written once."""
    marks = [Mark(State.SUPERSEDED, AT + timedelta(hours=hour)) for hour in range(100)]
    many = {
        f"assets/chunk-{number}-{number * 2654435761 % 2**32:08x}.js": Retired(
            f"assets/chunk-{number}.js",
            marks[number * 7919 % 100],
            200 + number * 104729 % 90_000,
            f"20261123T120000Z-build-{number * 7919 % 100}",
            marks[number * 7919 % 100],
        )
        for number in range(2000)
    }
    assert len(encode(columns_of(many))) < 24 * len(many)


def changed(**columns: Any) -> bytes:  # noqa: ANN401 (a broken column may be anything)
    """The file of `TWO` with other columns."""
    document = json.loads(gzip.decompress(encode(columns_of(TWO))))
    return gzip.compress(json.dumps({**document, **columns}).encode(), mtime=0)


def without(name: str) -> bytes:
    """The file of `TWO` without a column."""
    document = json.loads(gzip.decompress(encode(columns_of(TWO))))
    del document[name]
    return gzip.compress(json.dumps(document).encode(), mtime=0)


WRONG: tuple[object, ...] = (None, 5, "ab", [5], {})
NUMBERED = ("logical", "mark", "release", "tagged", "wait", "kept_by", "ended", "maybe_ended", "stored")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not gzip",
        encode(columns_of(TWO))[:-9],
        *(without(name) for name in ("key", "size", *NUMBERED)),
        *(changed(**{name: value}) for name in ("key", "size", *NUMBERED) for value in WRONG),
        changed(key=["a"]),
        changed(key=["a", "a"]),
        changed(key=["a", "b", "c"]),
        changed(key=["a", ["b"]]),
        *(changed(size=[1, size]) for size in (-1, OBJECT_BYTES + 1, 1.5, True, None, "1")),
        *(changed(**{name: {"values": []}}) for name in NUMBERED),
        *(changed(**{name: {"values": [[]]}}) for name in NUMBERED),
        *(
            changed(logical={"values": ["a", "b"], "numbers": numbers})
            for numbers in ([0], [0, 1, 1], [0, 2], [0, -1], [0, True], [0, None], [0, 0.0], 5, None)
        ),
        *(changed(mark={"values": [mark]}) for mark in ("", "removed", "lost 2026-11-23T06:05:38Z", "removed 5", None)),
        *(changed(wait={"values": [wait]}) for wait in (1.5, True, "1", 10**30)),
        *(changed(**{name: {"values": [0]}}) for name in NUMBERED if name != "wait"),
        changed(logical={"values": ["\ud800"]}),
    ],
)
def test_a_broken_file_is_an_error_of_its_own(body: bytes) -> None:
    """It is not one of Python's errors, whatever is broken."""
    with pytest.raises(LedgerError, match=r"^a file of the ledger is broken"):
        decode(body)


def test_a_newer_format_is_not_taken_for_a_broken_file() -> None:
    with pytest.raises(NewerLedgerError, match="format 3 is newer than 2"):
        decode(changed(format=FORMAT + 1))


def test_no_more_is_unpacked_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "SEGMENT_BYTES", 1_000_000)
    with pytest.raises(LedgerError, match="1000000 unpacked"):
        decode(gzip.compress(b" " * 50_000_000))
    monkeypatch.setattr(packed, "SEGMENT_VALUES", 20)
    with pytest.raises(LedgerError, match="20 values"):
        decode(encode(columns_of(TWO)))


def test_nothing_retired_is_a_file_too() -> None:
    assert decode(encode(columns_of({}))) == Columns(*([] for _ in Columns._fields))
