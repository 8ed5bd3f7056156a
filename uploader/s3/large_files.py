"""Files that are too large for one request, and the uploads in parts that are under way.

boto3 sends them, and nothing else. obstore holds each part in memory, whatever its size; it completes the object before
one can see whether the file changed meanwhile; and it leaves the parts of a failed upload in the bucket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uploader.errors import UploaderError
from uploader.s3.errors import code_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uploader.aws.access import Access
    from uploader.builds.asset import LocalAsset
    from uploader.s3.asking import Ask
    from uploader.s3.bandwidth import Bandwidth
    from uploader.s3.multipart import MultipartUpload

HEADERS = frozenset(
    {"Content-Type", "Cache-Control", "Content-Encoding", "Content-Disposition", "Content-Language", "Storage-Class"}
)
ENCRYPTION = {
    "server_side_encryption": "ServerSideEncryption",
    "sse_kms_key_id": "SSEKMSKeyId",
    "sse_bucket_key_enabled": "BucketKeyEnabled",
}
"""obstore's names of what `uploader.s3.encryption` returns -> boto3's."""


class LargeFiles:
    """Sends large files to a bucket. boto3 is loaded for the first of them."""

    def __init__(self, access: Access, encryption: Mapping[str, Any], bandwidth: Bandwidth | None) -> None:
        self._bandwidth = bandwidth
        self._access = access
        self._encryption = {ENCRYPTION[name]: value for name, value in encryption.items()}
        self._uploads: list[MultipartUpload] = []
        self._client: Any = None  # boto3's

    def stop(self) -> None:
        """Stop the uploads, and wait until each is aborted, if that does not take too long."""
        uploads = tuple(self._uploads)
        for upload in uploads:
            upload.stop()
        for upload in uploads:
            upload.wait_for_end()

    def send(self, asset: LocalAsset, attributes: Mapping[str, str], ask: Ask, *, creates: bool = False) -> str | None:
        """Store a file; returns the object's ETag.

        Args:
            asset: The file.
            attributes: Headers, and metadata by its bare names.
            ask: Makes the requests.
            creates: Overwrite nothing.

        Raises:
            UploaderError: S3 refused, or the file changed since the build was looked at. Then no object of it exists.
        """
        headers = {name.replace("-", ""): value for name, value in attributes.items() if name in HEADERS}
        metadata = {name: value for name, value in attributes.items() if name not in HEADERS}
        parameters = {**headers, "Metadata": metadata, **self._encryption}
        again = True
        while True:
            upload = self._new_upload(asset, ask)
            self._uploads.append(upload)
            try:
                return upload.run(parameters, {"IfNoneMatch": "*"} if creates else {})
            except UploaderError as error:
                # S3 completed the upload, and its answer was lost. The object may be another's by now: send it again.
                if not again or code_of(error.__cause__) != "NoSuchUpload":
                    raise
                again = False
            finally:
                self._uploads.remove(upload)
                upload.ended.set()

    def _new_upload(self, asset: LocalAsset, ask: Ask) -> MultipartUpload:
        from uploader.s3 import multipart  # noqa: PLC0415 (boto3 takes a quarter of a second, and few builds need it)

        self._client = self._client or multipart.open_client(self._access)
        return multipart.MultipartUpload(self._client, self._access.bucket, asset, ask, self._bandwidth)
