"""The lines of the ledger's head that name its other files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release_log import ledger_index
from release_log.ledger_index import (
    Delta,
    Lines,
    Segment,
    decode_lines,
    delta_name,
    encode_lines,
    is_file_name,
    segment_name,
)

AT = datetime(2026, 11, 23, 6, 5, 38, tzinfo=UTC)
S, D = segment_name(AT, "0123456789abcdef"), delta_name(AT, "0123456789abcdef")
EXAMPLE = Lines((Segment("", S, 5, 2, AT), Segment("m", None, 0, 1)), (Delta(2, D, 7), Delta(4, D, 1)), 4)

counts = st.integers(0, 9)
firsts = st.sets(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=4)
lines = firsts.flatmap(
    lambda found: st.builds(
        lambda segments, rows: Lines(
            tuple(Segment(first, *each) for first, each in zip(["", *sorted(found)], segments, strict=True)),
            tuple(Delta(number * 2 + 1, D, each) for number, each in enumerate(rows)),
            99,
        ),
        st.lists(
            st.tuples(st.sampled_from([None, S]), counts, counts, st.sampled_from([None, AT])),
            min_size=len(found) + 1,
            max_size=len(found) + 1,
        ),
        st.lists(counts, max_size=4),
    )
)


@given(lines)
def test_what_was_written_is_read_again(each: Lines) -> None:
    assert decode_lines(encode_lines(each)) == each


def test_names_say_what_the_file_is_and_since_when() -> None:
    """For people. What makes them different is random."""
    zone = timezone(timedelta(hours=2))
    assert segment_name(AT.astimezone(zone), "0123456789abcdef") == "segment-20261123T060538Z-0123456789abcdef.json.gz"
    assert D == "delta-20261123T060538Z-0123456789abcdef.json.gz"
    assert all(map(is_file_name, (S, D)))


@pytest.mark.parametrize("name", ["", "x", f"../{S}", f"{S}\n", S.upper(), S.replace("segment", "marker"), S[:-3]])
def test_no_other_file_can_be_named(name: str) -> None:
    assert not is_file_name(name)
    with pytest.raises(ValueError, match="is not the name of a file of the ledger"):
        decode_lines(encode_lines(Lines(EXAMPLE.segments, (Delta(1, name, 1),), 4)))


@pytest.mark.parametrize(
    "segments",
    [
        (),
        (Segment("a", S),),
        (Segment(""), Segment("")),
        (Segment(""), Segment("b"), Segment("a")),
        (Segment("", S, taken_in=5),),
    ],
)
def test_every_path_belongs_to_one_segment_and_no_segment_is_ahead_of_the_deltas(segments: tuple[Segment, ...]) -> None:
    with pytest.raises(ValueError, match="in order"):
        decode_lines(encode_lines(EXAMPLE._replace(segments=segments)))


@pytest.mark.parametrize("numbers", [(2, 1), (1, 1), (5,)])
def test_the_deltas_are_in_order(numbers: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="in order"):
        decode_lines(encode_lines(EXAMPLE._replace(deltas=tuple(Delta(number, D, 1) for number in numbers))))


BROKEN: tuple[Any, ...] = (None, 5, "ab", {}, [5], [[]], [[None] * 5], [[None] * 3], [["", S, -1, 0, None]])


@pytest.mark.parametrize(
    "entry",
    [
        *({**encode_lines(EXAMPLE), name: value} for name in ("segments", "deltas") for value in BROKEN),
        *({**encode_lines(EXAMPLE), "last": value} for value in (None, -1, 1.5, True, "4")),
        {**encode_lines(EXAMPLE), "segments": [["", S, 0, 0, "9999-12-31T23:59:59Z"]]},
        {**encode_lines(EXAMPLE), "segments": [["", S, 0, 0, "soon"]]},
    ],
)
def test_what_is_broken_raises_one_of_pythons_errors(entry: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        decode_lines(entry)


def test_no_more_lines_are_read_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_index, "SEGMENTS", 1)
    with pytest.raises(TypeError, match=r"more than 1$"):
        decode_lines(encode_lines(EXAMPLE))
