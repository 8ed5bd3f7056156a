"""The metrics that the cleaner writes for each site, as alarms and dashboard find them again."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from aws_cdk import Duration, Token
from aws_cdk import aws_cloudwatch as cloudwatch

from release_log.metrics import NAMESPACE, Metric, dimensions

if TYPE_CHECKING:
    from infra.sites import SiteInStack


def site_metric(
    site: SiteInStack, metric: Metric, statistic: str = "Sum", period: Duration | None = None
) -> cloudwatch.Metric:
    """A metric of a site.

    Args:
        site: The site.
        metric: Which one.
        statistic: How the values of a period become one.
        period: Five minutes if none is given.
    """
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=metric.value,
        dimensions_map=dimensions(site.bucket.bucket_name, site.layout.prefix),
        statistic=statistic,
        period=period or Duration.minutes(5),
    )


def site_id(site: SiteInStack) -> str:
    """A site in a construct's id: readable, and the same whatever other sites there are.

    The name of a bucket that the stack makes is not known at synth; its own id stands for it.
    """
    name = site.bucket.bucket_name
    bucket = site.bucket.node.id if Token.is_unresolved(name) else name
    words = re.findall("[A-Za-z0-9]+", site.layout.prefix)
    readable = "".join(word[:1].upper() + word[1:] for word in words) or "WholeBucket"
    digest = hashlib.sha256(f"{bucket}/{site.layout.prefix}".encode()).hexdigest()
    return f"{readable[:40]}{digest[:6].upper()}"


def site_uri(site: SiteInStack) -> str:
    """A site for people."""
    return f"s3://{site.bucket.bucket_name}/{site.layout.prefix}"
