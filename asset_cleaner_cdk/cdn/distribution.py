"""The CloudFront distribution in front of the sites, with one behaviour for each site."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from aws_cdk import CfnOutput, Duration, RemovalPolicy
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_s3 as s3

from asset_cleaner_cdk.cdn.access import allow_distribution
from asset_cleaner_cdk.cdn.policies import cache_policy, headers_policy, name_in_account
from asset_cleaner_cdk.settings.errors import ContextError, refuse
from asset_cleaner_cdk.sites import by_bucket
from release_log.site_pattern import STAR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

    from asset_cleaner_cdk.names import Names
    from asset_cleaner_cdk.sites import SiteInStack

ACCESS_LOG_DAYS = 90
"""How long access logs are kept. They hold the addresses of the viewers, so not for ever."""

_GUARD = Path(__file__).with_name("release_log_guard.js")
_REFUSE_ALL = 'function handler() {\n  return { statusCode: 404, statusDescription: "Not Found" };\n}\n'

_PATH_PATTERN = re.compile(r"[A-Za-z0-9_.~/\"'@:+&-]{0,254}")
"""The characters that a path pattern may contain besides wildcards, and its length:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html
"""

_CERTIFICATE = re.compile(r"arn:aws:acm:us-east-1:[0-9]{12}:certificate/.+")
"""CloudFront accepts certificates of this Region only:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cnames-and-https-requirements.html
"""


class CdnSettings(NamedTuple):
    """The settings of the distribution.

    Attributes:
        cors_origins: Origins whose pages may read the assets (``https://www.example.com``); empty for no CORS headers.
        domain_name: The user's own domain; None for CloudFront's.
        certificate_arn: The ARN of the domain's certificate, in us-east-1. Goes together with `domain_name`.
        access_logs: Whether each request is logged, to a separate bucket.
    """

    cors_origins: tuple[str, ...] = ()
    domain_name: str | None = None
    certificate_arn: str | None = None
    access_logs: bool = False


def add_distribution(
    scope: Construct, names: Names, sites: Sequence[SiteInStack], settings: CdnSettings
) -> cloudfront.Distribution:
    """Serve the sites, each under its prefix: an asset's URL is ``/`` and its key.

    Args:
        scope: The installation, or its stack.
        names: Its names.
        sites: All sites; at least one.
        settings: How to serve them.

    Raises:
        ContextError: CloudFront cannot serve these sites, or cannot use this certificate.
    """
    _check(sites, settings)
    behaviours = _behaviours(scope, name_in_account(scope, names), sites, settings)
    whole = behaviours.pop("*", None)
    certificate = settings.certificate_arn
    distribution = cloudfront.Distribution(
        scope,
        "Distribution",
        comment=f"Assets of {names.installation}",
        default_behavior=whole or _nothing(scope, next(iter(behaviours.values()))),
        additional_behaviors=behaviours,
        default_root_object="index.html" if whole else None,
        http_version=cloudfront.HttpVersion.HTTP2_AND_3,
        domain_names=[settings.domain_name] if settings.domain_name else None,
        certificate=acm.Certificate.from_certificate_arn(scope, "Certificate", certificate) if certificate else None,
        # For its own domain CloudFront sets the minimum itself.
        minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021 if certificate else None,
        log_bucket=_log_bucket(scope) if settings.access_logs else None,
    )
    allow_distribution(scope, sites, distribution.distribution_id)
    CfnOutput(scope, "DistributionId", value=distribution.distribution_id)
    CfnOutput(scope, "DistributionDomainName", value=distribution.distribution_domain_name)
    return distribution


def _check(sites: Sequence[SiteInStack], settings: CdnSettings) -> None:
    domain, certificate = settings.domain_name, settings.certificate_arn
    if certificate is not None and not _CERTIFICATE.fullmatch(certificate):
        refuse("certificate_arn", certificate, "not the ARN of an ACM certificate in us-east-1")
    if domain is not None and certificate is None:
        refuse("domain_name", domain, "needs certificate_arn, the ARN of an ACM certificate in us-east-1")
    if certificate is not None and domain is None:
        refuse("certificate_arn", certificate, "needs domain_name, the certificate's domain")
    prefixes = [site.layout.prefix for site in sites]
    for prefix in prefixes:
        if not _PATH_PATTERN.fullmatch(prefix.replace(STAR, "x")):  # a pattern's ``*`` is CloudFront's too
            msg = (
                f"prefix {prefix!r} with distribution=true: a path pattern of CloudFront has at most 254 characters, "
                "out of A-Z a-z 0-9 _ - . ~ / \" ' @ : + &"
            )
            raise ContextError(msg)
        if prefixes.count(prefix) > 1:
            msg = f"prefix {prefix!r} with distribution=true: the prefix is in two buckets, so a URL could mean either"
            raise ContextError(msg)


def _behaviours(
    scope: Construct, name: str, sites: Sequence[SiteInStack], settings: CdnSettings
) -> dict[str, cloudfront.BehaviorOptions]:
    """Path pattern -> behaviour. CloudFront uses the first match, so a prefix inside another one comes first."""
    control = cloudfront.S3OriginAccessControl(scope, "OriginAccessControl", origin_access_control_name=name)
    cache = cache_policy(scope)
    headers = headers_policy(scope, name, settings.cors_origins)
    # Runs on every request, as a path pattern ``*/.releases/*`` would miss some: CloudFront compares paths without
    # decoding ``%2F``, but S3 decodes it. It costs 0.10 USD for a million requests:
    # https://aws.amazon.com/cloudfront/pricing/
    guard = _on_request(scope, "ReleaseLogGuard", cloudfront.FunctionCode.from_file(file_path=str(_GUARD)))
    found = {}
    for together in by_bucket(sites):
        # The CDK's own origin with access control would open every key of the bucket, also the release log.
        origin = origins.S3BucketOrigin.with_bucket_defaults(
            together[0].bucket, origin_access_control_id=control.origin_access_control_id
        )
        for site in together:
            found[f"{site.layout.prefix}*"] = cloudfront.BehaviorOptions(
                origin=origin,
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
                allowed_methods=cloudfront.AllowedMethods.ALLOW_GET_HEAD,
                compress=True,
                cache_policy=cache,
                response_headers_policy=headers,
                function_associations=[guard],
            )
    return dict(sorted(found.items(), key=lambda each: (-len(each[0]), each[0])))


def _nothing(scope: Construct, other: cloudfront.BehaviorOptions) -> cloudfront.BehaviorOptions:
    """The default behaviour if no site is the whole bucket: CloudFront itself answers 404.

    A behaviour needs an origin nevertheless, but no request gets there.
    """
    refuse = _on_request(scope, "RefuseOtherPaths", cloudfront.FunctionCode.from_inline(_REFUSE_ALL))
    return cloudfront.BehaviorOptions(
        origin=other.origin,
        viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        cache_policy=other.cache_policy,
        response_headers_policy=other.response_headers_policy,
        function_associations=[refuse],
    )


def _on_request(scope: Construct, name: str, code: cloudfront.FunctionCode) -> cloudfront.FunctionAssociation:
    return cloudfront.FunctionAssociation(
        event_type=cloudfront.FunctionEventType.VIEWER_REQUEST,
        function=cloudfront.Function(scope, name, code=code, runtime=cloudfront.FunctionRuntime.JS_2_0),
    )


def _log_bucket(scope: Construct) -> s3.Bucket:
    """The bucket of the standard logs. It stays when the stack goes; each log expires by itself.

    This is the older standard logging, as only a stack in us-east-1 can set up the newer one (v2).
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging.html
    It writes with an ACL, so this bucket must keep ACLs on, and it supports SSE-S3 but not KMS:
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging-legacy-s3.html
    """
    return s3.Bucket(
        scope,
        "AccessLogs",
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption=s3.BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_PREFERRED,
        lifecycle_rules=[
            s3.LifecycleRule(
                id="ExpireAccessLogs",
                expiration=Duration.days(ACCESS_LOG_DAYS),
                abort_incomplete_multipart_upload_after=Duration.days(1),
            )
        ],
        removal_policy=RemovalPolicy.RETAIN,
    )
