"""The bucket of a dry run: it reads, and its writes do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uploader.s3.port import PageInPlace, PlacingAnswer, always

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from release_log.layout import Layout
    from uploader.builds.asset import LocalAsset, Stored
    from uploader.s3.port import BucketPort, Look, Placement


class ReadOnly:
    """A bucket for a dry run: reads are passed on; writes report success and do nothing."""

    def __init__(self, bucket: BucketPort) -> None:
        self.list_ahead = bucket.list_ahead
        self.head_ahead = bucket.head_ahead
        self.get = bucket.get
        self.get_each = bucket.get_each
        self.pieces = bucket.pieces
        self.written = bucket.written
        self.recent = bucket.recent
        self.odd_keys = bucket.odd_keys
        self.listing = bucket.listing
        self.neighbours = bucket.neighbours
        self._look = bucket.look
        self.metadata = bucket.metadata
        self._look_at_pages = bucket.look_at_pages
        self._placed: dict[str, PageInPlace] = {}

    def create(self, key: str, body: bytes, in_time: Callable[[], bool] = always) -> bool:  # noqa: ARG002 (the port's own signature)
        """Write nothing."""
        return True

    def look(self, layout: Layout, keys: frozenset[str]) -> Look:
        """Leave out the ledgers: a dry run need not wait for a cleaner."""
        look = self._look(layout, keys)
        return look._replace(ledger=None, neighbours=tuple(each._replace(ledger=None) for each in look.neighbours))

    def look_at_pages(
        self, layout: Layout, keys: Sequence[str]
    ) -> tuple[Mapping[str, datetime], dict[str, PageInPlace]]:
        """Show the pages that it would have put in place."""
        log, pages = self._look_at_pages(layout, keys)
        return log, {**pages, **self._placed}

    def place(self, placements: Sequence[Placement]) -> PlacingAnswer:
        """Write nothing."""
        self._placed |= {page.key: PageInPlace("", {}) for page in placements}
        return PlacingAnswer(dict.fromkeys(self._placed, ""))

    def begin_withdrawal(self, key: str) -> Callable[[], None]:  # noqa: ARG002 (the port's own signature)
        """Delete nothing."""
        return lambda: None

    def put(
        self,
        assets: Iterable[LocalAsset],
        done: Callable[[LocalAsset, Stored], None],
        over: Mapping[str, str | None],
    ) -> None:
        """Write nothing."""

    def withdraw(self, key: str, etag: str | None = None) -> None:
        """Delete nothing."""
