"""Existing buckets: the stack turns EventBridge on, and prints which other settings their owners should add."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from aws_cdk import CfnOutput, CfnResource, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from asset_cleaner_cdk.buckets import ABORT_DAYS, FIRST
from asset_cleaner_cdk.names import known
from asset_cleaner_cdk.permissions import tls_only_statement, write_once_statements
from release_log.site_pattern import SitePattern

_HANDLER = Path(__file__).with_name("adoption_handler.py")

_HANDLER_ID = "BucketNotificationsHandler050a0587b7544547bf325f094a3db834"
"""The id that the CDK gives its own handler, which earlier versions of the stack had."""

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_kms as kms

    from asset_cleaner_cdk.sites import SiteInStack
    from release_log.layout import Layout


def adopted_buckets(
    scope: Construct,
    given: Sequence[str | s3.IBucket],
    first: str | s3.IBucket | None,
    key: kms.IKey | None,
) -> dict[str | s3.IBucket, s3.IBucket]:
    """Turn on EventBridge for existing buckets; `asset_cleaner_cdk.adoption_handler` keeps their other notifications.

    Args:
        scope: The installation, or its stack.
        given: The buckets as the settings have them, without duplicates.
        first: The first site's bucket; None if that bucket is new.
        key: The key that encrypts their objects; None if no key was named.

    Returns:
        Bucket as the settings have it -> bucket.
    """
    if not given:
        return {}
    role = iam.Role(scope, "AdoptionRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    log_group = logs.LogGroup(
        scope, "AdoptionLog", retention=logs.RetentionDays.THREE_MONTHS, removal_policy=RemovalPolicy.DESTROY
    )
    log_group.grant_write(role)
    handler = lambda_.Function(
        scope,
        _HANDLER_ID,
        description="Turns on the EventBridge notifications of existing buckets",
        code=lambda_.Code.from_inline(_HANDLER.read_text()),
        handler="index.handler",
        runtime=lambda_.Runtime.PYTHON_3_13,
        timeout=Duration.minutes(5),
        role=role.without_policy_updates(),
        log_group=log_group,
    )
    found: dict[str | s3.IBucket, s3.IBucket] = {}
    for each in given:
        name = each if isinstance(each, str) else each.bucket_name
        known = each if isinstance(each, str) else each.node.id
        bucket = s3.Bucket.from_bucket_attributes(
            scope, FIRST if each == first else f"Bucket-{known}", bucket_name=name, encryption_key=key
        )
        # The CDK's own way is one handler for the whole stack, which may change every bucket.
        CfnResource(
            Construct(cast("Construct", bucket), "Notifications"),
            "Resource",
            type="Custom::S3BucketNotifications",
            properties={"ServiceToken": handler.function_arn, "BucketName": name},
        )
        found[each] = bucket
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["s3:GetBucketNotification", "s3:PutBucketNotification"],
            resources=[bucket.bucket_arn for bucket in found.values()],
        )
    )
    return found


def print_what_to_add(scope: Construct, sites: Sequence[SiteInStack], noncurrent_days: int, number: int) -> None:
    """Print the policy statements and lifecycle rules of a new bucket, for an owner to add what a bucket lacks.

    The stack cannot tell which of them the bucket has: the template is written without a look at any bucket.

    Args:
        scope: The installation, or its stack.
        sites: The sites in the bucket.
        noncurrent_days: How many days noncurrent versions should be kept.
        number: The bucket's place among the installation's buckets, from 1.
    """
    bucket, suffix = sites[0].bucket, "" if number == 1 else str(number)
    called = f"the bucket {known(bucket.bucket_name)}".strip()
    statements = [tls_only_statement(bucket.bucket_arn)]
    statements += [each for site in sites for each in write_once_statements(bucket.bucket_arn, site.layout)]
    CfnOutput(
        scope,
        f"BucketStatements{suffix}",
        description=f"Add the statements that the policy of {called} lacks (docs/stack.md)",
        value=Stack.of(scope).to_json_string([statement.to_statement_json() for statement in statements]),
    )
    CfnOutput(
        scope,
        f"BucketLifecycleRules{suffix}",
        description=f"Turn on versioning for {called}, and add these lifecycle rules",
        value=Stack.of(scope).to_json_string(
            [each for site in sites for each in _lifecycle_rules(site.layout, noncurrent_days)]
        ),
    )


def _lifecycle_rules(layout: Layout, noncurrent_days: int) -> list[dict[str, Any]]:
    """The rules as ``PutBucketLifecycleConfiguration`` accepts them.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleRule.html
    """
    # S3 knows no patterns here: of one, it is all that its sites begin with.
    where = {"Status": "Enabled", "Filter": {"Prefix": SitePattern(layout.prefix).fixed}}
    return [
        {**where, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": ABORT_DAYS}},
        {
            **where,
            "NoncurrentVersionExpiration": {"NoncurrentDays": noncurrent_days},
            "Expiration": {"ExpiredObjectDeleteMarker": True},
        },
    ]
