"""A delta of the ledger: changes, written and read again."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaner_lambda.changes import Change
from cleaner_lambda.changes_file import decode, encode
from cleaner_lambda.ledger import Retired
from release_log.errors import LedgerError, NewerLedgerError
from release_log.segment_file import FORMAT
from release_log.tags import Mark, State
from tests.unit.cleaner_lambda.states import entries, instants, texts

AT = datetime(2026, 11, 23, 6, 5, 38, tzinfo=UTC)
ONE = Change(
    AT,
    live=frozenset({"app-1.js"}),
    ended=frozenset({"r0"}),
    turned={"app.js": True, "old.js": False},
    left={"app-2.js": Retired("app.js", Mark(State.SUPERSEDED, AT), 5, "r1")},
    gone=frozenset({"x"}),
    found={"y": Retired("y", Mark(State.REMOVED, AT), 5, "")},
    stored={"z": AT},
)
keys = st.frozensets(texts, max_size=3)
assets = st.dictionaries(texts, entries, max_size=2)
changes = st.builds(
    Change,
    instants,
    live=keys,
    ended=keys,
    turned=st.dictionaries(texts, st.booleans(), max_size=3),
    left=assets,
    gone=keys,
    found=assets,
    stored=st.dictionaries(texts, instants, max_size=3),
    again=st.booleans(),
)


@settings(max_examples=30)
@given(st.lists(changes, max_size=3))
def test_what_was_written_is_read_again(several: list[Change]) -> None:
    """In their order."""
    assert decode(encode(several)) == tuple(several)


def test_the_same_changes_give_the_same_bytes() -> None:
    other = replace(ONE, live=frozenset(sorted(ONE.live)), turned={"old.js": False, "app.js": True})
    assert encode([other]) == encode([ONE])


def changed(**fields: Any) -> bytes:  # noqa: ANN401 (a broken field may be anything)
    """The file of `ONE` with other fields."""
    document = json.loads(gzip.decompress(encode([ONE])))
    return gzip.compress(json.dumps({"format": FORMAT, "changes": [document["changes"][0] | fields]}).encode(), mtime=0)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        encode([ONE])[:-9],
        gzip.compress(b'{"format": 2}', mtime=0),
        gzip.compress(b'{"format": 2, "changes": 5}', mtime=0),
        gzip.compress(b'{"format": 2, "changes": [5]}', mtime=0),
        gzip.compress(b'{"format": 2, "changes": [{}]}', mtime=0),
        *(changed(at=value) for value in (None, 5, "", "yesterday", "9999-12-31T23:59:59Z")),
        *(
            changed(**{name: value})
            for name in ("live", "ended", "entered", "left", "gone", "stored", "retired", "found")
            for value in (None, 5, "ab", [5], [["a"]])
        ),
    ],
)
def test_a_broken_file_is_an_error_of_its_own(body: bytes) -> None:
    """It is not one of Python's errors, whatever is broken."""
    with pytest.raises(LedgerError, match=r"^a file of the ledger is broken"):
        decode(body)


def test_a_newer_format_is_not_taken_for_a_broken_file() -> None:
    with pytest.raises(NewerLedgerError, match=r"format 3 is newer than 2"):
        decode(gzip.compress(b'{"format": 3, "changes": []}'))
