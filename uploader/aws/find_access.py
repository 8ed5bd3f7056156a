"""Finds region and credentials: by the environment variables if they say it, else by boto3's chain."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from uploader.aws.access import Access, Keys
from uploader.aws.values import (
    check_bucket,
    check_credential,
    check_endpoint,
    check_profile,
    check_region,
    checked,
)
from uploader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
TOKENS = ("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
PROFILES = ("AWS_DEFAULT_PROFILE", "AWS_PROFILE")
"""Environment variables for the same value: the first one that is set counts."""


_SERVER_SETTINGS = (b"endpoint_url", b"use_fips_endpoint", b"use_dualstack_endpoint")

CONFIGURATIONS = {
    "AWS_CONFIG_FILE": "~/.aws/config",
    "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials",
}
"""Environment variable of an AWS configuration -> where it is without that variable."""


def find_access(bucket: str, *, region: str | None, profile: str | None, endpoint_url: str | None) -> Access:
    """Find credentials and region.

    Args:
        bucket: The bucket's name.
        region: The bucket's region; None: as the environment or boto3's chain says.
        profile: The AWS profile; None: as the environment or boto3's chain says.
        endpoint_url: Another S3 server than AWS; None: as the environment or the AWS profile says.

    Raises:
        UsageError: A value cannot be used, or no credentials, no region or no such profile were found.
    """
    checked("the bucket", bucket, check_bucket)
    for name, value, check in (
        ("the endpoint", endpoint_url, check_endpoint),
        ("the region", region, check_region),
        ("the profile", profile, check_profile),
    ):
        if value:
            checked(name, value, check)
    endpoint = endpoint_url or (None if _are_ignored() else _first(ENDPOINTS, check_endpoint))
    keys = None if profile or _first(PROFILES, check_profile) else _keys()
    where = region or _first(REGIONS, check_region)
    session = None
    if keys is None or (endpoint is None and (where is None or _names_server())):
        from uploader.aws.boto3_chain import read_configuration  # noqa: PLC0415 (boto3 takes a quarter of a second)

        found = read_configuration(region, profile, credentials_needed=keys is None)
        where, endpoint, session = where or found.region, endpoint or found.endpoint, found.session
    where = where or ("us-east-1" if endpoint else None)
    if where is None:
        msg = "no AWS region: name the bucket's with --region or AWS_REGION"
        raise UsageError(msg)
    return Access(bucket, where, endpoint, profile, keys, session=session)


def _are_ignored() -> bool:
    """Whether the environment has all configured endpoints ignored, as boto3 does it."""
    return os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true"


def _names_server() -> bool:
    """Whether the AWS configuration names any server, or kind of server: to know which costs the import of boto3."""
    for variable, usual in CONFIGURATIONS.items():
        try:
            body = Path(os.path.expanduser(os.environ.get(variable) or usual)).read_bytes()  # noqa: PTH111 (no home)
        except OSError:  # boto3 reads it in vain too
            continue
        if any(setting in body for setting in _SERVER_SETTINGS):
            return True
    return False


def _first(names: Sequence[str], check: Callable[[str], None]) -> str | None:
    """The value of the first of some environment variables that is set; None if none is."""
    name = next((name for name in names if os.environ.get(name)), None)
    if name is None:
        return None
    return checked(name, os.environ[name], check)


def _keys() -> Keys | None:
    """The credentials in the environment; boto3's chain begins with them too, unless a profile is named."""
    key_id, secret = (
        _first(["AWS_ACCESS_KEY_ID"], check_credential),
        _first(["AWS_SECRET_ACCESS_KEY"], check_credential),
    )
    if key_id is None or secret is None:
        return None
    return Keys(key_id, secret, _first(TOKENS, check_credential))
