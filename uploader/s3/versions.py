"""`uploader.s3.port.VersionsPort` over HTTP, by boto3: obstore knows neither versions nor tags."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from os.path import commonprefix
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.config import Config
from botocore.exceptions import ClientError

from release_log.bounds import VERSIONS
from release_log.tags import without_mark
from release_log.whole_answers import require_whole_answers
from uploader.aws.boto3_chain import NO_ANSWER, open_session
from uploader.aws.refusals import explain_s3
from uploader.errors import UploaderError
from uploader.s3.port import Deleted
from uploader.treatment.rule_values import ARCHIVES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from uploader.aws.access import Access

CONCURRENCY = 32

CONNECT_SECONDS = 10
ANSWER_SECONDS = 30

Item = TypeVar("Item")


class S3Versions:
    """A versioned bucket."""

    def __init__(self, access: Access) -> None:
        self._access = access
        client = open_session(access).client(
            "s3",
            region_name=access.region,
            endpoint_url=access.endpoint,
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=ANSWER_SECONDS,
                max_pool_connections=CONCURRENCY,
                retries={"mode": "standard", "total_max_attempts": 4},
            ),
        )
        self._client: Any = require_whole_answers(client)

    def deleted(self, keys: Collection[str]) -> dict[str, Deleted]:
        """See `VersionsPort.deleted`."""
        wanted = frozenset(keys)
        if not wanted:
            return {}
        markers: dict[str, str] = {}
        sizes: dict[str, int | None] = {}
        first, last = min(wanted), max(wanted)
        prefix = commonprefix([first, last])  # noqa: RUF071 (of keys, which are no paths)
        read = 0
        with self._errors("s3:ListBucketVersions", prefix):
            pages = self._client.get_paginator("list_object_versions").paginate(
                Bucket=self._access.bucket, Prefix=prefix
            )
            for page in pages:
                deleted, stored = page.get("DeleteMarkers", ()), page.get("Versions", ())
                for each in deleted:
                    if each["IsLatest"] and each["Key"] in wanted:
                        markers[each["Key"]] = each["VersionId"]
                for each in stored:
                    if each["Key"] in wanted:
                        # Each key's newest version comes first. A listing shows an archived one like any other.
                        size = None if each.get("StorageClass") in ARCHIVES else each["Size"]
                        sizes.setdefault(each["Key"], size)
                read += len(deleted) + len(stored)
                if read > VERSIONS:
                    raise self._too_many(prefix)
                if any(each["Key"] > last for each in (*deleted[-1:], *stored[-1:])):
                    break
        return {key: Deleted(version, sizes.get(key)) for key, version in markers.items()}

    def _too_many(self, prefix: str) -> UploaderError:
        return UploaderError(
            f"s3://{self._access.bucket}/{prefix} has more than {VERSIONS:,} versions of objects: nothing was restored "
            "from them; end old versions by a lifecycle rule (NoncurrentVersionExpiration), or publish that build again"
        )

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
