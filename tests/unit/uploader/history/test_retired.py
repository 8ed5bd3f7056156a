"""The retired assets of a ledger that has them in files of their own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from release_log.ledger_file import HEAD_FORMAT, pack
from release_log.ledger_index import Delta, Lines, Segment, delta_name, encode_lines, segment_name
from release_log.ledger_view import LedgerView, view
from release_log.packed import pack as pack_head
from release_log.segment_file import Columns, encode
from release_log.tags import Mark, State
from tests.fake_uploader_s3 import LAYOUT, FakeBucket
from uploader.history.retired import with_retired

AT = datetime(2026, 11, 23, 6, 5, 38, tzinfo=UTC)
ONE, TWO = segment_name(AT, "0" * 16), segment_name(AT, "1" * 16)
EMPTY: dict[str, Any] = {"current": {}, "folded": {}, "deleting": None, "listed_at": None, "last_run": {}}


def head() -> LedgerView:
    """A head that names two segments, one without an entry, and a delta."""
    segments = (Segment("", ONE, 1), Segment("b", None), Segment("m", TWO, 1))
    lines = encode_lines(Lines(segments, (Delta(1, delta_name(AT, "2" * 16), 7),), 1))
    return view(pack_head({**EMPTY, "index": lines}, HEAD_FORMAT))


def segment(key: str) -> bytes:
    """A segment with one asset."""
    mark = Mark(State.REMOVED, AT)
    return encode(Columns([key], ["a.js"], [mark], [5], ["r1"], [mark], [AT], ["pinned"], [False], [False], [None]))


def test_they_are_read_from_their_files() -> None:
    bucket = FakeBucket()
    bucket.write(LAYOUT.ledger_file(ONE), segment("a-1.js"))
    bucket.write(LAYOUT.ledger_file(TWO), segment("z-1.js"))
    found, problems = with_retired(bucket, LAYOUT, head())
    assert [(each.key, each.state, each.since, each.due, each.kept_by) for each in found.retired] == [
        ("a-1.js", State.REMOVED, AT, AT, "pinned"),
        ("z-1.js", State.REMOVED, AT, AT, "pinned"),
    ]
    assert (found.retired_count, problems) == (2, ())


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_shown() -> None:
    bucket = FakeBucket()
    bucket.write(LAYOUT.ledger_file(ONE), b"?")
    found, problems = with_retired(bucket, LAYOUT, head())
    assert found.retired == ()
    assert [each.partition(" ")[0].rstrip(":") for each in problems] == list(map(LAYOUT.ledger_file, (ONE, TWO)))
    bucket.write(LAYOUT.ledger_file(TWO), segment("z-1.js"))
    found, problems = with_retired(bucket, LAYOUT, head())
    assert ([each.key for each in found.retired], len(problems)) == (["z-1.js"], 1)


def test_an_older_ledger_has_them_itself() -> None:
    ledger = view(pack({**EMPTY, "retired": {}}))
    bucket = FakeBucket()
    assert with_retired(bucket, LAYOUT, ledger) == (ledger, ())
    assert bucket.requests == []
