"""Compares the build with the bucket: which files to send, and why. Pure."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from uploader.builds.asset import Stored

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from uploader.builds.asset import LocalAsset
    from uploader.treatment.headers import Headers


class Reason(StrEnum):
    """Why an asset is sent: the same word in the terminal, the JSON and the tests."""

    NEW = "new"
    SIZE_DIFFERS = "size_differs"
    CONTENT_DIFFERS = "content_differs"
    HEADERS_DIFFER = "headers_differ"


class Upload(NamedTuple):
    """An asset to send, and why."""

    asset: LocalAsset
    reason: Reason


FEW = 64
"""Up to this many pages are looked at, to say why they are sent: about one round of parallel requests."""


class StoredObjects(NamedTuple):
    """The objects under the build's keys.

    Attributes:
        sizes: Key -> bytes, for each key that exists.
        headers: Key -> digest of the object's headers, as an earlier release names it, if that still holds.
        metadata: Key -> headers and metadata of each object that was looked at: see `to_look_at`.
        changed: The keys of the files with other content: see `uploader.publishing.contents`.
        pages: Name -> bytes of each stored page of the build; see `release_log.marker.Asset.stored`.
    """

    sizes: Mapping[str, int]
    headers: Mapping[str, str]
    metadata: Mapping[str, Mapping[str, str]]
    changed: Collection[str] = ()
    pages: Mapping[str, int] = MappingProxyType({})

    def compressed(self, assets: Iterable[LocalAsset]) -> Iterator[tuple[LocalAsset, Stored]]:
        """The assets that are stored compressed, and how."""
        for asset in assets:
            if asset.treatment.encoding is None:
                continue
            if asset.stored is not None:
                size = self.pages.get(asset.stored, asset.size)
                if size != asset.size:  # else compression would have saved nothing
                    yield asset, Stored(size, asset.treatment.encoded.digest)
            elif self.has(asset.key, asset.treatment.encoded):
                yield asset, Stored(self.sizes[asset.key], asset.treatment.encoded.digest)

    def has(self, key: str, headers: Headers) -> bool:
        """Whether an object is known to be stored with these headers."""
        looked_at = self.metadata.get(key)
        return self.headers.get(key) == headers.digest if looked_at is None else headers.match(looked_at)

    def digest_of(self, key: str) -> str | None:
        """The digest of an object's content; None if it is unknown."""
        return self.metadata.get(key, {}).get("digest")


def to_look_at(
    assets: Sequence[LocalAsset], sizes: Mapping[str, int], headers: Mapping[str, str], pages: Mapping[str, int]
) -> list[str]:
    """The keys that need a HEAD: name, size and earlier releases do not tell whether they are stored right.

    A page is sent if its content is stored nowhere; what is in place only tells why.
    """
    unsure = [asset for asset in assets if not asset.fingerprinted and asset.stored not in pages]
    return [
        asset.key
        for asset in (*(a for a in assets if a.fingerprinted and a.key not in headers), *unsure[: FEW + 1])
        if _fits(asset, sizes.get(asset.key)) and (asset.fingerprinted or len(unsure) <= FEW)
    ]


def compare(assets: Iterable[LocalAsset], stored: StoredObjects) -> Iterator[Upload]:
    """The files to send."""
    sizes, headers, metadata, changed, pages = stored
    for asset in assets:
        if not asset.fingerprinted and asset.stored in pages:
            continue
        # `_reason` comes to the same result. Nearly every asset of a large build ends here, three times as fast.
        if (
            asset.fingerprinted
            and sizes.get(asset.key) == asset.size
            and headers.get(asset.key) == asset.treatment.headers.digest
            and asset.key not in metadata
            and asset.key not in changed
        ):
            continue
        reason = _reason(asset, stored)
        if asset.stored is not None:
            # It may be in place already, by an older version of the uploader, and stored nowhere.
            yield Upload(asset, reason or Reason.NEW)
        elif reason is not None:
            yield Upload(asset, reason)


def _reason(asset: LocalAsset, stored: StoredObjects) -> Reason | None:
    size = stored.sizes.get(asset.key)
    if size is None:
        return Reason.NEW
    if not _fits(asset, size):
        known = stored.headers.get(asset.key, asset.treatment.headers.digest)
        return Reason.SIZE_DIFFERS if known == asset.treatment.headers.digest else Reason.HEADERS_DIFFER
    if asset.key in stored.changed or (not asset.fingerprinted and stored.digest_of(asset.key) != asset.digest):
        return Reason.CONTENT_DIFFERS
    if stored.has(asset.key, asset.treatment.headers):
        return None if size == asset.size else Reason.SIZE_DIFFERS
    compressed = asset.treatment.encoding is not None and stored.has(asset.key, asset.treatment.encoded)
    return None if compressed else Reason.HEADERS_DIFFER


def _fits(asset: LocalAsset, size: int | None) -> bool:
    """Whether an object of this size can be the asset. The compressed size of an asset is unknown."""
    return size is not None and (size == asset.size or asset.treatment.encoding is not None)
