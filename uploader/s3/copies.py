"""Copies of stored pages, made by S3 itself. obstore cannot make a copy conditional."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

from uploader.s3.large_files import ENCRYPTION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uploader.aws.access import Access
    from uploader.s3.port import Placement


class Copies:
    """Copies objects within a bucket. boto3 is loaded for the first of them."""

    def __init__(self, access: Access, encryption: Mapping[str, Any]) -> None:
        self._access = access
        self._encryption = {ENCRYPTION[name]: value for name, value in encryption.items()}
        self._client: Any = None  # boto3's
        self._opening = Lock()

    def place(self, placement: Placement) -> str:
        """Copy a stored page to its place, with its headers and metadata; returns the copy's ETag.

        A copy does not keep the storage class, so that is asked for first. It has no tags, and needs no right to read
        them: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html

        Raises:
            AnswerError: S3 refused, or did not answer.
        """
        from uploader.s3 import multipart  # noqa: PLC0415 (boto3 takes a quarter of a second, and few builds need it)

        with self._opening:
            self._client = self._client or multipart.open_client(self._access)
        bucket, condition = self._access.bucket, {"IfMatch": placement.etag} if placement.etag else {"IfNoneMatch": "*"}
        with multipart.as_answer_error():
            stored = self._client.head_object(Bucket=bucket, Key=placement.source)
            copied = self._client.copy_object(
                Bucket=bucket,
                Key=placement.key,
                CopySource={"Bucket": bucket, "Key": placement.source},
                MetadataDirective="COPY",
                TaggingDirective="REPLACE",
                StorageClass=stored.get("StorageClass", "STANDARD"),
                **condition,
                **self._encryption,
            )
        etag: str = copied["CopyObjectResult"]["ETag"]
        return etag
