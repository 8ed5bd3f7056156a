"""The port on real S3: boto3's chain for who and where, obstore for every byte that moves."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from obstore.exceptions import BaseError
from obstore.store import S3Store

from release_log.layout import Layout
from uploader.errors import UploaderError, UsageError
from uploader.key_ranges import key_ranges
from uploader.s3_requests import Requests
from uploader.sending import Room
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

Answer = TypeVar("Answer")
Item = TypeVar("Item")

CONNECTIONS = 15
"""How many connections are opened ahead, beside the one that fetches the newest marker: as many as `look` needs."""


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
    return Bucket(Requests(store, access, (BaseError, FileNotFoundError, ValueError, *renewal_errors)), concurrency)


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
        self._ahead: Thread | None = None
        self._newest: tuple[str, Blob] | None = None

    def begin(self, layout: Layout) -> None:
        """See `BucketPort.begin`."""

        async def fetch() -> None:
            async with asyncio.TaskGroup() as group:
                for _ in range(CONNECTIONS):
                    group.create_task(self._requests.touch(layout.ledger))
                self._newest = await self._fetch_newest(layout)

        self._ahead = Thread(target=lambda: asyncio.run(fetch()), daemon=True)
        self._ahead.start()

    def create(self, key: str, body: bytes) -> bool:
        """See `BucketPort.create`."""
        return run_requests(self._requests.create(key, body))

    def get(self, key: str) -> Blob | None:
        """See `BucketPort.get`."""
        if self._ahead is not None:
            self._ahead.join()
        # A marker never changes: one that was fetched ahead is as good as any.
        found = self._newest
        return found[1] if found is not None and found[0] == key else run_requests(self._requests.get(key))

    def written(self, prefix: str) -> dict[str, datetime]:
        """See `BucketPort.written`."""
        return run_requests(self._requests.written(prefix))

    def get_each(self, keys: Sequence[str]) -> dict[str, Blob]:
        """See `ReaderPort.get_each`."""
        return run_requests(self._for_each(keys, self._requests.get))

    def listing(self, prefix: str, keys: Collection[str]) -> Listing:
        """See `BucketPort.listing`."""
        return run_requests(self._list(prefix, keys))

    def look(self, layout: Layout, needs: Needs) -> Look:
        """See `BucketPort.look`."""

        async def look() -> Look:
            async with asyncio.TaskGroup() as group:
                listing = group.create_task(self._list(layout.prefix, needs.keys))
                ledger = group.create_task(self._requests.get(layout.ledger))
                metadata = group.create_task(self._for_each(needs.unsure, self._requests.metadata_if_told))
            return Look(listing.result(), ledger.result(), metadata.result())

        return run_requests(look())

    def metadata(self, keys: Sequence[str]) -> dict[str, Mapping[str, str]]:
        """See `BucketPort.metadata`."""
        return run_requests(self._for_each(keys, self._requests.metadata)) if keys else {}

    def put(self, assets: Iterable[LocalAsset], done: Callable[[LocalAsset, Stored], None]) -> None:
        """See `BucketPort.put`."""

        async def put_all() -> None:
            room = Room()

            async def put(asset: LocalAsset) -> None:
                with room.held(await room.take(asset.size)):
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

    async def _list(self, prefix: str, keys: Collection[str]) -> Listing:
        wanted = frozenset(keys)
        sizes: dict[str, int] = {}
        times: dict[str, datetime] = {}

        async def look(keys: KeyRange) -> None:
            for key, (size, at) in (await self._requests.listed(prefix, keys, wanted)).items():
                sizes[key], times[key] = size, at

        async with asyncio.TaskGroup() as group:
            log = group.create_task(self._requests.written(Layout(prefix).log))
            group.create_task(self._each(key_ranges(wanted), look))
        return Listing(sizes, times, log.result())

    async def _for_each(self, keys: Sequence[str], ask: Callable[[str], Awaitable[Answer | None]]) -> dict[str, Answer]:
        """Key -> answer, of those that are there."""
        found: dict[str, Answer] = {}

        async def look(key: str) -> None:
            answer = await ask(key)
            if answer is not None:
                found[key] = answer

        await self._each(keys, look)
        return found

    async def _each(self, items: Iterable[Item], work: Callable[[Item], Awaitable[None]]) -> None:
        """Do work on each item, so many at a time. The first failure stops the rest."""
        left = iter(items)

        async def worker() -> None:
            for item in left:
                await work(item)

        async with asyncio.TaskGroup() as workers:
            for _ in range(self._concurrency):
                workers.create_task(worker())
