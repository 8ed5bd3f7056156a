"""The words by which CloudWatch knows a site: the cleaner counts under them, and the stack's alarms watch them."""

from __future__ import annotations

import string
from urllib.parse import quote

NAMESPACE = "AssetCleaner"
SERVICE = "asset-cleaner"

WHOLE_BUCKET = "(whole bucket)"
"""The site with an empty prefix; no prefix is named so, as each ends with a slash."""

_PLAIN = "".join(sorted({*string.ascii_letters, *string.digits, *string.punctuation, " "} - {"%"}))

_MAX_VALUE = 1024


def site_dimension(prefix: str) -> str:
    """The value of the dimension ``site``: the prefix, with all but ASCII percent-encoded.

    CloudWatch takes ASCII alone, and 1,024 characters; a metric of another site is dropped without a word:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html

    Args:
        prefix: The site's.
    """
    return quote(prefix, safe=_PLAIN)[:_MAX_VALUE] or WHOLE_BUCKET


def dimensions(bucket: str, prefix: str) -> dict[str, str]:
    """Every dimension of a site's metrics.

    Args:
        bucket: The bucket's name.
        prefix: The site's.
    """
    return {"service": SERVICE, "site": site_dimension(prefix), "bucket": bucket}
