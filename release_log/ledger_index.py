"""The part of the ledger's head that names its other files: segments with the retired assets, and deltas.

The head is the ledger's file (`release_log.ledger_file`) from format 2 on. It holds no retired asset, so it stays small
whatever the site holds. The files that it names never change, and their names are never used again.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from release_log import ledger_fields as fields
from release_log.bounds import SEGMENTS, shown
from release_log.instants import format_instant
from release_log.release_id import make_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_NAME = re.compile(r"(?:segment|delta)-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{16}\.json\.gz")


class Segment(NamedTuple):
    """A line of the head: a segment.

    Attributes:
        first: The first logical path that belongs to it; the next segment's ``first`` is the first that does not.
        name: Its file; None if it has no entry.
        entries: How many retired assets it has.
        taken_in: The number of the last delta that it has taken in.
        swept: When the run began that has swept it; None: none has.
    """

    first: str = ""
    name: str | None = None
    entries: int = 0
    taken_in: int = 0
    swept: datetime | None = None


class Delta(NamedTuple):
    """A line of the head: a delta.

    Attributes:
        number: Its number; each delta has a higher one than those before it.
        name: Its file.
        rows: How much it says.
    """

    number: int
    name: str
    rows: int


class Lines(NamedTuple):
    """What the head says of its other files.

    Attributes:
        segments: In the order of their ranges; every logical path belongs to one of them.
        deltas: In the order of their numbers.
        last: The highest number that a delta ever had.
    """

    segments: tuple[Segment, ...] = (Segment(),)
    deltas: tuple[Delta, ...] = ()
    last: int = 0


def segment_name(at: datetime, token: str) -> str:
    """The name of a new segment's file.

    Args:
        at: When its run began, for people.
        token: 16 random hexadecimal digits of this file's own: Lambda may deliver one event twice.
    """
    return f"segment-{make_id(at, token)}.json.gz"


def delta_name(at: datetime, token: str) -> str:
    """The name of a new delta's file; the arguments as in `segment_name`."""
    return f"delta-{make_id(at, token)}.json.gz"


def is_file_name(text: str) -> bool:
    """Whether a file of the ledger can have this name."""
    return _NAME.fullmatch(text) is not None


def encode_lines(lines: Lines) -> dict[str, Any]:
    """The lines as the head has them."""
    return {
        "segments": [[*each[:-1], each.swept and format_instant(each.swept)] for each in lines.segments],
        "deltas": [list(each) for each in lines.deltas],
        "last": lines.last,
    }


def decode_lines(entry: Mapping[str, Any]) -> Lines:
    """Read what `encode_lines` wrote. Anything else raises one of Python's own errors."""
    segments = tuple(
        Segment(
            fields.text(first),
            None if name is None else _file_name(name),
            fields.count(entries),
            fields.count(taken_in),
            fields.optional_instant(swept),
        )
        for first, name, entries, taken_in, swept in _bounded(entry["segments"])
    )
    deltas = tuple(
        Delta(fields.count(number), _file_name(name), fields.count(rows))
        for number, name, rows in _bounded(entry["deltas"])
    )
    lines = Lines(segments, deltas, fields.count(entry["last"]))
    firsts, numbers = [each.first for each in segments], [each.number for each in deltas]
    if not firsts or firsts[0] or not _rises(firsts):
        msg = "the ranges of the segments are not in order, or do not begin at the beginning"
        raise ValueError(msg)
    if not _rises([*numbers, lines.last + 1]) or any(each.taken_in > lines.last for each in segments):
        msg = "the numbers of the deltas are not in order"
        raise ValueError(msg)
    return lines


def _rises(values: list[Any]) -> bool:
    return all(one < following for one, following in pairwise(values))


def _bounded(value: object) -> list[Any]:
    if not isinstance(value, list) or len(value) > SEGMENTS:
        msg = f"the head names no list of files, or more than {SEGMENTS}"
        raise TypeError(msg)
    return value


def _file_name(value: object) -> str:
    if not is_file_name(fields.text(value)):
        msg = f"{shown(value)} is not the name of a file of the ledger"
        raise ValueError(msg)
    return fields.text(value)
