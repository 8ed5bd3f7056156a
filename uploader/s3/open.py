"""Opens the bucket: the way into this package from outside; after that, callers know it as a port.

Commands import this module to declare their options, so it loads obstore and boto3 only when a bucket is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uploader.aws.values import checked
from uploader.s3.bandwidth import Bandwidth, bytes_per_second
from uploader.s3.encryption import encryption

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uploader.aws.access import Access
    from uploader.s3.connection import Connection as Connection  # noqa: PLC0414 (for those outside of this package)
    from uploader.s3.port import BucketPort

__all__ = ["bytes_per_second", "connect", "encryption", "open_connected"]


def connect(access: Access, encrypted: Mapping[str, Any] | None = None, max_bandwidth: str | None = None) -> Connection:
    """Prepare the connection to a bucket; no request is sent yet.

    Args:
        access: The bucket, and the credentials.
        encrypted: What `encryption` returned; None leaves it to the bucket's default.
        max_bandwidth: At which rate the bodies of files are sent, such as ``20MB/s``; None: as fast as it goes.

    Raises:
        UsageError: The bucket's name or the rate is not valid.
    """
    from uploader.s3 import connection  # noqa: PLC0415 (`--help` needs no obstore: 40 ms)

    bandwidth = None
    if max_bandwidth is not None:
        checked("max_bandwidth", max_bandwidth, bytes_per_second)
        bandwidth = Bandwidth(bytes_per_second(max_bandwidth))
    return connection.connect(access, encrypted, bandwidth)


def open_connected(connection: Connection, concurrency: int) -> BucketPort:
    """Open a bucket over a connection.

    Args:
        connection: What `connect` returned.
        concurrency: How many requests may run at once.
    """
    from uploader.s3.bucket import Bucket  # noqa: PLC0415 (loaded while the connections are being opened)

    return Bucket(connection, concurrency)
