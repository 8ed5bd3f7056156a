"""The release marker: one JSON document that lists every asset of a release.

An intent, a staged release, a pin and a marker have the same body; the folder of the file says which it is
(`release_log.layout`). A marker of format 2 says that its channel has ended: it has ``ended``, and no assets. The
format is open: any build tool may write it. ``marker.schema.json`` beside this file is its JSON Schema. `decode` checks
the same and, beyond a schema, that no name is twice in one object, no key is outside the site, and the file as a whole
is within `release_log.bounds`.
"""

from __future__ import annotations

import io
import json
import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, NamedTuple

from release_log.bounds import OBJECT_BYTES, shown
from release_log.channel import CHANNEL
from release_log.errors import NewerFormatError
from release_log.instants import format_instant
from release_log.layout import Layout, is_page_name
from release_log.marker_fields import (
    check_asset,
    check_content,
    check_text,
    check_texts,
    fail,
    instant_of,
    is_short,
    object_of,
    parse,
    text_of,
    texts_of,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

END_FORMAT = 2
"""The format of the end of a channel. A reader of format 1 refuses it: to such a reader it must be neither a release
without assets nor nothing at all."""

FORMAT = 3
"""The format of a release that this version writes, and the newest that it reads: its pages are stored, and put in
place after its marker. In format 1 they are put in place before the marker, and stored nowhere else. A reader of older
formats refuses it: to such a reader the release before would be superseded too early."""

ROLLBACK_OF = "rollback_of"
"""The name in a marker's metadata that tells a roll-back, with the id of the release that it went back to."""

STAYED = "fingerprint-stayed"
"""The `Asset.stamp` of a page whose name has a fingerprint, under which its content changed."""

ASSETS_AT_ONCE = 200
"""How many assets are turned into JSON at a time."""


class Asset(NamedTuple):
    """One asset of a release. A tuple, because a release may have 100,000 of them.

    Attributes:
        key: The whole key, the site's prefix included.
        size: Bytes.
        fingerprinted: Whether the key changes with the content.
        digest: ``sha256:`` and 64 hexadecimal digits; None if the writer gave none.
        headers: A short digest of the object's headers, which shows a changed rule; None if the writer gave none.
        etag: S3's ETag of the object, without quotes: while it stays the same, so does the content.
        stamp: The writer's own note of the file that has this ETag; nobody else can read it.
        stored: For a page, that is a file without a fingerprint: the name of its stored version, a digest of its
            content and of how it is stored. None for any other asset, and for a page of format 1.
    """

    key: str
    size: int
    fingerprinted: bool
    digest: str | None = None
    headers: str | None = None
    etag: str | None = None
    stamp: str | None = None
    stored: str | None = None

    @property
    def page(self) -> str | None:
        """What tells a page's content from that of all others; None if the writer gave nothing, or if it is no page."""
        return None if self.fingerprinted else self.stored or self.digest


class InOrder(Mapping[str, Asset]):
    """Assets of a release that know their order, so that they need not all be there at the same time."""

    @abstractmethod
    def in_order(self) -> Iterator[tuple[str, Asset]]:
        """Logical path and asset, in the order of the logical paths."""


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
        ended: Whether this is no release, but says that the channel has ended. Then it has no assets.
        format: See `FORMAT`. Other tools write 1.
        new: Keys that its upload sent, and that did not exist when it looked. A release published again has none.
    """

    release: str
    channel: str
    created_at: datetime
    prefix: str
    uploader: Mapping[str, str]
    assets: Mapping[str, Asset]
    metadata: Mapping[str, str] = field(default_factory=dict)
    ended: bool = False
    format: int = 1
    new: frozenset[str] = frozenset()

    @property
    def places_pages(self) -> bool:
        """Whether its pages are put in place after its marker, so that another file says when they are."""
        return self.format >= FORMAT

    @property
    def keys(self) -> frozenset[str]:
        """The keys of the release's assets, pages in place among them."""
        return frozenset(asset.key for asset in self.assets.values())

    @property
    def pages(self) -> dict[str, Asset]:
        """Key -> page, for each page that is stored."""
        return {asset.key: asset for asset in self.assets.values() if asset.stored is not None}

    @property
    def objects(self) -> dict[str, Asset]:
        """Key -> asset, of every object that the release consists of: a page is its stored version, in place or not."""
        layout = Layout(self.prefix)
        return {
            asset.key if asset.stored is None else layout.page_key(asset.stored): asset
            for asset in self.assets.values()
        }

    @property
    def all_keys(self) -> frozenset[str]:
        """Every key that stays while somebody needs the release: its objects, and its pages in place."""
        return self.keys.union(self.objects)


def encode(release: Release) -> bytes:
    """The body's bytes: the same release always gives the same bytes.

    Raises:
        MarkerError: The release is beyond a bound, so that no reader would accept it.
    """
    check_text(release.release, "release")
    check_texts(release.uploader, "uploader")
    check_texts(release.metadata, "metadata")
    rest = {
        "channel": release.channel,
        "created_at": format_instant(release.created_at),
        **({"ended": True, "format": END_FORMAT} if release.ended else {"format": release.format}),
        "metadata": dict(release.metadata),
        "prefix": release.prefix,
        "release": release.release,
        "uploader": dict(release.uploader),
    }
    # Names are in order, and ``assets`` is the first. The parts of 100,000 assets together would take more memory than
    # all the rest, so assets are written in batches.
    body = io.BytesIO()
    body.write(b'{"assets":{')
    assets = _in_order(release.assets)
    comma = b""
    while some := [_encode_asset(logical, asset, release.new) for logical, asset in islice(assets, ASSETS_AT_ONCE)]:
        body.write(comma)
        body.write(",".join(some).encode())
        comma = b","
    body.write(b"}," + _as_json(rest)[1:])
    content = body.getvalue()
    check_content(content)
    return content


def decode(body: bytes, prefix: str) -> Release:
    """Read and check the body of a marker, an intent or a staged release.

    Args:
        body: The object's content.
        prefix: The site's prefix: a marker cannot name another site's keys.

    Raises:
        MarkerError: The body is not valid. The message is one line that names the mistake.
    """
    document = parse(body)
    version = whole(document.get("format"))
    if version is None or version < 1:
        fail(f"format: {shown(document.get('format'))} is not a version number")
    if version > FORMAT:
        msg = f"format: {shown(version)} is newer than {FORMAT}, the newest that this version reads"
        raise NewerFormatError(msg)
    ended = version == END_FORMAT
    if ended and document.get("ended") is not True:
        fail(f"ended: {shown(document.get('ended'))} is not true, which a marker of format {END_FORMAT} says")
    if document.get("prefix") != prefix:
        fail(f"prefix: {shown(document.get('prefix'))} is not this site's, {prefix!r}")
    channel = text_of(document, "channel")
    if not CHANNEL.fullmatch(channel):
        fail(f"channel: {shown(channel)} is not a name of letters, digits, dots, hyphens and underscores")
    layout = Layout(prefix)
    assets = object_of(document, "assets")
    if ended and assets:
        fail(f"assets: {len(assets)} of them; a channel that has ended has none")
    if not assets and not ended:
        fail("assets: none; an empty release would retire the whole site")
    return Release(
        release=text_of(document, "release"),
        channel=channel,
        created_at=instant_of(document, "created_at"),
        prefix=prefix,
        uploader=texts_of(document, "uploader"),
        metadata=texts_of(document, "metadata") if "metadata" in document else {},
        assets={logical: _decode_asset(logical, value, layout, version) for logical, value in assets.items()},
        ended=ended,
        format=1 if ended else version,
        new=frozenset(value["key"] for logical, value in assets.items() if _is_new(logical, value)),
    )


def _as_json(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _in_order(assets: Mapping[str, Asset]) -> Iterator[tuple[str, Asset]]:
    """Logical path and asset, in the order of the logical paths."""
    if isinstance(assets, InOrder):
        return assets.in_order()
    return ((logical, assets[logical]) for logical in sorted(assets))


def _encode_asset(logical: str, asset: Asset, new: frozenset[str]) -> str:
    """An asset as `_as_json` writes it, in half the time: names in order, without the fields that are None."""
    key, size, fingerprinted, digest, headers, etag, stamp, stored = asset
    if not (is_short(f"{logical}{key}") and size <= OBJECT_BYTES):
        check_asset(logical, key, size)
    first = "" if digest is None else f'"digest":{encode_basestring(digest)},'
    third = "" if headers is None else f'"headers":{encode_basestring(headers)},'
    second = '"fingerprinted":true,' if fingerprinted else '"fingerprinted":false,'
    tag = "" if etag is None else f'"etag":{encode_basestring(etag)},'
    fourth = "" if stamp is None else f',"stamp":{encode_basestring(stamp)}'
    last = "" if stored is None else f',"stored":{encode_basestring(stored)}'
    name, quoted = encode_basestring(logical), encode_basestring(key)
    is_new = '"new":true,' if key in new else ""
    return f'{name}:{{{first}{tag}{second}{third}"key":{quoted},{is_new}"size":{size}{fourth}{last}}}'


def _is_new(logical: str, value: Mapping[str, object]) -> bool:
    new = value.get("new", False)
    if not isinstance(new, bool):
        fail(f"assets[{shown(logical)}].new: {shown(new)} is neither true nor false")
    return new


def _decode_asset(logical: str, value: object, layout: Layout, version: int) -> Asset:
    where = f"assets[{shown(logical)}]"
    if not logical:
        fail("assets: a logical path is empty")
    if not isinstance(value, dict):
        fail(f"{where}: not an object")
    key = text_of(value, "key", where)
    if not layout.owns(key):
        fail(f"{where}.key: {shown(key)} is outside the site (prefix {layout.prefix!r}, release log excluded)")
    size = whole(value.get("size"))
    if size is None or size < 0:
        fail(f"{where}.size: {shown(value.get('size'))} is not a number of bytes")
    if not (is_short(logical) and is_short(key) and size <= OBJECT_BYTES):
        check_asset(logical, key, size)
    fingerprinted = value.get("fingerprinted")
    if not isinstance(fingerprinted, bool):
        fail(f"{where}.fingerprinted: {shown(fingerprinted)} is neither true nor false")
    digest = text_of(value, "digest", where) if "digest" in value else None
    if digest is not None and not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        fail(f"{where}.digest: {shown(digest)} is not 'sha256:' and 64 hexadecimal digits")
    headers = text_of(value, "headers", where) if "headers" in value else None
    etag = text_of(value, "etag", where) if "etag" in value else None
    stamp = text_of(value, "stamp", where) if "stamp" in value else None
    stored = None
    if version >= FORMAT and not fingerprinted:
        stored = text_of(value, "stored", where)
        if not is_page_name(stored):
            fail(f"{where}.stored: {shown(stored)} is not 64 hexadecimal digits")
    return Asset(key, size, fingerprinted, digest, headers, etag, stamp, stored)
