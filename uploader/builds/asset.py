"""A file of the build as an asset, and how it is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from uploader.treatment.rules import Treatment


class Stored(NamedTuple):
    """How an asset is stored, where that is not as it is: compressed, for one.

    Attributes:
        size: Bytes of the object.
        headers: The digest of the headers that it is stored with.
    """

    size: int
    headers: str


class LocalAsset(NamedTuple):
    """One file of the build. A tuple, because a build may have 100,000 of them.

    Attributes:
        path: The file.
        key: Its key in the bucket, prefix included.
        logical: Its logical path, prefix included.
        size: Bytes.
        fingerprinted: Whether its name bears a fingerprint, that is changes when the content does.
        digest: SHA-256 of its content, hexadecimal; None if it is fingerprinted: then its key says as much, and it is
            not read unless it is to be sent.
        treatment: What it is stored with, and whether compressed.
        signature: See `signature_of`. Another one later means that it changed since it was looked at.
    """

    path: str
    key: str
    logical: str
    size: int
    fingerprinted: bool
    digest: str | None
    treatment: Treatment
    signature: int

    def as_it_is(self) -> Stored:
        """How it is stored if nothing is done to it."""
        return Stored(self.size, self.treatment.headers.digest)
