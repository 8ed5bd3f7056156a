"""The bucket of a dry run: it reads, and its writes do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uploader.s3.port import always

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from release_log.layout import Layout
    from uploader.builds.asset import LocalAsset, Stored
    from uploader.s3.port import BucketPort, Look


class ReadOnly:
    """A bucket for a dry run: reads are passed on; writes report success and do nothing."""

    def __init__(self, bucket: BucketPort) -> None:
        self.list_ahead = bucket.list_ahead
        self.head_ahead = bucket.head_ahead
        self.get = bucket.get
        self.get_each = bucket.get_each
        self.written = bucket.written
        self.odd_keys = bucket.odd_keys
        self.listing = bucket.listing
        self.neighbours = bucket.neighbours
        self._look = bucket.look
        self.metadata = bucket.metadata

    def create(self, key: str, body: bytes, in_time: Callable[[], bool] = always) -> bool:  # noqa: ARG002 (the port's own signature)
        """Write nothing."""
        return True

    def look(self, layout: Layout, keys: frozenset[str]) -> Look:
        """Leave out the ledgers: a dry run need not wait for a cleaner."""
        look = self._look(layout, keys)
        return look._replace(ledger=None, neighbours=tuple(each._replace(ledger=None) for each in look.neighbours))

    def put(self, assets: Iterable[LocalAsset], done: Callable[[LocalAsset, Stored], None]) -> None:
        """Write nothing."""

    def withdraw(self, key: str, etag: str | None = None) -> None:
        """Delete nothing."""
