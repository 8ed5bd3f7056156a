"""Opens the bucket: the way into this package from outside; after that, callers know it as a port.

Commands import this module to declare their options, so it loads obstore and boto3 only when a bucket is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uploader.s3.encryption import ALGORITHMS, encryption

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uploader.aws.access import Access
    from uploader.s3.connection import Connection as Connection  # noqa: PLC0414 (for those outside of this package)
    from uploader.s3.port import BucketPort

__all__ = ["ALGORITHMS", "connect", "encryption", "open_connected"]


def connect(access: Access, encrypted: Mapping[str, Any] | None = None) -> Connection:
    """Prepare the connection to a bucket; no request is sent yet.

    Args:
        access: The bucket, and the credentials.
        encrypted: What `encryption` returned; None leaves it to the bucket's default.

    Raises:
        UsageError: The bucket's name is not valid.
    """
    from uploader.s3 import connection  # noqa: PLC0415 (`--help` needs no obstore: 40 ms)

    return connection.connect(access, encrypted)


def open_connected(connection: Connection, concurrency: int) -> BucketPort:
    """Open a bucket over a connection.

    Args:
        connection: What `connect` returned.
        concurrency: How many requests may run at once.
    """
    from uploader.s3.bucket import Bucket  # noqa: PLC0415 (loaded while the connections are being opened)

    return Bucket(connection, concurrency)
