"""The ledger for readers only: it says what the cleaner wrote, in any version."""

from __future__ import annotations

import contextlib
import gzip
import json
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaner_lambda.head import Head
from cleaner_lambda.head import encode as encode_head
from cleaner_lambda.ledger_document import decode, encode
from release_log.errors import LedgerError
from release_log.ledger_file import holds_head, read_head
from release_log.ledger_view import view
from tests.unit.cleaner_lambda.test_ledger import EXAMPLE, WRONG_TYPES, document, ledgers, packed, without

if TYPE_CHECKING:
    from collections.abc import Callable

    from cleaner_lambda.ledger import Ledger


@given(ledgers)
def test_view_says_what_the_cleaner_wrote(ledger: Ledger) -> None:
    seen = view(encode(ledger))
    assert seen.current == ledger.current
    assert {i: (each.at, each.channel) for i, each in seen.folded.items()} == {
        i: (each.at, each.channel) for i, each in ledger.folded.items()
    }
    assert {
        each.key: (each.logical, each.state, each.since, each.size, each.release, each.due, each.kept_by)
        for each in seen.retired
    } == {
        key: (each.logical, each.mark.state, each.mark.since, each.size, each.release, each.due, each.kept_by)
        for key, each in ledger.retired.items()
    }
    assert (seen.deleting, seen.listed_at, seen.last_run) == (ledger.deleting, ledger.listed_at, ledger.last_run)
    assert seen.runs == ledger.runs
    assert seen.rebuilding == (ledger.tags_read_to is not None)


def test_ledger_of_an_older_cleaner_is_read_by_both() -> None:
    """It says neither what falls due nor what the last runs did; the next run adds that."""
    old = json.loads(gzip.decompress(encode(EXAMPLE)))
    del old["runs"]
    for name in ("due", "kept_by"):
        del old["retired"]["a"][name]
    body = packed(json.dumps(old))
    assert decode(body) == replace(EXAMPLE, runs=())
    assert view(body).runs == ()
    (seen,) = view(body).retired
    assert (seen.key, seen.due, seen.kept_by) == ("a", None, None)


def test_what_a_later_cleaner_adds_is_passed_over() -> None:
    later = json.loads(gzip.decompress(encode(EXAMPLE)))
    later["retired"]["a"]["later"] = later["later"] = 1
    assert view(packed(json.dumps(later))) == view(encode(EXAMPLE))


@pytest.mark.parametrize(
    "body",
    [
        b"not gzip",
        packed("[]"),
        *(without(name) for name in ("current", "folded", "retired", "deleting", "listed_at", "last_run")),
        document(retired={"a": None}),
        document(last_run=5),
        document(current=None),
        document(current={"default": None}),
        document(listed_at=5),
        document(deleting={"run": "r", "keys": "xy", "since": None}),
    ],
)
def test_broken_ledger_is_an_error_of_its_own(body: bytes) -> None:
    with pytest.raises(LedgerError, match="the ledger is broken"):
        view(body)


@pytest.mark.parametrize("read", [view, read_head])
def test_reader_of_a_ledger_with_a_wrong_type_has_one_error(read: Callable[[bytes], object]) -> None:
    """Or the field is one that this reader passes over."""
    for body in WRONG_TYPES:
        with contextlib.suppress(LedgerError):
            read(body)


@settings(max_examples=25)
@given(ledgers, st.integers(0, 3000))
def test_a_beginning_that_holds_the_head_is_read_as_the_whole(ledger: Ledger, cut: int) -> None:
    body = encode(ledger)
    if holds_head(body[:cut]):
        assert read_head(body[:cut]) == read_head(body)
    assert holds_head(body)


def test_a_head_of_format_2_is_read_as_the_ledger_whose_retired_assets_it_lacks() -> None:
    body = encode_head(Head(replace(EXAMPLE, retired={})))
    assert holds_head(body)
    assert read_head(body) == read_head(encode(EXAMPLE))


def test_of_a_ledger_with_many_retired_assets_the_beginning_is_enough() -> None:
    mark = EXAMPLE.retired["a"]
    keys = (f"assets/{sha256(str(number).encode()).hexdigest()}.js" for number in range(500))
    body = encode(replace(EXAMPLE, retired=dict.fromkeys(keys, mark)))
    assert holds_head(body[:2000])
    assert len(body) > 10_000


@pytest.mark.parametrize(
    "body",
    [
        b"not gzip",
        b"",
        packed("[]"),
        without("deleting"),
        without("format"),
        document(format=3),
        packed('{"format": 1, "deleting": null, "last_run": {}, "folded": {}}'),
        packed('{"deleting":null,"format":1,"folded":{},"last_run":{}}'),
        packed('{"deleting":null,"folded":{},"format":1,"gone":' + "[" * 100_000),
    ],
)
def test_of_a_ledger_that_no_cleaner_wrote_all_is_read(body: bytes) -> None:
    """Only then it is known what is wrong with it."""
    assert not holds_head(body)
