"""The port on real S3: boto3's chain for who and where, obstore for every byte that moves."""

from __future__ import annotations

import asyncio
import re
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import obstore
from botocore.exceptions import BotoCoreError
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    InvalidPathError,
    NotFoundError,
    NotSupportedError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from release_log.instants import whole_seconds
from release_log.layout import Layout
from uploader.collect import changed, signature_of
from uploader.errors import UploaderError, UsageError
from uploader.session import first_line
from uploader.signals import run_requests
from uploader.store import Blob, Listing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from obstore import ObjectMeta

    from uploader.collect import LocalAsset
    from uploader.session import Access

Answer = TypeVar("Answer")

WHOLE_BYTES = 8 * 1024 * 1024
"""A file up to this size is read whole and sent in one request; a larger one goes by multipart, in constant memory."""

MAX_PARTS = 10_000
"""S3's limit: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""


def open_bucket(access: Access, concurrency: int) -> Bucket:
    """Open a bucket.

    Raises:
        UsageError: It cannot be one, by its name.
    """
    endpoint = access.endpoint
    options: dict[str, Any] = (
        {"endpoint": endpoint} if endpoint else {"virtual_hosted_style_request": "." not in access.bucket}
    )
    try:
        store = S3Store(
            access.bucket,
            region=access.region,
            credential_provider=Boto3CredentialProvider(access.session),
            checksum_algorithm="SHA256",
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
    return Bucket(store, access, concurrency)


PAUSES = (0.2, 1.0, 4.0)
"""Seconds before a request is made again after an error that passes.

obstore repeats what cannot do harm twice, and only until an answer begins. Nothing that we ask does harm twice.
"""

_PASSING = {"InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout", "OperationAborted"}
"""https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"""

_LASTING = (
    AlreadyExistsError,
    InvalidPathError,
    NotFoundError,
    NotSupportedError,
    PermissionDeniedError,
    UnauthenticatedError,
)


class Bucket:
    """`uploader.store.BucketPort` over HTTP."""

    def __init__(self, store: S3Store, access: Access, concurrency: int) -> None:
        self._store = store
        self._access = access
        self._concurrency = concurrency

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

    def written_since(self, prefix: str, instant: datetime) -> list[str]:
        """See `BucketPort.written_since`."""
        return [each["path"] for each in self._list(prefix) if whole_seconds(each["last_modified"]) >= instant]

    def listing(self, prefix: str) -> Listing:
        """See `BucketPort.listing`."""
        entries, log = self._list(prefix), Layout(prefix).log
        return Listing(
            {each["path"]: each["size"] for each in entries},
            {each["path"]: whole_seconds(each["last_modified"]) for each in entries if each["path"].startswith(log)},
        )

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

    def put(self, assets: Iterable[LocalAsset], done: Callable[[LocalAsset], None]) -> None:
        """See `BucketPort.put`."""

        async def send(asset: LocalAsset) -> None:
            await self._send(asset)
            done(asset)

        run_requests(_each(assets, send, self._concurrency))

    def withdraw(self, key: str) -> None:
        """See `BucketPort.withdraw`."""

        async def delete() -> None:
            await obstore.delete_async(self._store, key)

        run_requests(self._request("s3:DeleteObject", key, delete))

    def _is_surely_missing(self, key: str) -> bool:
        try:
            return all(each["path"] != key for each in self._list(f"{key.rpartition('/')[0]}/"))
        except UploaderError:
            return False

    def _list(self, prefix: str) -> list[ObjectMeta]:
        async def read() -> list[ObjectMeta]:
            pages = obstore.list(self._store, prefix or None, chunk_size=1000)
            return [entry async for page in pages for entry in page]

        return run_requests(self._request("s3:ListBucket", prefix, read))

    async def _send(self, asset: LocalAsset) -> None:
        attributes = {**asset.headers.as_http(), "digest": asset.digest, "headers": asset.headers.digest()}
        try:
            if asset.size <= WHOLE_BYTES:
                body: Any = asset.path.read_bytes()
                if len(body) != asset.size:
                    raise changed(asset.path)
            else:
                body = asset.path
            unchanged = signature_of(asset.path.stat()) == asset.signature
        except OSError as error:
            msg = f"{str(asset.path)!r} vanished or cannot be read while it was being uploaded ({error.strerror}): "
            msg += "let the build end first, then upload again"
            raise UploaderError(msg) from error
        if not unchanged:
            raise changed(asset.path)

        async def store() -> None:
            await obstore.put_async(
                self._store,
                asset.key,
                body,
                attributes=attributes,
                use_multipart=asset.size > WHOLE_BYTES,
                chunk_size=max(WHOLE_BYTES, asset.size // (MAX_PARTS - 1) + 1),
            )

        await self._request("s3:PutObject", asset.key, store)
        if asset.size > WHOLE_BYTES and (not asset.path.exists() or signature_of(asset.path.stat()) != asset.signature):
            raise changed(asset.path)

    async def _request(self, action: str, key: str, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask S3, again if what went wrong passes; anything else becomes one line that names thing and remedy."""
        pauses = iter(PAUSES)
        while True:
            try:
                return await ask()
            except (BaseError, FileNotFoundError, ValueError, BotoCoreError) as error:
                pause = next(pauses, None) if _passes(error) else None
                if pause is None:
                    self._fail(action, key, error)
            await asyncio.sleep(pause)

    def _fail(self, action: str, key: str, error: Exception) -> NoReturn:
        missing = isinstance(error, FileNotFoundError) and _code(error) not in {"NoSuchBucket", "NoSuchUpload"}
        if missing or isinstance(error, AlreadyExistsError):
            raise error
        raise self._access.explain(action, key, _code(error), str(error)) from error


def _passes(error: Exception) -> bool:
    """Whether the same request may succeed in a moment: S3 says so, or its answer did not come whole."""
    if isinstance(error, FileNotFoundError):
        # The end of a multipart upload was done and its answer lost: obstore then finds nothing to abort.
        return _code(error) == "NoSuchUpload"
    return isinstance(error, BaseError) and not isinstance(error, _LASTING) and _code(error) in {"", *_PASSING}


def _code(error: Exception) -> str:
    """S3's error code; empty if there is none."""
    # The second is how obstore shows what S3 says of one key in the 200 answer to a DELETE.
    found = re.search(r"<Code>(\w+)</Code>|\(code: (\w+)\)", str(error))
    return (found[1] or found[2]) if found else ""


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
