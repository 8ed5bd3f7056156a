"""The cleaner's function: whether it exists, is switched on, and cleans this site."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from release_log.environment import Variable
from release_log.site_pattern import SitePattern, is_pattern
from uploader.doctor.finding import ok, problem, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    if ask("get_function_concurrency").document.get("ReservedConcurrentExecutions") == 0:
        return problem(
            "function",
            "it is switched off: its reserved concurrency is 0",
            "let it run again: aws lambda delete-function-concurrency --function-name NAME",
        )
    return _check_sites(ask, environment.get("Variables", {}), bucket, prefix)


def _check_sites(ask: Ask, variables: Mapping[str, str], bucket: str, prefix: str) -> Finding:
    """Whether it cleans this site: as it answers, or as the environment of an older one says."""
    inline = variables.get(Variable.SITES)
    if inline is None and Variable.WAKE_UP_GROUP not in variables:  # it is not invoked: who knows what it does
        return problem("function", f"it is not a cleaner: it has no {Variable.WAKE_UP_GROUP}", NAME_IT)
    try:
        if inline is None:
            answer = ask("invoke", Payload=json.dumps({"list_sites": True}).encode())
            if answer.code:
                remedy = "ask somebody who has lambda:InvokeFunction on the function"
                return unknown("function", f"it cannot be asked which sites it cleans ({answer.why})", remedy)
            entries = json.loads(answer.document["Payload"].read())["sites"]
        else:
            entries = json.loads(inline)
        sites = sorted((str(each["bucket"]), str(each["prefix"])) for each in entries)
    except (KeyError, TypeError, ValueError):
        return problem("function", "it does not say which sites it cleans, as the cleaner does", NAME_IT)
    by = [each for where, each in sites if where == bucket and _is(each, prefix)]
    if not by:
        known = ", ".join(f"s3://{each}/{inner}" for each, inner in sites)
        return problem("function", f"it cleans {known}, not s3://{bucket}/{prefix}", f"check --prefix, or {NAME_IT}")
    by_pattern = "" if prefix in by else f", by the pattern {by[0]}"
    return ok("function", f"it cleans s3://{bucket}/{prefix}{by_pattern}")


def _is(configured: str, prefix: str) -> bool:
    return SitePattern(configured).matches(prefix) if is_pattern(configured) else configured == prefix
