"""The parts in which a large file is sent: S3's ETag of the object depends on their size."""

from __future__ import annotations

from uploader.errors import UploaderError

PART_BYTES = 8 * 1024 * 1024
MAX_PARTS = 10_000
MAX_PART_BYTES = 5 * 1024**3
"""S3's limits: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""
OBJECT_BYTES = MAX_PARTS * MAX_PART_BYTES
"""48.8 TiB, S3's limit since December 2025, and what so many parts can hold."""


def part_bytes(size: int) -> int:
    """The size of a part, so that a file of any size has at most `MAX_PARTS`."""
    return max(PART_BYTES, -(-size // MAX_PARTS))


def check_size(path: str, size: int) -> None:
    """Check that a file is not too large for an object.

    Raises:
        UploaderError: It is.
    """
    if size > OBJECT_BYTES:
        msg = (
            f"{path!r} has {size:,} bytes, and S3 stores at most {OBJECT_BYTES:,} in an object (48.8 TiB): "
            "split it, or skip it with a rule"
        )
        raise UploaderError(msg)
