"""What starts the cleaner: a new marker, the daily rule, and the wake-ups that the cleaner schedules itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler

from release_log.events import OBJECT_CREATED

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_sqs as sqs

    from infra.sites import SiteInStack

RETRIES = 24
"""How often EventBridge tries to deliver an event before it goes to the queue of undelivered events."""


class WakeUps(NamedTuple):
    """What the cleaner needs to schedule its wake-ups.

    Attributes:
        group: The schedule group of this installation.
        role: The role with which EventBridge Scheduler invokes the cleaner.
    """

    group: scheduler.CfnScheduleGroup
    role: iam.Role


def wake_ups(scope: Stack, undelivered: sqs.Queue) -> WakeUps:
    """Create the schedule group, and a role that only schedules of this group can assume."""
    group = scheduler.CfnScheduleGroup(scope, "WakeUps", name=f"{scope.stack_name}-wake-ups")
    role = iam.Role(
        scope,
        "WakeUpRole",
        assumed_by=iam.ServicePrincipal(
            "scheduler.amazonaws.com",
            conditions={"StringEquals": {"aws:SourceAccount": scope.account, "aws:SourceArn": group.attr_arn}},
        ),
    )
    role.add_to_policy(iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[undelivered.queue_arn]))
    return WakeUps(group, role)


def wake_by_marker(scope: Stack, site: SiteInStack, function: lambda_.Function, undelivered: sqs.Queue) -> None:
    """Invoke the cleaner when a release marker of a site is written."""
    rule = events.Rule(
        scope,
        f"MarkerRule{site.suffix}",
        description="A release marker was written",
        event_pattern=events.EventPattern(
            source=[OBJECT_CREATED.source],
            detail_type=[OBJECT_CREATED.detail_type],
            detail={
                "bucket": {"name": [site.bucket.bucket_name]},
                "object": {"key": [{"prefix": site.layout.markers}]},
            },
        ),
    )
    rule.add_target(targets.LambdaFunction(function, dead_letter_queue=undelivered, retry_attempts=RETRIES))


def wake_daily(
    scope: Stack, site: SiteInStack, schedule: str, function: lambda_.Function, undelivered: sqs.Queue
) -> None:
    """Invoke the cleaner for a full run of a site by the clock, without any event."""
    rule = events.Rule(
        scope,
        f"DailyRule{site.suffix}",
        description="Starts a full run, also in case an event or a wake-up was lost",
        schedule=events.Schedule.expression(schedule),
    )
    payload = {"site": site.layout.prefix, "bucket": site.bucket.bucket_name, "full": True}
    rule.add_target(
        targets.LambdaFunction(
            function,
            event=events.RuleTargetInput.from_object(payload),
            dead_letter_queue=undelivered,
            retry_attempts=RETRIES,
        )
    )
