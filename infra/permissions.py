"""What the cleaner may do in the bucket, and nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from release_log.layout import Layout


def cleaner_statements(bucket_arn: str, layout: Layout) -> list[iam.PolicyStatement]:
    """List the site, read its release log, write its ledger, tag and delete its assets.

    Args:
        bucket_arn: The bucket.
        layout: The site.
    """
    everything = f"{bucket_arn}/{layout.prefix}*"
    return [
        iam.PolicyStatement(
            sid="ListSite",
            actions=["s3:ListBucket"],
            resources=[bucket_arn],
            conditions={"StringLike": {"s3:prefix": f"{layout.prefix}*"}},
        ),
        iam.PolicyStatement(sid="ReadReleaseLog", actions=["s3:GetObject"], resources=[f"{bucket_arn}/{layout.log}*"]),
        iam.PolicyStatement(sid="WriteLedger", actions=["s3:PutObject"], resources=[f"{bucket_arn}/{layout.ledger}"]),
        iam.PolicyStatement(
            sid="TagAssets", actions=["s3:GetObjectTagging", "s3:PutObjectTagging"], resources=[everything]
        ),
        iam.PolicyStatement(sid="DeleteAssets", actions=["s3:DeleteObject"], resources=[everything]),
        iam.PolicyStatement(
            sid="KeepReleaseLog",
            effect=iam.Effect.DENY,
            actions=["s3:DeleteObject", "s3:PutObjectTagging"],
            resources=[f"{bucket_arn}/{layout.log}*"],
        ),
    ]
