"""Reads obstore's errors as S3's answers: the error code, and whether a repeated request may succeed."""

from __future__ import annotations

import re

from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    InvalidPathError,
    NotFoundError,
    NotSupportedError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)

from uploader.aws.refusals import NO_LOCATION

_PASSING = {"InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout"}
"""https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"""

_UNDER_WAY = {"ConditionalRequestConflict", "OperationAborted"}
"""S3's codes for 409: another request to the same key is under way. obstore says "exists already" to every 409.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

_LASTING = (
    AlreadyExistsError,
    InvalidPathError,
    NotFoundError,
    NotSupportedError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)


NO_CODE = ""
"""The code of an error that is not S3's own."""


class AnswerError(Exception):
    """A request by boto3 failed.

    Attributes:
        code: S3's error code; empty if no answer came, or if the answer is not S3's.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = NO_CODE if code.isdigit() else code


class NoAnswerError(Exception):
    """No answer came, or one that does not tell whether S3 executes the request."""


def passes(error: Exception) -> bool:
    """Whether the same request may succeed in a moment: S3 says so, or its answer was incomplete."""
    ours = isinstance(error, (BaseError, AnswerError))
    if ours and code_of(error) in _UNDER_WAY:
        return True
    if NO_LOCATION in str(error):
        return False
    return ours and not isinstance(error, _LASTING) and code_of(error) in {"", *_PASSING}


def is_missing(error: Exception) -> bool:
    """Whether S3 says that the key does not exist."""
    return isinstance(error, FileNotFoundError) and code_of(error) != "NoSuchBucket"


def is_taken(error: Exception) -> bool:
    """Whether S3 says that there is an object under this key already."""
    if isinstance(error, AnswerError):
        return error.code == "PreconditionFailed"
    return isinstance(error, AlreadyExistsError) and code_of(error) not in _UNDER_WAY


def is_refused(error: Exception) -> bool:
    """Whether S3 refused a conditional write, because another object is there or another write is under way."""
    if isinstance(error, (AlreadyExistsError, PreconditionError)):
        return True
    return is_missing(error) or code_of(error) in {"PreconditionFailed", "NoSuchKey", *_UNDER_WAY}


def code_of(error: BaseException | None) -> str:
    """S3's error code; empty if the error has none."""
    if isinstance(error, AnswerError):
        return error.code
    # The second form is obstore's, for the error of one key in the 200 answer to a DELETE.
    found = re.search(r"<Code>([\w.]+)</Code>|\(code: (\w+)\)", str(error))
    return (found[1] or found[2]) if found else ""
