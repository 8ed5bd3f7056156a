"""The marker: it is written, read again, refused with its mistake, and agrees with its published schema."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError, validators

from release_log.bounds import DEPTH, KEY_BYTES, LAST_YEAR, OBJECT_BYTES, TEXT_LENGTH, TEXTS
from release_log.errors import MarkerError
from release_log.instants import format_instant, parse_instant
from release_log.marker import ASSETS_AT_ONCE, Asset, Release, decode, encode
from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from random import Random

PREFIX = "assets/"
SHA = "sha256:" + "0123456789abcdef" * 4

VALID: dict[str, Any] = {
    "format": 1,
    "release": "3f9c2ab",
    "channel": "production",
    "created_at": "2026-11-23T06:05:38Z",
    "prefix": PREFIX,
    "uploader": {"name": "uploader", "version": "0.1.0"},
    "metadata": {"branch": "main"},
    "assets": {
        "app.js": {"key": "assets/app-3f9c2ab1.js", "size": 5, "fingerprinted": True, "digest": SHA, "headers": "ab12"},
        "robots.txt": {"key": "assets/robots.txt", "size": 0, "fingerprinted": False},
    },
}
APP = "assets/app.js"
GONE = object()


def changed(path: list[str], value: object) -> dict[str, Any]:
    """The valid document with one value replaced, or without it if it is GONE."""
    document = copy.deepcopy(VALID)
    inner: Any = document
    for name in path[:-1]:
        inner = inner[name]
    if value is GONE:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return document


def bytes_of(document: object) -> bytes:
    """As a build tool in any language may write it."""
    return json.dumps(document).encode()


# Round trip

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
some_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
some_name = st.text(st.characters(exclude_categories=["Cs"], min_codepoint=0x20), min_size=1, max_size=8)
assets = st.builds(
    Asset,
    key=some_name.map(lambda name: f"{PREFIX}f/{name}"),
    size=st.integers(0, OBJECT_BYTES),
    fingerprinted=st.booleans(),
    digest=st.none() | st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True),
    headers=st.none() | some_text,
    etag=st.none() | some_text,
    stamp=st.none() | some_text,
    stored=st.none(),
).filter(lambda asset: "/.releases/" not in asset.key)


def with_new(release: Release, places: Collection[int]) -> Release:
    """The same, some of whose assets are new."""
    return replace(release, new=frozenset(key for place, key in enumerate(sorted(release.keys)) if place in places))


plain = st.builds(
    Release,
    release=some_text,
    channel=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True),
    created_at=st.datetimes(timezones=st.just(UTC)).map(
        lambda each: each.replace(microsecond=0, year=min(each.year, LAST_YEAR), day=min(each.day, 28))
    ),
    prefix=st.just(PREFIX),
    uploader=st.dictionaries(text, text, max_size=3),
    metadata=st.dictionaries(text, text, max_size=3),
    assets=st.dictionaries(some_name, assets, min_size=1, max_size=4),
)
releases = st.builds(with_new, plain, st.sets(st.integers(0, 3)))


ends = st.builds(replace, plain, assets=st.just({}), ended=st.just(True))


@given(releases | ends)
def test_what_was_written_is_read_again(release: Release) -> None:
    """Any release, any Unicode."""
    assert decode(encode(release), PREFIX) == release


@given(releases | ends)
def test_what_we_write_is_as_the_schema_says(release: Release) -> None:
    """Other readers may rely on it."""
    SCHEMA.validate(json.loads(encode(release)))


@given(releases, st.randoms(use_true_random=False))
def test_same_release_gives_the_same_bytes(release: Release, random: Random) -> None:
    """In whatever order the build tool found its files; a repeated PUT writes the same object."""
    items = list(release.assets.items())
    random.shuffle(items)
    other = Release(
        release.release, release.channel, release.created_at, release.prefix,
        dict(reversed(list(release.uploader.items()))), dict(items), dict(reversed(list(release.metadata.items()))),
        new=release.new,
    )  # fmt: skip
    assert encode(other) == encode(release)


def test_bytes_of_a_marker() -> None:
    """A change of these bytes is a change of the format."""
    asset = Asset("assets/ü-3f9c2ab1.js", 5, fingerprinted=True)
    at = datetime(2026, 11, 23, 6, 5, 38, tzinfo=UTC)
    release = Release("r", "default", at, PREFIX, {"name": "u"}, {"ü.js": asset})
    assert encode(release).decode() == (
        '{"assets":{"ü.js":{"fingerprinted":true,"key":"assets/ü-3f9c2ab1.js","size":5}},"channel":"default",'
        '"created_at":"2026-11-23T06:05:38Z","format":1,"metadata":{},"prefix":"assets/","release":"r",'
        '"uploader":{"name":"u"}}'
    )


def test_metadata_may_be_left_out_and_unknown_names_are_passed_over() -> None:
    """Later writers of the same format may say more."""
    document = changed(["metadata"], GONE) | {"later": [1]}
    document["assets"]["app.js"]["brotli"] = True
    assert decode(bytes_of(document), PREFIX).metadata == {}


# Refused

ASSET = VALID["assets"]["robots.txt"]
DEEP = b"[" * 990 + b'"\\ud83d\\ude80"' + b"]" * 990

REFUSED: list[tuple[str, bytes, str]] = [
    ("empty", b"", "not JSON"),
    ("blank", b"  \n", "not JSON"),
    ("cut off", bytes_of(VALID)[:-1], "not JSON"),
    ("two documents", bytes_of(VALID) * 2, "not JSON"),
    ("UTF-16", json.dumps(VALID).encode("utf-16"), "not JSON"),
    ("Latin-1", b'{"release": "\xfc"}', "not JSON"),
    ("byte order mark", b"\xef\xbb\xbf" + bytes_of(VALID), "not JSON"),
    ("very deep", b"[" * 100_000, "not JSON"),
    ("very long number", b'{"format": 1' + b"0" * 5000 + b"}", "not JSON"),
    ("list", b"[]", "not a JSON object"),
    ("null", b"null", "not a JSON object"),
    ("no format", bytes_of(changed(["format"], GONE)), "format: None is not a version number"),
    ("text format", bytes_of(changed(["format"], "1")), "format: '1' is not"),
    ("true format", bytes_of(changed(["format"], True)), "format: True is not"),
    ("format 0", bytes_of(changed(["format"], 0)), "format: 0 is not"),
    ("newer format", bytes_of({"format": 4}), "format: 4 is newer than 3, the newest that this version reads"),
    ("an end that does not say so", bytes_of(changed(["format"], 2)), "ended: None is not true"),
    ("an end with assets", bytes_of({**VALID, "format": 2, "ended": True}), "assets: 2 of them"),
    ("other prefix", bytes_of(changed(["prefix"], "admin/")), "prefix: 'admin/' is not this site's, 'assets/'"),
    ("no prefix", bytes_of(changed(["prefix"], GONE)), "prefix: None"),
    ("no release", bytes_of(changed(["release"], GONE)), "release: None is not a text"),
    ("empty release", bytes_of(changed(["release"], "")), "release: '' is not a text"),
    ("channel with slash", bytes_of(changed(["channel"], "a/b")), "channel: 'a/b' is not a name"),
    ("channel with newline", bytes_of(changed(["channel"], "a\n")), "channel: "),
    ("channel too long", bytes_of(changed(["channel"], "a" * 65)), "channel: "),
    ("no created_at", bytes_of(changed(["created_at"], GONE)), "created_at: None"),
    ("offset", bytes_of(changed(["created_at"], "2026-11-23T06:05:38+00:00")), "created_at: .* is not an instant"),
    ("milliseconds", bytes_of(changed(["created_at"], "2026-11-23T06:05:38.000Z")), "created_at: .* not an instant"),
    ("short date", bytes_of(changed(["created_at"], "2026-1-2T3:4:5Z")), "created_at: .* not an instant"),
    ("no such day", bytes_of(changed(["created_at"], "2026-02-30T06:05:38Z")), "created_at: .* not an instant"),
    ("no uploader", bytes_of(changed(["uploader"], GONE)), "uploader: not an object"),
    ("uploader number", bytes_of(changed(["uploader", "version"], 1)), "uploader.'version': 1 is not a text"),
    ("metadata null", bytes_of(changed(["metadata"], None)), "metadata: not an object"),
    ("metadata nested", bytes_of(changed(["metadata", "branch"], {})), "metadata.'branch': "),
    ("no assets", bytes_of(changed(["assets"], GONE)), "assets: not an object"),
    ("empty release of assets", bytes_of(changed(["assets"], {})), "assets: none; .* would retire the whole site"),
    ("asset list", bytes_of(changed(["assets"], [])), "assets: not an object"),
    ("asset text", bytes_of(changed(["assets", "app.js"], "k")), "assets\\['app.js'\\]: not an object"),
    ("empty logical", bytes_of(changed(["assets", ""], {})), "a logical path is empty"),
    ("no key", bytes_of(changed(["assets", "app.js", "key"], GONE)), "assets\\['app.js'\\].key: None"),
    ("key outside", bytes_of(changed(["assets", "app.js", "key"], "x.js")), "key: 'x.js' is outside the site"),
    ("key next door", bytes_of(changed(["assets", "app.js", "key"], "assets-2/x.js")), "outside the site"),
    ("key in the log", bytes_of(changed(["assets", "app.js", "key"], "assets/.releases/x")), "outside the site"),
    ("size -1", bytes_of(changed(["assets", "app.js", "size"], -1)), "size: -1 is not a number of bytes"),
    ("size true", bytes_of(changed(["assets", "app.js", "size"], True)), "size: True"),
    ("size text", bytes_of(changed(["assets", "app.js", "size"], "5")), "size: '5'"),
    ("size 1.5", bytes_of(changed(["assets", "app.js", "size"], 1.5)), "size: 1.5"),
    ("fingerprinted 1", bytes_of(changed(["assets", "app.js", "fingerprinted"], 1)), "fingerprinted: 1 is neither"),
    ("no fingerprinted", bytes_of(changed(["assets", "app.js", "fingerprinted"], GONE)), "fingerprinted: None"),
    ("md5", bytes_of(changed(["assets", "app.js", "digest"], "md5:" + "0" * 32)), "digest: .* is not 'sha256:'"),
    ("capital digest", bytes_of(changed(["assets", "app.js", "digest"], SHA.upper())), "digest: "),
    ("digest null", bytes_of(changed(["assets", "app.js", "digest"], None)), "digest: None is not a text"),
    ("headers empty", bytes_of(changed(["assets", "app.js", "headers"], "")), "headers: '' is not a text"),
    ("size too large", bytes_of(changed(["assets", "app.js", "size"], OBJECT_BYTES + 1)), "larger than S3's largest"),
    (
        "size of 4,300 digits",
        bytes_of(changed(["assets", "app.js", "size"], 10**4299)),
        "size: a number of more than 100",
    ),
    ("size of 1e300", bytes_of(changed(["assets", "app.js", "size"], 1e300)), "size: a number of more than 100 digits"),
    (
        "U+0001 in a key",
        bytes_of(changed(["assets", "app.js", "key"], f"{PREFIX}a\x01.js")),
        "holds a control character",
    ),
    ("NUL in a key", bytes_of(changed(["assets", "app.js", "key"], f"{PREFIX}a\x00.js")), "holds a control character"),
    ("control character in a logical path", bytes_of(changed(["assets", "a\n"], ASSET)), "holds a control character"),
    ("key too long", bytes_of(changed(["assets", "app.js", "key"], PREFIX + "x" * KEY_BYTES)), "than 1024 bytes"),
    ("key of too many bytes", bytes_of(changed(["assets", "app.js", "key"], PREFIX + "ü" * 512)), "than 1024 bytes"),
    ("logical path too long", bytes_of(changed(["assets", "x" * (KEY_BYTES + 1)], ASSET)), "longer than 1024 bytes"),
    ("release too long", bytes_of(changed(["release"], "x" * (TEXT_LENGTH + 1))), "release: .* than 4096 characters"),
    ("metadata too long", bytes_of(changed(["metadata", "a"], "x" * (TEXT_LENGTH + 1))), "metadata.'a': .* than 4096"),
    ("metadata name too long", bytes_of(changed(["metadata", "x" * (TEXT_LENGTH + 1)], "")), "metadata: .* than 4096"),
    ("much metadata", bytes_of(changed(["metadata"], {str(i): "" for i in range(TEXTS + 1)})), "metadata: it has 101"),
    (
        "headers too long",
        bytes_of(changed(["assets", "app.js", "headers"], "x" * (TEXT_LENGTH + 1))),
        "headers: .*4096",
    ),
    ("year 9000", bytes_of(changed(["created_at"], "9000-01-01T00:00:00Z")), "created_at: .* after the year 8999"),
    ("deep", bytes_of(VALID)[:-1] + b', "later": ' + b"[" * DEPTH + b"]" * DEPTH + b"}", "more than 32 levels"),
    ("deep with a surrogate", bytes_of(VALID)[:-1] + b', "a": ' + DEEP + b"}", "more than 32 levels|not JSON"),
    ("NaN", bytes_of(VALID)[:-1] + b', "later": NaN}', "not JSON: NaN"),
    ("key twice", b'{"format": 1, "assets": {"a": {}, "a": {}}}', "'a' appears twice in one object"),
    ("assets twice", b'{"assets": {}, "assets": {}}', "'assets' appears twice"),
    ("lone surrogate", bytes_of(changed(["release"], "\ud800")), "not Unicode"),
    ("lone surrogate in a key", bytes_of(changed(["assets", "app.js", "key"], "assets/\udc00.js")), "not Unicode"),
]


@pytest.mark.scenario("T30", "L8")
@pytest.mark.parametrize(("body", "words"), [each[1:] for each in REFUSED], ids=[each[0] for each in REFUSED])
def test_invalid_markers_are_refused_with_what_is_wrong(body: bytes, words: str) -> None:
    """One line names the mistake."""
    with pytest.raises(MarkerError, match=words) as caught:
        decode(body, PREFIX)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_escaped_pair_of_surrogates_is_a_character() -> None:
    """As JavaScript and Python write characters beyond U+FFFF."""
    body = bytes_of(changed(["release"], "r-\U0001f680"))
    assert b"\\ud83d" in body
    assert decode(body, PREFIX).release == "r-\U0001f680"


# Agreement with the schema


def _pattern(_validator: object, pattern: str, instance: object, _schema: object) -> Iterator[ValidationError]:
    """JSON Schema's patterns are ECMA's, where ``$`` is the very end; Python's also matches before a newline."""
    if isinstance(instance, str) and not re.search(pattern.replace("$", r"\Z"), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


_SCHEMA_DOCUMENT = json.loads((ROOT / "release_log" / "marker.schema.json").read_text(encoding="utf-8"))
_extend: Any = validators.extend
SCHEMA = _extend(Draft202012Validator, {"pattern": _pattern})(_SCHEMA_DOCUMENT)

UNSAYABLE = ("is not this site's", "is outside the site", "not Unicode", "bytes of UTF-8", "levels")
"""The errors of `decode` that a schema cannot express, beside a name that appears twice."""


def refusal(document: object) -> str | None:
    """The error of `decode`; None if it accepts the document."""
    try:
        decode(bytes_of(document), PREFIX)
    except MarkerError as error:
        return str(error)
    return None


def agree(document: object) -> None:
    """`decode` and the schema accept the same documents."""
    error = refusal(document)
    accepted = bool(SCHEMA.is_valid(document))
    if error is None:
        assert accepted, f"decode accepts what the schema refuses: {document}"
    elif accepted:
        day = re.search(r"created_at: '([0-9-]{10})T", error)  # a pattern knows no calendar
        assert day or any(words in error for words in UNSAYABLE), f"the schema accepts, decode says {error}"


def test_schema_is_a_valid_schema() -> None:
    """A valid schema of the draft that it names."""
    Draft202012Validator.check_schema(_SCHEMA_DOCUMENT)
    assert SCHEMA.is_valid(VALID)
    assert refusal(VALID) is None


def test_schema_refuses_what_it_can_say() -> None:
    """Most of the table: the writer of a marker can find these mistakes with the schema."""
    unsayable = (
        "prefix",
        "outside",
        "in the log",
        "next door",
        "no such day",
        "twice",
        "surrogate",
        "many bytes",
        "deep",
    )
    sayable = [
        json.loads(body)
        for name, body, words in REFUSED
        if "not JSON" not in words and not any(word in name for word in unsayable)
    ]
    assert len(sayable) > 30
    for document in sayable:
        assert not SCHEMA.is_valid(document), document


paths = st.sampled_from(
    [[name] for name in VALID]
    + [["uploader", "name"], ["metadata", "branch"], ["assets", "app.js"], ["assets", ""], ["assets", "new.js"]]
    + [["assets", "app.js", name] for name in VALID["assets"]["app.js"]]
)
numbers = st.sampled_from([0, 1, 2, -1, 1.0, 1.5, 0.0, 10**30, True, False])
strings = text | st.sampled_from(
    ["", "a", "a\n", "default", "2026-11-23T06:05:38Z", "2026-11-23T06:05:38Z\n", "2026-13-01T00:00:00Z",
     "2026-1-2T3:4:5Z", "2026-11-23t06:05:38z", "\uff12\uff10\uff12\uff16-11-23T06:05:38Z",
     "0999-01-01T00:00:00Z", SHA, SHA + "\n",
     SHA.upper(), PREFIX, "assets/x.js", "a" * 64, "a" * 65]
)  # fmt: skip
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | numbers | strings | st.just(GONE),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["", "a", "key", "size", "fingerprinted"]), inner, max_size=3)
    ),
    max_leaves=4,
)


