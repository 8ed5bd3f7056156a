"""A dry run's bucket: the same reads, and writes that do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from release_log.layout import Layout
    from uploader.builds.asset import LocalAsset, Stored
    from uploader.s3.port import BucketPort, Look


class ReadOnly:
    """A dry run: reads go through, writes are said to be done and are not."""

    def __init__(self, bucket: BucketPort) -> None:
        self.list_ahead = bucket.list_ahead
        self.head_ahead = bucket.head_ahead
        self.get = bucket.get
        self.get_each = bucket.get_each
        self.written = bucket.written
        self.listing = bucket.listing
        self._look = bucket.look
        self.metadata = bucket.metadata

    def create(self, key: str, body: bytes) -> bool:  # noqa: ARG002 (the port's own signature)
        """Write nothing."""
        return True

    def look(self, layout: Layout, keys: frozenset[str]) -> Look:
        """What nothing is written for need not wait for the cleaner either."""
        return self._look(layout, keys)._replace(ledger=None)

    def put(self, assets: Iterable[LocalAsset], done: Callable[[LocalAsset, Stored], None]) -> None:
        """Write nothing."""

    def withdraw(self, key: str) -> None:
        """Delete nothing."""
