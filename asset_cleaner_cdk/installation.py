"""One installation: buckets, cleaner, triggers, build job, distribution and monitoring.

`install` adds it to a whole stack, as ``cdk deploy`` in the checkout does, or to a construct of one's own app.
A resource with data, or with users outside the stack, keeps the id that it had in the first version: with a new id
CloudFormation would replace the resource.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aws_cdk import CfnOutput, Duration, Stack, Tags
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from asset_cleaner_cdk.adoption import adopted_buckets, print_what_to_add
from asset_cleaner_cdk.buckets import new_bucket
from asset_cleaner_cdk.build_job.role import BuildJob, add_build_job
from asset_cleaner_cdk.build_job.trusted_job import JobSettings
from asset_cleaner_cdk.cdn.access import allow_existing_distribution
from asset_cleaner_cdk.cdn.distribution import CdnSettings, add_distribution
from asset_cleaner_cdk.cleaner import add_cleaner
from asset_cleaner_cdk.map_run import add_state_machine, map_runs
from asset_cleaner_cdk.monitoring import add_monitoring
from asset_cleaner_cdk.names import Names, names_in
from asset_cleaner_cdk.permissions import use_of_key, write_once_statements
from asset_cleaner_cdk.sites import SiteInStack, by_bucket, suffix_of
from asset_cleaner_cdk.triggers import allow_rules, rule_target, wake_by_marker, wake_daily, wake_ups
from release_log.layout import Layout
from release_log.ledger_file import HEAD_FORMAT

if TYPE_CHECKING:
    from aws_cdk import aws_cloudfront as cloudfront
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_sns as sns
    from constructs import Construct

    from asset_cleaner_cdk.code import CleanerCode
    from asset_cleaner_cdk.settings.stack import StackSettings


class Installation(NamedTuple):
    """What was installed.

    Attributes:
        sites: The sites, with their buckets.
        function: The cleaner.
        build_job: The permissions of the build job, and its role.
        alarms: The topic that the alarms notify.
        distribution: The distribution that was created; None without one.
    """

    sites: list[SiteInStack]
    function: lambda_.Function
    build_job: BuildJob
    alarms: sns.Topic
    distribution: cloudfront.Distribution | None


def install(
    scope: Construct, settings: StackSettings, code: CleanerCode, *, names: Names | None = None
) -> Installation:
    """Define everything.

    Args:
        scope: The construct that is the installation, or a whole stack.
        settings: What to install.
        code: The function's code.
        names: The installation's names; by default as its place in the app says.

    Raises:
        ContextError: The settings do not go together, or there are too many sites.
    """
    names = names or names_in(scope)
    sites = _sites(scope, settings)
    undelivered, failed = _queue(scope, "Undelivered"), _queue(scope, "FailedRuns")
    wakes = wake_ups(scope, names, undelivered)
    # With a ledger of format 1 nothing is handed out (`cleaner_lambda.survey`).
    distributed = settings.distributed and settings.ledger_format == HEAD_FORMAT
    machine = map_runs(scope, names) if distributed else None
    function = add_cleaner(scope, settings, sites, code, wakes, machine, failed=failed, undelivered=undelivered)
    if machine is not None:
        add_state_machine(scope, machine, settings, function)
    target = rule_target(scope, function, undelivered)
    rules = [wake_by_marker(scope, together, target) for together in by_bucket(sites)]
    rules += [wake_daily(scope, site, settings.schedule, target) for site in sites]
    allow_rules(scope, names, rules, function, undelivered)
    job = _build_job(scope, settings, sites)
    _protect_log(scope, sites, settings.noncurrent_days)
    distribution = _serve(scope, names, settings, sites)
    topic = add_monitoring(
        scope,
        names,
        function=function,
        undelivered=undelivered,
        failed=failed,
        sites=sites,
        map_runs=machine is not None,
        alarm_email=settings.alarm_email,
    )
    CfnOutput(scope, "BucketName", value=sites[0].bucket.bucket_name)
    CfnOutput(scope, "CleanerFunctionName", value=function.function_name)
    if settings.permissions_boundary is not None:
        boundary = iam.ManagedPolicy.from_managed_policy_arn(scope, "Boundary", settings.permissions_boundary)
        iam.PermissionsBoundary.of(scope).apply(boundary)
    for name, value in settings.tags.items():
        Tags.of(scope).add(name, value)
    return Installation(sites, function, job, topic, distribution)


def _sites(scope: Construct, settings: StackSettings) -> list[SiteInStack]:
    key = None if settings.kms_key_arn is None else kms.Key.from_key_arn(scope, "Key", settings.kms_key_arn)
    given = list(dict.fromkeys(site.bucket for site in settings.sites))
    first = given[0]
    foreign = [each for each in given if each is not None and not _is_ours(each)]
    buckets: dict[str | s3.IBucket | None, s3.IBucket] = dict(adopted_buckets(scope, foreign, first, key).items())
    for each in given:
        if each is None:
            buckets[each] = new_bucket(scope, settings.noncurrent_days, key, first=first is None)
        elif isinstance(each, s3.Bucket):
            # The CDK's way, as only the CDK knows which other notifications the app gives the bucket.
            each.enable_event_bridge_notification()
            buckets[each] = each
    return [
        SiteInStack(
            buckets[site.bucket],
            Layout(site.prefix),
            adopted=not _is_ours(site.bucket),
            policy=site.policy,
            suffix=suffix_of(number, site.bucket, site.prefix),
            number=number,
        )
        for number, site in enumerate(settings.sites, 1)
    ]


def _is_ours(bucket: str | s3.IBucket | None) -> bool:
    """Whether the app defines the bucket, here or elsewhere: then the app also writes the bucket's policy."""
    return bucket is None or isinstance(bucket, s3.Bucket)