def without_gone(value: object) -> object:
    """A value that JSON can hold."""
    if isinstance(value, dict):
        return {name: without_gone(each) for name, each in value.items() if each is not GONE}
    return [without_gone(each) for each in value if each is not GONE] if isinstance(value, list) else value


@given(st.lists(st.tuples(paths, values), min_size=1, max_size=2))
def test_decode_accepts_what_the_schema_accepts(changes: list[tuple[list[str], Any]]) -> None:
    """For any change of a valid document."""
    document: dict[str, Any] = copy.deepcopy(VALID)
    for path, value in changes:
        inner: Any = document
        for name in path[:-1]:
            inner = inner.get(name) if isinstance(inner, dict) else None
        if not isinstance(inner, dict):
            continue
        inner.pop(path[-1], None)
        if value is not GONE:
            inner[path[-1]] = without_gone(value)
    agree(document)


@pytest.mark.parametrize("path", [["format"], ["assets", "app.js", "size"]])
def test_whole_number_written_as_a_float_is_a_whole_number(path: list[str]) -> None:
    """JSON has one kind of number, and so has the schema: some languages write 1 as 1.0."""
    release = decode(bytes_of(changed(path, 1.0)), PREFIX)
    assert type(release.assets["app.js"].size) is int


# Instants


@given(st.datetimes(timezones=st.just(UTC)))
def test_instants_round_trip_to_the_second(at: datetime) -> None:
    """From year 1 on."""
    assert parse_instant(format_instant(at)) == at.replace(microsecond=0)


@pytest.mark.parametrize("count", [0, 1, ASSETS_AT_ONCE, 2 * ASSETS_AT_ONCE + 1])
def test_many_assets_are_written_as_one_document_would_be(count: int) -> None:
    """In batches, and byte for byte as JSON with its names in order."""
    assets = {
        f'assets/é"{number}.js': Asset(
            f'assets/é"{number}\\\x7f-1a2b3c4d.js',
            number,
            fingerprinted=number % 2 == 0,
            digest="sha256:" + "a" * 64 if number % 3 else None,
            headers="b" * 12 if number % 5 else None,
        )
        for number in range(count)
    }
    release = Release("r1", "default", datetime(2026, 11, 23, tzinfo=UTC), "assets/", {"name": "x"}, assets)
    body = encode(release)
    assert json.dumps(json.loads(body), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() == body
    assert len(json.loads(body)["assets"]) == count
