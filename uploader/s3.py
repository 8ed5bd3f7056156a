"""The port on real S3: boto3's chain for who and where, obstore for every byte that moves."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError
from obstore.store import S3Store

from release_log.instants import whole_seconds
from release_log.layout import Layout
from uploader.errors import UploaderError, UsageError
from uploader.key_ranges import key_ranges
from uploader.s3_errors import code_of, is_missing, passes
from uploader.sending import PARTS_AT_ONCE, Room, check_unchanged, read_body
from uploader.session import first_line
from uploader.signals import run_requests
from uploader.store import Blob, Listing, Stored

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from obstore import ObjectMeta

    from uploader.collect import LocalAsset
    from uploader.session import Access

Answer = TypeVar("Answer")


def open_bucket(access: Access, concurrency: int) -> Bucket:
    """Open a bucket.

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
        )
    except (BaseError, ValueError) as error:
        msg = f"bucket {access.bucket!r}: {first_line(error)}"
        raise UsageError(msg) from error
    return Bucket(store, access, concurrency, (BaseError, FileNotFoundError, ValueError, *renewal_errors))


def _credentials(access: Access) -> tuple[dict[str, Any], tuple[type[Exception], ...]]:
    """Obstore's options for the credentials, and what may go wrong when they are renewed."""
    if access.keys is not None:
        keys = access.keys
        named = {"access_key_id": keys.access_key_id, "secret_access_key": keys.secret_access_key, "token": keys.token}
        return {name: value for name, value in named.items() if value is not None}, ()
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 (as `uploader.session` says)
    from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415

    return {"credential_provider": Boto3CredentialProvider(access.session)}, (BotoCoreError,)


PAUSES = (0.2, 1.0, 4.0)
"""Seconds before a request is made again after an error that passes.

obstore repeats what cannot do harm twice, and only until an answer begins. Nothing that we ask does harm twice.
"""


