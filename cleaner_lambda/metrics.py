"""The CloudWatch metrics of a run, for the dashboard and the alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from cleaner_lambda.plan import Reason
from release_log.metrics import NAMESPACE, SERVICE, Metric, dimensions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools import Metrics
    from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

    from cleaner_lambda.report import Report
    from cleaner_lambda.sites import Site


UNKNOWN = frozenset(
    {
        Reason.INVALID_MARKER,
        Reason.MISSING_MARKER,
        Reason.UNKNOWN_ORDER,
        Reason.UNREADABLE_FILE,
        Reason.UNKNOWN_PAGE,
    }
)
"""The reasons for which it is unknown what is current, pending, staged or pinned, or what a page in place asks for."""


ASKS = frozenset({Reason.BRAKE, Reason.ADOPTION})
"""The reasons for which a run waits until somebody says that it may."""


def measure(report: Report, seconds: float, *, by_marker: bool) -> dict[Metric, float]:
    """The values of one real run. Pure.

    ``Runs`` is 1 if the run ended well (see `Report.ended_well`), and 0 otherwise. A run that ends with an exception
    counts nothing. So a day without a 1 means that due assets are not being deleted, whatever the reason.

    Args:
        report: The run.
        seconds: How long the run took.
        by_marker: Whether a release marker woke it. Only then has it a ``Lag``: the age of the newest marker when the
            run began, both by S3's clock.
    """
    counts = report.counts()
    reasons = [stop.reason for stop in report.plan.stops]
    values: dict[Metric, float] = {
        Metric.RUNS: report.ended_well,
        Metric.TAGGED: counts["tag"],
        Metric.UNTAGGED: counts["untag"],
        Metric.DELETED: counts["delete"],
        Metric.BYTES_FREED: report.bytes_deleted,
        Metric.KEPT: counts["keep"],
        Metric.FAILED: counts["failed"],
        # A foreign object is named once, and is an orphan from then on: nobody has to do anything.
        Metric.SET_ASIDE: sum(reason is not Reason.FOREIGN for reason in report.all_set_aside.values()),
        Metric.INVALID_MARKERS: sum(reason in UNKNOWN for reason in reasons),
        Metric.NOT_IN_PLACE: len(report.not_in_place),
        Metric.BRAKE_PULLED: sum(reason in ASKS for reason in reasons),
        Metric.DURATION: seconds * 1000,
    }
    if report.missing is not None and report.orphans is not None:
        values |= {Metric.MISSING_ASSETS: len(report.missing), Metric.ORPHANS: report.orphans}
    if by_marker and report.newest_marker is not None:
        # A marker that was written while the run read the release log is newer than the run.
        values[Metric.LAG] = max(0.0, ((report.first or report.at) - report.newest_marker).total_seconds())
    return values


def publish(metrics: Metrics) -> None:
    """Publish what was counted. Many invocations count nothing, and Powertools would warn of that as of a mistake."""
    if metrics.metric_set:
        metrics.flush_metrics()


def count(
    metrics: Metrics | AmazonCloudWatchEMFProvider, values: Mapping[Metric, float], site: Site | None = None
) -> None:
    """Count values, which are published when the invocation ends.

    Dimensions are only added together with a value: Powertools clears them when it publishes, and publishes nothing
    without a value, so they would count for the next invocation.

    Args:
        metrics: Powertools' metrics.
        values: Metric -> value.
        site: The site that the values are about; None for the installation.
    """
    if not values:
        return
    if site is not None:
        for name, value in dimensions(site.bucket, site.counted_as).items():
            metrics.add_dimension(name=name, value=value)
    for metric, number in values.items():
        metrics.add_metric(name=metric.value, unit=MetricUnit(metric.unit.value), value=number)


def count_apart(values: Mapping[Metric, float]) -> None:
    """Count values of the installation at once, in an invocation that counts a site's values too.

    Args:
        values: Metric -> value.
    """
    metrics = EphemeralMetrics(namespace=NAMESPACE, service=SERVICE)
    count(metrics, values)
    metrics.flush_metrics()
