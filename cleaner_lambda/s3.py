"""The port to S3 through boto3."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError

from cleaner_lambda.errors import BusyError, CleanerError, ConflictError, UnreadableError, is_unreadable
from cleaner_lambda.pace import BACKOFF_SECONDS
from cleaner_lambda.port import DELETE_BATCH, Blob, Listed
from release_log.bounds import FILE_BYTES
from release_log.instants import whole_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mypy_boto3_s3 import S3Client

_MISSING = {"NoSuchKey", "404", "NoSuchVersion", "MethodNotAllowed"}
"""S3's codes for a key without an object; the last one is for a key whose newest version is a delete marker."""

_DENIED = {"AccessDenied", "403"}
"""S3's codes for what is forbidden; the second one is botocore's for an answer to HEAD, which has no body."""

_CONFLICT = {"PreconditionFailed", "NoSuchKey"}
"""S3's codes for a conditional write that lost: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html"""

_UNDER_WAY = "ConditionalRequestConflict"
"""S3's code for a conditional write while another request to the same key is under way: who wins is still open."""


class S3Store:
    """`cleaner_lambda.port.S3Port` over HTTP. Safe to use from several threads."""

    def __init__(self, client: S3Client, bucket: str, once: S3Client | None = None) -> None:
        """Open a bucket.

        Args:
            client: The client for requests that may be repeated.
            bucket: The bucket's name.
            once: A client that never repeats a request by itself, for deletions and for tags.
        """
        self._client = client
        self._bucket = bucket
        self._once = once or client
        self._now: datetime | None = None

    def now(self) -> datetime:
        """S3's clock, from the ``Date`` of its latest answer.

        Raises:
            CleanerError: S3 has not answered yet, or its answers have no date.
        """
        if self._now is None:
            msg = f"bucket {self._bucket}: S3's answer has no Date, so it is unknown what has expired"
            raise CleanerError(msg)
        return self._now

    def get(self, key: str) -> Blob | None:
        """See `S3Port.get`."""
        for last in (False, False, True):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=key)
                body = _read(answer)
            except ClientError as error:
                if self._is_missing(key, error):
                    return None
                code = error.response["Error"]["Code"]
                if is_unreadable(code):
                    raise UnreadableError(key, code) from error
                raise
            except (ResponseStreamingError, IncompleteReadError, ReadTimeoutError):
                # The SDK does not retry once the answer has begun.
                if last:
                    raise
                continue
            break
        self._note_time(answer)
        return Blob(body, answer["ETag"], whole_seconds(answer["LastModified"]))

    def list(self, prefix: str, after: str = "", to: str | None = None) -> Iterator[Listed]:
        """See `S3Port.list`."""
        pages = self._client.get_paginator("list_objects_v2")
        beyond: Any = {"StartAfter": after} if after else {}
        for page in pages.paginate(Bucket=self._bucket, Prefix=prefix, **beyond):
            self._note_time(page)
            for entry in page.get("Contents", ()):
                if to is not None and entry["Key"] > to:
                    return
                yield Listed(entry["Key"], entry["Size"], whole_seconds(entry["LastModified"]), entry["ETag"])

    def put_if(self, key: str, body: bytes, etag: str | None) -> str:
        """See `S3Port.put_if`."""
        condition: dict[str, Any] = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
        for pause in (*BACKOFF_SECONDS, None):
            try:
                answer = self._client.put_object(Bucket=self._bucket, Key=key, Body=body, **condition)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code == _UNDER_WAY:
                    if pause is None:
                        msg = f"{key}: S3 says each time that another write of it is under way ({code}); invoke again"
                        raise BusyError(msg) from error
                    time.sleep(pause)
                    continue
                if code not in _CONFLICT:
                    raise
                stored = self.get(key)
                if stored is not None and stored.body == body:
                    return stored.etag  # We wrote it: the answer to the SDK's first attempt was lost.
                msg = f"{key} was written by another run"
                raise ConflictError(msg) from error
            break
        self._note_time(answer)
        return answer["ETag"]

    def get_tags(self, key: str) -> dict[str, str] | None:
        """See `S3Port.get_tags`."""
        try:
            answer = self._client.get_object_tagging(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if self._is_missing(key, error):
                return None
            raise
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    def get_metadata(self, key: str) -> Mapping[str, str] | None:
        """See `S3Port.get_metadata`."""
        try:
            answer = self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if self._is_missing(key, error):
                return None
            raise
        self._note_time(answer)
        return answer["Metadata"]

    def put_tags(self, key: str, tags: Mapping[str, str]) -> bool:
        """See `S3Port.put_tags`.

        An empty set removes all tags: https://docs.aws.amazon.com/AmazonS3/latest/userguide/tagging-and-policies.html
        """
        tag_set: Any = [{"Key": name, "Value": value} for name, value in tags.items()]
        try:
            self._once.put_object_tagging(Bucket=self._bucket, Key=key, Tagging={"TagSet": tag_set})
        except ClientError as error:
            if self._is_missing(key, error):
                return False
            raise
        return True

    def delete(self, keys: Sequence[str]) -> dict[str, str]:
        """See `S3Port.delete`."""
        if len(keys) > DELETE_BATCH:
            msg = f"{len(keys)} keys in one DeleteObjects: S3 accepts {DELETE_BATCH}"
            raise ValueError(msg)
        answer = self._once.delete_objects(
            Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
        )
        return {
            error["Key"]: f"{error['Code']}: {error.get('Message', '')}"
            for error in answer.get("Errors", ())
            if error["Code"] not in _MISSING
        }

    def delete_one(self, key: str) -> None:
        """See `S3Port.delete_one`."""
        try:
            self._once.delete_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _MISSING:
                raise

    def delete_if(self, key: str, etag: str) -> bool:
        """See `S3Port.delete_if`."""
        try:
            self._client.delete_object(Bucket=self._bucket, Key=key, IfMatch=etag)
        except ClientError as error:
            if error.response["Error"]["Code"] in _CONFLICT | _MISSING | {_UNDER_WAY}:
                return False
            raise
        return True

    def _is_missing(self, key: str, error: ClientError) -> bool:
        """Whether the object does not exist, and the request was not merely forbidden.

        The role may list the site's prefix only, so S3 answers 403, not 404, for a key without an object: S3 checks the
        right to list without a prefix. A listing of just this key shows which of the two it is.
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        """
        self._note_time(error.response)
        code = error.response["Error"]["Code"]
        if code not in _DENIED:
            return code in _MISSING
        first = next(self.list(key), None)  # the first key that begins so is the key itself
        return first is None or first.key != key

    def _note_time(self, answer: Any) -> None:  # noqa: ANN401 (every answer's TypedDict is another)
        text = answer["ResponseMetadata"].get("HTTPHeaders", {}).get("date")
        if text:
            self._now = parsedate_to_datetime(text).astimezone(UTC)


def _read(answer: Any) -> bytes:  # noqa: ANN401 (boto3's)
    """The body of an answer; of a larger file only as much as its reader needs to refuse it."""
    if answer["ContentLength"] <= FILE_BYTES:
        body: bytes = answer["Body"].read()  # only as a whole it is checked that nothing is missing
        return body
    with closing(answer["Body"]) as stream:
        beginning: bytes = stream.read(FILE_BYTES + 1)
    return beginning
