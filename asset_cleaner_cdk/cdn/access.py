"""What CloudFront may read: a site's assets, and never its release log.

The stack adds the statements to the policy of its own bucket. For an existing bucket and a KMS key it prints them, as
only their owners change those policies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_iam as iam

from asset_cleaner_cdk.names import known
from asset_cleaner_cdk.sites import by_bucket
from release_log.layout import LOG_FOLDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

    from asset_cleaner_cdk.sites import SiteInStack
    from release_log.layout import Layout


def bucket_statements(bucket_arn: str, layouts: Sequence[Layout], distribution_arn: str) -> list[iam.PolicyStatement]:
    """Let one distribution read the assets of a bucket's sites, and deny every distribution the release logs.

    There is no ``s3:ListBucket``: with it a request for ``/`` would return the list of the bucket's keys. Without it
    S3 answers 403 for a missing key, not 404.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html

    Args:
        bucket_arn: The bucket.
        layouts: The keys of its sites.
        distribution_arn: The distribution whose requests are allowed:
            https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
    """
    return [
        iam.PolicyStatement(
            sid="CloudFrontGetsAssets",
            principals=[iam.ServicePrincipal("cloudfront.amazonaws.com")],
            actions=["s3:GetObject"],
            resources=[f"{bucket_arn}/{layout.prefix}*" for layout in layouts],
            conditions={"StringEquals": {"AWS:SourceArn": distribution_arn}},
        ),
        # S3 compares the decoded key, so no spelling of the URL gets past this. Cleaner and uploader are not concerned:
        # they use roles, not this service principal. Without a condition it holds for every distribution.
        iam.PolicyStatement(
            sid="CloudFrontGetsNoReleaseLog",
            effect=iam.Effect.DENY,
            principals=[iam.ServicePrincipal("cloudfront.amazonaws.com")],
            actions=["s3:GetObject"],
            resources=[
                f"{bucket_arn}/{pattern}"
                for layout in layouts
                # The second pattern is the log of a site inside this site's prefix.
                for pattern in (f"{layout.log}*", f"{layout.prefix}*/{LOG_FOLDER}*")
            ],
        ),
    ]


def key_statement(distribution_arn: str) -> iam.PolicyStatement:
    """Let one distribution decrypt with a KMS key. In a key's policy ``*`` stands for the key itself.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
    """
    return iam.PolicyStatement(
        sid="CloudFrontDecryptsAssets",
        principals=[iam.ServicePrincipal("cloudfront.amazonaws.com")],
        actions=["kms:Decrypt"],
        resources=["*"],
        conditions={"StringEquals": {"AWS:SourceArn": distribution_arn}},
    )


def allow_distribution(scope: Construct, sites: Sequence[SiteInStack], distribution_id: str) -> None:
    """Add the statements to the policies that the stack owns, and print them for all other policies.

    The stack extends a new bucket's policy also for an existing distribution: CloudFormation owns that policy, and its
    next change would remove what a person had added by hand.

    Args:
        scope: The installation, or its stack.
        sites: All sites that the distribution serves.
        distribution_id: The distribution's id, such as ``EDFDVBD6EXAMPLE``.
    """
    distribution_arn = Stack.of(scope).format_arn(
        service="cloudfront", region="", resource="distribution", resource_name=distribution_id
    )
    for number, together in enumerate(by_bucket(sites), 1):
        bucket = together[0].bucket
        suffix = "" if number == 1 else str(number)
        statements = bucket_statements(bucket.bucket_arn, [site.layout for site in together], distribution_arn)
        if together[0].adopted:
            CfnOutput(
                scope,
                f"CloudFrontBucketStatements{suffix}",
                description=f"Add these statements to the policy of the bucket {known(bucket.bucket_name)}".strip(),
                value=_as_json(scope, statements),
            )
        else:
            for statement in statements:
                bucket.add_to_resource_policy(statement)
        if bucket.encryption_key is not None:
            CfnOutput(
                scope,
                f"CloudFrontKeyStatement{suffix}",
                description="Add this statement to the KMS key's policy: without it CloudFront answers 403",
                value=_as_json(scope, [key_statement(distribution_arn)]),
            )


def allow_existing_distribution(scope: Construct, sites: Sequence[SiteInStack], distribution_id: str) -> None:
    """Let an existing distribution read the sites, and print the settings that it needs.

    Args:
        scope: The installation, or its stack.
        sites: All sites that the distribution serves.
        distribution_id: The distribution's id.
    """
    allow_distribution(scope, sites, distribution_id)
    CfnOutput(
        scope,
        "CloudFrontToSet",
        description=f"Set this on the distribution {distribution_id}; docs/cloudfront.md says how",
        value=(
            "origin: the bucket, with origin access control that always signs; cache policy: minimum TTL 0, no query "
            f"strings; a viewer-request function that refuses */{LOG_FOLDER}* "
            "(asset_cleaner_cdk/cdn/release_log_guard.js)"
        ),
    )


def _as_json(scope: Construct, statements: Sequence[iam.PolicyStatement]) -> str:
    return Stack.of(scope).to_json_string([statement.to_statement_json() for statement in statements])
