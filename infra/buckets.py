"""The buckets: a new one, safe by its settings, or existing ones, of which only EventBridge is turned on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_kms as kms


FIRST = "Bucket"
"""The name of the first site's bucket, new or not: that which it had when there was one site only."""


def new_bucket(scope: Stack, noncurrent_days: int, key: kms.IKey | None, *, first: bool) -> s3.Bucket:
    """Create the installation's bucket. It outlives the stack.

    Args:
        scope: The stack.
        noncurrent_days: How long noncurrent versions are kept.
        key: What objects are encrypted with; None for S3's own key.
        first: Whether it is the first site's.
    """
    bucket = s3.Bucket(
        scope,
        FIRST if first else "NewBucket",
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption=s3.BucketEncryption.S3_MANAGED if key is None else s3.BucketEncryption.KMS,
        encryption_key=key,
        # Else each object would be a request to KMS.
        bucket_key_enabled=None if key is None else True,
        enforce_ssl=True,
        versioned=True,
        lifecycle_rules=[
            s3.LifecycleRule(id="AbortIncompleteUploads", abort_incomplete_multipart_upload_after=Duration.days(1)),
            # Until then a deletion can be undone. The delete marker goes after the last version under it.
            s3.LifecycleRule(
                id="ExpireNoncurrentVersions",
                noncurrent_version_expiration=Duration.days(noncurrent_days),
                expired_object_delete_marker=True,
            ),
        ],
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        removal_policy=RemovalPolicy.RETAIN,
    )
    # The L2 property would bring a custom resource with rights on every bucket; the template can say it by itself.
    resource = bucket.node.default_child
    resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(  # type: ignore[union-attr]
        event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
    )
    return bucket


def adopted_buckets(scope: Stack, names: Sequence[str], first: str | None) -> dict[str, s3.IBucket]:
    """Existing buckets with EventBridge turned on; the CDK's custom resource keeps their other notifications.

    Args:
        scope: The stack.
        names: The buckets' names, each once.
        first: The one of the first site; None if that one is new.

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
                    # CloudFormation names the handler, and cuts the stack's name to do so.
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
            # Without it the CDK would add rights on every bucket to the role.
            notifications_handler_role=role.without_policy_updates(),
        )
        bucket.enable_event_bridge_notification()
        found[name] = bucket
    return found
