"""The one wake-up of a site: a one-time EventBridge Scheduler schedule for the next due instant, updated in place."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cleaner_lambda.errors import CleanerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_scheduler import EventBridgeSchedulerClient

    from cleaner_lambda.sites import Site

LEAD_SECONDS = 5
"""The least time until a wake-up, so that it is not in the past when Scheduler reads it."""


CONFLICT_PAUSES = (0.2, 0.8, 2.0)
"""The pauses before a request is repeated that met another one for the same schedule (``ConflictException``)."""


class NotSetError(CleanerError):
    """The wake-up could not be set. The run itself succeeded; the daily run comes all the same."""


def _sleep(seconds: float) -> None:
    time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class SchedulerAlarm:
    """Sets wake-ups in EventBridge Scheduler.

    Attributes:
        client: The Scheduler client.
        group: Name of this installation's schedule group.
        role_arn: The role with which Scheduler invokes the function.
        function_arn: The function, without a version or an alias.
        dead_letter_arn: The queue for invocations that Scheduler could not deliver.
        sleep: Waits for a number of seconds.
    """

    client: EventBridgeSchedulerClient
    group: str
    role_arn: str
    function_arn: str
    dead_letter_arn: str
    sleep: Callable[[float], None] = _sleep

    def set(self, site: Site, at: datetime | None) -> None:
        """Replace the site's wake-up; None removes it.

        Raises:
            NotSetError: Scheduler refused it, or did not answer.
        """
        name = schedule_name(site)
        try:
            for pause in (*CONFLICT_PAUSES, None):
                try:
                    self._replace(name, site, at)
                except self.client.exceptions.ConflictException:
                    if pause is None:
                        raise
                    self.sleep(pause)
                else:
                    return
        except (ClientError, BotoCoreError) as error:
            msg = f"schedule {name} in group {self.group}: {error}"
            raise NotSetError(msg) from error

    def _replace(self, name: str, site: Site, at: datetime | None) -> None:
        missing = self.client.exceptions.ResourceNotFoundException
        if at is None:
            try:
                self.client.delete_schedule(GroupName=self.group, Name=name)
            except missing:
                return
            return
        try:
            self._put(self.client.update_schedule, name, site, at)
        except missing:
            self._put(self.client.create_schedule, name, site, at)

    def _put(self, method, name: str, site: Site, at: datetime) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        """Create or update the schedule. An update replaces every property, so both requests are the same."""
        method(
            GroupName=self.group,
            Name=name,
            ScheduleExpression=f"at({_not_past(at):%Y-%m-%dT%H:%M:%S})",
            ScheduleExpressionTimezone="UTC",
            FlexibleTimeWindow={"Mode": "OFF"},
            ActionAfterCompletion="DELETE",
            Target={
                "Arn": self.function_arn,
                "RoleArn": self.role_arn,
                # Sites in two buckets may have the same prefix.
                "Input": json.dumps({"site": site.prefix, "bucket": site.bucket, "wake_up": True}),
                "DeadLetterConfig": {"Arn": self.dead_letter_arn},
            },
        )


def schedule_name(site: Site) -> str:
    """The name of a site's schedule. It is a digest, as a prefix may be longer than 64 characters, or have others."""
    return f"site-{hashlib.sha256(f'{site.bucket}/{site.prefix}'.encode()).hexdigest()[:32]}"


def unqualified(function_arn: str) -> str:
    """A function's ARN without a version or an alias: the wake-up's role may invoke the function itself.

    Args:
        function_arn: ``arn:aws:lambda:REGION:ACCOUNT:function:NAME``, or the same with ``:$LATEST`` or ``:ALIAS``.
    """
    return ":".join(function_arn.split(":")[:7])


def _not_past(at: datetime) -> datetime:
    # The local clock is right here: Scheduler compares with the present, and S3's instant is from the run's beginning.
    return max(at.astimezone(UTC), datetime.now(UTC) + timedelta(seconds=LEAD_SECONDS))
