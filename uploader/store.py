"""The uploader's port to the bucket, and the dry run's read-only cover for it.

There is no way here to delete anything but one's own intent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from uploader.collect import LocalAsset


class BucketPort(Protocol):
    """What the uploader asks of a bucket. Every method raises `UploaderError` with one line when S3 refuses."""

    def create(self, key: str, body: bytes) -> bool:
        """Write an object if there is none yet; False if there is one."""
        ...

    def get(self, key: str) -> bytes | None:
        """Read an object; None if there is none."""
        ...

    def sizes(self, prefix: str) -> dict[str, int]:
        """Key -> bytes, for every object under a prefix."""
        ...

    def metadata(self, keys: Sequence[str]) -> dict[str, Mapping[str, str]]:
        """Key -> the metadata that `put` stored with it (``digest``, ``headers``), for those that are there."""
        ...

    def put(self, assets: Iterable[LocalAsset], done: Callable[[LocalAsset], None]) -> None:
        """Store files in parallel, each with a checksum that S3 verifies.

        ``done`` is called for each that is stored.
        """
        ...

    def remove_intent(self, key: str) -> None:
        """Delete an intent; not there is fine."""
        ...


class ReadOnly:
    """A dry run: reads go through, writes are said to be done and are not."""

    def __init__(self, bucket: BucketPort) -> None:
        self.get = bucket.get
        self.sizes = bucket.sizes
        self.metadata = bucket.metadata

    def create(self, key: str, body: bytes) -> bool:  # noqa: ARG002 (the port's own signature)
        """Write nothing."""
        return True

    def put(self, assets: Iterable[LocalAsset], done: Callable[[LocalAsset], None]) -> None:
        """Write nothing."""

    def remove_intent(self, key: str) -> None:
        """Delete nothing."""
