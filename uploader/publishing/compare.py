"""Compare the build with what the bucket holds: what is to be sent, and why. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from uploader.builds.asset import Stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

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


class There(NamedTuple):
    """What is known of the objects under the build's keys. S3's ETag is no help: it is not the content's digest after a
    multipart upload or with SSE-KMS.

    Attributes:
        sizes: Key -> bytes, of those that are there.
        headers: Key -> digest of the headers that an earlier release says it is stored with, if it still holds.
        metadata: Key -> what it was stored with, of those that had to be looked at: see `to_look_at`.
    """

    sizes: Mapping[str, int]
    headers: Mapping[str, str]
    metadata: Mapping[str, Mapping[str, str]]

    def compressed(self, assets: Iterable[LocalAsset]) -> Iterator[tuple[LocalAsset, Stored]]:
        """Those that are stored compressed, and how."""
        for asset in assets:
            if asset.treatment.encoding is not None and self.has(asset.key, asset.treatment.encoded):
                yield asset, Stored(self.sizes[asset.key], asset.treatment.encoded.digest)

    def has(self, key: str, headers: Headers) -> bool:
        """Whether an object is known to be stored with these headers."""
        looked_at = self.metadata.get(key)
        return self.headers.get(key) == headers.digest if looked_at is None else headers.match(looked_at)

    def digest_of(self, key: str) -> str | None:
        """The digest of an object's content; None if it is not known."""
        return self.metadata.get(key, {}).get("digest")


def to_look_at(assets: Iterable[LocalAsset], sizes: Mapping[str, int], headers: Mapping[str, str]) -> list[str]:
    """Keys for which name, size and earlier releases do not tell whether they are stored as they should be."""
    return [
        asset.key
        for asset in assets
        if not (asset.fingerprinted and asset.key in headers) and _fits(asset, sizes.get(asset.key))
    ]


def compare(assets: Iterable[LocalAsset], there: There) -> Iterator[Upload]:
    """What is to be sent."""
    sizes, headers, metadata = there
    for asset in assets:
        # `_reason` says the same. So it is of nearly every asset of a large build, and three times as fast here.
        if (
            asset.fingerprinted
            and sizes.get(asset.key) == asset.size
            and headers.get(asset.key) == asset.treatment.headers.digest
            and asset.key not in metadata
        ):
            continue
        reason = _reason(asset, there)
        if reason is not None:
            yield Upload(asset, reason)


def _reason(asset: LocalAsset, there: There) -> Reason | None:
    size = there.sizes.get(asset.key)
    if size is None:
        return Reason.NEW
    if not _fits(asset, size):
        known = there.headers.get(asset.key, asset.treatment.headers.digest)
        return Reason.SIZE_DIFFERS if known == asset.treatment.headers.digest else Reason.HEADERS_DIFFER
    if not asset.fingerprinted and there.digest_of(asset.key) != asset.digest:
        return Reason.CONTENT_DIFFERS
    if there.has(asset.key, asset.treatment.headers):
        return None if size == asset.size else Reason.SIZE_DIFFERS
    compressed = asset.treatment.encoding is not None and there.has(asset.key, asset.treatment.encoded)
    return None if compressed else Reason.HEADERS_DIFFER


def _fits(asset: LocalAsset, size: int | None) -> bool:
    """Whether an object of this size can be the asset. How large it is compressed is not known."""
    return size is not None and (size == asset.size or asset.treatment.encoding is not None)
