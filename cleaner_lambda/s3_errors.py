"""What an error of S3 says about the request: whether it may still be executed, and whether to repeat it."""

from __future__ import annotations

from http import HTTPStatus

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

RequestError = ClientError | BotoCoreError | ResponseParserError

REQUEST_ERRORS = (ClientError, BotoCoreError, ResponseParserError)
"""How a request of boto3 fails."""

UNANSWERED = "no answer"

SERVER_ERRORS = ("InternalError", "SlowDown", "ServiceUnavailable", "500", "502", "503", "504")
"""How S3's errors with a 5xx begin. "500" is also botocore's code for an answer that is cut off."""

BUSY = "OperationAborted"

PASSING = (*SERVER_ERRORS, "RequestTimeout", BUSY, UNANSWERED)
"""How S3's temporary errors begin: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"""


def code_of(error: RequestError) -> str:
    """S3's error code; `UNANSWERED` if there was no answer."""
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else UNANSWERED


def named(error: RequestError) -> str:
    """An error, its code first: that says whether it passes."""
    return f"{code_of(error)}: {error}"


def tells_nothing(error: Exception) -> bool:
    """Whether S3 may have executed the request, or may still do it: it did not answer, or with a 5xx."""
    if not isinstance(error, ClientError):
        return True
    status: int = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", HTTPStatus.INTERNAL_SERVER_ERROR)
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR
