"""Where S3 is: in China, in other partitions, and with FIPS or dual-stack, as botocore's own rules say.

botocore is loaded for that only where its rules differ from obstore's.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from uploader.aws.bucket_names import is_host
from uploader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from uploader.aws.access import Access

_FIPS, _DUAL_STACK = "use_fips_endpoint", "use_dualstack_endpoint"
"""The settings in a profile; the environment's variables have ``AWS_`` before them, in capitals."""

_ORDINARY = re.compile(r"(?!cn-|eusc-|fips-|[a-z]+-iso)[a-z-]+-\d+")
"""The regions whose hosts end with ``amazonaws.com``: not China's, the sovereign cloud's, the isolated ones."""

_OF_FIPS = re.compile(r"fips-(?P<after>.+)|(?P<before>.+)-fips")
"""An older way to name a region's servers with FIPS."""


class Server(NamedTuple):
    """S3's server for a bucket.

    Attributes:
        url: Its URL.
        has_bucket: Whether the bucket is part of the host's name.
    """

    url: str
    has_bucket: bool


def server_of(access: Access) -> Server:
    """The server at AWS for a bucket.

    Raises:
        UsageError: There is none in this region, such as one with FIPS in China, or this is not a region of AWS.
    """
    fips, dual_stack = _is_on(access, _FIPS), _is_on(access, _DUAL_STACK)
    if _ORDINARY.fullmatch(access.region) and not fips and not dual_stack:
        host = f"s3.{access.region}.amazonaws.com"
        has_bucket = is_host(access.bucket)
        return Server(f"https://{access.bucket}.{host}" if has_bucket else f"https://{host}", has_bucket)
    return _resolve(access, fips=fips, dual_stack=dual_stack)


def _resolve(access: Access, *, fips: bool, dual_stack: bool) -> Server:
    from botocore.endpoint_provider import EndpointProvider  # noqa: PLC0415 (most commands need none of it)
    from botocore.exceptions import EndpointProviderError  # noqa: PLC0415
    from botocore.loaders import create_loader  # noqa: PLC0415

    loader = create_loader()
    partitions = loader.load_data("partitions")
    _check_region(access.region, [each["regionRegex"] for each in partitions["partitions"]])
    rules = EndpointProvider(loader.load_service_model("s3", type_name="endpoint-rule-set-1"), partitions)
    try:
        url = rules.resolve_endpoint(
            Bucket=access.bucket, Region=access.region, UseFIPS=fips, UseDualStack=dual_stack
        ).url
    except EndpointProviderError as error:
        msg = f"no S3 server for bucket {access.bucket!r} in {access.region}: {error}"
        raise UsageError(msg) from error
    parts = urlsplit(url)
    return Server(f"{parts.scheme}://{parts.netloc}", not parts.path.strip("/"))


def _check_region(region: str, patterns: Iterable[str]) -> None:
    found = _OF_FIPS.fullmatch(region)
    if found:
        named = found["after"] or found["before"]
        msg = f"the region {region!r} is {named}: name that, and set AWS_USE_FIPS_ENDPOINT=true"
        raise UsageError(msg)
    if not any(re.fullmatch(pattern, region, re.ASCII) for pattern in patterns):
        msg = f"the region {region!r} is not one of AWS: name the bucket's, such as eu-central-1"
        raise UsageError(msg)


def _is_on(access: Access, setting: str) -> bool:
    """Whether the environment, or else the AWS profile, turns a kind of server on."""
    named = os.environ.get(f"AWS_{setting.upper()}")
    if named is None and access.session is not None:
        return bool(access.session.setting(setting))
    return (named or "").lower() == "true"
