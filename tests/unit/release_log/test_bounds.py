"""The bounds: what is within them is read, what is beyond is refused at once, and our own writer keeps to them."""

from __future__ import annotations

import gzip
import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from release_log import bounds, ledger_file, marker_fields, packed
from release_log.bounds import (
    DEPTH,
    FILE_VALUES,
    KEY_BYTES,
    LAST_YEAR,
    OBJECT_BYTES,
    TEXT_LENGTH,
    TEXTS,
    is_too_deep,
    shown,
)
from release_log.errors import LedgerError, MarkerError
from release_log.ledger_file import pack, unpack
from release_log.marker import Asset, Release, decode, encode
from tests.paths import ROOT
from uploader.history.marker_headers import MarkerHeaders

if TYPE_CHECKING:
    from collections.abc import Callable

AT = datetime(2026, 11, 23, 6, 5, 38, tzinfo=UTC)
PREFIX = "assets/"


def release(**changes: Any) -> Release:  # noqa: ANN401 (the fields' own types)
    """A release with some fields replaced."""
    assets = {"app.js": Asset("assets/app-3f9c2ab1.js", 5, fingerprinted=True)}
    return replace(Release("r", "default", AT, PREFIX, {"name": "u"}, assets), **changes)


def one(key: str = "assets/a.js", size: int = 1, logical: str = "a.js") -> Release:
    """A release of one asset."""
    return release(assets={logical: Asset(key, size, fingerprinted=True)})


LONGEST_KEY = PREFIX + "x" * (KEY_BYTES - len(PREFIX))

