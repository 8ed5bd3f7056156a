"""The fields of a release marker: each is read from JSON, and refused by name if it is not valid or beyond a bound."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NoReturn

from release_log.bounds import (
    DEPTH,
    FILE_BYTES,
    FILE_VALUES,
    KEY_BYTES,
    LAST_YEAR,
    OBJECT_BYTES,
    TEXT_LENGTH,
    TEXTS,
    is_too_deep,
    shown,
    too_many_values,
    values_in,
)
from release_log.errors import MarkerError
from release_log.instants import parse_instant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_CONTROL = re.compile(r"[\x00-\x1f]")


def is_short(name: str) -> bool:
    """Whether a key or a logical path is certainly within the bounds: a quick check, as a release may have 100,000."""
    return len(name) <= KEY_BYTES // 4 and name.isprintable()  # UTF-8 has up to four bytes a character


def check_asset(logical: str, key: str, size: int) -> None:
    """Refuse an asset beyond the bounds."""
    where = f"assets[{shown(logical)}]"
    for name, what in ((logical, where), (key, f"{where}.key")):
        if len(name.encode()) > KEY_BYTES:
            fail(f"{what}: {shown(name)} is longer than {KEY_BYTES} bytes of UTF-8")
        if _CONTROL.search(name):
            fail(f"{what}: {shown(name)} holds a control character")
    if size > OBJECT_BYTES:
        fail(f"{where}.size: {shown(size)} is larger than S3's largest object ({OBJECT_BYTES} bytes)")


def check_text(text: str, where: str) -> str:
    """The text as given, if it is within the bounds."""
    if len(text) > TEXT_LENGTH:
        fail(f"{where}: {shown(text)} is longer than {TEXT_LENGTH} characters")
    return text


def check_texts(texts: Mapping[str, str], where: str) -> None:
    """Refuse more texts, or longer ones, than the bounds allow."""
    if len(texts) > TEXTS:
        fail(f"{where}: it has {len(texts)} entries, more than {TEXTS}")
    for name, text in texts.items():
        check_text(name, where)
        check_text(text, f"{where}.{shown(name)}")


def check_content(body: bytes) -> None:
    """Refuse a body that would take too much memory, before it is parsed."""
    if len(body) > FILE_BYTES:
        fail(f"it has more than {FILE_BYTES} bytes")
    if len(body) > FILE_VALUES and too_many_values(body, FILE_VALUES):
        fail(f"it has more than {FILE_VALUES} values")


def check_amount(piece: bytes, size: int, values: int) -> int:
    """Refuse a body that arrives in pieces as soon as it is beyond a bound of `check_content`.

    Args:
        piece: The piece that arrived last.
        size: How many bytes arrived until now, this piece's among them.
        values: What this returned of the pieces before.

    Returns:
        How many values the pieces have until now, by their punctuation.
    """
    if size > FILE_BYTES:
        fail(f"it has more than {FILE_BYTES} bytes")
    values += values_in(piece)
    if values > FILE_VALUES:
        fail(f"it has more than {FILE_VALUES} values")
    return values


def parse(body: bytes) -> dict[str, Any]:
    """Read a JSON object; refuse what JSON readers disagree about, and anything beyond the bounds.

    Raises:
        MarkerError: The body is not such an object.
    """
    check_content(body)
    try:
        document = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # also an integer of more digits than Python converts
        msg = f"not JSON: {error}"
        raise MarkerError(msg) from error
    if not isinstance(document, dict):
        fail("not a JSON object")
    assets = document.get("assets")
    # An asset holds no other object: as a rule its brackets tell that a document need not be walked through.
    expected = len(assets) if isinstance(assets, dict) else 0
    if body.count(b"{") + body.count(b"[") - expected > DEPTH and is_too_deep(document):
        fail(f"it has objects and lists in more than {DEPTH} levels")
    if b"\\ud" in body.lower():
        _refuse_lone_surrogates(document)
    return document


def _refuse_lone_surrogates(document: dict[str, Any]) -> None:
    """Refuse an escape such as ``\\ud800`` alone: JSON and Python accept it, but a key or a tag cannot contain it."""
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        msg = f"not Unicode: {error}"
        raise MarkerError(msg) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that appears twice: JSON readers keep only the last one, so an asset would be lost."""
    result = dict(pairs)
    if len(result) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        fail(f"{shown(twice)} appears twice in one object")
    return result


def _refuse_constant(name: str) -> NoReturn:
    """``NaN`` and ``Infinity`` are Python's, not JSON's."""
    msg = f"{name} is not a value of JSON"
    raise ValueError(msg)


def object_of(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The object under a name."""
    value = document.get(name)
    if not isinstance(value, dict):
        fail(f"{name}: not an object")
    return value


def text_of(document: Mapping[str, Any], name: str, where: str = "") -> str:
    """The text under a name: not empty, and within the bounds."""
    value = document.get(name)
    if not isinstance(value, str) or not value:
        fail(f"{where + '.' if where else ''}{name}: {shown(value)} is not a text")
    if len(value) > TEXT_LENGTH:
        check_text(value, f"{where + '.' if where else ''}{name}")
    return value


def texts_of(document: Mapping[str, Any], name: str) -> dict[str, str]:
    """The object of texts under a name."""
    value = object_of(document, name)
    for key, text in value.items():
        if not isinstance(text, str):
            fail(f"{name}.{shown(key)}: {shown(text)} is not a text")
    check_texts(value, name)
    return value


def whole(value: object) -> int | None:
    """A whole number, also if it is written as ``1.0``: JSON and its schemas make no difference."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def instant_of(document: Mapping[str, Any], name: str) -> datetime:
    """The instant under a name."""
    text = text_of(document, name)
    try:
        instant = parse_instant(text)
    except ValueError as error:
        msg = f"{name}: {shown(text)} is not an instant such as 2026-11-23T06:05:38Z"
        raise MarkerError(msg) from error
    if instant.year > LAST_YEAR:
        fail(f"{name}: {shown(text)} is after the year {LAST_YEAR}")
    return instant


def fail(problem: str) -> NoReturn:
    """Refuse the marker: the problem names the field and the value."""
    raise MarkerError(problem)
