"""The port on real S3: obstore for what moves, but for files in parts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from release_log.layout import Layout
from uploader.ahead import Ahead
from uploader.connection import connect
from uploader.key_ranges import key_ranges
from uploader.s3_requests import Found, Requests
from uploader.sending import Room, memory_for
from uploader.signals import run_requests
from uploader.store import Listing, Look

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from uploader.collect import LocalAsset
    from uploader.connection import Connection
    from uploader.key_ranges import KeyRange
    from uploader.session import Access
    from uploader.store import Blob, Stored

Answer = TypeVar("Answer")
Item = TypeVar("Item")

RANGES = 24
"""Into how many parts a large listing is cut."""

PAGES = 12
"""How many pages of it are asked for at one time. They come faster than they are read, and each takes a megabyte until
it is."""


def open_bucket(access: Access, concurrency: int, encryption: Mapping[str, Any] | None = None) -> Bucket:
    """Open a bucket.

    Args:
        access: Which, and the way to it.
        concurrency: How many requests may run at once.
        encryption: See `uploader.encryption`.

    Raises:
        UsageError: It cannot be one, by its name.
    """
    return Bucket(connect(access, encryption), concurrency)


class Bucket:
    """`uploader.store.BucketPort` and `ReaderPort` over HTTP.

    Each call runs under asyncio: that is what Ctrl-C can interrupt.
    """

    def __init__(self, connection: Connection, concurrency: int) -> None:
        self._connection = connection
        self._requests = Requests(connection)
        self._concurrency = concurrency
        self._listed: Ahead[Found] | None = None
        self._told: Ahead[dict[str, Mapping[str, str]]] | None = None

    def list_ahead(self, keys: Collection[str]) -> None:
        """See `BucketPort.list_ahead`."""
        self._listed = Ahead(lambda: run_requests(self._list(keys)))

    def head_ahead(self, keys: Sequence[str]) -> None:
        """See `BucketPort.head_ahead`."""
        if keys:
            # The intent shall not find every connection taken.
            beside = Requests(self._connection.beside())
            self._told = Ahead(lambda: run_requests(self._for_each(keys, beside.metadata_if_told)))

    def create(self, key: str, body: bytes) -> bool:
        """See `BucketPort.create`."""
        return run_requests(self._requests.create(key, body))

    def get(self, key: str) -> Blob | None:
        """See `BucketPort.get`."""
        return run_requests(self._requests.get(key))

    def written(self, prefix: str) -> dict[str, datetime]:
        """See `BucketPort.written`."""
        return run_requests(self._requests.written(prefix))

    def get_each(self, keys: Sequence[str]) -> dict[str, Blob]:
        """See `ReaderPort.get_each`."""
        return run_requests(self._for_each(keys, self._requests.get))

    def listing(self, prefix: str, keys: Collection[str]) -> Listing:
        """See `BucketPort.listing`."""

        async def listing() -> Listing:
            async with asyncio.TaskGroup() as group:
                found = group.create_task(self._list(keys))
                log = group.create_task(self._requests.written(Layout(prefix).log))
            return Listing(*found.result(), log.result())

        return run_requests(listing())

    def look(self, layout: Layout, keys: frozenset[str]) -> Look:
        """See `BucketPort.look`."""
        listed, self._listed = self._listed, None
        told, self._told = self._told, None
        listed = listed or Ahead(lambda: run_requests(self._list(keys)))

        async def look() -> tuple[dict[str, datetime], Blob | None]:
            async with asyncio.TaskGroup() as group:
                log = group.create_task(self._requests.written(layout.log))
                ledger = group.create_task(self._requests.get(layout.ledger))
            return log.result(), ledger.result()

        log, ledger = run_requests(look())
        found = listed.answer()
        if found is None:
            found = run_requests(self._list(keys))
        metadata = None if told is None else told.answer()
        began = listed.began if told is None else min(listed.began, told.began)
        return Look(Listing(*found, log), began, ledger, metadata or {})

    def metadata(self, keys: Sequence[str]) -> dict[str, Mapping[str, str]]:
        """See `BucketPort.metadata`."""
        return run_requests(self._for_each(keys, self._requests.metadata)) if keys else {}

    def put(self, assets: Iterable[LocalAsset], done: Callable[[LocalAsset, Stored], None]) -> None:
        """See `BucketPort.put`."""

        async def put_all() -> None:
            room = Room()

            async def put(asset: LocalAsset) -> None:
                with room.held(await room.take(memory_for(asset))):
                    stored = await self._requests.put(asset)
                done(asset, stored)

            await self._each(assets, put)

        run_requests(put_all())

    def withdraw(self, key: str) -> None:
        """See `BucketPort.withdraw`."""
        run_requests(self._requests.delete(key))

    async def _list(self, keys: Collection[str]) -> Found:
        wanted = {key: key for key in keys}
        there = Found({}, {})

        async def look(keys: KeyRange) -> None:
            found = await self._requests.listed(keys, wanted)
            there.sizes.update(found.sizes)
            there.times.update(found.times)

        await self._each(key_ranges(wanted, RANGES), look, at_once=PAGES)
        return there

    async def _for_each(self, keys: Sequence[str], ask: Callable[[str], Awaitable[Answer | None]]) -> dict[str, Answer]:
        """Key -> answer, of those that are there."""
        found: dict[str, Answer] = {}

        async def look(key: str) -> None:
            answer = await ask(key)
            if answer is not None:
                found[key] = answer

        await self._each(keys, look)
        return found

    async def _each(
        self, items: Iterable[Item], work: Callable[[Item], Awaitable[None]], *, at_once: int | None = None
    ) -> None:
        """Do work on each item, so many at a time. The first failure stops the rest."""
        left = iter(items)

        async def worker() -> None:
            for item in left:
                await work(item)

        async with asyncio.TaskGroup() as workers:
            for _ in range(min(self._concurrency, at_once or self._concurrency)):
                workers.create_task(worker())
