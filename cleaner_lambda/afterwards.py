"""What a run asks of other services when it is over: its next wake-up, a map run, and the event.

Its deletions are done and recorded by then, so what is refused here is told and counted, and does not fail the run.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

import boto3
from aws_lambda_powertools import Logger, Metrics
from botocore.config import Config

from cleaner_lambda.completion_event import EventBus, NotSentError, detail
from cleaner_lambda.metrics import count, count_apart
from cleaner_lambda.state_machine import NotStartedError, StateMachine
from cleaner_lambda.wake_up import NotSetError, SchedulerAlarm, unqualified
from release_log.environment import Variable
from release_log.events import CLEAN_COMPLETED
from release_log.metrics import NAMESPACE, SERVICE, Metric

if TYPE_CHECKING:
    from datetime import datetime

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from cleaner_lambda.cursor import MapRun
    from cleaner_lambda.report import Report
    from cleaner_lambda.sites import Site

AFTERWARDS = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
"""No service may use up the rest of the invocation."""

logger = Logger(service=SERVICE)
metrics = Metrics(namespace=NAMESPACE, service=SERVICE)


def set_wake_up(site: Site, at: datetime | None, context: LambdaContext, **more: object) -> str | None:
    """Set the next wake-up.

    Args:
        site: The site.
        at: When; None for no wake-up.
        context: Lambda's context.
        more: See `cleaner_lambda.wake_up.SchedulerAlarm.set`.

    Returns:
        Why it could not be set: the daily run comes all the same.
    """
    error = None
    try:
        if at is not None:
            _alarm(context).set(site, at, **more)
    except NotSetError as failure:
        error = str(failure)
        logger.error("the wake-up was not set, so the next run is a marker's or the daily one: %s", error)  # noqa: TRY400 (the message says it all)
    count(metrics, {Metric.WAKE_UPS_NOT_SET: 0 if error is None else 1}, site)
    return error


def start_map_run(site: Site, run: MapRun) -> None:
    """Start a map run. If that fails, nobody lists its ranges, and the run after its time says so."""
    try:
        StateMachine(step_functions(), os.environ[Variable.STATE_MACHINE_ARN]).start(site, run)
    except NotStartedError as error:
        logger.error("the map run was not started, so the cleaner goes on in an hour: %s", error)  # noqa: TRY400 (the message says it all)
        count_apart({Metric.MAP_RUNS_FAILED: 1})


def send_event(report: Report, site: Site, run: str) -> None:
    """Send the event of a run.

    Args:
        report: The run.
        site: The site.
        run: The run's id.
    """
    bus = os.environ.get(Variable.EVENT_BUS)
    if not bus:  # the template of an older version names none
        return
    try:
        EventBus(events(), bus).send(detail(report, site, run))
    except NotSentError as error:
        logger.error("the event %s was not sent: %s", CLEAN_COMPLETED.detail_type, error)  # noqa: TRY400 (the message says it all)
        count(metrics, {Metric.EVENTS_NOT_SENT: 1}, site)


def _alarm(context: LambdaContext) -> SchedulerAlarm:
    return SchedulerAlarm(
        client=scheduler(),
        group=os.environ[Variable.WAKE_UP_GROUP],
        role_arn=os.environ[Variable.WAKE_UP_ROLE_ARN],
        function_arn=unqualified(context.invoked_function_arn),
        dead_letter_arn=os.environ[Variable.WAKE_UP_DEAD_LETTER_ARN],
    )


@cache
def scheduler():  # type: ignore[no-untyped-def]  # noqa: ANN201 (boto3 makes its classes at run time)
    """The client of EventBridge Scheduler."""
    return boto3.client("scheduler", config=AFTERWARDS)


@cache
def step_functions():  # type: ignore[no-untyped-def]  # noqa: ANN201 (boto3 makes its classes at run time)
    """The client of Step Functions."""
    return boto3.client("stepfunctions", config=AFTERWARDS)


@cache
def events():  # type: ignore[no-untyped-def]  # noqa: ANN201 (boto3 makes its classes at run time)
    """The client of EventBridge."""
    config = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2})
    return boto3.client("events", config=config)
