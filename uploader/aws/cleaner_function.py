"""Invokes the cleaner's Lambda function once, and explains why no answer came."""

from __future__ import annotations

import json
import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, cast

from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
)

from release_log.ledger_file import INVOCATION_SECONDS
from uploader.aws.access import first_line
from uploader.aws.boto3_chain import NO_ANSWER, open_session
from uploader.aws.refusals import BUSY, CLEANER, LAMBDA, NAME_FUNCTION, explain
from uploader.errors import StoppedError, UploaderError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from uploader.aws.access import Access

log = logging.getLogger("uploader")

OUR_CODE = "cleaner_lambda"
"""The package that each traceback of the cleaner names; Lambda has a traceback in its answer for whatever is raised."""

PAUSES = (2, 4, 8, 15, 15, 15)
"""Seconds between attempts while another run is in progress; most runs take a few seconds."""


ANSWER_OF_A_RUN = frozenset({"site", "counts", "stopped_by"})
"""Fields of the answer of a run, by which the cleaner is told from another function."""


class LambdaPort(Protocol):
    """The part of boto3's Lambda client that is used."""

    def invoke(self, **request: Any) -> Mapping[str, Any]:  # noqa: ANN401 (boto3's)
        """Invoke a function, and wait for its answer."""
        ...


def open_lambda(access: Access) -> LambdaPort:
    """A client of Lambda in the bucket's region, where the bucket's events arrive.

    It sends each request once: a repeated request would start a second run. The connection can be silent for as long
    as a run can last, and a NAT gateway would drop it without keep-alives:
    https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
    """
    client: Any = open_session(access).client(
        "lambda",
        region_name=access.region,
        config=Config(
            connect_timeout=10,
            read_timeout=INVOCATION_SECONDS + 10,
            retries={"total_max_attempts": 1},
            tcp_keepalive=True,
        ),
    )
    return cast("LambdaPort", client)


def invoke(
    client: LambdaPort,
    function: str,
    payload: Mapping[str, Any],
    sleep: Callable[[float], None] = time.sleep,
    *,
    expected: frozenset[str] = ANSWER_OF_A_RUN,
) -> dict[str, Any]:
    """Invoke the cleaner, and wait for its answer.

    Args:
        client: A client of Lambda.
        function: The function's name or ARN.
        payload: Its keys are in ``docs/commands.md``.
        sleep: Waits for a number of seconds.
        expected: The fields by which its answer is known.

    Returns:
        The cleaner's answer.

    Raises:
        UploaderError: No answer came, or the run failed.
        StoppedError: Ctrl-C. A run that has begun continues.
    """
    try:
        answer = _answer(client, function, payload, sleep)
        body = answer["Payload"].read()
    except KeyboardInterrupt as error:
        raise StoppedError(_unknown_outcome(payload)) from error
    except ParamValidationError as error:
        msg = f"function {function!r} is not a function's name or ARN: {NAME_FUNCTION}"
        raise UsageError(msg) from error
    except ClientError as error:
        raise _refused(function, payload, error) from error
    except (EndpointConnectionError, ConnectTimeoutError) as error:
        msg = f"cannot reach Lambda ({first_line(error)}): check the network and --region, then run again"
        raise UploaderError(msg) from error
    except NO_ANSWER as error:
        msg = f"no answer from {function!r} ({first_line(error)}): {_unknown_outcome(payload)}"
        raise UploaderError(msg) from error
    return _read(function, payload, body, expected, failed="FunctionError" in answer)


def _answer(
    client: LambdaPort, function: str, payload: Mapping[str, Any], sleep: Callable[[float], None]
) -> Mapping[str, Any]:
    """Invoke the function, again while it is busy: a run that Lambda throttles has not begun."""
    ask = partial(client.invoke, FunctionName=function, Payload=json.dumps(payload).encode())
    for tried, pause in enumerate(PAUSES):
        try:
            return ask()
        except ClientError as error:
            if _code(error) != BUSY:
                raise
        if not tried:
            log.info("another run of the cleaner is in progress; trying again for %d seconds", sum(PAUSES))
        sleep(pause)
    return ask()


def _read(
    function: str, payload: Mapping[str, Any], body: bytes, expected: frozenset[str], *, failed: bool
) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if failed:
        raise _failed(function, payload, document if isinstance(document, dict) else {})
    if not isinstance(document, dict) or not expected <= document.keys():
        msg = f"function {function!r} did not answer as the cleaner does: {NAME_FUNCTION}"
        raise UploaderError(msg)
    return document


def _failed(function: str, payload: Mapping[str, Any], document: Mapping[str, Any]) -> UploaderError:
    """The error for a run that its own error ended."""
    kind, text = str(document.get("errorType", "")), str(document.get("errorMessage", "no message"))
    trace = str(document.get("stackTrace") or document.get("trace") or "")
    if trace and OUR_CODE not in trace:
        msg = f"function {function!r} is not the cleaner, and failed ({kind}: {first_line(text)}): {NAME_FUNCTION}"
        return UploaderError(msg)
    return explain(
        CLEANER,
        code=kind,
        text=text,
        action="lambda:InvokeFunction",
        target=f"function {function!r}",
        again=_again(payload),
    )


def _refused(function: str, payload: Mapping[str, Any], error: ClientError) -> UploaderError:
    """The error for an invocation that Lambda refused."""
    return explain(
        LAMBDA,
        code=_code(error),
        text=str(error.response.get("Error", {}).get("Message", "")),
        action="lambda:InvokeFunction",
        target=f"function {function!r}",
        who="the operator's role",
        waited=sum(PAUSES),
        minutes=INVOCATION_SECONDS // 60,
        unknown_outcome=_unknown_outcome(payload),
    )


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _unknown_outcome(payload: Mapping[str, Any]) -> str:
    if payload.get("dry_run"):
        return "nothing was changed; run again"
    return "if the run has begun, it continues by itself; see what is left with `plan`"


def _again(payload: Mapping[str, Any]) -> str:
    return "nothing was changed; run again" if payload.get("dry_run") else "run again; it resumes where it stopped"
