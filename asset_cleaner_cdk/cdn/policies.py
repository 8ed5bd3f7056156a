"""How CloudFront caches, and which headers it adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudfront as cloudfront

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

    from asset_cleaner_cdk.names import Names

_YEAR = Duration.days(365)


def cache_policy(scope: Construct) -> cloudfront.CachePolicy:
    """Cache as the uploader's ``Cache-Control`` says: a year for fingerprinted names, ``no-cache`` for pages.

    No managed policy of AWS fits. CachingOptimized has a minimum TTL of one second, for which CloudFront caches even
    ``no-store``. UseOriginCacheControlHeaders sends the viewer's ``Host``, which is not a bucket's name to S3.
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
    """
    return cloudfront.CachePolicy(
        scope,
        "CachePolicy",
        comment="As the object's Cache-Control says",
        min_ttl=Duration.seconds(0),
        # The uploader did not write an object without the header, so the object may change at any time.
        default_ttl=Duration.seconds(0),
        max_ttl=_YEAR,
        # S3 would obey some query strings: ``?versionId=``, ``?response-content-type=``.
        query_string_behavior=cloudfront.CacheQueryStringBehavior.none(),
        cookie_behavior=cloudfront.CacheCookieBehavior.none(),
        header_behavior=cloudfront.CacheHeaderBehavior.none(),
        # CloudFront compresses only if it may cache a copy for each encoding.
        enable_accept_encoding_gzip=True,
        enable_accept_encoding_brotli=True,
    )


def headers_policy(scope: Construct, name: str, cors_origins: Sequence[str]) -> cloudfront.ResponseHeadersPolicy:
    """Security headers, and CORS for the given origins, whatever CORS rules the bucket has.

    CloudFront itself compares an origin with ``https://*.example.com``, and answers with the origin of the request.
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-response-headers-policies.html
    """
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
        response_headers_policy_name=name,
        cors_behavior=cors if cors_origins else None,
        security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
            content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
            # For the assets' host alone: this stack does not decide for its subdomains.
            strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
                access_control_max_age=_YEAR, override=True
            ),
            referrer_policy=cloudfront.ResponseHeadersReferrerPolicy(
                referrer_policy=cloudfront.HeadersReferrerPolicy.STRICT_ORIGIN_WHEN_CROSS_ORIGIN, override=True
            ),
        ),
    )


def name_in_account(scope: Construct, names: Names) -> str:
    """A name that is unique in the account and not only in the Region, which the CDK leaves out of such names."""
    return f"{names.installation}-{Stack.of(scope).region}"
