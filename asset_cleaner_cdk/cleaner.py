"""The cleaner's function, with its role and its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy, Stack, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs

from asset_cleaner_cdk.cleaner_role import add_role
from asset_cleaner_cdk.map_run import start_statement
from asset_cleaner_cdk.permissions import use_of_key
from release_log.environment import Variable
from release_log.events import CLEAN_COMPLETED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_sqs as sqs
    from constructs import Construct

    from asset_cleaner_cdk.code import CleanerCode
    from asset_cleaner_cdk.map_run import MapRuns
    from asset_cleaner_cdk.settings.stack import StackSettings
    from asset_cleaner_cdk.sites import SiteInStack
    from asset_cleaner_cdk.triggers import WakeUps


def add_cleaner(  # noqa: PLR0913 (the function refers to all of them)
    scope: Construct,
    settings: StackSettings,
    sites: Sequence[SiteInStack],
    code: CleanerCode,
    wakes: WakeUps,
    machine: MapRuns | None,
    *,
    failed: sqs.Queue,
    undelivered: sqs.Queue,
) -> lambda_.Function:
    """Create the function.

    Args:
        scope: The installation, or its stack.
        settings: The stack's settings.
        sites: The sites that it cleans.
        code: Its code, with the sites.
        wakes: The group and the role of its wake-ups.
        machine: The state machine of its map runs; None if it has none.
        failed: The queue for invocations that failed for good.
        undelivered: The queue for wake-ups that could not be delivered.
    """
    log_group = logs.LogGroup(
        scope, "Log", retention=logs.RetentionDays.THREE_MONTHS, removal_policy=RemovalPolicy.DESTROY
    )
    role = add_role(scope, sites)
    log_group.grant_write(role)
    for statement in _own_statements(scope, settings, wakes, machine, failed):
        role.add_to_policy(statement)
    prefix = sites[0].layout.prefix or "the whole bucket"
    names = (site.bucket.bucket_name for site in sites)
    unknown = next((name for name in names if Token.is_unresolved(name)), None)
    function = lambda_.Function(
        scope,
        "Cleaner",
        # Lambda accepts 256 characters; a prefix may be longer.
        description=f"Cleans {prefix if len(sites) == 1 else f'{len(sites)} sites'}"[:256],
        code=code.code,
        handler="cleaner_lambda.handler.lambda_handler",
        # Lambda offers 3.14 too, but 3.13 is the newest version that the tests run this bundle on (infra/bundle.py).
        runtime=lambda_.Runtime.PYTHON_3_13,
        architecture=lambda_.Architecture.ARM_64,
        # The default has room for 750,000 retired assets. It brings more than a whole CPU, at no extra cost, as a
        # run is shorter.
        memory_size=settings.memory,
        timeout=Duration.seconds(settings.timeout),
        # Two runs at once are safe. A new account may have so low a limit that nothing can be reserved:
        # https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
        reserved_concurrent_executions=settings.concurrency,
        # Otherwise the CDK would allow more on the queue of failed runs than Lambda needs:
        # https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
        role=role.without_policy_updates(),
        log_group=log_group,
        tracing=lambda_.Tracing.ACTIVE,
        retry_attempts=2,
        on_failure=destinations.SqsDestination(failed),
        environment={
            **({} if unknown is None else {Variable.BUCKET.value: unknown}),
            **({} if code.sites is None else {Variable.SITES.value: code.sites}),
            Variable.WAKE_UP_GROUP.value: wakes.group.name or "",
            Variable.WAKE_UP_ROLE_ARN.value: wakes.role.role_arn,
            Variable.WAKE_UP_DEAD_LETTER_ARN.value: undelivered.queue_arn,
            Variable.EVENT_BUS.value: "default",
            **({} if machine is None else {Variable.STATE_MACHINE_ARN.value: machine.arn}),
            Variable.LEDGER_FORMAT.value: str(settings.ledger_format),
        },
    )
    wakes.role.add_to_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[function.function_arn]))
    return function


def _own_statements(
    scope: Construct, settings: StackSettings, wakes: WakeUps, machine: MapRuns | None, failed: sqs.Queue
) -> list[iam.PolicyStatement]:
    """The function's permissions outside the buckets."""
    stack = Stack.of(scope)
    schedules = stack.format_arn(service="scheduler", resource="schedule", resource_name=f"{wakes.group.name}/*")
    bus = stack.format_arn(service="events", resource="event-bus", resource_name="default")
    statements = [
        iam.PolicyStatement(actions=["scheduler:CreateSchedule"], resources=[schedules]),
        iam.PolicyStatement(
            actions=["iam:PassRole"],
            resources=[wakes.role.role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
        ),
        iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[failed.queue_arn]),
        iam.PolicyStatement(
            actions=["events:PutEvents"],
            resources=[bus],
            conditions={
                "StringEquals": {
                    "events:source": CLEAN_COMPLETED.source,
                    "events:detail-type": CLEAN_COMPLETED.detail_type,
                }
            },
        ),
        # X-Ray does not support resources for these two actions:
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
        iam.PolicyStatement(actions=["xray:PutTelemetryRecords", "xray:PutTraceSegments"], resources=["*"]),
    ]
    if machine is not None:
        statements.append(start_statement(machine))
    if settings.kms_key_arn is not None:
        statements.append(use_of_key(settings.kms_key_arn, stack.region, stack.url_suffix))
    return statements