WITHIN = {
    "longest key": one(LONGEST_KEY),
    "longest key in bytes": one(PREFIX + "ü" * ((KEY_BYTES - len(PREFIX)) // 2)),
    "longest logical path": one(logical="x" * KEY_BYTES),
    "delete character in a key": one("assets/a\x7f.js"),
    "largest object": one(size=OBJECT_BYTES),
    "longest name": release(release="x" * TEXT_LENGTH),
    "longest text": release(metadata={"x" * TEXT_LENGTH: "x" * TEXT_LENGTH}),
    "most texts": release(metadata={str(number): "" for number in range(TEXTS)}),
    "last year": release(created_at=AT.replace(year=LAST_YEAR)),
}

BEYOND = {
    "key": one(LONGEST_KEY + "x"),
    "key in bytes": one(PREFIX + "ü" * (KEY_BYTES // 2)),
    "logical path": one(logical="x" * (KEY_BYTES + 1)),
    "control character in a key": one("assets/a\x01.js"),
    "NUL in a logical path": one(logical="a\x00.js"),
    "size": one(size=OBJECT_BYTES + 1),
    "name": release(release="x" * (TEXT_LENGTH + 1)),
    "text": release(metadata={"a": "x" * (TEXT_LENGTH + 1)}),
    "texts": release(metadata={str(number): "" for number in range(TEXTS + 1)}),
}


@pytest.mark.parametrize("name", WITHIN)
def test_a_release_at_a_bound_is_written_and_read(name: str) -> None:
    assert decode(encode(WITHIN[name]), PREFIX) == WITHIN[name]


@pytest.mark.parametrize("name", BEYOND)
def test_a_release_beyond_a_bound_is_not_written(name: str) -> None:
    """No reader would accept it, and until somebody deleted it nothing would be cleaned."""
    with pytest.raises(MarkerError):
        encode(BEYOND[name])


def test_the_schema_has_the_same_bounds() -> None:
    schema = json.loads((ROOT / "release_log" / "marker.schema.json").read_text(encoding="utf-8"))["properties"]
    assets = schema["assets"]
    asset = assets["additionalProperties"]["properties"]
    assert asset["size"]["maximum"] == OBJECT_BYTES
    assert asset["key"]["maxLength"] == assets["propertyNames"]["maxLength"] == KEY_BYTES
    assert asset["headers"]["maxLength"] == schema["release"]["maxLength"] == TEXT_LENGTH
    for name in ("metadata", "uploader"):
        assert schema[name]["maxProperties"] == TEXTS
        assert schema[name]["propertyNames"]["maxLength"] == TEXT_LENGTH
        assert schema[name]["additionalProperties"]["maxLength"] == TEXT_LENGTH
    assert f"^[0-{LAST_YEAR // 1000}]" in schema["created_at"]["pattern"]


def test_a_doubled_name_takes_no_longer_than_its_reading() -> None:
    """Of 32,000 names; it took 7 s and grew with the square of their number."""
    names = ",".join(f'"a{number}": 1' for number in range(32_000))
    began = time.process_time()
    with pytest.raises(MarkerError, match="'a31999' appears twice"):
        decode(f'{{{names}, "a31999": 1}}'.encode(), PREFIX)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "read",
    [
        lambda body: decode(body, PREFIX),
        MarkerHeaders("m", {}).read,
        lambda body: MarkerHeaders("m", {}).read_pieces([body]),
    ],
)
def test_a_body_of_too_many_bytes_or_values_is_not_parsed(
    read: Callable[[bytes], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In 60 MB of JSON are 20 million empty lists, which take 1.5 GB."""
    monkeypatch.setattr(json, "loads", lambda *_args, **_named: pytest.fail("it was parsed"))
    with pytest.raises(MarkerError, match="more than 4000000 values"):
        read(b"[" + b"[]," * FILE_VALUES + b"[]]")
    monkeypatch.setattr(marker_fields, "FILE_BYTES", 10)
    with pytest.raises(MarkerError, match="more than 10 bytes"):
        read(b" " * 11)


def test_a_release_of_too_many_bytes_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marker_fields, "FILE_BYTES", 10)
    with pytest.raises(MarkerError, match="more than 10 bytes"):
        encode(release())


def nested(levels: int) -> object:
    """Objects and lists inside one another."""
    document: object = {}
    for level in range(levels - 1):
        document = [document] if level % 2 else {"a": document}
    return document


def test_depth() -> None:
    assert not is_too_deep(nested(DEPTH))
    assert is_too_deep(nested(DEPTH + 1))
    assert not is_too_deep({"a": "[" * 1000})
    assert not is_too_deep("text")


def test_brackets_in_names_are_no_depth() -> None:
    """Next.js has files such as ``pages/[slug].js``."""
    names = [f"pages/[{number}]-{{x}}.js" for number in range(100)]
    many = release(assets={name: Asset(f"assets/{name}", 1, fingerprinted=True) for name in names})
    assert decode(encode(many), PREFIX) == many


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5"),
        (10**4000, "a number of more than 100 digits"),
        (-(10**4000), "a number of more than 100 digits"),
        (1.5, "1.5"),
        ("a" * 100, repr("a" * 100)),
        ("a" * 8_000_000, repr("a" * 100) + "... (8000000 characters)"),
        ([1] * 8_000_000, "a list with 8000000 entries"),
        ({"a": 1}, "an object with 1 entries"),
        (None, "None"),
    ],
)
def test_an_error_shows_a_value_cut(value: object, text: str) -> None:
    """Lambda's answer ends at 6 MB."""
    assert shown(value) == text


# The ledger


def test_a_ledger_that_unpacks_to_too_much_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousandth of it is stored. It is not unpacked further than to the bound."""
    monkeypatch.setattr(ledger_file, "LEDGER_BYTES", 1_000_000)
    with pytest.raises(LedgerError, match="1000000 unpacked"):
        unpack(gzip.compress(b" " * 100_000_000))


def test_a_ledger_of_too_many_bytes_or_values_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    body = pack({"a": [[], [], []]})
    monkeypatch.setattr(ledger_file, "LEDGER_VALUES", 4)
    with pytest.raises(LedgerError, match="more than 4 values"):
        unpack(body)
    monkeypatch.setattr(packed, "FILE_BYTES", 10)
    with pytest.raises(LedgerError, match="more than 10 bytes"):
        unpack(body)


@pytest.mark.parametrize("change", [lambda body: body[:-1], lambda body: body[:-8], lambda body: body + b"x"])
def test_a_ledger_that_is_cut_or_has_more_behind_it_is_broken(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(LedgerError):
        unpack(change(pack({"a": 1})))


def test_a_ledger_whose_last_run_is_deep_is_broken() -> None:
    """It is written again as it is, and Python's own limit is another for writing than for reading."""
    with pytest.raises(LedgerError):
        unpack(gzip.compress(b'{"format": 1, "last_run": ' + b"[" * 980 + b"]" * 980 + b"}"))


def test_every_bound_is_listed_for_the_documents() -> None:
    declared = {name for name in vars(bounds) if name.isupper()} - {"BOUNDS", "SHOWN"}
    assert len(bounds.BOUNDS) == len(declared)
