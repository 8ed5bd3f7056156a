"""Alarms, their topic and the dashboard, read from the template of a small stack; and the page that explains them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from release_log.layout import Layout
from release_log.metrics import WHOLE_BUCKET
from tests.infra.template import plain, properties, resources
from tests.paths import ROOT
from tests.synthesis import start_cdk

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_cdk.assertions import Template

    Stack = Callable[..., Template]

PAGE = (ROOT / "docs" / "operate.md").read_text()

HOUR, DAY, WEEK = 3600, 86_400, 604_800


@pytest.fixture(scope="module")
def stack() -> Stack:
    """Makes the template of a stack with monitoring, once for each set of arguments.

    A site is ``(bucket, prefix)``; with no bucket in the one that the stack makes.
    """
    start_cdk()
    import aws_cdk as cdk  # noqa: PLC0415 (starts node, and takes seconds)
    from aws_cdk import aws_lambda as lambda_  # noqa: PLC0415
    from aws_cdk import aws_s3 as s3  # noqa: PLC0415
    from aws_cdk import aws_sqs as sqs  # noqa: PLC0415
    from aws_cdk.assertions import Template  # noqa: PLC0415

    from asset_cleaner_cdk.monitoring import add_monitoring  # noqa: PLC0415
    from asset_cleaner_cdk.names import names_in  # noqa: PLC0415
    from asset_cleaner_cdk.sites import SiteInStack  # noqa: PLC0415

    made: dict[object, Template] = {}

    def template(
        *sites: tuple[str | None, str],
        alarm_email: str | None = None,
        name: str = "AssetCleaner",
        map_runs: bool = False,
    ) -> Template:
        asked = (sites, alarm_email, name, map_runs)
        if asked in made:
            return made[asked]
        scope = cdk.Stack(cdk.App(), name)
        buckets: dict[str | None, s3.IBucket] = {None: s3.Bucket(scope, "Bucket")}
        for bucket, _ in sites:
            if bucket is not None and bucket not in buckets:
                buckets[bucket] = s3.Bucket.from_bucket_name(scope, f"Adopted-{bucket}", bucket)
        add_monitoring(
            scope,
            names_in(scope),
            function=lambda_.Function(
                scope,
                "Cleaner",
                code=lambda_.Code.from_inline("pass"),
                handler="index.handler",
                runtime=lambda_.Runtime.PYTHON_3_13,
            ),
            undelivered=sqs.Queue(scope, "Undelivered"),
            failed=sqs.Queue(scope, "FailedRuns"),
            sites=[SiteInStack(buckets[bucket], Layout(prefix), bucket is not None) for bucket, prefix in sites],
            map_runs=map_runs,
            alarm_email=alarm_email,
        )
        made[asked] = Template.from_stack(scope)
        return made[asked]

    return template


@pytest.fixture(scope="module")
def one(stack: Stack) -> Template:
    """One site, in the stack's own bucket."""
    return stack((None, "assets/"))


def alarms(template: Template) -> dict[str, dict[str, Any]]:
    """Anchor in the page -> the alarm's properties, of a stack with one site."""
    found = [each["Properties"] for each in resources(template, "AWS::CloudWatch::Alarm").values()]
    by_anchor = {each["AlarmDescription"].rpartition("#")[2]: each for each in found}
    assert len(by_anchor) == len(found), "two alarms with one explanation"
    return by_anchor


def dimensions(alarm: dict[str, Any]) -> dict[str, str]:
    """Name -> value."""
    return {each["Name"]: each["Value"] for each in alarm["Dimensions"]}


def watched(alarm: dict[str, Any]) -> str:
    """An alarm's metric and threshold, on one line.

    It has one metric, not an expression: the embedded AWS accepts nothing else. (The CDK makes an expression of a
    metric with a label.)
    """
    signs = {"GreaterThanThreshold": ">", "LessThanThreshold": "<"}
    return (
        f"{alarm['Namespace']} {alarm['MetricName']} {alarm['Statistic']} {signs[alarm['ComparisonOperator']]} "
        f"{alarm['Threshold']} for {alarm['EvaluationPeriods']} x {alarm['Period']} s, else {alarm['TreatMissingData']}"
    )


