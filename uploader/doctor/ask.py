"""How a check asks AWS: one request, and its answer. A refusal is an answer too, because it can be a finding."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from botocore.config import Config
from botocore.exceptions import ClientError

from release_log.bounds import FILE_BYTES
from uploader.aws.access import first_line
from uploader.aws.boto3_chain import NO_ANSWER, open_session
from uploader.aws.refusals import CLOCK, CREDENTIALS, DENIED, explain_s3

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uploader.aws.access import Access

_DENIED = {*DENIED, "403"}
_MISSING = {"NoSuchKey", "404"}


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request.

    Attributes:
        code: AWS's error code; empty if the request succeeded.
        document: boto3's answer.
    """

    code: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)

    @property
    def denied(self) -> bool:
        """Whether these credentials lack the permission."""
        return self.code in _DENIED

    @property
    def missing(self) -> bool:
        """Whether the object does not exist."""
        return self.code in _MISSING

    @property
    def why(self) -> str:
        """The code, for people."""
        return "access denied" if self.denied else self.code

    def header(self, name: str) -> str:
        """A header of the answer, by its name in lower case; empty if the answer has no such header."""
        return str(self.document.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get(name, ""))


class Ask(Protocol):
    """Sends AWS one request, by the operation's name in boto3: ``ask("get_object", Key="a.js")``."""

    def __call__(self, operation: str, **parameters: Any) -> Answer:  # noqa: ANN401 (boto3's)
        """Send the request.

        Raises:
            UploaderError: AWS cannot be reached, or does not accept these credentials, so that no check is possible.
        """
        ...


def ask_s3(access: Access) -> Ask:
    """An `Ask` for requests to S3 about the bucket."""
    # Without boto3's own checksum: a probe sends a wrong one, and that has to be the only one.
    config = Config(
        connect_timeout=10,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": 3},
        request_checksum_calculation="when_required",
    )
    client = open_session(access).client("s3", region_name=access.region, endpoint_url=access.endpoint, config=config)
    return _asking(client, access, Bucket=access.bucket)


def ask_lambda(access: Access, function: str) -> Ask:
    """An `Ask` for requests to Lambda about the function."""
    config = Config(connect_timeout=10, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 3})
    client = open_session(access).client("lambda", region_name=access.region, config=config)
    return _asking(client, access, FunctionName=function)


def _asking(client: Any, access: Access, **subject: str) -> Ask:  # noqa: ANN401 (each service's client is another type)
    def ask(operation: str, **parameters: Any) -> Answer:  # noqa: ANN401 (boto3's)
        try:
            document = getattr(client, operation)(**subject, **parameters)
            if "Body" in document:
                with closing(document["Body"]) as stream:
                    # Of a larger file only as much as its reader needs to refuse it.
                    most = None if document["ContentLength"] <= FILE_BYTES else FILE_BYTES + 1
                    document["Body"] = stream.read(most)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in {*CREDENTIALS, *CLOCK}:
                raise explain_s3(access, operation, "", code, str(error)) from error
            return Answer(code or "no code", error.response)
        except NO_ANSWER as error:
            raise explain_s3(access, operation, "", "", first_line(error)) from error
        return Answer("", document)

    return ask
