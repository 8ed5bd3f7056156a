"""Finds the files whose content is not that of the stored object, although name and size are the same.

A fingerprint is no proof: it may only look like one (``theme-2196f3.css``), and a step after the build may have changed
the content. So the content decides, unless this very file is known to be this very object. Nor is the digest in an
object's metadata, by which files without a fingerprint are compared, if somebody stored the object again: they can have
copied it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from uploader.builds.content import digest_and_status, md5_of, md5_of_parts, stamp_of
from uploader.builds.parts import part_bytes
from uploader.threads.workers import for_each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from uploader.builds.asset import LocalAsset
    from uploader.publishing.known_headers import Known

AT_ONCE = 4
"""How many files are read at one time: hashing does not hold Python's lock."""

_MD5 = re.compile("[0-9a-f]{32}")
_PARTS = re.compile("[0-9a-f]{32}-([0-9]{1,5})")


def changed_files(
    assets: Iterable[LocalAsset],
    sizes: Mapping[str, int],
    etags: Mapping[str, str],
    known: Known,
    metadata: Callable[[Sequence[str]], Mapping[str, Mapping[str, str]]],
) -> frozenset[str]:
    """The keys of the files whose stored object has other content, or may have, although nothing else tells it.

    Args:
        assets: The build.
        sizes: Key -> bytes of the stored objects.
        etags: Key -> their ETags.
        known: What earlier releases say of these objects.
        metadata: Asks for the metadata of objects: ``digest`` is the SHA-256 of their file.

    Raises:
        UploaderError: A file cannot be read, or S3 refused.
    """
    unsure = [asset for asset in assets if _is_unsure(asset, sizes, etags, known)]
    if not unsure:
        return frozenset()
    others: list[LocalAsset] = []

    def check(asset: LocalAsset) -> None:
        if not has_etag(asset, etags[asset.key]):
            others.append(asset)

    for_each(unsure, check, at_once=AT_ONCE)
    # With KMS, or of a compressed object, the ETag does not tell. Whoever stored an object again since its release can
    # have copied the metadata.
    asked = [asset for asset in others if known.etags.get(asset.key) in {None, etags[asset.key]}]
    stored = metadata([asset.key for asset in asked]) if asked else {}
    same = {asset.key for asset in asked if has_digest(asset, stored.get(asset.key, {}).get("digest"))}
    return frozenset(asset.key for asset in others) - same


def _is_unsure(asset: LocalAsset, sizes: Mapping[str, int], etags: Mapping[str, str], known: Known) -> bool:
    size, etag = sizes.get(asset.key), etags.get(asset.key)
    if etag is None or (size != asset.size and asset.treatment.encoding is None):
        return False
    if not asset.fingerprinted:  # its digest is compared besides
        return known.etags.get(asset.key) != etag
    stamp = known.stamps.get(asset.key)
    return stamp is None or not asset.identity or stamp != stamp_of(asset.identity, etag)


def has_etag(asset: LocalAsset, etag: str) -> bool:
    """Whether the ETag is that of the unchanged file."""
    if _MD5.fullmatch(etag):
        return etag == md5_of(asset.path)
    size = part_bytes(asset.size)
    parts = _PARTS.fullmatch(etag)
    return parts is not None and int(parts[1]) == -(-asset.size // size) and etag == md5_of_parts(asset.path, size)


def has_digest(asset: LocalAsset, digest: str | None) -> bool:
    """Whether the SHA-256, hexadecimal, is that of the unchanged file."""
    return digest is not None and digest == (asset.digest or digest_and_status(asset.path)[0])
