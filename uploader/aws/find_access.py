"""Finds region and credentials: by the environment variables if they say it, else by boto3's chain."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from uploader.aws.access import Access, Keys
from uploader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


def find_access(bucket: str, *, region: str | None, profile: str | None, endpoint_url: str | None) -> Access:
    """Find credentials and region.

    Args:
        bucket: The bucket's name.
        region: The bucket's region; None: as the environment or boto3's chain says.
        profile: The AWS profile; None: as the environment or boto3's chain says.
        endpoint_url: Another S3 server than AWS; None: as the environment says.

    Raises:
        UsageError: No credentials, no region or no such profile were found, or the endpoint is not a URL.
    """
    endpoint = endpoint_url or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint is not None and not re.match(r"https?://[^/]", endpoint):
        msg = f"endpoint {endpoint!r} is not a URL: begin it with https:// (or http:// for a local server)"
        raise UsageError(msg)
    keys = None if profile or os.environ.get("AWS_PROFILE") else _keys(os.environ)
    where = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if keys is None or (where is None and endpoint is None):
        from uploader.aws.boto3_chain import find_region  # noqa: PLC0415 (boto3 takes a quarter of a second)

        found = find_region(region, profile, credentials_needed=keys is None)
        where = where or found
    where = where or ("us-east-1" if endpoint else None)
    if where is None:
        msg = "no AWS region: name the bucket's with --region or AWS_REGION"
        raise UsageError(msg)
    return Access(bucket, where, endpoint, profile, keys)


def _keys(environ: Mapping[str, str]) -> Keys | None:
    """The credentials in the environment; boto3's chain begins with them too, unless a profile is named."""
    key_id, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if not key_id or not secret:
        return None
    return Keys(key_id, secret, environ.get("AWS_SESSION_TOKEN") or environ.get("AWS_SECURITY_TOKEN"))