class TestAlarms:
    @pytest.mark.scenario("T35a", "L26")
    def test_each_watches_what_it_should(self, one: Template) -> None:
        """A missing metric leaves a state unchanged; for runs it means that there were none."""
        assert {anchor: watched(alarm) for anchor, alarm in alarms(one).items()} == {
            "function-errors": "AWS/Lambda Errors Sum > 0 for 1 x 300 s, else notBreaching",
            "function-throttled": "AWS/Lambda Throttles Sum > 0 for 4 x 900 s, else notBreaching",
            "undelivered-events": "AWS/SQS ApproximateNumberOfMessagesVisible Maximum > 0 for 1 x 300 s, else ignore",
            "failed-runs": "AWS/SQS ApproximateNumberOfMessagesVisible Maximum > 0 for 1 x 300 s, else ignore",
            "missing-assets": "AssetCleaner MissingAssets Maximum > 0 for 1 x 300 s, else ignore",
            "invalid-markers": "AssetCleaner InvalidMarkers Maximum > 0 for 1 x 300 s, else ignore",
            "pages-not-in-place": "AssetCleaner NotInPlace Maximum > 0 for 1 x 300 s, else ignore",
            "brake-pulled": "AssetCleaner BrakePulled Maximum > 0 for 1 x 300 s, else ignore",
            "failed-keys": "AssetCleaner Failed Sum > 0 for 3 x 3600 s, else notBreaching",
            "wake-ups-not-set": "AssetCleaner WakeUpsNotSet Maximum > 0 for 1 x 300 s, else ignore",
            "assets-set-aside": "AssetCleaner SetAside Maximum > 0 for 2 x 86400 s, else notBreaching",
            "no-successful-run": "AssetCleaner Runs Sum < 1 for 26 x 3600 s, else breaching",
        }

    def test_a_map_run_that_failed_has_one_where_there_are_map_runs(self, stack: Stack, one: Template) -> None:
        """It counts for the installation, whatever its sites are."""
        found = alarms(stack((None, "assets/"), map_runs=True))
        assert found.keys() - alarms(one).keys() == {"map-run-failed"}
        failed = found["map-run-failed"]
        assert watched(failed) == "AssetCleaner MapRunsFailed Sum > 0 for 1 x 300 s, else notBreaching"
        assert dimensions(failed) == {"service": "asset-cleaner"}

    def test_each_looks_no_further_back_than_cloudwatch_lets_it(self, one: Template) -> None:
        """A day; a week where the periods are of an hour or more. PutMetricAlarm refuses anything else, at deploy."""
        for alarm in alarms(one).values():
            assert alarm["Period"] * alarm["EvaluationPeriods"] <= (WEEK if alarm["Period"] >= HOUR else DAY)
            assert alarm["Period"] % 60 == 0

    def test_what_concerns_the_installation_names_its_function_and_queues(self, one: Template) -> None:
        found = alarms(one)
        assert dimensions(found["function-errors"]) == {"FunctionName": "${Cleaner}"}
        assert dimensions(found["function-throttled"]) == {"FunctionName": "${Cleaner}"}
        assert dimensions(found["undelivered-events"]) == {"QueueName": "${Undelivered.QueueName}"}
        assert dimensions(found["failed-runs"]) == {"QueueName": "${FailedRuns.QueueName}"}

    @pytest.mark.parametrize(
        ("bucket", "prefix", "expected"),
        [
            pytest.param(None, "assets/", ("assets/", "${Bucket}"), id="new bucket"),
            pytest.param("my-bucket", "", (WHOLE_BUCKET, "my-bucket"), id="whole bucket"),
            pytest.param("my-bucket", "café/", ("caf%C3%A9/", "my-bucket"), id="not ASCII"),
        ],
    )
    def test_what_concerns_a_site_has_the_dimensions_that_the_cleaner_writes(
        self, bucket: str | None, prefix: str, expected: tuple[str, str], stack: Stack
    ) -> None:
        """With one dimension more or less, or another value, it would be another metric, which nobody writes."""
        site, name = expected
        ours = [alarm for alarm in alarms(stack((bucket, prefix))).values() if alarm["Namespace"] == "AssetCleaner"]
        assert len(ours) == 8
        assert all(dimensions(a) == {"service": "asset-cleaner", "site": site, "bucket": name} for a in ours)

    def test_each_says_which_site_it_means(self, stack: Stack) -> None:
        for alarm in alarms(stack(("my-bucket", "web/"))).values():
            ours = alarm["Namespace"] == "AssetCleaner"
            assert ("s3://my-bucket/web/" in alarm["AlarmDescription"]) is ours

    def test_all_go_to_the_topic(self, one: Template) -> None:
        assert all(alarm["AlarmActions"] == ["${Alarms}"] for alarm in alarms(one).values())


