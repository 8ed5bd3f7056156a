"""The words by which CloudWatch knows a site: the cleaner counts under them, and the stack's alarms watch them."""

from __future__ import annotations

import hashlib
import string
from urllib.parse import quote

NAMESPACE = "AssetCleaner"
SERVICE = "asset-cleaner"

WHOLE_BUCKET = "(whole bucket)"
"""The site with an empty prefix; no prefix is named so, as each ends with a slash."""

_PLAIN = "".join(sorted({*string.ascii_letters, *string.digits, *string.punctuation, " "} - {"%"}))

MAX_VALUE = 255
"""CloudWatch takes 1,024; what is as long as this no graph shows, and the CDK takes no more."""


def site_dimension(prefix: str) -> str:
    """The value of the dimension ``site``: the prefix, with all but ASCII percent-encoded, and a digest for a long end.

    CloudWatch takes ASCII alone; a metric of another site is dropped without a word:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html

    Args:
        prefix: The site's.
    """
    value = quote(prefix, safe=_PLAIN) or WHOLE_BUCKET
    if len(value) <= MAX_VALUE:
        return value
    digest = hashlib.sha256(value.encode()).hexdigest()[:16]
    return f"{value[: MAX_VALUE - len(digest) - 1]}-{digest}"


def dimensions(bucket: str, prefix: str) -> dict[str, str]:
    """Every dimension of a site's metrics.

    Args:
        bucket: The bucket's name.
        prefix: The site's.
    """
    return {"service": SERVICE, "site": site_dimension(prefix), "bucket": bucket}
