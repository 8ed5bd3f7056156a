"""The cleaner's function: whether it exists, is switched on, and cleans this site."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from release_log.environment import Variable
from uploader.doctor.finding import ok, problem, unknown

if TYPE_CHECKING:
    from uploader.doctor.ask import Ask
    from uploader.doctor.finding import Finding

NAME_IT = "name the stack's output CleanerFunctionName with --function"


def check_function(ask: Ask | None, bucket: str, prefix: str) -> Finding:  # noqa: PLR0911 (one a remedy)
    """Whether the function cleans this site.

    Args:
        ask: Asks Lambda about the function; None if no function was named.
        bucket: The site's bucket.
        prefix: The site's prefix.
    """
    if ask is None:
        return unknown("function", "not checked", NAME_IT)
    answer = ask("get_function_configuration")
    if answer.code == "ResourceNotFoundException":
        return problem("function", "no function has this name in this region", NAME_IT)
    if answer.code:
        remedy = "ask somebody who has lambda:GetFunctionConfiguration on the function"
        return unknown("function", f"cannot be read ({answer.why})", remedy)
    state, update = answer.document.get("State", "Active"), answer.document.get("LastUpdateStatus", "Successful")
    if state == "Failed" or update == "Failed":
        return problem(
            "function", f"Lambda says that it is {state}, its last update {update}", "deploy the stack again"
        )
    environment = answer.document.get("Environment", {})
    if "Error" in environment:
        return unknown("function", "its environment cannot be read", "ask somebody who may use the function's KMS key")
    try:
        sites = {(site["bucket"], site["prefix"]) for site in json.loads(environment["Variables"][Variable.SITES])}
    except (KeyError, TypeError, ValueError):
        return problem("function", f"it is not a cleaner: it has no {Variable.SITES}", NAME_IT)
    if (bucket, prefix) not in sites:
        known = ", ".join(f"s3://{each}/{inner}" for each, inner in sorted(sites))
        return problem("function", f"it cleans {known}, not s3://{bucket}/{prefix}", f"check --prefix, or {NAME_IT}")
    if ask("get_function_concurrency").document.get("ReservedConcurrentExecutions") == 0:
        return problem(
            "function",
            "it is switched off: its reserved concurrency is 0",
            "let it run again: aws lambda delete-function-concurrency --function-name NAME",
        )
    return ok("function", f"it cleans s3://{bucket}/{prefix}")
