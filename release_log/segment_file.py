"""A segment of the ledger: the retired assets of a range of logical paths, in columns.

Every version of a path is in the same segment. A column is a list of values with one for each asset; where many assets
share a value, the file has the distinct values and their numbers. So 10,000 assets take some 200 kB and 20 ms.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from release_log import ledger_fields as fields
from release_log import packed
from release_log.bounds import OBJECT_BYTES
from release_log.instants import format_instant
from release_log.tags import Mark, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

FORMAT = 2
"""The format of the ledger whose segments these are."""

WHAT = "a file of the ledger"
"""What errors call it."""

LEVEL = 1
"""gzip's: the keys of a segment have little to gain from more."""

Value = TypeVar("Value")

AS_MARKED = "="
"""Stands for a tag that is as it should be."""


class Columns(NamedTuple):
    """Retired assets, a list for each field; see `cleaner_lambda.ledger.Retired`, which has the same fields."""

    keys: Sequence[str] = ()
    logical: Sequence[str] = ()
    mark: Sequence[Mark] = ()
    size: Sequence[int] = ()
    release: Sequence[str] = ()
    tagged: Sequence[Mark | None] = ()
    due: Sequence[datetime | None] = ()
    kept_by: Sequence[str | None] = ()
    ended: Sequence[bool] = ()
    maybe_ended: Sequence[bool] = ()
    stored: Sequence[datetime | None] = ()


def encode(columns: Columns) -> bytes:
    """A segment's file; the same columns always give the same bytes."""
    return packed.pack(as_document(columns), FORMAT, LEVEL)


def decode(body: bytes) -> Columns:
    """Read a segment's file.

    Raises:
        NewerLedgerError: It has a newer format.
        LedgerError: It is broken.
    """
    return packed.read(body, FORMAT, WHAT, from_document)


def as_document(columns: Columns) -> dict[str, Any]:
    """The columns as a segment's file has them, and other files that hold retired assets."""
    tags = (
        AS_MARKED if tag is mark or tag == mark else tag for tag, mark in zip(columns.tagged, columns.mark, strict=True)
    )
    waits = (None if due is None else due - mark.since for due, mark in zip(columns.due, columns.mark, strict=True))
    return {
        "key": list(columns.keys),
        "size": list(columns.size),
        "logical": _numbered(columns.logical),
        "mark": _numbered(columns.mark, _mark_text),
        "release": _numbered(columns.release),
        "tagged": _numbered(tags, lambda tag: _mark_text(tag) if isinstance(tag, Mark) else tag),
        "wait": _numbered(waits, lambda wait: None if wait is None else round(wait.total_seconds())),
        "kept_by": _numbered(columns.kept_by),
        "ended": _numbered(columns.ended),
        "maybe_ended": _numbered(columns.maybe_ended),
        "stored": _numbered(columns.stored, lambda at: at and format_instant(at)),
    }


def from_document(document: Mapping[str, Any]) -> Columns:
    """Read what `as_document` wrote. Anything else raises one of `packed.ERRORS`."""
    keys, sizes = _texts(document["key"]), _sizes(document["size"])
    count = len(keys)
    if len(sizes) != count or len(set(keys)) != count:
        msg = "each key has one entry"
        raise ValueError(msg)

    def column(name: str, read: Callable[[Any], Value]) -> list[Value]:
        return _from_numbered(document[name], read, count)

    marks = column("mark", _mark)
    waits = column("wait", _wait)
    tags = column("tagged", _tag)
    return Columns(
        keys,
        column("logical", fields.text),
        marks,
        sizes,
        column("release", fields.text),
        [mark if isinstance(tag, str) else tag for tag, mark in zip(tags, marks, strict=True)],
        [None if wait is None else mark.since + wait for wait, mark in zip(waits, marks, strict=True)],
        column("kept_by", fields.optional_text),
        column("ended", fields.flag),
        column("maybe_ended", fields.flag),
        column("stored", fields.optional_instant),
    )


def _numbered(values: Iterable[Value], write: Callable[[Value], object] = lambda value: value) -> dict[str, list[Any]]:
    """The distinct values in the order of their first use, and the number of each; without these, if all are alike."""
    known: dict[Value, int] = {}
    numbers = [known.setdefault(value, len(known)) for value in values]
    return {"values": list(map(write, known))} | ({"numbers": numbers} if len(known) > 1 else {})


def _from_numbered(column: Mapping[str, Any], read: Callable[[Any], Value], count: int) -> list[Value]:
    values = list(map(read, _list(column["values"])))
    if "numbers" not in column:
        if len(values) != min(count, 1):
            msg = "a column without numbers has one value"
            raise ValueError(msg)
        return values * count
    numbers = _list(column["numbers"])
    if len(numbers) != count or set(map(type, numbers)) - {int} or min(numbers) < 0:
        msg = "the numbers of a column are not one for each key"
        raise ValueError(msg)
    return [values[number] for number in numbers]


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        msg = "a column is not a list"
        raise TypeError(msg)
    return value


def _texts(value: object) -> list[str]:
    texts = _list(value)
    if set(map(type, texts)) - {str}:
        msg = "a key is not a text"
        raise TypeError(msg)
    return texts


def _sizes(value: object) -> list[int]:
    sizes = _list(value)
    if set(map(type, sizes)) - {int} or not 0 <= min(sizes, default=0) <= max(sizes, default=0) <= OBJECT_BYTES:
        msg = "a size is not a number of bytes"
        raise ValueError(msg)
    return sizes


def _wait(value: object) -> timedelta | None:
    if value is not None and type(value) is not int:
        msg = "a wait is not a number of seconds"
        raise TypeError(msg)
    return None if value is None else timedelta(seconds=value)


def _tag(value: object) -> Mark | str | None:
    return value if value is None or value == AS_MARKED else _mark(value)


def _mark_text(mark: Mark) -> str:
    return f"{mark.state} {format_instant(mark.since)}"


def _mark(value: object) -> Mark:
    state, _, since = fields.text(value).partition(" ")
    return Mark(State(state), fields.instant(since))
