"""The cleaner's port to S3.

One method is one request (`S3Port.list`: one request a page), so that a test can stop, repeat or fail each request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

DELETE_BATCH = 1000
"""S3's limit for one DeleteObjects: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html"""


@dataclass(frozen=True, slots=True)
class Listed:
    """One object of a listing. ``last_modified`` is by S3's clock, in whole seconds as S3 reports it."""

    key: str
    size: int
    last_modified: datetime
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Blob:
    """The whole content of one object; of one with more than `FILE_BYTES` the first of them, and one more."""

    body: bytes
    etag: str
    last_modified: datetime


class S3Port(Protocol):
    """The requests that the cleaner sends to a bucket."""

    def now(self) -> datetime:
        """S3's clock, from the latest answer. No other clock decides what has expired."""
        ...

    def get(self, key: str) -> Blob | None:
        """Read an object; None if it does not exist.

        Raises:
            UnreadableError: It exists, and S3 does not give it out.
        """
        ...

    def list(self, prefix: str, after: str = "", to: str | None = None) -> Iterator[Listed]:
        """The objects under a prefix in the order of their keys, from the first after ``after`` to ``to`` itself."""
        ...

    def put_if(self, key: str, body: bytes, etag: str | None) -> str:
        """Write an object if its ETag is still this one; with None, if it still does not exist.

        Returns:
            The new ETag.

        Raises:
            ConflictError: The object is another by now.
        """
        ...

    def get_tags(self, key: str) -> dict[str, str] | None:
        """An object's tags; None if the object does not exist."""
        ...

    def get_metadata(self, key: str) -> Mapping[str, str] | None:
        """An object's own metadata, without ``x-amz-meta-``; None if the object does not exist."""
        ...

    def put_tags(self, key: str, tags: Mapping[str, str]) -> bool:
        """Replace an object's tags; False if the object does not exist.

        The request is sent once, as in `delete`, with the same errors.
        """
        ...

    def delete(self, keys: Sequence[str]) -> dict[str, str]:
        """Delete up to `DELETE_BATCH` objects; an object that does not exist counts as deleted.

        The request is sent once; only the caller repeats it. Its body is XML, which cannot hold every key.

        Returns:
            Key -> S3's error, for each key that could not be deleted.

        Raises:
            ClientError: S3 refused the whole request, and deleted nothing; or answered with a 5xx, or cut short.
            BotoCoreError: There was no answer.

        After a 5xx, as without an answer, S3 may have deleted the objects, or may still do it: see
        `cleaner_lambda.s3_errors.tells_nothing`. The same holds for a key with such an error.
        """
        ...

    def delete_one(self, key: str) -> None:
        """Delete one object, whatever its key; an object that does not exist counts as deleted. Sent once.

        Raises:
            ClientError: S3 refused it, and deleted nothing; or answered with a 5xx, as in `delete`.
            BotoCoreError: There was no answer, as in `delete`.
        """
        ...

    def delete_if(self, key: str, etag: str) -> bool:
        """Delete an object if its ETag is still this one; False if it is another by now. Executed late it does nothing.

        Raises:
            ClientError: S3 refused it, or does not know such a condition; or answered with a 5xx.
            BotoCoreError: There was no answer.
        """
        ...
