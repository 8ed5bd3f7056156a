"""The port on real S3: boto3's chain for who and where, obstore for every byte that moves."""

from __future__ import annotations

import asyncio
import re
import secrets
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import obstore
from botocore.exceptions import BotoCoreError
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from release_log.instants import whole_seconds
from uploader.collect import changed, signature_of
from uploader.errors import UploaderError, UsageError
from uploader.session import find_access, first_line
from uploader.store import Blob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from obstore import ObjectMeta

    from uploader.collect import LocalAsset
    from uploader.session import Access

WHOLE_BYTES = 8 * 1024 * 1024
"""A file up to this size is read whole and sent in one request; a larger one goes by multipart, in constant memory."""

MAX_PARTS = 10_000
"""S3's limit: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""


def connect(
    bucket: str, *, region: str | None, profile: str | None, endpoint_url: str | None, concurrency: int
) -> Bucket:
    """Open a bucket with the credentials and region that boto3's own chain finds.

    Raises:
        UsageError: There are no credentials, or no region, or no such profile.
    """
    return open_bucket(find_access(bucket, region=region, profile=profile, endpoint_url=endpoint_url), concurrency)


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


class Bucket:
    """`uploader.store.BucketPort` over HTTP."""

    def __init__(self, store: S3Store, access: Access, concurrency: int) -> None:
        self._store = store
        self._access = access
        self._concurrency = concurrency

    # Every request runs under asyncio, also one by itself: that is what Ctrl-C can interrupt.

    def create(self, key: str, body: bytes) -> bool:
        """See `BucketPort.create`."""
        # If the answer to a first attempt is lost, obstore asks again and meets its own object: this tells whose it is.
        writer = secrets.token_hex(8)

        async def write() -> None:
            with self._errors("s3:PutObject", key):
                await obstore.put_async(
                    self._store,
                    key,
                    body,
                    mode="create",
                    attributes={"Content-Type": "application/json", "writer": writer},
                    use_multipart=False,
                )

        try:
            asyncio.run(write())
        except AlreadyExistsError:
            return self.metadata([key]).get(key, {}).get("writer") == writer
        return True

    def get(self, key: str) -> Blob | None:
        """See `BucketPort.get`."""

        async def read() -> Blob:
            with self._errors("s3:GetObject", key):
                answer = await obstore.get_async(self._store, key)
                return Blob(bytes(await answer.bytes_async()), whole_seconds(answer.meta["last_modified"]))

        try:
            return asyncio.run(read())
        except FileNotFoundError:
            return None

    def written_since(self, prefix: str, instant: datetime) -> list[str]:
        """See `BucketPort.written_since`."""
        return [each["path"] for each in self._list(prefix) if whole_seconds(each["last_modified"]) >= instant]

    def sizes(self, prefix: str) -> dict[str, int]:
        """See `BucketPort.sizes`."""
        return {each["path"]: each["size"] for each in self._list(prefix)}

    def metadata(self, keys: Sequence[str]) -> dict[str, Mapping[str, str]]:
        """See `BucketPort.metadata`."""
        found: dict[str, Mapping[str, str]] = {}

        async def look(key: str) -> None:
            try:
                with self._errors("s3:GetObject", key):
                    found[key] = (await obstore.get_async(self._store, key, options={"head": True})).attributes
            except FileNotFoundError:
                return

        asyncio.run(_each(keys, look, self._concurrency))
        return found

    def put(self, assets: Iterable[LocalAsset], done: Callable[[LocalAsset], None]) -> None:
        """See `BucketPort.put`."""

        async def send(asset: LocalAsset) -> None:
            await self._send(asset)
            done(asset)

        asyncio.run(_each(assets, send, self._concurrency))

    def withdraw(self, key: str) -> None:
        """See `BucketPort.withdraw`."""

        async def delete() -> None:
            with self._errors("s3:DeleteObject", key):
                await obstore.delete_async(self._store, key)

        asyncio.run(delete())

    def _list(self, prefix: str) -> list[ObjectMeta]:
        async def read() -> list[ObjectMeta]:
            with self._errors("s3:ListBucket", prefix):
                pages = obstore.list(self._store, prefix or None, chunk_size=1000)
                return [entry async for page in pages for entry in page]

        return asyncio.run(read())

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
        with self._errors("s3:PutObject", asset.key):
            await obstore.put_async(
                self._store,
                asset.key,
                body,
                attributes=attributes,
                use_multipart=asset.size > WHOLE_BYTES,
                chunk_size=max(WHOLE_BYTES, asset.size // (MAX_PARTS - 1) + 1),
            )
        if asset.size > WHOLE_BYTES and (not asset.path.exists() or signature_of(asset.path.stat()) != asset.signature):
            raise changed(asset.path)

    @contextmanager
    def _errors(self, action: str, key: str) -> Iterator[None]:
        """Turn what obstore says into one line that names the thing and the remedy."""
        try:
            yield
        except AlreadyExistsError:
            raise
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise self._explain(action, key, str(error)) from error
            raise
        except (BaseError, ValueError, BotoCoreError) as error:
            raise self._explain(action, key, str(error)) from error

    def _explain(self, action: str, key: str, text: str) -> UploaderError:
        # The second is how obstore shows what S3 says of one key in the 200 answer to a DELETE.
        found = re.search(r"<Code>(\w+)</Code>|\(code: (\w+)\)", text)
        return self._access.explain(action, key, (found[1] or found[2]) if found else "", text)


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
