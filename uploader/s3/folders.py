"""The folders at one place of a bucket, by boto3: their names may be any, and obstore cannot hold every name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import ClientError

from release_log.whole_answers import require_whole_answers
from uploader.aws.access import first_line
from uploader.aws.boto3_chain import NO_ANSWER, open_session
from uploader.aws.refusals import explain_s3
from uploader.s3.multipart import ANSWER_SECONDS, CONNECT_SECONDS

if TYPE_CHECKING:
    from uploader.aws.access import Access


def folders(access: Access, prefix: str) -> list[str]:
    """The beginnings of keys up to the next slash after a prefix: one request for a thousand.

    Args:
        access: The bucket, and the credentials.
        prefix: What they begin with; it may end within a name.

    Raises:
        UploaderError: S3 refused.
    """
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=ANSWER_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 4},
    )
    client = require_whole_answers(
        open_session(access).client("s3", region_name=access.region, endpoint_url=access.endpoint, config=config)
    )
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=access.bucket, Prefix=prefix, Delimiter="/")
    try:
        return [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", ())]
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        raise explain_s3(access, "s3:ListBucket", prefix, code, str(error)) from error
    except NO_ANSWER as error:
        raise explain_s3(access, "s3:ListBucket", prefix, "", first_line(error)) from error
