"""Existing buckets: the stack turns EventBridge on, and prints which other settings their owners should add."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_cdk import ArnFormat, CfnOutput, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from infra.buckets import ABORT_DAYS, FIRST
from infra.permissions import tls_only_statement, write_once_statements
from release_log.site_pattern import SitePattern

_HANDLER = Path(__file__).with_name("adoption_handler.py")

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_kms as kms

    from infra.sites import SiteInStack
    from release_log.layout import Layout


def adopted_buckets(
    scope: Stack, names: Sequence[str], first: str | None, key: kms.IKey | None
) -> dict[str, s3.IBucket]:
    """Turn on EventBridge for existing buckets; `infra.adoption_handler` keeps their other notifications.

    Args:
        scope: The stack.
        names: The buckets' names, without duplicates.
        first: The name of the first site's bucket; None if that bucket is new.
        key: The key that encrypts their objects; None if no key was named.

    Returns:
        Name -> bucket.
    """
    if not names:
        return {}
    role = iam.Role(scope, "AdoptionRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    arns = [
        scope.format_arn(service="s3", region="", account="", resource=name, arn_format=ArnFormat.NO_RESOURCE_NAME)
        for name in names
    ]
    role.add_to_policy(
        iam.PolicyStatement(actions=["s3:GetBucketNotification", "s3:PutBucketNotification"], resources=arns)
    )
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[
                scope.format_arn(
                    service="logs",
                    resource="log-group",
                    # CloudFormation names the handler after the stack, and may cut the stack's name.
                    resource_name="/aws/lambda/AssetCleaner-*",
                    arn_format=ArnFormat.COLON_RESOURCE_NAME,
                )
            ],
        )
    )
    found: dict[str, s3.IBucket] = {}
    for name in names:
        bucket = s3.Bucket.from_bucket_attributes(
            scope,
            FIRST if name == first else f"Bucket-{name}",
            bucket_name=name,
            encryption_key=key,
            # Otherwise the CDK would let the role change every bucket.
            notifications_handler_role=role.without_policy_updates(),
        )
        bucket.enable_event_bridge_notification()
        found[name] = bucket
    (handler,) = (each for each in scope.node.children if each.node.id.startswith("BucketNotificationsHandler"))
    resource: Any = handler.node.find_child("Resource")
    resource.add_property_override("Code.ZipFile", _HANDLER.read_text())
    return found


def print_what_to_add(scope: Stack, sites: Sequence[SiteInStack], noncurrent_days: int, number: int) -> None:
    """Print the policy statements and lifecycle rules of a new bucket, for an owner to add what a bucket lacks.

    The stack cannot tell which of them the bucket has: the template is written without a look at any bucket.

    Args:
        scope: The stack.
        sites: The sites in the bucket.
        noncurrent_days: How many days noncurrent versions should be kept.
        number: The bucket's place among the installation's buckets, from 1.
    """
    bucket, suffix = sites[0].bucket, "" if number == 1 else str(number)
    statements = [tls_only_statement(bucket.bucket_arn)]
    statements += [each for site in sites for each in write_once_statements(bucket.bucket_arn, site.layout)]
    CfnOutput(
        scope,
        f"BucketStatements{suffix}",
        description=f"Add the statements that the policy of the bucket {bucket.bucket_name} lacks (docs/stack.md)",
        value=scope.to_json_string([statement.to_statement_json() for statement in statements]),
    )
    CfnOutput(
        scope,
        f"BucketLifecycleRules{suffix}",
        description=f"Turn on versioning for the bucket {bucket.bucket_name}, and add these lifecycle rules",
        value=scope.to_json_string([each for site in sites for each in _lifecycle_rules(site.layout, noncurrent_days)]),
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
