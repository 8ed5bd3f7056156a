"""Opens the bucket: the way into this package from outside; after that, callers know it as a port.

Commands import this module to declare their options, so it loads obstore and boto3 only when a bucket is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uploader.s3.encryption import ALGORITHMS, encryption

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uploader.aws.access import Access
    from uploader.s3.bucket import Bucket
    from uploader.s3.port import VersionsPort

__all__ = ["ALGORITHMS", "encryption", "open_bucket", "open_versions"]


def open_bucket(
    access: Access, concurrency: int, encrypted: Mapping[str, Any] | None = None, *, warm: str | None = None
) -> Bucket:
    """Open a bucket; it is a `BucketPort`.

    Args:
        access: The bucket, and the credentials.
        concurrency: How many requests may run at once.
        encrypted: What `encryption` returned; None leaves it to the bucket's default.
        warm: A key, such as `Layout.ledger`, if many requests will follow: some connections are opened at once, each
            by a HEAD of this key. Nobody waits for the answers.

    Raises:
        UsageError: The bucket's name is not valid.
    """
    from uploader.s3.connection import connect  # noqa: PLC0415 (`--help` needs no obstore: 40 ms)

    connection = connect(access, encrypted)
    if warm is not None:
        connection.warm(warm)
    from uploader.s3.bucket import Bucket  # noqa: PLC0415 (loaded while the connections are being opened)

    return Bucket(connection, concurrency)


def open_versions(access: Access) -> VersionsPort:
    """Open the versions of a bucket's objects."""
    from uploader.s3.versions import S3Versions  # noqa: PLC0415 (boto3 takes a quarter of a second)

    return S3Versions(access)
