"""The rules that wake the cleaner, and the queues behind them, read from the template."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.infra.template import STACK_ID, deny_without_tls, properties, resources

RULES = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/AssetCleaner*"

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesise


class TestWakeUps:
    """The events and schedules that wake the cleaner."""

    @pytest.mark.parametrize(
        ("context", "bucket", "prefix"),
        [
            pytest.param({}, "${Bucket}", "assets/.releases/markers/", id="new bucket"),
            pytest.param({"prefix": ""}, "${Bucket}", ".releases/markers/", id="whole bucket"),
            pytest.param({"bucket": "my-bucket"}, "my-bucket", "assets/.releases/markers/", id="existing bucket"),
        ],
    )
    def test_a_new_marker_of_this_site_does_and_no_other_object(
        self, context: dict[str, object], bucket: str, prefix: str, synthesise: Synthesise
    ) -> None:
        """The pattern is exact: a wider one would run the cleaner at each upload, and on its own ledger for ever."""
        rule = properties(synthesise(**context), "AWS::Events::Rule", "MarkerRule")
        assert rule["EventPattern"] == {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": prefix}]}},
        }
        assert rule["State"] == "ENABLED"
        assert "ScheduleExpression" not in rule

    @pytest.mark.scenario("L26")
    @pytest.mark.parametrize("prefix", ["assets/", ""])
    def test_every_day_does_with_a_full_listing(self, prefix: str, synthesise: Synthesise) -> None:
        """The backstop: it makes up for a lost event or wake-up."""
        rule = properties(synthesise(prefix=prefix), "AWS::Events::Rule", "DailyRule")
        (target,) = rule["Targets"]
        assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 day)", "ENABLED")
        assert json.loads(target["Input"]) == {"site": prefix, "bucket": "${Bucket}", "full": True}
        assert "EventPattern" not in rule

    @pytest.mark.parametrize("name", ["MarkerRule", "DailyRule"])
    def test_a_rule_invokes_the_cleaner_and_parks_what_it_cannot_deliver(
        self, name: str, synthesise: Synthesise
    ) -> None:
        """The event as it came, or the daily payload; after its retries it goes to the dead-letter queue."""
        (target,) = properties(synthesise(), "AWS::Events::Rule", name)["Targets"]
        assert {key: value for key, value in target.items() if key != "Input"} == {
            "Id": "Target0",
            "Arn": "${Cleaner.Arn}",
            "DeadLetterConfig": {"Arn": "${Undelivered.Arn}"},
            "RetryPolicy": {"MaximumRetryAttempts": 24},
        }
        assert ("Input" in target) == (name == "DailyRule")

    def test_there_are_no_other_rules_and_no_fixed_schedules(self, synthesise: Synthesise) -> None:
        """The cleaner itself sets the one-off schedules, in the stack's group."""
        template = synthesise()
        assert sorted(resources(template, "AWS::Events::Rule")) == ["DailyRule", "MarkerRule"]
        assert resources(template, "AWS::Scheduler::Schedule") == {}
        assert properties(template, "AWS::Scheduler::ScheduleGroup", "WakeUps") == {
            "Name": f"AssetCleaner-wake-ups-{STACK_ID}"
        }


class TestQueues:
    """The queues of lost events and failed runs."""

    @pytest.mark.parametrize("name", ["Undelivered", "FailedRuns"])
    def test_a_queue_is_encrypted_and_keeps_its_messages_for_14_days(self, name: str, synthesise: Synthesise) -> None:
        """The longest that SQS keeps anything."""
        assert properties(synthesise(), "AWS::SQS::Queue", name) == {
            "SqsManagedSseEnabled": True,
            "MessageRetentionPeriod": 14 * 86_400,
        }

    def test_there_are_two(self, synthesise: Synthesise) -> None:
        """And each has its policy."""
        template = synthesise()
        assert sorted(resources(template, "AWS::SQS::Queue")) == ["FailedRuns", "Undelivered"]
        policies = resources(template, "AWS::SQS::QueuePolicy").values()
        assert sorted(policy["Properties"]["Queues"] for policy in policies) == [["${FailedRuns}"], ["${Undelivered}"]]

    def test_failed_runs_come_by_tls_only(self, synthesise: Synthesise) -> None:
        """The cleaner's own role writes there; the queue's policy lets in nobody."""
        policy = properties(synthesise(), "AWS::SQS::QueuePolicy", "FailedRunsPolicy")
        assert policy["PolicyDocument"]["Statement"] == [deny_without_tls("sqs:*", "${FailedRuns.Arn}")]

    def test_undelivered_events_come_by_tls_only_and_from_the_stacks_rules(self, synthesise: Synthesise) -> None:
        """By the beginning of their names; Scheduler comes by the wake-up role."""
        policy = properties(synthesise(), "AWS::SQS::QueuePolicy", "UndeliveredPolicy")
        said = [
            {key: value for key, value in statement.items() if key != "Sid"}
            for statement in policy["PolicyDocument"]["Statement"]
        ]
        assert said == [
            deny_without_tls("sqs:*", "${Undelivered.Arn}"),
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": "${Undelivered.Arn}",
                "Condition": {"ArnLike": {"aws:SourceArn": RULES}},
            },
        ]
