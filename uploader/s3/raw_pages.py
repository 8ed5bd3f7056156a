"""A page of a listing, and a HEAD, by boto3, which holds every key. Loaded for keys that obstore refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError

from release_log.whole_answers import require_whole_answers
from uploader.aws.boto3_chain import open_session
from uploader.s3.large_files import HEADERS
from uploader.s3.multipart import ANSWER_SECONDS, CONNECT_SECONDS, as_answer_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from obstore import ObjectMeta

    from uploader.aws.access import Access

MISSING = {"404", "NoSuchKey"}
"""The codes for a key that does not exist; the answer to a HEAD has no body, so botocore gives its status."""

KEYS = 1000
"""How many keys S3 gives in a page, at most."""


def open_client(access: Access) -> Any:  # noqa: ANN401 (boto3's)
    """A client of S3 that sends each request once: its caller repeats."""
    config = Config(connect_timeout=CONNECT_SECONDS, read_timeout=ANSWER_SECONDS, retries={"total_max_attempts": 1})
    client = open_session(access).client("s3", region_name=access.region, endpoint_url=access.endpoint, config=config)
    return require_whole_answers(client)


def page(client: Any, bucket: str, folder: str, after: str) -> tuple[Sequence[ObjectMeta], bool]:  # noqa: ANN401 (boto3's)
    """One page, and whether there are more.

    Args:
        client: What `open_client` returned.
        bucket: The bucket.
        folder: The prefix of its keys.
        after: The page begins after this key.

    Raises:
        AnswerError: S3 refused.
    """
    with as_answer_error():
        answer = client.list_objects_v2(Bucket=bucket, Prefix=folder, StartAfter=after, MaxKeys=KEYS)
    found: list[ObjectMeta] = [
        {
            "path": entry["Key"],
            "last_modified": entry["LastModified"],
            "size": entry["Size"],
            "e_tag": entry.get("ETag"),
            "version": None,
        }
        for entry in answer.get("Contents", ())
    ]
    return found, bool(answer["IsTruncated"]) and bool(found)


def metadata(client: Any, bucket: str, key: str) -> Mapping[str, str] | None:  # noqa: ANN401 (boto3's)
    """An object's headers and metadata; None if it does not exist.

    Raises:
        AnswerError: S3 refused.
    """
    with as_answer_error():
        try:
            answer = client.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in MISSING:
                return None
            raise
    fields = {name: answer.get(name.replace("-", "")) for name in HEADERS}
    return {**{name: value for name, value in fields.items() if value is not None}, **answer["Metadata"]}
