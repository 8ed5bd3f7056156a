"""What starts the cleaner: a new marker, the daily rule, and the wake-ups that the cleaner schedules itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs

from asset_cleaner_cdk.names import unique_id
from asset_cleaner_cdk.permissions import role_of
from release_log.events import OBJECT_CREATED
from release_log.layout import Layout
from release_log.site_pattern import STAR, is_pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

    from asset_cleaner_cdk.names import Names
    from asset_cleaner_cdk.sites import SiteInStack

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


def wake_ups(scope: Construct, names: Names, undelivered: sqs.Queue) -> WakeUps:
    """Create the schedule group, and a role that only schedules of this group can assume."""
    # A group is deleted only after its schedules, and meanwhile its name is taken.
    group = scheduler.CfnScheduleGroup(scope, "WakeUps", name=f"{names.installation}-wake-ups-{unique_id(scope)}")
    role = role_of(scope, "WakeUpRole", "scheduler.amazonaws.com", group.attr_arn)
    role.add_to_policy(iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[undelivered.queue_arn]))
    return WakeUps(group, role)


class RuleTarget(NamedTuple):
    """What the rules invoke. The CDK adds no permission for each rule, as it does not know these as the stack's own.

    Attributes:
        function: The cleaner.
        undelivered: The queue for events that could not be delivered.
    """

    function: lambda_.IFunction
    undelivered: sqs.IQueue


NAMED = 20
"""So many characters of the stack's name begin the names of its rules. CloudFormation cuts the name of a long one."""


def rule_target(scope: Construct, function: lambda_.IFunction, undelivered: sqs.IQueue) -> RuleTarget:
    """The target of the rules, which `allow_rules` lets them reach."""
    return RuleTarget(
        lambda_.Function.from_function_attributes(
            scope, "CleanerOfRules", function_arn=function.function_arn, skip_permissions=True
        ),
        sqs.Queue.from_queue_arn(scope, "UndeliveredOfRules", undelivered.queue_arn),
    )


def allow_rules(
    scope: Construct, names: Names, rules: Sequence[events.Rule], function: lambda_.Function, undelivered: sqs.Queue
) -> None:
    """Let the rules invoke the cleaner and write to the queue: one statement for all, whatever sites there are.

    A queue's policy has at most 20 statements and 8,192 bytes, a function's 20,480 bytes:
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html,
    https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html

    Args:
        scope: The installation, or its stack.
        names: Its names. If nobody knows the beginning of the rules' own names, each rule is allowed by itself.
        rules: The rules.
        function: The cleaner.
        undelivered: The queue for events that could not be delivered.
    """
    by_rules = iam.ServicePrincipal("events.amazonaws.com")
    if names.stack is None:
        sources = [rule.rule_arn for rule in rules]
    else:
        named = f"{names.stack[:NAMED]}*"
        sources = [Stack.of(scope).format_arn(service="events", resource="rule", resource_name=named)]
    for number, source in enumerate(sources, 1):
        function.add_permission("Rules" if number == 1 else f"Rules{number}", principal=by_rules, source_arn=source)
    undelivered.add_to_resource_policy(
        iam.PolicyStatement(
            sid="Rules",
            principals=[by_rules],
            actions=["sqs:SendMessage"],
            resources=[undelivered.queue_arn],
            conditions={"ArnLike": {"aws:SourceArn": sources if len(sources) > 1 else sources[0]}},
        )
    )


PATTERN_CHARACTERS = 2048 - 256
"""Characters of an event pattern that the keys may take; the rest of it, with a bucket's name, takes fewer than 256:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"""


def wake_by_marker(scope: Construct, sites: Sequence[SiteInStack], target: RuleTarget) -> events.Rule:
    """Invoke the cleaner when a release marker of a bucket's sites is written: one rule for the bucket.

    Args:
        scope: The installation, or its stack.
        sites: The sites in the bucket. The rule has the name that the first one's had when each site had a rule.
        target: What it invokes.
    """
    rule = events.Rule(
        scope,
        f"MarkerRule{sites[0].suffix}",
        description="A release marker was written",
        event_pattern=events.EventPattern(
            source=[OBJECT_CREATED.source],
            detail_type=[OBJECT_CREATED.detail_type],
            detail={
                "bucket": {"name": [sites[0].bucket.bucket_name]},
                "object": {"key": marker_keys([site.layout for site in sites])},
            },
        ),
    )
    rule.add_target(
        targets.LambdaFunction(target.function, dead_letter_queue=target.undelivered, retry_attempts=RETRIES)
    )
    return rule


def marker_keys(layouts: Sequence[Layout]) -> list[dict[str, str]]:
    """What the key of a marker is like, for an event pattern. Pure.

    If there are more sites than a pattern has room for, it is any marker in the bucket: the cleaner passes over those
    of sites that it does not clean, as it does with those that a ``*`` matches across folders:
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#eb-filtering-wildcard-matching
    """
    keys = [
        {"wildcard": markers.replace("\\", r"\\") + STAR} if is_pattern(markers) else {"prefix": markers}
        for markers in (layout.markers for layout in layouts)
    ]
    if len(json.dumps(keys)) <= PATTERN_CHARACTERS:
        return keys
    return [{"wildcard": STAR + Layout("").markers + STAR}]


def wake_daily(scope: Construct, site: SiteInStack, schedule: str, target: RuleTarget) -> events.Rule:
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
            target.function,
            event=events.RuleTargetInput.from_object(payload),
            dead_letter_queue=target.undelivered,
            retry_attempts=RETRIES,
        )
    )
    return rule
