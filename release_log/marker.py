"""The release marker: one JSON document that lists every asset of a release.

An intent, a staged release, a pin and a marker have the same body; the folder of the file says which it is
(`release_log.layout`). The format is open: any build tool may write it. ``marker.schema.json`` beside this file is its
JSON Schema. `decode` checks the same and, beyond a schema, that no name is twice in one object, no key is outside the
site, and the file as a whole is within `release_log.bounds`.
"""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

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
)
from release_log.channel import CHANNEL
from release_log.errors import MarkerError
from release_log.instants import format_instant, parse_instant
from release_log.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

FORMAT = 1
"""The format that this version writes, and the newest that it reads."""

ASSETS_AT_ONCE = 1000
"""How many assets are turned into JSON at a time."""

_CONTROL = re.compile(r"[\x00-\x1f]")


class Asset(NamedTuple):
    """One asset of a release. A tuple, because a release may have 100,000 of them.

    Attributes:
        key: The whole key, the site's prefix included.
        size: Bytes.
        fingerprinted: Whether the key changes with the content.
        digest: ``sha256:`` and 64 hexadecimal digits; None if the writer gave none.
        headers: A short digest of the object's headers, which shows a changed rule; None if the writer gave none.
    """

    key: str
    size: int
    fingerprinted: bool
    digest: str | None = None
    headers: str | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """The body of a marker.

    Attributes:
        release: The release's name, usually the commit.
        channel: The line of releases that it belongs to.
        created_at: When it was written, by the build machine's clock. No order depends on it.
        prefix: The site's prefix.
        uploader: The program that wrote it: ``name`` and ``version``.
        assets: Logical path -> asset, for every file of the build.
        metadata: Free text for people: commit, branch, build URL.
    """

    release: str
    channel: str
    created_at: datetime
    prefix: str
    uploader: Mapping[str, str]
    assets: Mapping[str, Asset]
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def keys(self) -> frozenset[str]:
        """The keys of the release's assets."""
        return frozenset(asset.key for asset in self.assets.values())


def encode(release: Release) -> bytes:
    """The body's bytes: the same release always gives the same bytes.

    Raises:
        MarkerError: The release is beyond a bound, so that no reader would accept it.
    """
    _check_text(release.release, "release")
    _check_texts(release.uploader, "uploader")
    _check_texts(release.metadata, "metadata")
    rest = {
        "channel": release.channel,
        "created_at": format_instant(release.created_at),
        "format": FORMAT,
        "metadata": dict(release.metadata),
        "prefix": release.prefix,
        "release": release.release,
        "uploader": dict(release.uploader),
    }
    # Names are in order, and ``assets`` is the first. The parts of 100,000 assets together would take more memory than
    # all the rest, so assets are written in batches.
    body = io.BytesIO()
    body.write(b'{"assets":{')
    logicals = sorted(release.assets)
    for start in range(0, len(logicals), ASSETS_AT_ONCE):
        some = [_encode_asset(logical, release.assets[logical]) for logical in logicals[start : start + ASSETS_AT_ONCE]]
        body.write(b"," if start else b"")
        body.write(",".join(some).encode())
    body.write(b"}," + _as_json(rest)[1:])
    content = body.getvalue()
    _check_content(content)
    return content


