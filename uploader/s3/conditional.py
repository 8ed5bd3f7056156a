"""A deletion of exactly the object that was read: DeleteObject with ``If-Match``. Loads boto3.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uploader.s3.errors import AnswerError
from uploader.s3.multipart import as_answer_error, open_client

if TYPE_CHECKING:
    from collections.abc import Callable

    from uploader.aws.access import Access

_OVER = {"NoSuchKey", "404", "PreconditionFailed", "412"}
"""S3's codes if the object is gone, or another one has its key: ours does not exist any more."""

_UNKNOWN = {"NotImplemented", "501"}
"""The code of a store that has no conditional deletions."""


def deletion(access: Access, key: str, etag: str) -> Callable[[], None]:
    """Prepare the deletion of an object; call it to delete."""
    client = open_client(access)
    where = {"Bucket": access.bucket, "Key": key}

    def delete() -> None:
        try:
            with as_answer_error():
                client.delete_object(**where, IfMatch=etag)
        except AnswerError as error:
            if error.code in _UNKNOWN:
                with as_answer_error():
                    client.delete_object(**where)
            elif error.code not in _OVER:
                raise

    return delete
