"""The wake-ups of a site: a one-time EventBridge Scheduler schedule for each minute in which something falls due.

A schedule is only ever created. One that fired deletes itself a while later, and would take along what the run that it
woke had written into it; so each minute's has a name of its own. A run that finds nothing to do does no harm.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cleaner_lambda.errors import CleanerError

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

    from cleaner_lambda.sites import Site

LEAD_SECONDS = 30
"""The least time until a wake-up: its minute has not begun when Scheduler reads the last repetition of the request.

It is also later than the minute that woke this run, whose schedule may still exist.
"""


class NotSetError(CleanerError):
    """The wake-up could not be set. The run itself succeeded; the daily run comes all the same."""


@dataclass(frozen=True, slots=True)
class SchedulerAlarm:
    """Sets wake-ups in EventBridge Scheduler.

    Attributes:
        client: The Scheduler client.
        group: Name of this installation's schedule group.
        role_arn: The role with which Scheduler invokes the function.
        function_arn: The function, without a version or an alias.
        dead_letter_arn: The queue for invocations that Scheduler could not deliver.
    """

    client: EventBridgeSchedulerClient
    group: str
    role_arn: str
    function_arn: str
    dead_letter_arn: str

    def set(self, site: Site, at: datetime, **more: object) -> None:
        """Let the site be cleaned in the first whole minute that begins at this instant or later.

        Args:
            site: The site, or a pattern.
            at: When, at the earliest.
            more: More keys of the payload. With others, it is another wake-up.

        Raises:
            NotSetError: Scheduler refused it, or did not answer.
        """
        minute = due_minute(at, datetime.now(UTC))
        name = schedule_name(site, minute, json.dumps(more) if more else "")
        try:
            self.client.create_schedule(
                GroupName=self.group,
                Name=name,
                ScheduleExpression=f"at({minute:%Y-%m-%dT%H:%M:%S})",
                ScheduleExpressionTimezone="UTC",
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE",
                Target={
                    "Arn": self.function_arn,
                    "RoleArn": self.role_arn,
                    # Sites in two buckets may have the same prefix.
                    "Input": json.dumps({"site": site.prefix, "bucket": site.bucket, "wake_up": True, **more}),
                    "DeadLetterConfig": {"Arn": self.dead_letter_arn},
                },
            )
        except self.client.exceptions.ConflictException:
            # Another run has set it. It fires after this run has written its state, so the run that it wakes sees that.
            return
        except Exception as error:
            # botocore has any error of Python's for an odd answer.
            msg = f"schedule {name} in group {self.group}: {error}"
            raise NotSetError(msg) from error


def due_minute(at: datetime, now: datetime) -> datetime:
    """The minute of the wake-up for a due instant; never one that begins before it, or in less than `LEAD_SECONDS`.

    Scheduler invokes within the minute that a schedule names, whatever its seconds:
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html

    Args:
        at: When something falls due, by S3's clock.
        now: The present by the local clock, with which Scheduler's agrees; S3's instant is from the run's beginning.
    """
    earliest = max(at, now + timedelta(seconds=LEAD_SECONDS)).astimezone(UTC)
    begun = earliest.replace(second=0, microsecond=0)
    return begun if begun == earliest else begun + timedelta(minutes=1)


def schedule_name(site: Site, minute: datetime, more: str = "") -> str:
    """The name of a site's schedule for a minute, in 52 characters; Scheduler accepts 64, and no ``/``."""
    return f"site-{site.digest(more)}-{minute:%Y%m%dT%H%MZ}"


def unqualified(function_arn: str) -> str:
    """A function's ARN without a version or an alias: the wake-up's role may invoke the function itself.

    Args:
        function_arn: ``arn:aws:lambda:REGION:ACCOUNT:function:NAME``, or the same with ``:$LATEST`` or ``:ALIAS``.
    """
    return ":".join(function_arn.split(":")[:7])
