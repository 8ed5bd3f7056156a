"""What CloudFront may read: a site's assets, and never its release log.

In the stack's own bucket the statements are set. An adopted bucket's policy and a KMS key's are their owners': what to
add there is printed in an output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput
from aws_cdk import aws_iam as iam

from infra.sites import by_bucket
from release_log.layout import LOG_FOLDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import Stack

    from infra.sites import SiteInStack
    from release_log.layout import Layout


def bucket_statements(bucket_arn: str, layouts: Sequence[Layout], distribution_arn: str) -> list[iam.PolicyStatement]:
    """Let one distribution get the assets of a bucket's sites, and no distribution any release log.

    There is no ``s3:ListBucket``: with it a request for ``/`` would answer the list of the bucket's keys. The price is
    that S3 answers 403 for a key that is not there, not 404.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html

    Args:
        bucket_arn: The bucket.
        layouts: Its sites.
        distribution_arn: Whose requests are allowed:
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
        # S3 compares the decoded key, so no way to write the URL gets past this. The cleaner and the uploader come as
        # roles, not as this service, and are not meant. Without a condition: it holds for every distribution.
        iam.PolicyStatement(
            sid="CloudFrontGetsNoReleaseLog",
            effect=iam.Effect.DENY,
            principals=[iam.ServicePrincipal("cloudfront.amazonaws.com")],
            actions=["s3:GetObject"],
            resources=[
                f"{bucket_arn}/{pattern}"
                for layout in layouts
                # The second: the log of a site inside this one's prefix.
                for pattern in (f"{layout.log}*", f"{layout.prefix}*/{LOG_FOLDER}*")
            ],
        ),
    ]


def key_statement(distribution_arn: str) -> iam.PolicyStatement:
    """Let one distribution read what a KMS key encrypts; ``*`` is the key itself, in a key's policy.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
    """
    return iam.PolicyStatement(
        sid="CloudFrontDecryptsAssets",
        principals=[iam.ServicePrincipal("cloudfront.amazonaws.com")],
        actions=["kms:Decrypt"],
        resources=["*"],
        conditions={"StringEquals": {"AWS:SourceArn": distribution_arn}},
    )


def allow_distribution(scope: Stack, sites: Sequence[SiteInStack], distribution_id: str) -> None:
    """Set these statements where the policy is the stack's, and print them where it is not.

    A new bucket's policy is set also for a distribution that is not the stack's: it is CloudFormation's, and would lose
    at the next change what a person added by hand.

    Args:
        scope: The stack.
        sites: All sites that the distribution serves.
        distribution_id: Its id, such as ``EDFDVBD6EXAMPLE``.
    """
    distribution_arn = scope.format_arn(
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
                description=f"Add these statements to the policy of the bucket {bucket.bucket_name}",
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


def allow_existing_distribution(scope: Stack, sites: Sequence[SiteInStack], distribution_id: str) -> None:
    """Let a distribution that is not the stack's read the sites, and print what is to be set on it.

    Args:
        scope: The stack.
        sites: All sites that it serves.
        distribution_id: Its id.
    """
    allow_distribution(scope, sites, distribution_id)
    CfnOutput(
        scope,
        "CloudFrontToSet",
        description=f"What to set on the distribution {distribution_id}; docs/cloudfront.md says how",
        value=(
            "origin: the bucket, by origin access control that signs always; cache policy: minimum TTL 0, no query "
            f"strings; refuse */{LOG_FOLDER}* by a viewer-request function (infra/release_log_guard.js)"
        ),
    )


def _as_json(scope: Stack, statements: Sequence[iam.PolicyStatement]) -> str:
    return scope.to_json_string([statement.to_statement_json() for statement in statements])
