"""Monitoring: the alarms of `asset_cleaner_cdk.alarms`, the topic that they notify, and the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aws_cdk import ArnFormat, Aws, CfnOutput, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions

from asset_cleaner_cdk.alarms import ALARMS, PAGE, Alarm, Subject
from asset_cleaner_cdk.dashboard import add_dashboard
from asset_cleaner_cdk.site_metrics import own_metric, site_id, site_metric, site_uri
from release_log.site_pattern import is_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_sqs as sqs
    from constructs import Construct

    from asset_cleaner_cdk.names import Names
    from asset_cleaner_cdk.sites import SiteInStack
    from release_log.metrics import Metric


OF_SITES = (Subject.SITE, Subject.ONE_SITE)
OF_PATTERNS = (Subject.SITE, Subject.PATTERN)
"""Whose alarms a site has, and a pattern."""


def add_monitoring(  # noqa: PLR0913 (the alarms and the dashboard are about all of them)
    scope: Construct,
    names: Names,
    *,
    function: lambda_.IFunction,
    undelivered: sqs.IQueue,
    failed: sqs.IQueue,
    sites: Sequence[SiteInStack],
    map_runs: bool,
    alarm_email: str | None,
) -> sns.Topic:
    """Add the alarms, the topic that they notify, and the dashboard.

    Args:
        scope: The installation, or its stack.
        names: The installation's names.
        function: The cleaner.
        undelivered: The queue of EventBridge's and EventBridge Scheduler's dead letters.
        failed: The queue of Lambda's dead letters.
        sites: The sites that the cleaner cleans.
        map_runs: Whether it hands out full listings.
        alarm_email: The address that the topic notifies; None for none.

    Returns:
        The topic.
    """
    topic = _topic(scope, names, alarm_email)
    subjects: dict[Subject, lambda_.IFunction | sqs.IQueue] = {
        Subject.FUNCTION: function,
        Subject.UNDELIVERED: undelivered,
        Subject.FAILED_RUNS: failed,
    }
    own = {*subjects, Subject.MAP_RUNS} if map_runs else {*subjects}
    alarms = [_add_alarm(scope, alarm, _of_installation(alarm, subjects)) for alarm in ALARMS if alarm.subject in own]
    alarms += [
        _add_alarm(scope, alarm, _of_site(alarm, site), site)
        for site in sites
        for alarm in ALARMS
        if alarm.subject in (OF_PATTERNS if is_pattern(site.layout.prefix) else OF_SITES)
    ]
    for alarm in alarms:
        alarm.add_alarm_action(actions.SnsAction(topic))
    add_dashboard(scope, function=function, queues=(undelivered, failed), sites=sites, alarms=alarms)
    CfnOutput(scope, "AlarmTopicArn", value=topic.topic_arn)
    return topic


def _topic(scope: Construct, names: Names, alarm_email: str | None) -> sns.Topic:
    """The topic of the alarms.

    It requires TLS, but does not encrypt at rest. CloudWatch may not use the key that AWS manages for SNS, so it could
    not send the alarms. The stack's own key would cost more than all the rest, for messages of names and numbers.
    https://repost.aws/knowledge-center/cloudwatch-configure-alarm-sns
    """
    topic = sns.Topic(scope, "Alarms", display_name="Asset cleaner", enforce_ssl=True)
    # A topic with its own policy loses SNS's default policy, which would admit every alarm of the account.
    # https://repost.aws/knowledge-center/cloudwatch-receive-sns-for-alarm-trigger
    stack = Stack.of(scope)
    own_alarms = stack.format_arn(
        service="cloudwatch",
        resource="alarm",
        resource_name=f"{names.stack or Aws.STACK_NAME}-*",  # CloudFormation names an alarm after its stack
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
                "StringEquals": {"aws:SourceAccount": stack.account},
            },
        )
    )
    if alarm_email is not None:
        topic.add_subscription(subscriptions.EmailSubscription(alarm_email))
    return topic


def _add_alarm(
    scope: Construct, alarm: Alarm, metric: cloudwatch.Metric, site: SiteInStack | None = None
) -> cloudwatch.Alarm:
    """Add one alarm.

    Args:
        scope: The installation, or its stack.
        alarm: The alarm.
        metric: The metric that it watches.
        site: The site; None for an alarm of the installation.
    """
    says = alarm.says if site is None else alarm.says.format(site=site_uri(site))
    signs = cloudwatch.ComparisonOperator
    return cloudwatch.Alarm(
        scope,
        alarm.id if site is None else alarm.id + site_id(site),
        alarm_description=f"{says}. See {PAGE}#{alarm.anchor}",
        metric=metric,
        threshold=1 if alarm.below else 0,
        comparison_operator=signs.LESS_THAN_THRESHOLD if alarm.below else signs.GREATER_THAN_THRESHOLD,
        evaluation_periods=alarm.periods,
        treat_missing_data=cloudwatch.TreatMissingData[alarm.missing.value],
    )


def _of_installation(alarm: Alarm, subjects: Mapping[Subject, lambda_.IFunction | sqs.IQueue]) -> cloudwatch.Metric:
    period = Duration.minutes(alarm.minutes)
    if alarm.subject in subjects:
        return subjects[alarm.subject].metric(alarm.metric, statistic=alarm.statistic, period=period)
    return own_metric(cast("Metric", alarm.metric), alarm.statistic, period)


def _of_site(alarm: Alarm, site: SiteInStack) -> cloudwatch.Metric:
    return site_metric(site, cast("Metric", alarm.metric), alarm.statistic, Duration.minutes(alarm.minutes))
