"""The uploader's port to the bucket.

There is no way here to delete anything but an intent, a staged release or a pin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from release_log.layout import Layout
    from uploader.builds.asset import LocalAsset, Stored


class Blob(NamedTuple):
    """One object read whole; ``last_modified`` is S3's clock, in whole seconds."""

    body: bytes
    last_modified: datetime


class Listing(NamedTuple):
    """What a site holds.

    Attributes:
        sizes: Key -> bytes, of the keys that were asked for and are there.
        times: Key -> S3's ``LastModified`` of the same.
        log: The same of all the release log's files, in whole seconds.
    """

    sizes: Mapping[str, int]
    times: Mapping[str, datetime]
    log: Mapping[str, datetime]


class Look(NamedTuple):
    """One look at a site: reads side by side, so in no order.

    Attributes:
        listing: What there is, but for the release log perhaps as it was a while ago.
        began: Before anything of that was asked for, by `uploader.clocks.Clocks.passed`.
        ledger: The cleaner's state; None if there is none.
        metadata: Of what `BucketPort.head_ahead` asked for; nothing if that failed. See `BucketPort.metadata`.
    """

    listing: Listing
    began: float
    ledger: Blob | None
    metadata: Mapping[str, Mapping[str, str]]


class ReaderPort(Protocol):
    """How a bucket is read. Every method raises `UploaderError` with one line when S3 refuses."""

    def get(self, key: str) -> Blob | None:
        """Read an object; None if it does not exist."""
        ...

    def get_each(self, keys: Sequence[str]) -> dict[str, Blob]:
        """Read objects in parallel; those that exist."""
        ...

    def written(self, prefix: str) -> Mapping[str, datetime]:
        """Key -> S3's ``LastModified``, in whole seconds, of every object under a prefix."""
        ...

    def listing(self, prefix: str, keys: Collection[str]) -> Listing:
        """Which of these keys of a site exist, and its release log."""
        ...

    def metadata(self, keys: Sequence[str]) -> dict[str, Mapping[str, str]]:
        """Key -> headers and metadata (``digest`` and ``headers``, if `BucketPort.put` stored it); existing keys."""
        ...


class BucketPort(ReaderPort, Protocol):
    """How a bucket is read and written."""

    def list_ahead(self, keys: Collection[str]) -> None:
        """Begin to list these keys, for the next `look`."""
        ...

    def head_ahead(self, keys: Sequence[str]) -> None:
        """Begin to ask for the metadata of these keys, for the next `look`."""
        ...

    def look(self, layout: Layout, keys: frozenset[str]) -> Look:
        """Which of these keys exist, the release log, the ledger and some metadata."""
        ...

    def create(self, key: str, body: bytes) -> bool:
        """Write an object if none exists; False if somebody else wrote one."""
        ...

    def put(self, assets: Iterable[LocalAsset], done: Callable[[LocalAsset, Stored], None]) -> None:
        """Store files in parallel, each with a checksum that S3 verifies.

        ``done`` is called for each file that is stored, with its size and headers in the bucket.
        """
        ...

    def withdraw(self, key: str) -> None:
        """Delete an intent, a staged release or a pin; the key need not exist."""
        ...


@dataclass(frozen=True, slots=True)
class Deleted:
    """A key whose newest version is a delete marker.

    Attributes:
        marker: The delete marker's version id.
        size: Bytes of the newest version below; None if there is none any more.
    """

    marker: str
    size: int | None


class VersionsPort(Protocol):
    """What a restoration asks of a versioned bucket. Every method raises `UploaderError` with one line."""

    def deleted(self, prefix: str) -> Mapping[str, Deleted]:
        """Every key under a prefix whose newest version is a delete marker."""
        ...

    def undelete(self, markers: Mapping[str, str]) -> None:
        """Remove delete markers: key -> version id. One that is gone is fine."""
        ...

    def untag(self, keys: set[str]) -> None:
        """Remove our tags; the user's stay."""
        ...
