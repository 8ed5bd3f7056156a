"""How a check asks AWS: one request, and what came back, refusals included, for they are findings too."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from uploader.aws.access import first_line
from uploader.aws.boto3_chain import open_session
from uploader.aws.refusals import CREDENTIALS, DENIED, explain_s3

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uploader.aws.access import Access

_DENIED = {*DENIED, "403"}
_MISSING = {"NoSuchKey", "404"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What AWS said.

    Attributes:
        code: Its error code; empty if it did what was asked.
        document: The answer as boto3 has it.
    """

    code: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)

    @property
    def denied(self) -> bool:
        """Whether these credentials may not ask that."""
        return self.code in _DENIED

    @property
    def missing(self) -> bool:
        """Whether there is no such object."""
        return self.code in _MISSING

    @property
    def why(self) -> str:
        """The code, for people."""
        return "access denied" if self.denied else self.code

    def header(self, name: str) -> str:
        """A header of the answer, in small letters; empty if it has none."""
        return str(self.document.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get(name, ""))


class Ask(Protocol):
    """Asks AWS one thing, by the operation's name in boto3: ``ask("get_object", Key="a.js")``."""

    def __call__(self, operation: str, **parameters: Any) -> Answer:  # noqa: ANN401 (boto3's)
        """Ask it.

        Raises:
            UploaderError: AWS cannot be reached, or does not know these credentials: nothing can be looked at.
        """
        ...


def ask_s3(access: Access) -> Ask:
    """Ask S3, about the bucket."""
    # A probe's wrong checksum is to be the only one.
    config = Config(
        connect_timeout=10,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": 3},
        request_checksum_calculation="when_required",
    )
    client = open_session(access).client("s3", region_name=access.region, endpoint_url=access.endpoint, config=config)
    return _asking(client, access, Bucket=access.bucket)


def ask_lambda(access: Access, function: str) -> Ask:
    """Ask Lambda, about the function."""
    client = open_session(access).client("lambda", region_name=access.region)
    return _asking(client, access, FunctionName=function)


def _asking(client: Any, access: Access, **subject: str) -> Ask:  # noqa: ANN401 (each service's client is another type)
    def ask(operation: str, **parameters: Any) -> Answer:  # noqa: ANN401 (boto3's)
        try:
            document = getattr(client, operation)(**subject, **parameters)
            if "Body" in document:
                document["Body"] = document["Body"].read()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in CREDENTIALS:
                raise explain_s3(access, operation, "", code, str(error)) from error
            return Answer(code or "no code", error.response)
        except BotoCoreError as error:
            raise explain_s3(access, operation, "", "", first_line(error)) from error
        return Answer("", document)

    return ask
