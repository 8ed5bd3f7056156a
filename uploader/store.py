"""The uploader's port to the bucket, and the dry run's read-only cover for it.

There is no way here to delete anything but an intent or a staged release.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from uploader.collect import LocalAsset


@dataclass(frozen=True, slots=True)
class Blob:
    """One object read whole; ``last_modified`` is S3's clock, in whole seconds."""

    body: bytes
    last_modified: datetime


@dataclass(frozen=True, slots=True)
class Listing:
    """What a site holds.

    Attributes:
        sizes: Key -> bytes of every object.
        log: Key -> S3's ``LastModified``, in whole seconds, of the release log's files.
    """

    sizes: Mapping[str, int]
    log: Mapping[str, datetime]


class BucketPort(Protocol):
    """What the uploader asks of a bucket. Every method raises `UploaderError` with one line when S3 refuses."""

    def create(self, key: str, body: bytes) -> bool:
        """Write an object if there is none yet; False if there is one that somebody else wrote."""
        ...

    def get(self, key: str) -> Blob | None:
        """Read an object; None if there is none."""
        ...

    def written_since(self, prefix: str, instant: datetime) -> list[str]:
        """Keys of the objects under a prefix that were written then or later, by S3's clock."""
        ...

    def listing(self, prefix: str) -> Listing:
        """Every object of a site."""
        ...

    def metadata(self, keys: Sequence[str]) -> dict[str, Mapping[str, str]]:
        """Key -> the metadata that `put` stored with it (``digest``, ``headers``), for those that are there."""
        ...

    def put(self, assets: Iterable[LocalAsset], done: Callable[[LocalAsset], None]) -> None:
        """Store files in parallel, each with a checksum that S3 verifies.

        ``done`` is called for each that is stored.
        """
        ...

    def withdraw(self, key: str) -> None:
        """Delete an intent or a staged release; not there is fine."""
        ...


class ReadOnly:
    """A dry run: reads go through, writes are said to be done and are not."""

    def __init__(self, bucket: BucketPort) -> None:
        self.written_since = bucket.written_since
        self.listing = bucket.listing
        self.metadata = bucket.metadata

    def create(self, key: str, body: bytes) -> bool:  # noqa: ARG002 (the port's own signature)
        """Write nothing."""
        return True

    def get(self, key: str) -> Blob | None:  # noqa: ARG002 (the port's own signature)
        """What nothing was written for need not wait for the cleaner either."""
        return None

    def put(self, assets: Iterable[LocalAsset], done: Callable[[LocalAsset], None]) -> None:
        """Write nothing."""

    def withdraw(self, key: str) -> None:
        """Delete nothing."""
