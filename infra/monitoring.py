"""Seeing the cleaner run: what is an alarm, and who hears of it. The dashboard is `infra.dashboard`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aws_cdk import ArnFormat, CfnOutput, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions

from infra.dashboard import add_dashboard
from infra.site_metrics import site_id, site_metric, site_uri
from release_log.metrics import Metric

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_sqs as sqs

    from infra.sites import SiteInStack

PAGE = "docs/operate.md"

HOURS_WITHOUT_RUN = 26
"""The daily run, and two hours for it to be late."""

_KEEP = cloudwatch.TreatMissingData.IGNORE
"""For what stays so until a value says otherwise: without a new value the alarm stays what it is."""

_FINE = cloudwatch.TreatMissingData.NOT_BREACHING


class _Watched(NamedTuple):
    """What one alarm watches.

    Attributes:
        anchor: Of its heading in `PAGE`; the alarm's id is made from it.
        says: What it means, in one line.
        metric: What is compared.
        missing: What no value means.
        periods: For how many periods in a row it has to be so.
        below: Whether it is wrong to be below 1, and not above 0.
        site: The site's part of the alarm's id.
    """

    anchor: str
    says: str
    metric: cloudwatch.Metric
    missing: cloudwatch.TreatMissingData
    periods: int = 1
    below: bool = False
    site: str = ""

    @property
    def id(self) -> str:
        """The alarm's construct id."""
        return "".join(word.capitalize() for word in self.anchor.split("-")) + "Alarm" + self.site


def add_monitoring(
    scope: Stack,
    *,
    function: lambda_.IFunction,
    undelivered: sqs.IQueue,
    failed: sqs.IQueue,
    sites: Sequence[SiteInStack],
    alarm_email: str | None,
) -> sns.Topic:
    """Add the alarms, the topic that they go to, and the dashboard.

    Args:
        scope: The stack.
        function: The cleaner.
        undelivered: Dead letters of EventBridge and EventBridge Scheduler.
        failed: Dead letters of Lambda.
        sites: What the cleaner cleans.
        alarm_email: Who is told by e-mail; None for nobody.

    Returns:
        The topic.
    """
    topic = _topic(scope, alarm_email)
    alarms = []
    for watched in [*_installation(function, undelivered, failed), *(each for site in sites for each in _site(site))]:
        alarm = cloudwatch.Alarm(
            scope,
            watched.id,
            alarm_description=f"{watched.says}. See {PAGE}#{watched.anchor}",
            metric=watched.metric,
            threshold=1 if watched.below else 0,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
            if watched.below
            else cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=watched.periods,
            treat_missing_data=watched.missing,
        )
        alarm.add_alarm_action(actions.SnsAction(topic))
        alarms.append(alarm)
    add_dashboard(scope, function=function, queues=(undelivered, failed), sites=sites, alarms=alarms)
    CfnOutput(scope, "AlarmTopicArn", value=topic.topic_arn)
    return topic


def _topic(scope: Stack, alarm_email: str | None) -> sns.Topic:
    """The topic of the alarms.

    TLS only. At rest it has no KMS key: CloudWatch may not use the one that AWS manages for SNS, so its alarms would go
    nowhere, and a key of one's own costs more than all the rest, for messages that hold names and numbers.
    https://repost.aws/knowledge-center/cloudwatch-configure-alarm-sns
    """
    topic = sns.Topic(scope, "Alarms", display_name="Asset cleaner", enforce_ssl=True)
    # A topic with a policy of its own has lost SNS's, which lets in whatever is in the account.
    # https://repost.aws/knowledge-center/cloudwatch-receive-sns-for-alarm-trigger
    own_alarms = scope.format_arn(
        service="cloudwatch",
        resource="alarm",
        resource_name=f"{scope.stack_name}-*",  # as CloudFormation names what has no name
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            sid="LetAlarmsIn",
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions={
                "ArnLike": {"aws:SourceArn": own_alarms},
                "StringEquals": {"aws:SourceAccount": scope.account},
            },
        )
    )
    if alarm_email is not None:
        topic.add_subscription(subscriptions.EmailSubscription(alarm_email))
    return topic


def _installation(function: lambda_.IFunction, undelivered: sqs.IQueue, failed: sqs.IQueue) -> Iterator[_Watched]:
    """What is wrong with the installation, whatever the site."""
    yield _Watched(
        "function-errors",
        "A run of the cleaner ended with an error",
        function.metric_errors(period=Duration.minutes(5)),
        _FINE,
    )
    yield _Watched(
        "function-throttled",
        "For an hour the cleaner was asked to run and could not",
        # One run at a time is the rule, so a short wait for another run is none. What waits is tried again after five
        # minutes at most: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
        function.metric_throttles(period=Duration.minutes(15)),
        _FINE,
        periods=4,
    )
    # SQS says nothing of a queue that has been left alone for six hours, also if there is something in it.
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html
    yield _Watched(
        "undelivered-events",
        "An event or a wake-up could not be delivered to the cleaner",
        undelivered.metric_approximate_number_of_messages_visible(statistic="Maximum", period=Duration.minutes(5)),
        _KEEP,
    )
    yield _Watched(
        "failed-runs",
        "A run of the cleaner failed three times, and was given up",
        failed.metric_approximate_number_of_messages_visible(statistic="Maximum", period=Duration.minutes(5)),
        _KEEP,
    )


def _site(site: SiteInStack) -> Iterator[_Watched]:
    """What is wrong with a site."""
    name, where = site_id(site), site_uri(site)
    yield _Watched(
        "missing-assets",
        f"Assets of a current release of {where} are not in the bucket",
        site_metric(site, Metric.MISSING_ASSETS, "Maximum"),
        _KEEP,
        site=name,
    )
    yield _Watched(
        "invalid-markers",
        f"A file of the release log of {where} is not valid or gone, so nothing is deleted",
        site_metric(site, Metric.INVALID_MARKERS, "Maximum"),
        _KEEP,
        site=name,
    )
    yield _Watched(
        "brake-pulled",
        f"A run would have deleted more of {where} than max_delete_fraction allows, so it deleted nothing",
        site_metric(site, Metric.BRAKE_PULLED, "Maximum"),
        _KEEP,
        site=name,
    )
    yield _Watched(
        "failed-keys",
        f"For three hours there were assets of {where} that could not be tagged or deleted",
        # The cleaner comes back for them every 15 minutes; most of what S3 refuses it grants then.
        site_metric(site, Metric.FAILED, period=Duration.hours(1)),
        _FINE,
        periods=3,
        site=name,
    )
    yield _Watched(
        "no-successful-run",
        f"No run on {where} has ended well for {HOURS_WITHOUT_RUN} hours",
        # Periods of an hour, because only those may add up to more than a day (and then to a week).
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
        # No longer ones: CloudWatch looks back some periods further before it says that there is no value.
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
        site_metric(site, Metric.RUNS, period=Duration.hours(1)),
        cloudwatch.TreatMissingData.BREACHING,
        periods=HOURS_WITHOUT_RUN,
        below=True,
        site=name,
    )
