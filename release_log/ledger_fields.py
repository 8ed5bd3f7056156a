"""The fields of the ledger's file, each with its type checked: a reader refuses a wrong one before it relies on it.

Each function raises one of Python's own errors; the readers make a `release_log.errors.LedgerError` of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from release_log.bounds import LAST_YEAR, OBJECT_BYTES, shown
from release_log.instants import parse_instant

if TYPE_CHECKING:
    from datetime import datetime

_MOST = 10**18
"""No count is as large. One that is too large for a float, or for a name, would fail each run."""


def text(value: object) -> str:
    """A text."""
    if not isinstance(value, str):
        _fail(value, "a text")
    return value


def optional_text(value: object) -> str | None:
    """A text or null."""
    return None if value is None else text(value)


def texts(value: object) -> frozenset[str]:
    """A list of texts, without an order."""
    if not isinstance(value, list):
        _fail(value, "a list")
    return frozenset(map(text, value))


def mapping(value: object) -> dict[str, Any]:
    """An object; the types of its values are the caller's concern."""
    if not isinstance(value, dict):
        _fail(value, "an object")
    return value


def text_mapping(value: object) -> dict[str, str]:
    """An object with texts."""
    return {name: text(each) for name, each in mapping(value).items()}


def flag(value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        _fail(value, "true or false")
    return value


def count(value: object) -> int:
    """A whole number that is not negative."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _MOST:
        _fail(value, "a whole number from 0 on, with up to 18 digits")
    return value


def optional_count(value: object) -> int | None:
    """Such a number or null."""
    return None if value is None else count(value)


def size(value: object) -> int:
    """A number of bytes."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= OBJECT_BYTES:
        _fail(value, "a number of bytes")
    return value


def instant(value: object) -> datetime:
    """An instant to which a policy's durations can be added."""
    found = parse_instant(text(value))
    if found.year > LAST_YEAR:
        _fail(value, f"an instant before the year {LAST_YEAR + 1}")
    return found


def optional_instant(value: object) -> datetime | None:
    """An instant or null."""
    return None if value is None else instant(value)


def _fail(value: object, what: str) -> NoReturn:
    msg = f"{shown(value)} is not {what}"
    raise TypeError(msg)
