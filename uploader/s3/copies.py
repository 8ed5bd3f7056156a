"""Copies of stored pages, made by S3 itself. obstore cannot make a copy conditional."""

from __future__ import annotations

import contextlib
from threading import Lock
from typing import TYPE_CHECKING, Any

from uploader.s3.errors import AnswerError
from uploader.s3.large_files import ENCRYPTION, HEADERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uploader.aws.access import Access
    from uploader.s3.port import Placement

WHOLE_BYTES = 5 * 2**30
"""The largest object that S3 copies in one request: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html"""

PART_BYTES = 2**30
"""The size of the parts of a larger one: of the largest that S3 stores, 5 TiB, it takes half of the 10,000 parts."""

_KEPT = sorted(name.replace("-", "") for name in HEADERS)


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
        source = {"Bucket": self._access.bucket, "Key": placement.source}
        condition = {"IfMatch": placement.etag} if placement.etag else {"IfNoneMatch": "*"}
        with multipart.as_answer_error():
            stored = self._client.head_object(**source)
            if stored["ContentLength"] > WHOLE_BYTES:
                return self._in_parts(placement.key, source, stored, condition)
            copied = self._client.copy_object(
                Bucket=self._access.bucket,
                Key=placement.key,
                CopySource=source,
                MetadataDirective="COPY",
                TaggingDirective="REPLACE",
                StorageClass=stored.get("StorageClass", "STANDARD"),
                **condition,
                **self._encryption,
            )
        etag: str = copied["CopyObjectResult"]["ETag"]
        return etag

    def _in_parts(
        self, key: str, source: Mapping[str, str], stored: Mapping[str, Any], condition: Mapping[str, str]
    ) -> str:
        """Copy a large page. Only the request that completes it has the condition."""
        where = {"Bucket": self._access.bucket, "Key": key}
        headers = {name: stored[name] for name in _KEPT if name in stored}
        upload = self._client.create_multipart_upload(
            **where, **headers, Metadata=stored["Metadata"], **self._encryption
        )["UploadId"]
        parts = []
        try:
            for number, start in enumerate(range(0, stored["ContentLength"], PART_BYTES), 1):
                end = min(start + PART_BYTES, stored["ContentLength"]) - 1
                copied = self._client.upload_part_copy(
                    **where,
                    UploadId=upload,
                    PartNumber=number,
                    CopySource=source,
                    CopySourceIfMatch=stored["ETag"],
                    CopySourceRange=f"bytes={start}-{end}",
                )
                parts.append({"PartNumber": number, "ETag": copied["CopyPartResult"]["ETag"]})
            etag: str = self._client.complete_multipart_upload(
                **where, UploadId=upload, MultipartUpload={"Parts": parts}, **condition
            )["ETag"]
        except BaseException:
            self._abort(where, upload)
            raise
        return etag

    def _abort(self, where: Mapping[str, str], upload: str) -> None:
        """Remove the parts. If that fails, or the upload is complete after all, the bucket's lifecycle has the rest."""
        from uploader.s3 import multipart  # noqa: PLC0415 (as above)

        with contextlib.suppress(AnswerError), multipart.as_answer_error():
            self._client.abort_multipart_upload(**where, UploadId=upload)