def _queue(scope: Construct, name: str) -> sqs.Queue:
    return sqs.Queue(
        scope,
        name,
        retention_period=Duration.days(14),
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
    )


def _build_job(scope: Construct, settings: StackSettings, sites: list[SiteInStack]) -> BuildJob:
    job = add_build_job(
        scope,
        sites,
        JobSettings(
            github=settings.github,
            github_branch=settings.github_branch,
            github_environment=settings.github_environment,
            gitlab=settings.gitlab,
            gitlab_branch=settings.gitlab_branch,
            gitlab_environment=settings.gitlab_environment,
            oidc_provider_arn=settings.oidc_provider_arn,
        ),
    )
    if settings.kms_key_arn is not None:
        stack = Stack.of(scope)
        for policy in job.policies:
            policy.add_statements(use_of_key(settings.kms_key_arn, stack.region, stack.url_suffix))
    return job


def _protect_log(scope: Construct, sites: list[SiteInStack], noncurrent_days: int) -> None:
    """Let nobody overwrite a file of a release log; for an existing bucket, print the statements that do so."""
    for number, group in enumerate(by_bucket(sites), 1):
        bucket = group[0].bucket
        if group[0].adopted:
            print_what_to_add(scope, group, noncurrent_days, number)
            continue
        for site in group:
            for statement in write_once_statements(bucket.bucket_arn, site.layout):
                bucket.add_to_resource_policy(statement)


def _serve(
    scope: Construct, names: Names, settings: StackSettings, sites: list[SiteInStack]
) -> cloudfront.Distribution | None:
    if settings.distribution:
        cdn = CdnSettings(
            cors_origins=settings.cors_origins,
            domain_name=settings.domain_name,
            certificate_arn=settings.certificate_arn,
            access_logs=settings.access_logs,
        )
        return add_distribution(scope, names, sites, cdn)
    if settings.distribution_id is not None:
        allow_existing_distribution(scope, sites, settings.distribution_id)
    return None