class TestNamesOfAlarms:
    """CloudFormation replaces what has another logical id: its state and its history would be gone."""

    def test_they_are_readable_and_stay(self, one: Template) -> None:
        """Installations have these very names."""
        assert set(resources(one, "AWS::CloudWatch::Alarm")) == {
            "FunctionErrorsAlarm",
            "FunctionThrottledAlarm",
            "UndeliveredEventsAlarm",
            "FailedRunsAlarm",
            "MissingAssetsAlarmAssetsBBBF59",
            "InvalidMarkersAlarmAssetsBBBF59",
            "PagesNotInPlaceAlarmAssetsBBBF59",
            "BrakePulledAlarmAssetsBBBF59",
            "FailedKeysAlarmAssetsBBBF59",
            "WakeUpsNotSetAlarmAssetsBBBF59",
            "AssetsSetAsideAlarmAssetsBBBF59",
            "NoSuccessfulRunAlarmAssetsBBBF59",
        }

    def test_another_site_changes_none_that_are_there(self, stack: Stack) -> None:
        """Whichever place in the list it takes."""
        few = stack((None, "assets/")).to_json()["Resources"]
        many = stack(("other", "assets/"), (None, "assets/"), (None, ""), (None, "blog/")).to_json()["Resources"]
        before = {name: each for name, each in few.items() if each["Type"] == "AWS::CloudWatch::Alarm"}
        assert {name: many.get(name) for name in before} == before
        assert sum(each["Type"] == "AWS::CloudWatch::Alarm" for each in many.values()) == 4 + 4 * 8

    def test_sites_that_read_alike_have_alarms_of_their_own(self, stack: Stack) -> None:
        """``a-b/`` and ``a/b/`` are both ``AB``, and one prefix may be in two buckets."""
        template = stack(("one", "a-b/"), ("one", "a/b/"), ("two", "a/b/"))
        assert len(resources(template, "AWS::CloudWatch::Alarm")) == 4 + 3 * 8


class TestTopic:
    def test_alarms_of_this_stack_may_publish_and_nobody_without_tls(self, one: Template) -> None:
        """The policy takes the place of SNS's own, so without the first statement no alarm would ever arrive."""
        (policy,) = resources(one, "AWS::SNS::TopicPolicy").values()
        allow, deny = sorted(policy["Properties"]["PolicyDocument"]["Statement"], key=lambda each: each["Effect"])
        assert allow == {
            "Sid": "LetAlarmsIn",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": "${Alarms}",
            "Condition": {
                "ArnLike": {
                    "aws:SourceArn": "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:"
                    "alarm:AssetCleaner-*"
                },
                "StringEquals": {"aws:SourceAccount": "${AWS::AccountId}"},
            },
        }
        assert (deny["Effect"], deny["Action"], deny["Resource"], deny["Condition"]) == (
            "Deny",
            "sns:Publish",
            "${Alarms}",
            {"Bool": {"aws:SecureTransport": "false"}},
        )

    def test_a_second_installation_lets_in_its_own_alarms(self, stack: Stack) -> None:
        template = stack((None, "assets/"), name="AssetCleaner-two")
        (policy,) = resources(template, "AWS::SNS::TopicPolicy").values()
        assert "alarm:AssetCleaner-two-*" in json.dumps(policy)

    def test_no_key_that_cloudwatch_may_not_use(self, one: Template) -> None:
        assert "KmsMasterKeyId" not in properties(one, "AWS::SNS::Topic", "Alarms")

    def test_without_an_address_nobody_is_subscribed(self, one: Template) -> None:
        assert resources(one, "AWS::SNS::Subscription") == {}

    def test_the_address_is_subscribed(self, stack: Stack) -> None:
        template = stack((None, "assets/"), alarm_email="ops@example.com")
        (subscription,) = resources(template, "AWS::SNS::Subscription").values()
        assert subscription["Properties"] == {
            "Protocol": "email",
            "Endpoint": "ops@example.com",
            "TopicArn": "${Alarms}",
        }

    def test_its_arn_is_an_output(self, one: Template) -> None:
        """For other channels than e-mail."""
        assert plain(one.to_json()["Outputs"]["AlarmTopicArn"]["Value"]) == "${Alarms}"


