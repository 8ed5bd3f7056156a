"""What the cleaner and the build job may do in the bucket, and nothing more.

Neither may delete an object's version: whatever is deleted in a versioned bucket can be brought back. And nobody may
overwrite what the release log says: the bucket's own policy sees to that.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from release_log.layout import Layout


def cleaner_statements(bucket_arn: str, layout: Layout, number: int = 1) -> list[iam.PolicyStatement]:
    """List the site, read its release log, write its ledger, tag and delete its assets, prune its log.

    Args:
        bucket_arn: The bucket.
        layout: The site.
        number: The site's place among those of the role: within one policy no two statements may have one id.
    """
    everything = f"{bucket_arn}/{layout.prefix}*"
    more = "" if number == 1 else str(number)
    return [
        _list_site(bucket_arn, layout, more),
        # Of the ledger also for its compare-and-swap: a write with If-Match needs s3:GetObject.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        iam.PolicyStatement(
            sid=f"ReadReleaseLog{more}", actions=["s3:GetObject"], resources=[f"{bucket_arn}/{layout.log}*"]
        ),
        iam.PolicyStatement(
            sid=f"WriteLedger{more}", actions=["s3:PutObject"], resources=[f"{bucket_arn}/{layout.ledger}"]
        ),
        iam.PolicyStatement(
            sid=f"TagAssets{more}", actions=["s3:GetObjectTagging", "s3:PutObjectTagging"], resources=[everything]
        ),
        # Assets, and what the release log no longer needs: intents, staged releases, markers.
        iam.PolicyStatement(sid=f"DeleteFromSite{more}", actions=["s3:DeleteObject"], resources=[everything]),
        iam.PolicyStatement(
            sid=f"KeepLedgerAndPins{more}",
            effect=iam.Effect.DENY,
            actions=["s3:DeleteObject"],
            resources=[f"{bucket_arn}/{layout.ledger}", f"{bucket_arn}/{layout.pins}*"],
        ),
        iam.PolicyStatement(
            sid=f"KeepReleaseLogUntagged{more}",
            effect=iam.Effect.DENY,
            actions=["s3:PutObjectTagging"],
            resources=[f"{bucket_arn}/{layout.log}*"],
        ),
    ]


def uploader_statements(bucket_arn: str, layout: Layout) -> list[iam.PolicyStatement]:
    """List the site, read it and write to it, take back intents and staged releases.

    Neither an asset nor a marker nor a pin can be deleted, and the ledger not even written. Create-only writes need no
    right but ``s3:PutObject``: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html

    Args:
        bucket_arn: The bucket.
        layout: The site.
    """
    return [
        _list_site(bucket_arn, layout),
        iam.PolicyStatement(
            sid="ReadAndWriteSite",
            # Aborting is what an upload by multipart does that fails:
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
            actions=["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
            resources=[f"{bucket_arn}/{layout.prefix}*"],
        ),
        iam.PolicyStatement(
            sid="TakeBackIntents",
            actions=["s3:DeleteObject"],
            resources=[f"{bucket_arn}/{layout.pending}*", f"{bucket_arn}/{layout.staged}*"],
        ),
        iam.PolicyStatement(
            sid="KeepLedger",
            effect=iam.Effect.DENY,
            actions=["s3:PutObject"],
            resources=[f"{bucket_arn}/{layout.ledger}"],
        ),
    ]


def use_of_key(key_arn: str, region: str) -> iam.PolicyStatement:
    """Read and write what S3 encrypts with a KMS key, and nothing else with it.

    Multipart uploads need to decrypt too: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
    """
    return iam.PolicyStatement(
        sid="UseKey",
        actions=["kms:Decrypt", "kms:GenerateDataKey"],
        resources=[key_arn],
        conditions={"StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"}},
    )


def tls_only_statement(bucket_arn: str) -> iam.PolicyStatement:
    """For the bucket's policy: nobody comes without TLS.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html#transit

    Args:
        bucket_arn: The bucket.
    """
    return iam.PolicyStatement(
        sid="TlsOnly",
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=["s3:*"],
        resources=[bucket_arn, f"{bucket_arn}/*"],
        conditions={"Bool": {"aws:SecureTransport": "false"}},
    )


def write_once_statements(bucket_arn: str, layout: Layout) -> list[iam.PolicyStatement]:
    """For the bucket's policy: markers, pins, staged releases and intents are created, and never overwritten.

    No PUT gets there without ``If-None-Match``, for which S3 knows no value but ``*``, and no copy without it either.
    The ledger is written with ``If-Match``, and is not concerned.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html

    Args:
        bucket_arn: The bucket.
        layout: The site.
    """
    return [
        iam.PolicyStatement(
            # One for each site, and every one in a policy has to be another.
            sid=f"WriteOnce{hashlib.sha256(layout.prefix.encode()).hexdigest()[:8]}",
            effect=iam.Effect.DENY,
            principals=[iam.AnyPrincipal()],
            actions=["s3:PutObject"],
            resources=[
                f"{bucket_arn}/{folder}*" for folder in (layout.markers, layout.pins, layout.staged, layout.pending)
            ],
            conditions={
                "Null": {"s3:if-none-match": "true"},
                # An upload in parts has its condition where it is completed; nothing is created before.
                "Bool": {"s3:ObjectCreationOperation": "true"},
            },
        )
    ]


def _list_site(bucket_arn: str, layout: Layout, more: str = "") -> iam.PolicyStatement:
    # A listing of the whole bucket may come without any prefix, which even ``*`` would not match.
    return iam.PolicyStatement(
        sid=f"ListSite{more}",
        actions=["s3:ListBucket"],
        resources=[bucket_arn],
        conditions={"StringLike": {"s3:prefix": f"{layout.prefix}*"}} if layout.prefix else None,
    )
