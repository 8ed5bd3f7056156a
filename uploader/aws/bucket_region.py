"""Asks S3 for a bucket's region. Loads boto3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError

from uploader.aws.boto3_chain import NO_ANSWER, open_session
from uploader.errors import UploaderError

if TYPE_CHECKING:
    from uploader.aws.access import Access

HEADER = "x-amz-bucket-region"
"""In each answer to HeadBucket, also where the region of the request is wrong or a permission is missing:
https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
"""


def region_of(access: Access) -> str | None:
    """The bucket's region; None if S3 does not tell it."""
    config = Config(connect_timeout=5, read_timeout=5, retries={"total_max_attempts": 1})
    try:
        client = open_session(access).client(
            "s3", region_name=access.region, endpoint_url=access.endpoint, config=config
        )
        answer: Any = client.head_bucket(Bucket=access.bucket)
    except ClientError as error:
        answer = error.response
    except (*NO_ANSWER, UploaderError, OSError):  # type: ignore[misc]  # mypy does not see into an unpacked tuple
        return None  # the error that made us ask is explained without it
    found: str | None = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get(HEADER)
    return found
