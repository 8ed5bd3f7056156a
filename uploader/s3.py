"""The port on real S3: boto3's chain for who and where, obstore for every byte that moves."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import obstore
from botocore.exceptions import BotoCoreError
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from release_log.instants import whole_seconds
from uploader.collect import changed, signature_of
from uploader.errors import UploaderError, UsageError
from uploader.store import Blob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from uploader.collect import LocalAsset

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
    try:
        session = boto3.Session(profile_name=profile, region_name=region)
        credentials = session.get_credentials()
        if credentials is not None:
            credentials.get_frozen_credentials()
    except BotoCoreError as error:
        msg = f"credentials: {error}"
        raise UsageError(msg) from error
    if credentials is None:
        msg = (
            "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, give the job a role, "
            "or name a --profile"
        )
        raise UsageError(msg)
    endpoint = endpoint_url or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint is not None and not re.match(r"https?://[^/]", endpoint):
        msg = f"endpoint {endpoint!r} is not a URL: begin it with https:// (or http:// for a local server)"
        raise UsageError(msg)
    where = session.region_name or ("us-east-1" if endpoint else None)
    if where is None:
        msg = "no AWS region: name the bucket's with --region or AWS_REGION"
        raise UsageError(msg)
    options: dict[str, Any] = (
        {"endpoint": endpoint} if endpoint else {"virtual_hosted_style_request": "." not in bucket}
    )
    try:
        store = S3Store(
            bucket,
            region=where,
            credential_provider=Boto3CredentialProvider(session),
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
        msg = f"bucket {bucket!r}: {_first_line(error)}"
        raise UsageError(msg) from error
    return Bucket(store, bucket, where, endpoint, concurrency)


class Bucket:
    """`uploader.store.BucketPort` over HTTP."""

    def __init__(self, store: S3Store, name: str, region: str, endpoint: str | None, concurrency: int) -> None:
        self._store = store
        self._name = name
        self._region = region
        self._endpoint = endpoint
        self._concurrency = concurrency

    def create(self, key: str, body: bytes) -> bool:
        """See `BucketPort.create`."""
        # If the answer to a first attempt is lost, obstore asks again and meets its own object: this tells whose it is.
        writer = secrets.token_hex(8)
        try:
            with self._errors("s3:PutObject", key):
                obstore.put(
                    self._store,
                    key,
                    body,
                    mode="create",
                    attributes={"Content-Type": "application/json", "writer": writer},
                    use_multipart=False,
                )
        except AlreadyExistsError:
            return self.metadata([key]).get(key, {}).get("writer") == writer
        return True

    def get(self, key: str) -> Blob | None:
        """See `BucketPort.get`."""
        try:
            with self._errors("s3:GetObject", key):
                answer = obstore.get(self._store, key)
                return Blob(bytes(answer.bytes()), whole_seconds(answer.meta["last_modified"]))
        except FileNotFoundError:
            return None

    def written_since(self, prefix: str, instant: datetime) -> list[str]:
        """See `BucketPort.written_since`."""
        with self._errors("s3:ListBucket", prefix):
            pages = obstore.list(self._store, prefix, chunk_size=1000)
            return [each["path"] for page in pages for each in page if whole_seconds(each["last_modified"]) >= instant]

    def sizes(self, prefix: str) -> dict[str, int]:
        """See `BucketPort.sizes`."""
        with self._errors("s3:ListBucket", prefix):
            pages = obstore.list(self._store, prefix or None, chunk_size=1000)
            return {entry["path"]: entry["size"] for page in pages for entry in page}

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
        with self._errors("s3:DeleteObject", key):
            obstore.delete(self._store, key)

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

    def _explain(self, action: str, key: str, text: str) -> UploaderError:  # noqa: PLR0911 (one for each remedy)
        found = re.search(r"<Code>(\w+)</Code>", text)
        code = found[1] if found else ""
        where = self._endpoint or f"S3 in {self._region}"
        if code == "NoSuchBucket":
            return UploaderError(
                f"bucket {self._name!r} does not exist: check --bucket, or create it with `cdk deploy`"
            )
        if code in {
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "ExpiredToken",
            "InvalidToken",
            "TokenRefreshRequired",
        }:
            return UploaderError(
                f"S3 does not accept these credentials ({code}): renew them, or name another --profile"
            )
        if code in {"AccessDenied", "AllAccessDisabled"} or re.search(r"\b403 Forbidden", text):
            resource = f"s3://{self._name}/{key}"
            return UploaderError(f"access denied: allow the build job's role {action} on {resource}")
        if code in {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}:
            return UploaderError(
                f"bucket {self._name!r} is not in region {self._region}: name its region with --region"
            )
        if not code and re.search(r"error sending request|[Cc]onnect|dns error", text):
            return UploaderError(f"cannot reach {where}: check the network and --endpoint-url, then run again")
        if "contained invalid" in text or "invalid path" in text:
            return UploaderError(
                f"the bucket holds a key under {key!r} that no URL can name ({_first_line(text)}): delete it"
            )
        return UploaderError(f"{action} on s3://{self._name}/{key} failed ({code or _first_line(text)}): run again")


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


def _first_line(error: object) -> str:
    return str(error).strip().partition("\n")[0][:300]
