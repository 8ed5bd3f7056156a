"""`uploader.s3.port.VersionsPort` over HTTP, by boto3: obstore knows neither versions nor tags."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.config import Config
from botocore.exceptions import ClientError

from release_log.tags import without_mark
from release_log.whole_answers import require_whole_answers
from uploader.aws.boto3_chain import NO_ANSWER, open_session
from uploader.aws.refusals import explain_s3
from uploader.s3.port import Deleted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from uploader.aws.access import Access

CONCURRENCY = 32

Item = TypeVar("Item")


class S3Versions:
    """A versioned bucket."""

    def __init__(self, access: Access) -> None:
        self._access = access
        client = open_session(access).client(
            "s3",
            region_name=access.region,
            endpoint_url=access.endpoint,
            config=Config(max_pool_connections=CONCURRENCY, retries={"mode": "standard", "max_attempts": 6}),
        )
        self._client: Any = require_whole_answers(client)

    def deleted(self, prefix: str) -> dict[str, Deleted]:
        """See `VersionsPort.deleted`."""
        markers: dict[str, str] = {}
        sizes: dict[str, int] = {}
        with self._errors("s3:ListBucketVersions", prefix):
            pages = self._client.get_paginator("list_object_versions").paginate(
                Bucket=self._access.bucket, Prefix=prefix
            )
            for page in pages:
                markers |= {
                    each["Key"]: each["VersionId"] for each in page.get("DeleteMarkers", ()) if each["IsLatest"]
                }
                for each in page.get("Versions", ()):
                    sizes.setdefault(each["Key"], each["Size"])  # each key's newest version comes first
        return {key: Deleted(version, sizes.get(key)) for key, version in markers.items()}

    def undelete(self, markers: Mapping[str, str]) -> None:
        """See `VersionsPort.undelete`."""
        _each(lambda entry: self._undelete(*entry), sorted(markers.items()))

    def untag(self, keys: set[str]) -> None:
        """See `VersionsPort.untag`."""
        _each(self._untag, sorted(keys))

    def _undelete(self, key: str, version: str) -> None:
        with self._errors("s3:DeleteObjectVersion", key):
            self._client.delete_object(Bucket=self._access.bucket, Key=key, VersionId=version)

    def _untag(self, key: str) -> None:
        with self._errors("s3:GetObjectTagging", key):
            answer = self._client.get_object_tagging(Bucket=self._access.bucket, Key=key)
        tags = {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}
        left = without_mark(tags)
        if left == tags:
            return
        with self._errors("s3:PutObjectTagging", key):
            self._client.put_object_tagging(
                Bucket=self._access.bucket,
                Key=key,
                Tagging={"TagSet": [{"Key": name, "Value": value} for name, value in left.items()]},
            )

    @contextmanager
    def _errors(self, action: str, key: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            raise explain_s3(self._access, action, key, code, str(error)) from error
        except NO_ANSWER as error:
            raise explain_s3(self._access, action, key, "", str(error)) from error


def _each(work: Callable[[Item], None], items: Sequence[Item]) -> None:
    """Do work on each item, in parallel. The first failure, and Ctrl-C, stop the rest."""
    pool = ThreadPoolExecutor(CONCURRENCY)
    try:
        list(pool.map(work, items))
    finally:
        pool.shutdown(cancel_futures=True)