class Bucket:
    """`uploader.store.BucketPort` over HTTP."""

    def __init__(self, store: S3Store, access: Access, concurrency: int, errors: tuple[type[Exception], ...]) -> None:
        self._store = store
        self._access = access
        self._concurrency = concurrency
        self._errors = errors

    # Every request runs under asyncio, also one by itself: that is what Ctrl-C can interrupt.

    def create(self, key: str, body: bytes) -> bool:
        """See `BucketPort.create`."""
        # If the answer to a first attempt is lost, a second one meets our own object: this tells whose it is.
        writer = secrets.token_hex(8)

        async def write() -> None:
            await obstore.put_async(
                self._store,
                key,
                body,
                mode="create",
                attributes={"Content-Type": "application/json", "writer": writer},
                use_multipart=False,
            )

        try:
            run_requests(self._request("s3:PutObject", key, write))
        except AlreadyExistsError:
            return self.metadata([key]).get(key, {}).get("writer") == writer
        return True

    def get(self, key: str) -> Blob | None:
        """See `BucketPort.get`."""

        async def read() -> Blob:
            answer = await obstore.get_async(self._store, key)
            return Blob(bytes(await answer.bytes_async()), whole_seconds(answer.meta["last_modified"]))

        try:
            return run_requests(self._request("s3:GetObject", key, read))
        except FileNotFoundError:
            return None
        except UploaderError as error:
            # S3 answers 403, not 404, for what is not there if the right to list is limited to a prefix.
            # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
            if isinstance(error.__cause__, PermissionDeniedError) and self._is_surely_missing(key):
                return None
            raise

    def written(self, prefix: str) -> dict[str, datetime]:
        """See `BucketPort.written`."""
        return run_requests(self._written(prefix))

    def listing(self, prefix: str, keys: Collection[str]) -> Listing:
        """See `BucketPort.listing`."""
        wanted = frozenset(keys)
        sizes: dict[str, int] = {}
        times: dict[str, datetime] = {}

        async def look(after: str, last: str) -> None:
            async for entry in self._list(prefix, after):
                key = entry["path"]
                if key > last:
                    return
                if key in wanted:
                    sizes[key], times[key] = entry["size"], whole_seconds(entry["last_modified"])

        async def look_at_all() -> dict[str, datetime]:
            log = asyncio.create_task(self._written(Layout(prefix).log))
            request = self._request
            await _each(
                key_ranges(wanted),
                lambda each: request("s3:ListBucket", prefix, lambda: look(*each)),
                self._concurrency,
            )
            return await log

        log = run_requests(look_at_all())
        return Listing(sizes, times, log)

    def metadata(self, keys: Sequence[str]) -> dict[str, Mapping[str, str]]:
        """See `BucketPort.metadata`."""
        found: dict[str, Mapping[str, str]] = {}

        async def look(key: str) -> None:
            async def read() -> Mapping[str, str]:
                return (await obstore.get_async(self._store, key, options={"head": True})).attributes

            try:
                found[key] = await self._request("s3:GetObject", key, read)
            except FileNotFoundError:
                return

        run_requests(_each(keys, look, self._concurrency))
        return found

    def put(self, assets: Iterable[LocalAsset], done: Callable[[LocalAsset, Stored], None]) -> None:
        """See `BucketPort.put`."""

        async def send_all() -> None:
            room = Room()

            async def send(asset: LocalAsset) -> None:
                with room.held(await room.take(asset.size)):
                    stored = await self._send(asset)
                done(asset, stored)

            await _each(assets, send, self._concurrency)

        run_requests(send_all())

    def withdraw(self, key: str) -> None:
        """See `BucketPort.withdraw`."""

        async def delete() -> None:
            await obstore.delete_async(self._store, key)

        run_requests(self._request("s3:DeleteObject", key, delete))

    def _is_surely_missing(self, key: str) -> bool:
        try:
            return key not in self.written(f"{key.rpartition('/')[0]}/")
        except UploaderError:
            return False

    async def _list(self, prefix: str, after: str | None = None) -> AsyncIterator[ObjectMeta]:
        async for page in obstore.list(self._store, prefix or None, offset=after, chunk_size=1000):
            for entry in page:
                yield entry

    async def _written(self, prefix: str) -> dict[str, datetime]:
        async def read() -> dict[str, datetime]:
            return {each["path"]: whole_seconds(each["last_modified"]) async for each in self._list(prefix)}

        return await self._request("s3:ListBucket", prefix, read)

    async def _send(self, asset: LocalAsset) -> Stored:
        body = read_body(asset)
        attributes = body.headers.as_http() | {"headers": body.headers.digest()}
        if asset.digest is not None:
            attributes["digest"] = asset.digest
        whole = isinstance(body.content, bytes)

        async def store() -> None:
            await obstore.put_async(
                self._store,
                asset.key,
                body.content,
                attributes=attributes,
                use_multipart=not whole,
                chunk_size=body.part_bytes,
                max_concurrency=PARTS_AT_ONCE,
            )

        await self._request("s3:PutObject", asset.key, store)
        if not whole:
            check_unchanged(asset)
        return Stored(body.size, body.headers.digest())

    async def _request(self, action: str, key: str, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask S3, again if what went wrong passes; anything else becomes one line that names thing and remedy."""
        pauses = iter(PAUSES)
        while True:
            try:
                return await ask()
            except self._errors as error:
                pause = next(pauses, None) if passes(error) else None
                if pause is None:
                    self._fail(action, key, error)
            await asyncio.sleep(pause)

    def _fail(self, action: str, key: str, error: Exception) -> NoReturn:
        if is_missing(error) or isinstance(error, AlreadyExistsError):
            raise error
        raise self._access.explain(action, key, code_of(error), str(error)) from error


async def _each(items: Iterable[Any], work: Callable[[Any], Any], concurrency: int) -> None:
    """Run work on each item, so many at a time. The first failure stops the rest."""
    pending = iter(items)

    async def worker() -> None:
        for item in pending:
            await work(item)

    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(concurrency):
                workers.create_task(worker())
    except* UploaderError as group:
        raise group.exceptions[0] from None
