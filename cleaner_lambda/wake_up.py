"""The one wake-up of a site: a one-time EventBridge Scheduler schedule for the next due instant, updated in place."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

    from cleaner_lambda.sites import Site

LEAD_SECONDS = 5
"""The least time until a wake-up, so that it is not in the past when Scheduler reads it."""


class Alarm(Protocol):
    """Sets the wake-up of a site."""

    def set(self, site: Site, at: datetime | None) -> None:
        """Replace the site's wake-up; None removes it."""
        ...


class NoAlarm:
    """For a dry run: sets nothing."""

    def set(self, site: Site, at: datetime | None) -> None:
        """Set nothing."""


@dataclass(frozen=True, slots=True)
class SchedulerAlarm:
    """Sets wake-ups in EventBridge Scheduler.

    Attributes:
        client: The Scheduler client.
        group: Name of this installation's schedule group.
        role_arn: The role with which Scheduler invokes the function.
        function_arn: The function.
        dead_letter_arn: The queue for invocations that Scheduler could not deliver.
    """

    client: EventBridgeSchedulerClient
    group: str
    role_arn: str
    function_arn: str
    dead_letter_arn: str

    def set(self, site: Site, at: datetime | None) -> None:
        """See `Alarm.set`."""
        name = schedule_name(site)
        if at is None:
            try:
                self.client.delete_schedule(GroupName=self.group, Name=name)
            except self.client.exceptions.ResourceNotFoundException:
                return
            return
        try:
            self._put(self.client.update_schedule, name, site, at)
        except self.client.exceptions.ResourceNotFoundException:
            try:
                self._put(self.client.create_schedule, name, site, at)
            except self.client.exceptions.ConflictException:
                self._put(self.client.update_schedule, name, site, at)

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
                "Input": json.dumps({"site": site.prefix, "bucket": site.bucket}),
                "DeadLetterConfig": {"Arn": self.dead_letter_arn},
            },
        )


def schedule_name(site: Site) -> str:
    """The name of a site's schedule. It is a digest, as a prefix may be longer than 64 characters, or have others."""
    return f"site-{hashlib.sha256(f'{site.bucket}/{site.prefix}'.encode()).hexdigest()[:32]}"


def _not_past(at: datetime) -> datetime:
    # The local clock is right here: Scheduler compares with the present, and S3's instant is from the run's beginning.
    return max(at.astimezone(UTC), datetime.now(UTC) + timedelta(seconds=LEAD_SECONDS))
