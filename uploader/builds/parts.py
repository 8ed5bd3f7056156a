"""The parts in which a large file is sent: S3's ETag of the object depends on their size."""

from __future__ import annotations

PART_BYTES = 8 * 1024 * 1024
MAX_PARTS = 10_000
"""S3's limit; an object has 10,000 parts of 5 GiB at most: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""


def part_bytes(size: int) -> int:
    """The size of a part, so that a file of any size has at most `MAX_PARTS`."""
    return max(PART_BYTES, -(-size // MAX_PARTS))
