"""The cleaner, asked by hand: one invocation of its Lambda, and what to say when no answer comes."""

from __future__ import annotations

import json
import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, cast

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
)

from release_log.ledger_file import INVOCATION_SECONDS
from uploader.aws.access import first_line
from uploader.errors import StoppedError, UploaderError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from uploader.aws.access import Access

log = logging.getLogger("uploader")

PAUSES = (2, 4, 8, 15, 15, 15)
"""Seconds before asking again while another run is going on; most runs take a few."""

BUSY = "TooManyRequestsException"
FIND_IT = "name the stack's output CleanerFunctionName, which `cdk deploy` prints, with --function"


class LambdaPort(Protocol):
    """What is asked of Lambda: boto3's client has it."""

    def invoke(self, **request: Any) -> Mapping[str, Any]:  # noqa: ANN401 (boto3's)
        """Invoke a function and wait for its answer."""
        ...


def open_lambda(access: Access) -> LambdaPort:
    """Lambda in the bucket's region, where its events arrive.

    A request is sent once: sent twice it is a second run. And it may be silent for as long as a run can last, which a
    NAT gateway does not bear without keep-alives:
    https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
    """
    client: Any = access.session.client(
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
    client: LambdaPort, function: str, payload: Mapping[str, Any], sleep: Callable[[float], None] = time.sleep
) -> dict[str, Any]:
    """Invoke the cleaner and wait for its answer.

    Args:
        client: Lambda.
        function: The function's name or ARN.
        payload: Its keys are in ``docs/commands.md``.
        sleep: Waits for so many seconds.

    Returns:
        The cleaner's answer.

    Raises:
        UploaderError: There is none.
        StoppedError: Ctrl-C; a run that has begun goes on.
    """
    try:
        answer = _answer(client, function, payload, sleep)
        body = answer["Payload"].read()
    except KeyboardInterrupt as error:
        raise StoppedError(_unheard(payload)) from error
    except ParamValidationError as error:
        msg = f"function {function!r} cannot be one's name: {FIND_IT}"
        raise UsageError(msg) from error
    except ClientError as error:
        raise _refused(function, payload, error) from error
    except (EndpointConnectionError, ConnectTimeoutError) as error:
        msg = f"cannot reach Lambda ({first_line(error)}): check the network and --region, then run again"
        raise UploaderError(msg) from error
    except BotoCoreError as error:
        msg = f"no answer from {function!r} ({first_line(error)}): {_unheard(payload)}"
        raise UploaderError(msg) from error
    return _read(function, payload, body, failed="FunctionError" in answer)


def _answer(
    client: LambdaPort, function: str, payload: Mapping[str, Any], sleep: Callable[[float], None]
) -> Mapping[str, Any]:
    """Ask, and again while the function is busy: what Lambda throttles has not begun."""
    ask = partial(client.invoke, FunctionName=function, Payload=json.dumps(payload).encode())
    for tried, pause in enumerate(PAUSES):
        try:
            return ask()
        except ClientError as error:
            if _code(error) != BUSY:
                raise
        if not tried:
            log.info("another run of the cleaner is going on; asking again for %d seconds", sum(PAUSES))
        sleep(pause)
    return ask()


def _read(function: str, payload: Mapping[str, Any], body: bytes, *, failed: bool) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if failed:
        raise _failed(document if isinstance(document, dict) else {}, payload)
    if not isinstance(document, dict) or not {"site", "counts", "stopped_by"} <= document.keys():
        msg = f"function {function!r} gave no cleaner's answer: {FIND_IT}"
        raise UploaderError(msg)
    return document


def _failed(error: Mapping[str, Any], payload: Mapping[str, Any]) -> UploaderError:
    """What the function's own error means. Its message names the thing and the remedy, where it is ours."""
    kind, message = str(error.get("errorType", "")), first_line(error.get("errorMessage", "no message"))
    if kind == "RequestError":
        return UsageError(f"the cleaner refuses: {message}; nothing was done: check --bucket, --prefix and --function")
    if kind == "CleanerError":
        return UploaderError(f"the cleaner gave up: {message}")
    if "timed out" in message:
        return UploaderError(f"Lambda ended the run at its time limit ({message}): {_again(payload)}")
    named = f"{kind}: {message}" if kind else message
    return UploaderError(f"the cleaner failed ({named}): its log says more; {_again(payload)}")


def _refused(function: str, payload: Mapping[str, Any], error: ClientError) -> UploaderError:
    code, message = _code(error), first_line(error.response.get("Error", {}).get("Message", ""))
    if code == BUSY:
        return UploaderError(
            f"function {function!r} is still busy after {sum(PAUSES)} seconds: a run can last "
            f"{INVOCATION_SECONDS // 60} minutes; try again later (and see that its reserved concurrency is not 0)"
        )
    if code == "ResourceNotFoundException":
        return UploaderError(f"there is no function {function!r} here: {FIND_IT}, and its region with --region")
    if code.startswith("AccessDenied"):
        return UploaderError(f"access denied: allow the operator's role lambda:InvokeFunction on function {function!r}")
    if code in {"UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException"}:
        return UploaderError(f"AWS does not accept these credentials ({code}): renew them, or name another --profile")
    if code in {"ValidationException", "InvalidParameterValueException"}:
        return UsageError(f"function {function!r} cannot be invoked ({message}): {FIND_IT}")
    return UploaderError(f"invoking {function!r} failed ({code}: {message}): {_unheard(payload)}")


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _unheard(payload: Mapping[str, Any]) -> str:
    if payload.get("dry_run"):
        return "nothing was changed; run again"
    return "if the run has begun, it goes on by itself; see what is left with `plan`"


def _again(payload: Mapping[str, Any]) -> str:
    return "nothing was changed; run again" if payload.get("dry_run") else "run again, and it goes on where it ended"
