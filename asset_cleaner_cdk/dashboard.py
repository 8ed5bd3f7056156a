"""The dashboard: the alarms, the function and its dead letters, and a section for each site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from asset_cleaner_cdk.site_metrics import site_metric, site_uri
from release_log.metrics import Metric
from release_log.site_pattern import is_pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_sqs as sqs
    from constructs import Construct

    from asset_cleaner_cdk.sites import SiteInStack

WIDTH = 24
"""The width of a dashboard, in CloudWatch's units."""

ALARMS_IN_WIDGET = 100
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html"""

_HOUR = Duration.hours(1)


def add_dashboard(
    scope: Construct,
    *,
    function: lambda_.IFunction,
    queues: Sequence[sqs.IQueue],
    sites: Sequence[SiteInStack],
    alarms: Sequence[cloudwatch.IAlarm],
) -> cloudwatch.Dashboard:
    """Add the dashboard.

    Args:
        scope: The installation, or its stack.
        function: The cleaner.
        queues: The queues of its dead letters.
        sites: The sites that it cleans.
        alarms: The alarms, shown on top.
    """
    dashboard = cloudwatch.Dashboard(scope, "Dashboard", default_interval=Duration.days(7))
    for start in range(0, len(alarms), ALARMS_IN_WIDGET):
        shown = list(alarms[start : start + ALARMS_IN_WIDGET])
        dashboard.add_widgets(cloudwatch.AlarmStatusWidget(title="Alarms", alarms=shown, width=WIDTH, height=3))
    dashboard.add_widgets(
        _graph("Errors and throttles", function.metric_errors(period=_HOUR), function.metric_throttles(period=_HOUR)),
        _graph("Duration of an invocation", function.metric_duration(statistic="Maximum", period=_HOUR)),
        _graph("Concurrent invocations", function.metric("ConcurrentExecutions", statistic="Maximum", period=_HOUR)),
        _graph(
            "Dead letters",
            *(
                queue.metric_approximate_number_of_messages_visible(
                    statistic="Maximum", period=_HOUR, label=queue.node.id
                )
                for queue in queues
            ),
        ),
    )
    for site in sites:
        _add_site(dashboard, site)
    return dashboard


def _add_site(dashboard: cloudwatch.Dashboard, site: SiteInStack) -> None:
    def summed(*metrics: Metric) -> list[cloudwatch.IMetric]:
        return [site_metric(site, metric, period=_HOUR) for metric in metrics]

    def highest(*metrics: Metric) -> list[cloudwatch.IMetric]:
        return [site_metric(site, metric, "Maximum", _HOUR) for metric in metrics]

    dashboard.add_widgets(cloudwatch.TextWidget(markdown=f"## {site_uri(site)}", width=WIDTH, height=1))
    dashboard.add_widgets(
        _graph("Tagged, untagged, deleted", *summed(Metric.TAGGED, Metric.UNTAGGED, Metric.DELETED)),
        _graph("Kept", *highest(Metric.KEPT)),
        _graph("Bytes freed", *summed(Metric.BYTES_FREED)),
        _graph("Successful runs", *summed(Metric.RUNS, *([Metric.SWEEPS] if is_pattern(site.layout.prefix) else []))),
    )
    dashboard.add_widgets(
        _graph(
            "Failed keys, keys set aside, wake-ups not set, events not sent",
            *summed(Metric.FAILED, Metric.SET_ASIDE, Metric.WAKE_UPS_NOT_SET, Metric.EVENTS_NOT_SENT),
        ),
        _graph("Missing assets, orphans", *highest(Metric.MISSING_ASSETS, Metric.ORPHANS)),
        _graph("Duration of a run", *highest(Metric.DURATION)),
        _graph("Lag from marker to run", *highest(Metric.LAG)),
    )


def _graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title, left=list(metrics), left_y_axis=cloudwatch.YAxisProps(min=0), width=WIDTH // 4, height=6
    )
