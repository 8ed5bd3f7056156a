"""Compare the build with what the bucket holds: what is to be sent, and why. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from uploader.collect import LocalAsset


class Reason(StrEnum):
    """Why an asset is sent: the same word in the terminal, the JSON and the tests."""

    NEW = "new"
    SIZE_DIFFERS = "size_differs"
    CONTENT_DIFFERS = "content_differs"
    HEADERS_DIFFER = "headers_differ"


@dataclass(frozen=True, slots=True)
class Upload:
    """An asset to send, and why."""

    asset: LocalAsset
    reason: Reason


def to_look_at(assets: Iterable[LocalAsset], sizes: Mapping[str, int]) -> list[str]:
    """Keys whose name and size do not tell whether the content is the same: those without a fingerprint."""
    return [asset.key for asset in assets if not asset.fingerprinted and sizes.get(asset.key) == asset.size]


def compare(
    assets: Iterable[LocalAsset], sizes: Mapping[str, int], metadata: Mapping[str, Mapping[str, str]]
) -> list[Upload]:
    """What is to be sent.

    Args:
        assets: The build.
        sizes: Key -> bytes of what the bucket holds.
        metadata: Key -> what was stored with it, for the keys of `to_look_at`. S3's ETag is no help: it is not the
            content's digest after a multipart upload or with SSE-KMS.
    """
    uploads = []
    for asset in assets:
        reason = _reason(asset, sizes.get(asset.key), metadata.get(asset.key, {}))
        if reason is not None:
            uploads.append(Upload(asset, reason))
    return uploads


def _reason(asset: LocalAsset, size: int | None, stored: Mapping[str, str]) -> Reason | None:
    if size is None:
        return Reason.NEW
    if size != asset.size:
        return Reason.SIZE_DIFFERS
    if asset.fingerprinted:
        return None
    if stored.get("digest") != asset.digest:
        return Reason.CONTENT_DIFFERS
    return None if stored.get("headers") == asset.headers.digest() else Reason.HEADERS_DIFFER
