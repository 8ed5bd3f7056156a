"""The head of the ledger, written and read again, by the cleaner and by whoever only reads."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaner_lambda import ledger_document as format_1
from cleaner_lambda.head import UNNAMED, Head, Unnamed, decode, encode
from cleaner_lambda.segments import DAY, Index
from release_log.errors import LedgerError, NewerLedgerError
from release_log.ledger_file import HEAD_FORMAT, read_head
from release_log.ledger_view import view
from tests.unit.cleaner_lambda.test_ledger import EXAMPLE, ledgers
from tests.unit.release_log.test_ledger_index import EXAMPLE as LINES
from tests.unit.release_log.test_ledger_index import lines

if TYPE_CHECKING:
    from cleaner_lambda.ledger import Ledger
    from release_log.ledger_index import Lines

AT = datetime(2026, 11, 23, 6, 5, 38, tzinfo=UTC)
LEDGER = replace(EXAMPLE, retired={})
HEAD = Head(LEDGER, Index(*LINES), Unnamed(AT, frozenset({"segment-old", "delta-old"})))


@settings(max_examples=25)
@given(ledgers, lines)
def test_what_was_written_is_read_again(ledger: Ledger, each: Lines) -> None:
    """But for the retired assets, which other files have."""
    head = Head(ledger, Index(*each), HEAD.unnamed)
    assert decode(encode(head)) == replace(head, ledger=replace(ledger, retired={}))


def test_the_same_head_gives_the_same_bytes() -> None:
    other = replace(LEDGER, owed=frozenset(sorted(LEDGER.owed)), folded=dict(reversed(list(LEDGER.folded.items()))))
    assert encode(replace(HEAD, ledger=other)) == encode(HEAD)


@settings(max_examples=25)
@given(ledgers)
def test_an_uploader_reads_of_a_head_what_it_reads_of_a_ledger(ledger: Ledger) -> None:
    assert read_head(encode(Head(ledger))) == read_head(format_1.encode(ledger))


@settings(max_examples=25)
@given(ledgers)
def test_who_only_reads_finds_all_in_a_head_but_the_retired_assets(ledger: Ledger) -> None:
    seen, whole = view(encode(Head(ledger, HEAD.index))), view(format_1.encode(ledger))
    assert seen == replace(whole, retired=(), lines=LINES)
    assert (seen.retired_count, whole.retired_count) == (5, len(ledger.retired))


def test_a_cleaner_that_knows_no_heads_refuses_one() -> None:
    with pytest.raises(NewerLedgerError, match="format 2 is newer than 1"):
        format_1.decode(encode(HEAD))


def changed(**fields: Any) -> bytes:  # noqa: ANN401 (a broken field may be anything)
    """The head with other fields."""
    return gzip.compress(json.dumps({**json.loads(gzip.decompress(encode(HEAD))), **fields}).encode(), mtime=0)


WRONG: tuple[object, ...] = (None, 5, "ab", [], {"x": None})


@pytest.mark.parametrize(
    "body",
    [
        format_1.encode(EXAMPLE),
        encode(HEAD)[:-9],
        *(changed(**{name: value}) for name in ("index", "unnamed", "current") for value in WRONG),
        changed(index={"segments": [], "deltas": [], "last": 0}),
        changed(unnamed={"at": 5, "names": []}),
        changed(unnamed={"at": None, "names": [5]}),
    ],
)
def test_a_broken_head_is_an_error_of_its_own(body: bytes) -> None:
    with pytest.raises(LedgerError, match=r"^the ledger is broken"):
        decode(body)


def test_a_head_of_a_newer_format_is_not_taken_for_a_broken_one() -> None:
    with pytest.raises(NewerLedgerError):
        decode(changed(format=HEAD_FORMAT + 1))


@given(*[st.frozensets(st.sampled_from("abcde"))] * 3)
def test_what_goes_was_unnamed_a_day_ago_and_still_is(
    then: frozenset[str], listed: frozenset[str], named: frozenset[str]
) -> None:
    """Whatever has come since is only noted."""
    gone, noted = Unnamed(AT, then).next(listed, named, AT + DAY)
    assert gone == then & listed - named
    assert noted == Unnamed(AT + DAY, listed - named - then)


def test_so_many_files_may_go_at_a_time_and_the_others_later() -> None:
    """Whoever puts a million files there does not make each upload read their names."""
    listed = {f"{number:06}" for number in range(2 * UNNAMED + 1)}
    noted, days = Unnamed(), 0
    while listed:
        gone, noted = noted.next(listed, (), AT + days * DAY)
        assert len(noted.names) <= UNNAMED
        listed -= gone
        days += 1
    assert days == 4


def test_unnamed_files_are_listed_once_a_day() -> None:
    assert Unnamed().is_over(AT)
    assert not Unnamed(AT).is_over(AT + DAY - timedelta(seconds=1))
    assert Unnamed(AT).is_over(AT + DAY)


def test_the_head_of_a_site_with_millions_of_retired_assets_is_small() -> None:
    """A line of a segment has little that the line before it does not have."""
    segment = "segment-20261123T060538Z-{:016x}.json.gz"
    many = tuple(
        LINES.segments[0]._replace(
            first=f"assets/chunk-{number:04}.js" if number else "", name=segment.format(number * 2654435761**2 % 2**64)
        )
        for number in range(400)
    )
    assert len(encode(replace(HEAD, index=HEAD.index._replace(segments=many)))) < 12_000