def widgets(template: Template) -> list[dict[str, Any]]:
    """The dashboard's widgets, references written out."""
    (dashboard,) = resources(template, "AWS::CloudWatch::Dashboard").values()
    found: list[dict[str, Any]] = json.loads(dashboard["Properties"]["DashboardBody"])["widgets"]
    return found


def shown(template: Template) -> set[tuple[str, str, str]]:
    """Namespace, name, and whose it is, of every metric on the dashboard."""
    lines = [line for each in widgets(template) for line in each["properties"].get("metrics", ())]
    found = set()
    for namespace, name, *rest in lines:
        pairs = dict(zip(rest[0::2], [text for text in rest[1::2] if isinstance(text, str)], strict=False))
        whose = pairs.get("site") or pairs.get("FunctionName") or pairs["QueueName"]
        found.add((namespace, name, whose))
    return found


class TestDashboard:
    def test_it_shows_function_queues_and_every_site(self, stack: Stack) -> None:
        template = stack((None, "assets/"), ("other", "blog/"))
        of_function = ["Errors", "Throttles", "Duration", "ConcurrentExecutions"]
        of_site = ["Tagged", "Untagged", "Deleted", "Kept", "BytesFreed", "Runs"]
        of_site += [
            "Failed",
            "SetAside",
            "WakeUpsNotSet",
            "EventsNotSent",
            "MissingAssets",
            "Orphans",
            "Duration",
            "Lag",
        ]
        assert shown(template) == {
            *(("AWS/Lambda", name, "${Cleaner}") for name in of_function),
            ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "${Undelivered.QueueName}"),
            ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "${FailedRuns.QueueName}"),
            *(("AssetCleaner", name, site) for name in of_site for site in ("assets/", "blog/")),
        }

    def test_it_shows_every_alarm(self, one: Template) -> None:
        (status,) = [each for each in widgets(one) if each["type"] == "alarm"]
        assert set(status["properties"]["alarms"]) == {
            f"${{{name}.Arn}}" for name in resources(one, "AWS::CloudWatch::Alarm")
        }

    def test_one_site_stays_within_what_is_free(self, one: Template) -> None:
        """Three dashboards of up to 50 metrics cost nothing, says docs/cost.md."""
        assert len(shown(one)) <= 50

    def test_no_widget_is_wider_than_the_dashboard(self, one: Template) -> None:
        assert all(each["x"] + each["width"] <= 24 for each in widgets(one))


def anchor_of(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


class TestPage:
    """docs/operate.md, to which every alarm refers."""

    def test_every_alarm_is_explained_and_nothing_else_is_among_the_alarms(self, stack: Stack) -> None:
        section = PAGE[PAGE.index("\n## Alarms\n") :].partition("\n## ")[2].partition("\n## ")[0]
        headings = [anchor_of(each) for each in re.findall(r"^### (.+)$", section, re.MULTILINE)]
        of_a_site, of_a_pattern = stack((None, "assets/"), map_runs=True), stack((None, "previews/*/"))
        assert sorted(headings) == sorted({*alarms(of_a_site), *alarms(of_a_pattern)})

    def test_the_descriptions_name_the_page(self, one: Template) -> None:
        for anchor, alarm in alarms(one).items():
            assert re.fullmatch(rf"[^\n]+\. See docs/operate\.md#{anchor}", alarm["AlarmDescription"])
