"""The requests for the pages in place: to look at one, and to put one over that which was seen, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import PermissionDeniedError

from uploader.errors import UploaderError
from uploader.s3.bodies import attributes_of, goes_in_parts, read_body
from uploader.s3.copies import Copies
from uploader.s3.errors import AnswerError, NoAnswerError, code_of, is_missing, is_refused, passes
from uploader.s3.port import PageInPlace

if TYPE_CHECKING:
    from uploader.s3.asking import Ask
    from uploader.s3.connection import Connection
    from uploader.s3.port import Placement


class InPlace:
    """One method for each request."""

    def __init__(self, connection: Connection, ask: Ask) -> None:
        """Prepare the requests; ``ask`` sends them; see `uploader.s3.asking.Asking`."""
        self._connection = connection
        self._copies = Copies(connection.access, connection.encryption)
        self._ask = ask
        self._errors: tuple[type[Exception], ...] = (AnswerError, *connection.errors)

    def page(self, key: str) -> PageInPlace | None:
        """A page in place; None if there is none."""

        def read() -> PageInPlace:
            answer = obstore.get(self._connection.store, key, options={"head": True})
            return PageInPlace(answer.meta["e_tag"] or "", answer.attributes)

        try:
            return self._ask("s3:GetObject", key, read, expected=is_missing)
        except FileNotFoundError:
            return None
        except UploaderError as error:
            # For a key that does not exist, S3 answers 403 if listing is only allowed under a prefix.
            if isinstance(error.__cause__, PermissionDeniedError):
                return None
            raise

    def place(self, placement: Placement) -> str | None:
        """Put a page in place; returns its ETag, or None if another page is there than it replaces.

        Raises:
            NoAnswerError: The request may still be executed.
        """
        file = placement.file
        body = None if file is None or goes_in_parts(file) else read_body(file)

        def put() -> str | None:
            if file is None or body is None:
                return self._copies.place(placement)
            return obstore.put(
                self._connection.once,
                placement.key,
                body.content or b"",
                attributes=attributes_of(file, body),
                mode="create" if placement.etag is None else {"e_tag": placement.etag},
                use_multipart=False,
            )["e_tag"]

        try:
            return self._ask("s3:PutObject", placement.key, put, _never, _tells_of_itself)
        except self._errors as error:
            if is_refused(error) or code_of(error) == "SlowDown":
                return None
            raise NoAnswerError(str(error)) from error


def _never() -> bool:
    """A request that is not repeated."""
    return False


def _tells_of_itself(error: Exception) -> bool:
    """Whether a conditional write's error is for its caller: it was refused, or nobody knows."""
    return is_refused(error) or passes(error)