def decode(body: bytes, prefix: str) -> Release:
    """Read and check the body of a marker, an intent or a staged release.

    Args:
        body: The object's content.
        prefix: The site's prefix: a marker cannot name another site's keys.

    Raises:
        MarkerError: The body is not valid. The message is one line that names the mistake.
    """
    document = _parse(body)
    version = _whole(document.get("format"))
    if version is None or version < 1:
        _fail(f"format: {shown(document.get('format'))} is not a version number")
    if version > FORMAT:
        _fail(f"format: {shown(version)} is newer than {FORMAT}, the newest this cleaner reads: deploy a newer one")
    if document.get("prefix") != prefix:
        _fail(f"prefix: {shown(document.get('prefix'))} is not this site's, {prefix!r}")
    channel = _text(document, "channel")
    if not CHANNEL.fullmatch(channel):
        _fail(f"channel: {shown(channel)} is not a name of letters, digits, dots, hyphens and underscores")
    layout = Layout(prefix)
    assets = _object(document, "assets")
    if not assets:
        _fail("assets: none; an empty release would retire the whole site")
    return Release(
        release=_text(document, "release"),
        channel=channel,
        created_at=_instant(document, "created_at"),
        prefix=prefix,
        uploader=_texts(document, "uploader"),
        metadata=_texts(document, "metadata") if "metadata" in document else {},
        assets={logical: _decode_asset(logical, value, layout) for logical, value in assets.items()},
    )


def read_headers(body: bytes) -> tuple[str, dict[str, dict[str, int]]]:
    """The digests of headers in a marker, to be used as a hint: nothing else of the marker is checked.

    Returns:
        The channel, and ``headers`` -> key -> bytes of each object.

    Raises:
        MarkerError: The body is not JSON, or is too large.
    """
    _check_content(body)
    headers: dict[str, dict[str, int]] = {}  # few differ

    def take(entry: dict[str, Any]) -> dict[str, Any] | None:
        # An asset is dropped as soon as it is read: a marker may name 100,000 assets.
        key, size, digest = entry.get("key"), entry.get("size"), entry.get("headers")
        if not isinstance(key, str):
            return entry
        if isinstance(size, int) and isinstance(digest, str):
            headers.setdefault(digest, {})[key] = size
        return None

    try:
        document = json.loads(body, object_hook=take)
    except (ValueError, RecursionError) as error:
        msg = f"not JSON: {error}"
        raise MarkerError(msg) from error
    return str(document.get("channel")) if isinstance(document, dict) else "", headers


