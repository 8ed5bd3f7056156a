"""How CloudFront caches, and what headers it adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudfront as cloudfront

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import Stack

_YEAR = Duration.days(365)


def cache_policy(scope: Stack) -> cloudfront.CachePolicy:
    """The uploader's ``Cache-Control`` decides: a year for fingerprinted names, ``no-cache`` for pages.

    Of AWS's managed policies CachingOptimized has a minimum TTL of a second, and CloudFront keeps even ``no-store`` for
    so long; UseOriginCacheControlHeaders sends the viewer's ``Host``, by which S3 finds no bucket.
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
    """
    return cloudfront.CachePolicy(
        scope,
        "CachePolicy",
        comment="As the object's Cache-Control says",
        min_ttl=Duration.seconds(0),
        # An object without the header is not the uploader's: whether it changes nobody knows.
        default_ttl=Duration.seconds(0),
        max_ttl=_YEAR,
        # S3 would take some of them for its own: ``?versionId=``, ``?response-content-type=``.
        query_string_behavior=cloudfront.CacheQueryStringBehavior.none(),
        cookie_behavior=cloudfront.CacheCookieBehavior.none(),
        header_behavior=cloudfront.CacheHeaderBehavior.none(),
        # A copy for each encoding, without which CloudFront does not compress.
        enable_accept_encoding_gzip=True,
        enable_accept_encoding_brotli=True,
    )


def headers_policy(scope: Stack, cors_origins: Sequence[str]) -> cloudfront.ResponseHeadersPolicy:
    """Security headers, and CORS for the origins that are named, whatever the bucket's own CORS rules say."""
    cors = cloudfront.ResponseHeadersCorsBehavior(
        access_control_allow_credentials=False,
        access_control_allow_headers=["*"],
        # Scripts, styles, fonts and modules need no preflight, so OPTIONS is not served.
        access_control_allow_methods=["GET", "HEAD"],
        access_control_allow_origins=list(cors_origins),
        origin_override=True,
    )
    return cloudfront.ResponseHeadersPolicy(
        scope,
        "ResponseHeaders",
        response_headers_policy_name=name_in_account(scope),
        cors_behavior=cors if cors_origins else None,
        security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
            content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
            # Of the assets' host alone: what its subdomains do is not this stack's to say.
            strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
                access_control_max_age=_YEAR, override=True
            ),
            referrer_policy=cloudfront.ResponseHeadersReferrerPolicy(
                referrer_policy=cloudfront.HeadersReferrerPolicy.STRICT_ORIGIN_WHEN_CROSS_ORIGIN, override=True
            ),
        ),
    )


def name_in_account(scope: Stack) -> str:
    """For what is one of its name in the account, not in the Region: the CDK leaves the Region out of such names."""
    return f"{scope.stack_name}-{scope.region}"
