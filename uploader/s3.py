"""The port on real S3: boto3's chain for who and where, obstore for what moves, but for files in parts."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from obstore.exceptions import BaseError
from obstore.store import S3Store

from release_log.layout import Layout
from uploader.ahead import Ahead
from uploader.errors import UploaderError, UsageError
from uploader.key_ranges import key_ranges
from uploader.large_files import LargeFiles
from uploader.s3_requests import Requests
from uploader.sending import Room, memory_for
from uploader.session import first_line
from uploader.signals import run_requests
from uploader.store import Listing, Look

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from uploader.collect import LocalAsset
    from uploader.key_ranges import KeyRange
    from uploader.session import Access
    from uploader.store import Blob, Needs, Stored

    Found = tuple[int, datetime]

Answer = TypeVar("Answer")
Item = TypeVar("Item")

CONNECTIONS = 15
"""How many connections are opened ahead, beside the one that fetches the newest marker: as many as `look` needs."""

PAGES = 24
"""How many pages of a listing are asked for at one time. They come faster than they are read, and each takes a megabyte
until it is."""


def open_bucket(access: Access, concurrency: int, encryption: Mapping[str, Any] | None = None) -> Bucket:
    """Open a bucket.

    Args:
        access: Which, and the way to it.
        concurrency: How many requests may run at once.
        encryption: See `uploader.encryption`.

    Raises:
        UsageError: It cannot be one, by its name.
    """
    endpoint = access.endpoint
    credentials, renewal_errors = _credentials(access)
    options: dict[str, Any] = (
        {"endpoint": endpoint} if endpoint else {"virtual_hosted_style_request": "." not in access.bucket}
    )
    try:
        store = S3Store(
            access.bucket,
            region=access.region,
            **credentials,
            # S3 computes the same of what it gets. So the body itself need not be signed, that is hashed once more.
            checksum_algorithm="CRC64NVME",
            unsigned_payload=True,
            client_options={"allow_http": bool(endpoint and endpoint.startswith("http://")), "timeout": "120s"},
            retry_config={
                "max_retries": 6,
                "backoff": {"max_backoff": timedelta(seconds=5)},
                "retry_timeout": timedelta(seconds=120),
            },
            **options,
            **(encryption or {}),
        )
    except (BaseError, ValueError) as error:
        msg = f"bucket {access.bucket!r}: {first_line(error)}"
        raise UsageError(msg) from error
    errors: tuple[type[Exception], ...] = (BaseError, FileNotFoundError, ValueError, *renewal_errors)
    return Bucket(Requests(store, access, LargeFiles(access, encryption or {}), errors), concurrency)


def _credentials(access: Access) -> tuple[dict[str, Any], tuple[type[Exception], ...]]:
    """The library's options for the credentials, and what may go wrong when they are renewed."""
    if access.keys is not None:
        keys = access.keys
        named = {"access_key_id": keys.access_key_id, "secret_access_key": keys.secret_access_key, "token": keys.token}
        return {name: value for name, value in named.items() if value is not None}, ()
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 (as `uploader.session` says)
    from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415

    return {"credential_provider": Boto3CredentialProvider(access.session)}, (BotoCoreError,)


class Bucket:
    """`uploader.store.BucketPort` and `ReaderPort` over HTTP.

    Each call runs under asyncio: that is what Ctrl-C can interrupt.
    """

    def __init__(self, requests: Requests, concurrency: int) -> None:
        self._requests = requests
        self._concurrency = concurrency
        self._newest: Ahead[tuple[str, Blob] | None] | None = None
        self._listed: Ahead[dict[str, Found]] | None = None

    def begin(self, layout: Layout) -> None:
        """See `BucketPort.begin`."""

        async def fetch() -> tuple[str, Blob] | None:
            async with asyncio.TaskGroup() as group:
                for _ in range(CONNECTIONS):
                    group.create_task(self._requests.touch(layout.ledger))
                newest = group.create_task(self._fetch_newest(layout))
            return newest.result()

        self._newest = Ahead(fetch)

    def list_ahead(self, prefix: str, keys: Collection[str]) -> None:
        """See `BucketPort.list_ahead`."""
        self._listed = Ahead(lambda: self._list(prefix, keys))

    def create(self, key: str, body: bytes) -> bool:
        """See `BucketPort.create`."""
        return run_requests(self._requests.create(key, body))

    def get(self, key: str) -> Blob | None:
        """See `BucketPort.get`."""
        newest = None if self._newest is None else self._newest.answer()
        # A marker never changes: one that was fetched ahead is as good as any. It is large, and nobody reads it twice.
        if newest is None or newest[0] != key:
            return run_requests(self._requests.get(key))
        self._newest = None
        return newest[1]

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
                found = group.create_task(self._list(prefix, keys))
                log = group.create_task(self._requests.written(Layout(prefix).log))
            return _listing(found.result(), log.result())

        return run_requests(listing())

    def look(self, layout: Layout, needs: Needs) -> Look:
        """See `BucketPort.look`."""
        ahead, self._listed = self._listed, None
        if ahead is None:
            ahead = Ahead(lambda: self._list(layout.prefix, needs.keys))

        async def look() -> tuple[dict[str, datetime], Blob | None, dict[str, Mapping[str, str]]]:
            async with asyncio.TaskGroup() as group:
                log = group.create_task(self._requests.written(layout.log))
                ledger = group.create_task(self._requests.get(layout.ledger))
                metadata = group.create_task(self._for_each(needs.unsure, self._requests.metadata_if_told))
            return log.result(), ledger.result(), metadata.result()

        log, ledger, metadata = run_requests(look())
        found = ahead.answer()
        if found is None:
            found = run_requests(self._list(layout.prefix, needs.keys))
        return Look(_listing(found, log), ahead.began, ledger, metadata)

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

    async def _fetch_newest(self, layout: Layout) -> tuple[str, Blob] | None:
        """The newest marker; a failure here is none, as whoever needs it asks again."""
        try:
            written = await self._requests.written(layout.markers)
            key = max(written, key=lambda each: (written[each], each), default=None)
            blob = None if key is None else await self._requests.get(key)
        except UploaderError:
            return None
        return None if key is None or blob is None else (key, blob)

    async def _list(self, prefix: str, keys: Collection[str]) -> dict[str, Found]:
        wanted = {key: key for key in keys}
        there: dict[str, Found] = {}

        async def look(keys: KeyRange) -> None:
            there.update(await self._requests.listed(prefix, keys, wanted))

        await self._each(key_ranges(wanted), look, at_once=PAGES)
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


def _listing(found: Mapping[str, Found], log: Mapping[str, datetime]) -> Listing:
    return Listing({key: size for key, (size, _) in found.items()}, {key: at for key, (_, at) in found.items()}, log)