def _as_json(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _encode_asset(logical: str, asset: Asset) -> str:
    """An asset as `_as_json` writes it, in half the time: names in order, without the fields that are None."""
    key, size, fingerprinted, digest, headers = asset
    if not (_is_short(logical) and _is_short(key) and size <= OBJECT_BYTES):
        _check_asset(logical, key, size)
    first = "" if digest is None else f'"digest":{encode_basestring(digest)},'
    third = "" if headers is None else f'"headers":{encode_basestring(headers)},'
    second = '"fingerprinted":true,' if fingerprinted else '"fingerprinted":false,'
    return f'{encode_basestring(logical)}:{{{first}{second}{third}"key":{encode_basestring(key)},"size":{size}}}'


def _decode_asset(logical: str, value: object, layout: Layout) -> Asset:
    where = f"assets[{shown(logical)}]"
    if not logical:
        _fail("assets: a logical path is empty")
    if not isinstance(value, dict):
        _fail(f"{where}: not an object")
    key = _text(value, "key", where)
    if not layout.owns(key):
        _fail(f"{where}.key: {shown(key)} is outside the site (prefix {layout.prefix!r}, release log excluded)")
    size = _whole(value.get("size"))
    if size is None or size < 0:
        _fail(f"{where}.size: {shown(value.get('size'))} is not a number of bytes")
    if not (_is_short(logical) and _is_short(key) and size <= OBJECT_BYTES):
        _check_asset(logical, key, size)
    fingerprinted = value.get("fingerprinted")
    if not isinstance(fingerprinted, bool):
        _fail(f"{where}.fingerprinted: {shown(fingerprinted)} is neither true nor false")
    digest = _text(value, "digest", where) if "digest" in value else None
    if digest is not None and not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        _fail(f"{where}.digest: {shown(digest)} is not 'sha256:' and 64 hexadecimal digits")
    headers = _text(value, "headers", where) if "headers" in value else None
    return Asset(key, size, fingerprinted, digest, headers)


def _is_short(name: str) -> bool:
    """Whether a key or a logical path is certainly within the bounds: a quick check, as a release may have 100,000."""
    return len(name) <= KEY_BYTES // 4 and name.isprintable()  # UTF-8 has up to four bytes a character


def _check_asset(logical: str, key: str, size: int) -> None:
    """Refuse an asset beyond the bounds."""
    where = f"assets[{shown(logical)}]"
    for name, what in ((logical, where), (key, f"{where}.key")):
        if len(name.encode()) > KEY_BYTES:
            _fail(f"{what}: {shown(name)} is longer than {KEY_BYTES} bytes of UTF-8")
        if _CONTROL.search(name):
            _fail(f"{what}: {shown(name)} holds a control character")
    if size > OBJECT_BYTES:
        _fail(f"{where}.size: {shown(size)} is larger than S3's largest object ({OBJECT_BYTES} bytes)")


def _check_text(text: str, where: str) -> str:
    if len(text) > TEXT_LENGTH:
        _fail(f"{where}: {shown(text)} is longer than {TEXT_LENGTH} characters")
    return text


def _check_texts(texts: Mapping[str, str], where: str) -> None:
    if len(texts) > TEXTS:
        _fail(f"{where}: it has {len(texts)} entries, more than {TEXTS}")
    for name, text in texts.items():
        _check_text(name, where)
        _check_text(text, f"{where}.{shown(name)}")


def _check_content(body: bytes) -> None:
    """Refuse a body that would take too much memory, before it is parsed."""
    if len(body) > FILE_BYTES:
        _fail(f"it has more than {FILE_BYTES} bytes")
    if len(body) > FILE_VALUES and too_many_values(body, FILE_VALUES):
        _fail(f"it has more than {FILE_VALUES} values")


def _parse(body: bytes) -> dict[str, Any]:
    _check_content(body)
    try:
        document = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # also an integer of more digits than Python converts
        msg = f"not JSON: {error}"
        raise MarkerError(msg) from error
    if not isinstance(document, dict):
        _fail("not a JSON object")
    assets = document.get("assets")
    # An asset holds no other object: as a rule its brackets tell that a document need not be walked through.
    expected = len(assets) if isinstance(assets, dict) else 0
    if body.count(b"{") + body.count(b"[") - expected > DEPTH and is_too_deep(document):
        _fail(f"it has objects and lists in more than {DEPTH} levels")
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
        _fail(f"{shown(twice)} appears twice in one object")
    return result


def _refuse_constant(name: str) -> NoReturn:
    """``NaN`` and ``Infinity`` are Python's, not JSON's."""
    msg = f"{name} is not a value of JSON"
    raise ValueError(msg)


def _object(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name)
    if not isinstance(value, dict):
        _fail(f"{name}: not an object")
    return value


def _text(document: Mapping[str, Any], name: str, where: str = "") -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        _fail(f"{where + '.' if where else ''}{name}: {shown(value)} is not a text")
    if len(value) > TEXT_LENGTH:
        _check_text(value, f"{where + '.' if where else ''}{name}")
    return value


def _texts(document: Mapping[str, Any], name: str) -> dict[str, str]:
    value = _object(document, name)
    for key, text in value.items():
        if not isinstance(text, str):
            _fail(f"{name}.{shown(key)}: {shown(text)} is not a text")
    _check_texts(value, name)
    return value


def _whole(value: object) -> int | None:
    """A whole number, also if it is written as ``1.0``: JSON and its schemas make no difference."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _instant(document: Mapping[str, Any], name: str) -> datetime:
    text = _text(document, name)
    try:
        instant = parse_instant(text)
    except ValueError as error:
        msg = f"{name}: {shown(text)} is not an instant such as 2026-11-23T06:05:38Z"
        raise MarkerError(msg) from error
    if instant.year > LAST_YEAR:
        _fail(f"{name}: {shown(text)} is after the year {LAST_YEAR}")
    return instant


def _fail(problem: str) -> NoReturn:
    raise MarkerError(problem)
