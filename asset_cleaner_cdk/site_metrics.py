"""The metrics of a site and of the installation, for their alarms and the dashboard."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from asset_cleaner_cdk.names import known
from release_log.metrics import NAMESPACE, SERVICE, Metric, dimensions

if TYPE_CHECKING:
    from asset_cleaner_cdk.sites import SiteInStack


def site_metric(
    site: SiteInStack, metric: Metric, statistic: str = "Sum", period: Duration | None = None
) -> cloudwatch.Metric:
    """A metric of a site.

    Args:
        site: The site.
        metric: The metric.
        statistic: How the values of a period become one value.
        period: The length of a period; five minutes by default.
    """
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=metric.value,
        dimensions_map=dimensions(site.bucket.bucket_name, site.layout.prefix),
        statistic=statistic,
        period=period or Duration.minutes(5),
    )


def own_metric(metric: Metric, statistic: str, period: Duration) -> cloudwatch.Metric:
    """A metric of the installation.

    Args:
        metric: The metric.
        statistic: How the values of a period become one value.
        period: The length of a period.
    """
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=metric.value,
        dimensions_map={"service": SERVICE},
        statistic=statistic,
        period=period,
    )


def site_id(site: SiteInStack) -> str:
    """A site's part of a construct id: readable, and independent of the other sites.

    The name of a new bucket is not known at synth, so the bucket's construct id stands for it.
    """
    bucket = known(site.bucket.bucket_name) or site.bucket.node.id
    prefix = known(site.layout.prefix)
    words = re.findall("[A-Za-z0-9]+", prefix)
    unnamed = "WholeBucket" if prefix == site.layout.prefix else "Site"
    readable = "".join(word[:1].upper() + word[1:] for word in words) or unnamed
    digest = hashlib.sha256(f"{bucket}/{prefix}".encode()).hexdigest()
    return f"{readable[:40]}{digest[:6].upper()}"


def site_uri(site: SiteInStack) -> str:
    """The site's address, for people."""
    return f"s3://{site.bucket.bucket_name}/{site.layout.prefix}"
