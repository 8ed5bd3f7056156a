"""The bucket that the stack creates, with safe settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct

FIRST = "Bucket"
"""The id of the first site's bucket, new or existing. It dates from the time when a stack had one site."""

ABORT_DAYS = 1
"""After so many days S3 deletes the parts of an upload that nobody completed or aborted."""


def new_bucket(scope: Construct, noncurrent_days: int, key: kms.IKey | None, *, first: bool) -> s3.Bucket:
    """Create the installation's bucket. It stays when the stack goes.

    Args:
        scope: The installation, or its stack.
        noncurrent_days: How many days noncurrent versions are kept.
        key: The key that encrypts the objects; None for S3's own key.
        first: Whether the first site uses this bucket.
    """
    bucket = s3.Bucket(
        scope,
        FIRST if first else "NewBucket",
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption=s3.BucketEncryption.S3_MANAGED if key is None else s3.BucketEncryption.KMS,
        encryption_key=key,
        # Without a bucket key each object costs a request to KMS.
        bucket_key_enabled=None if key is None else True,
        enforce_ssl=True,
        versioned=True,
        lifecycle_rules=[
            s3.LifecycleRule(
                id="AbortIncompleteUploads", abort_incomplete_multipart_upload_after=Duration.days(ABORT_DAYS)
            ),
            # Until then a deletion can be undone. S3 removes the delete marker after the last version under it.
            s3.LifecycleRule(
                id="ExpireNoncurrentVersions",
                noncurrent_version_expiration=Duration.days(noncurrent_days),
                expired_object_delete_marker=True,
            ),
        ],
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        removal_policy=RemovalPolicy.RETAIN,
    )
    # The CDK's own property would add a custom resource that may change every bucket; the template needs none.
    resource = bucket.node.default_child
    resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(  # type: ignore[union-attr]
        event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
    )
    return bucket
