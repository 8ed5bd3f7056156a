"""The statements of the cleaner's and the build job's policies, and of the bucket's.

Neither cleaner nor build job may delete an object's version, so a deletion in a versioned bucket can be undone. The
bucket's policy lets nobody overwrite a file of the release log.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from asset_cleaner_cdk.names import known
from release_log.layout import Layout
from release_log.site_pattern import SitePattern, is_pattern

if TYPE_CHECKING:
    from constructs import Construct


def cleaner_statements(bucket_arn: str, layout: Layout, number: int = 1) -> list[iam.PolicyStatement]:
    """Let the cleaner list the site, read and prune its release log, write its ledger, tag and delete its assets.

    It reads the release logs of the sites around this one too, if there are any.

    Args:
        bucket_arn: The bucket.
        layout: The site's keys; those of all its sites, if its prefix is a pattern: IAM's ``*`` stands for folders too.
        number: The site's place among the role's sites: every statement of a policy needs its own id.
    """
    everything = f"{bucket_arn}/{layout.prefix}*"
    more = "" if number == 1 else str(number)
    return [
        _list_site(bucket_arn, layout, more, *_folders_of_pattern(layout)),
        # The ledger's compare-and-swap needs it too: a write with If-Match requires s3:GetObject.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        # An asset is never read, but its metadata says whether an upload sent it, and a page's which it is.
        # HEAD requires s3:GetObject.
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
        # Of the sites around this one, which may need some of its assets, it reads the release logs too.
        iam.PolicyStatement(
            sid=f"ReadSite{more}",
            actions=["s3:GetObject"],
            resources=[everything, *(f"{bucket_arn}/{log}*" for log in _logs_around(layout))],
        ),
        iam.PolicyStatement(
            sid=f"WriteLedger{more}",
            actions=["s3:PutObject"],
            resources=_state(bucket_arn, layout),
        ),
        iam.PolicyStatement(
            sid=f"TagAssets{more}", actions=["s3:GetObjectTagging", "s3:PutObjectTagging"], resources=[everything]
        ),
        # Assets, and the files that pruning removes from the release log: intents, staged releases, markers.
        iam.PolicyStatement(sid=f"DeleteFromSite{more}", actions=["s3:DeleteObject"], resources=[everything]),
        iam.PolicyStatement(
            sid=f"KeepPins{more}",
            effect=iam.Effect.DENY,
            actions=["s3:DeleteObject"],
            resources=[f"{bucket_arn}/{layout.pins}*"],
        ),
        # The ledger of a site that has ended goes too, but only as the cleaner has read it: with If-Match.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-delete-enforce.html
        iam.PolicyStatement(
            sid=f"KeepLedger{more}",
            effect=iam.Effect.DENY,
            actions=["s3:DeleteObject"],
            resources=[f"{bucket_arn}/{layout.ledger}", f"{bucket_arn}/{layout.checkpoint}"],
            conditions={"Null": {"s3:if-match": "true"}},
        ),
        iam.PolicyStatement(
            sid=f"KeepReleaseLogUntagged{more}",
            effect=iam.Effect.DENY,
            actions=["s3:PutObjectTagging"],
            resources=[f"{bucket_arn}/{layout.log}*"],
        ),
    ]


def uploader_statements(bucket_arn: str, layout: Layout) -> list[iam.PolicyStatement]:
    """Let the build job list, read and write the site, and delete intents and staged releases.

    Of the sites around this one, whose cleaners may be deleting some of its assets, it reads the ledgers.

    It cannot delete assets, markers or pins, and cannot write the ledger. A create-only write requires only
    ``s3:PutObject``: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html

    Args:
        bucket_arn: The bucket.
        layout: The site's keys.
    """
    ledgers = [f"{bucket_arn}/{Layout(prefix).ledger}" for prefix in layout.around]
    around = [iam.PolicyStatement(sid="ReadLedgersAround", actions=["s3:GetObject"], resources=ledgers)]
    return [
        _list_site(bucket_arn, layout),
        iam.PolicyStatement(
            sid="ReadAndWriteSite",
            # A multipart upload that fails is aborted:
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
            actions=["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
            resources=[f"{bucket_arn}/{layout.prefix}*"],
        ),
        *(around if ledgers else ()),
        iam.PolicyStatement(
            sid="TakeBackIntents",
            actions=["s3:DeleteObject"],
            resources=[f"{bucket_arn}/{layout.pending}*", f"{bucket_arn}/{layout.staged}*"],
        ),
        iam.PolicyStatement(
            sid="KeepLedger",
            effect=iam.Effect.DENY,
            actions=["s3:PutObject"],
            resources=_state(bucket_arn, layout),
        ),
    ]


def role_of(scope: Construct, name: str, service: str, source_arn: str) -> iam.Role:
    """A role that a service assumes for one of this installation's resources, and for nobody else's.

    Args:
        scope: The installation, or its stack.
        name: The role's id.
        service: The service's host.
        source_arn: The resource.
    """
    only = {"StringEquals": {"aws:SourceAccount": Stack.of(scope).account, "aws:SourceArn": source_arn}}
    return iam.Role(scope, name, assumed_by=iam.ServicePrincipal(service, conditions=only))


def use_of_key(key_arn: str, region: str, url_suffix: str) -> iam.PolicyStatement:
    """Let a role use a KMS key, but only through S3.

    A multipart upload requires ``kms:Decrypt`` too: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html

    Args:
        key_arn: The key.
        region: The stack's Region.
        url_suffix: The end of the partition's hosts: ``amazonaws.com``, or ``amazonaws.com.cn`` in China.
    """
    return iam.PolicyStatement(
        sid="UseKey",
        actions=["kms:Decrypt", "kms:GenerateDataKey"],
        resources=[key_arn],
        conditions={"StringEquals": {"kms:ViaService": f"s3.{region}.{url_suffix}"}},
    )


def tls_only_statement(bucket_arn: str) -> iam.PolicyStatement:
    """For the bucket's policy: deny every request without TLS.

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
    """For the bucket's policy: no file in a folder of the release log is ever overwritten.

    A PUT or a copy needs ``If-None-Match``, whose only value in S3 is ``*``. This does not concern the ledger and the
    checkpoint, which are in no folder, and are written with ``If-Match``.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html

    Args:
        bucket_arn: The bucket.
        layout: The site's keys.
    """
    return [
        iam.PolicyStatement(
            # Each site has such a statement, and every statement of a policy needs its own id.
            sid=f"WriteOnce{hashlib.sha256(known(layout.prefix).encode()).hexdigest()[:8]}",
            effect=iam.Effect.DENY,
            principals=[iam.AnyPrincipal()],
            actions=["s3:PutObject"],
            # All folders together: with a resource for each, a policy has room for fewer sites.
            resources=[f"{bucket_arn}/{layout.log}*/*"],
            conditions={
                "Null": {"s3:if-none-match": "true"},
                # A multipart upload sends its condition only with the request that completes it.
                "Bool": {"s3:ObjectCreationOperation": "true"},
            },
        )
    ]


