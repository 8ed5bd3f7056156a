"""The cleaner's port to S3.

One method is one request (`S3Port.list`: one request a page), so that a test can stop, repeat or fail every one of
them.
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
    """One object of a listing. ``last_modified`` is S3's clock, cut to whole seconds as S3 gives it."""

    key: str
    size: int
    last_modified: datetime


@dataclass(frozen=True, slots=True)
class Blob:
    """One object read whole."""

    body: bytes
    etag: str
    last_modified: datetime


class S3Port(Protocol):
    """What the cleaner asks of a bucket."""

    def now(self) -> datetime:
        """S3's clock, from the latest answer: nobody's own clock decides what has expired."""
        ...

    def get(self, key: str) -> Blob | None:
        """Read an object; None if there is none."""
        ...

    def list(self, prefix: str, after: str = "", to: str | None = None) -> Iterator[Listed]:
        """Everything under a prefix, in the order of the keys: those beyond ``after``, and none beyond ``to``."""
        ...

    def put_if(self, key: str, body: bytes, etag: str | None) -> str:
        """Write an object if it is still the one with this ETag; with None, if there is still none.

        Returns:
            The new ETag.

        Raises:
            ConflictError: It is not.
        """
        ...

    def get_tags(self, key: str) -> dict[str, str] | None:
        """An object's tags; None if there is no such object."""
        ...

    def put_tags(self, key: str, tags: Mapping[str, str]) -> bool:
        """Replace an object's tags; False if there is no such object."""
        ...

    def delete(self, keys: Sequence[str]) -> dict[str, str]:
        """Delete up to `DELETE_BATCH` objects; an object that is not there counts as deleted.

        It is sent once: who repeats it must know that.

        Returns:
            Key -> S3's error, for each key that could not be deleted.

        Raises:
            ClientError: S3 refused all of it; nothing was deleted.
            BotoCoreError: There was no answer: it may have been done, or may still be.
        """
        ...
