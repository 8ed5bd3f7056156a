"""What a real run counts, for dashboard and alarms: CloudWatch metrics of its site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_lambda_powertools.metrics import MetricUnit

from cleaner_lambda.policy import Reason
from release_log.dimensions import dimensions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools import Metrics

    from cleaner_lambda.report import Report
    from cleaner_lambda.sites import Site

UNITS = {
    "Runs": MetricUnit.Count,
    "Tagged": MetricUnit.Count,
    "Untagged": MetricUnit.Count,
    "Deleted": MetricUnit.Count,
    "BytesFreed": MetricUnit.Bytes,
    "Kept": MetricUnit.Count,
    "Failed": MetricUnit.Count,
    "InvalidMarkers": MetricUnit.Count,
    "BrakePulled": MetricUnit.Count,
    "Duration": MetricUnit.Milliseconds,
    "MissingAssets": MetricUnit.Count,
    "Orphans": MetricUnit.Count,
    "Lag": MetricUnit.Seconds,
    "EventsNotSent": MetricUnit.Count,
    "DryRuns": MetricUnit.Count,
    "Refused": MetricUnit.Count,
}
"""Every metric of the cleaner; ``DryRuns`` and ``Refused`` are the installation's, the others a site's."""


def measure(report: Report, seconds: float, *, by_marker: bool) -> dict[str, float]:
    """The values of one real run, by name. Pure.

    ``Runs`` is 1 if it ended well (see `Report.ended_well`), and 0 otherwise; a run that ends with an exception counts
    nothing at all. So a day without a 1 means that what falls due is not being deleted, whatever the reason.

    Args:
        report: The run.
        seconds: How long it took.
        by_marker: Whether a release marker woke it. Only then is there a ``Lag``: how old the newest marker was when
            the run began, both by S3's clock.
    """
    counts = report.counts()
    reasons = [stop.reason for stop in report.plan.stops]
    values: dict[str, float] = {
        "Runs": report.ended_well,
        "Tagged": counts["tag"],
        "Untagged": counts["untag"],
        "Deleted": counts["delete"],
        "BytesFreed": report.bytes_deleted,
        "Kept": counts["keep"],
        "Failed": counts["failed"],
        "InvalidMarkers": sum(reason in {Reason.INVALID_MARKER, Reason.MISSING_MARKER} for reason in reasons),
        "BrakePulled": reasons.count(Reason.BRAKE),
        "Duration": seconds * 1000,
    }
    if report.missing is not None and report.orphans is not None:
        values |= {"MissingAssets": len(report.missing), "Orphans": report.orphans}
    if by_marker and report.newest_marker is not None:
        # A marker that was written while the run read the release log is newer than the run.
        values["Lag"] = max(0.0, (report.at - report.newest_marker).total_seconds())
    return values


def count(metrics: Metrics, values: Mapping[str, float], site: Site | None = None) -> None:
    """Count values: they are published when the invocation ends.

    Dimensions are added together with a value, and never without: Powertools clears them when it publishes, and it does
    not publish without a value, so they would be the next invocation's.

    Args:
        metrics: Powertools'.
        values: Name -> value.
        site: Whose they are; None for the installation's.
    """
    if not values:
        return
    if site is not None:
        for name, value in dimensions(site.bucket, site.prefix).items():
            metrics.add_dimension(name=name, value=value)
    for name, number in values.items():
        metrics.add_metric(name=name, unit=UNITS[name], value=number)