def _state(bucket_arn: str, layout: Layout) -> list[str]:
    """The cleaner's own files: the ledger, those that it names (``ledger/``), and the checkpoint."""
    return [f"{bucket_arn}/{layout.log}ledger*", f"{bucket_arn}/{layout.checkpoint}"]


def _logs_around(layout: Layout) -> list[str]:
    """Where the release logs of the sites around a site are, if there are any."""
    return [Layout(prefix).log for prefix in layout.around]


def _folders_of_pattern(layout: Layout) -> list[str]:
    """The prefix that is listed to find the sites of a pattern, if the site is one."""
    return [SitePattern(layout.prefix).fixed] if is_pattern(layout.prefix) else []


def _list_site(bucket_arn: str, layout: Layout, more: str = "", *exactly: str) -> iam.PolicyStatement:
    """Let a role list the site, the release logs of the sites around it, and exactly these prefixes."""
    prefixes = [*(f"{each}*" for each in (layout.prefix, *_logs_around(layout))), *exactly]
    # A listing of the whole bucket may have no prefix at all, and the pattern ``*`` would not match that.
    return iam.PolicyStatement(
        sid=f"ListSite{more}",
        actions=["s3:ListBucket"],
        resources=[bucket_arn],
        conditions={"StringLike": {"s3:prefix": prefixes if len(prefixes) > 1 else prefixes[0]}}
        if layout.prefix
        else None,
    )
