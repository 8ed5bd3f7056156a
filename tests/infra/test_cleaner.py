"""The cleaner's function, read from the template."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda.request import Request, parse
from cleaner_lambda.sites import Site
from release_log.environment import SITES_FILE
from release_log.policy_settings import Orphans, Policy, policy_from
from tests.infra.template import STACK_ID, configured, properties, resources

if TYPE_CHECKING:
    from pathlib import Path

    from aws_cdk.assertions import Template

    from tests.infra.conftest import Synthesise


def _variables(template: Template) -> dict[str, str]:
    """The function's environment."""
    environment: dict[str, dict[str, str]] = properties(template, "AWS::Lambda::Function", "Cleaner")["Environment"]
    return environment["Variables"]


class TestFunction:
    """The cleaner."""

    def test_its_runtime_limits_and_role(self, synthesise: Synthesise) -> None:
        """Fifteen minutes, on the Python that the bundle is made for; a new account has no concurrency to reserve."""
        function = properties(synthesise(), "AWS::Lambda::Function", "Cleaner")
        kept = {key: value for key, value in function.items() if key not in {"Code", "Environment", "LoggingConfig"}}
        assert kept == {
            "Description": "Cleans assets/",
            "Handler": "cleaner_lambda.handler.lambda_handler",
            "Runtime": "python3.13",
            "Architectures": ["arm64"],
            "MemorySize": 2048,
            "Timeout": 900,
            "Role": "${CleanerRole.Arn}",
            "TracingConfig": {"Mode": "Active"},
        }

    def test_its_log_group_is_its_own_and_keeps_90_days(self, synthesise: Synthesise) -> None:
        """Without one, Lambda would create a group that keeps all messages for ever."""
        template = synthesise()
        function = properties(template, "AWS::Lambda::Function", "Cleaner")
        assert function["LoggingConfig"] == {"LogGroup": "${Log}"}
        assert properties(template, "AWS::Logs::LogGroup", "Log") == {"RetentionInDays": 90}

    def test_its_environment_names_the_new_bucket_and_where_wake_ups_go(self, synthesise: Synthesise) -> None:
        """Undeliverable wake-ups go to the dead-letter queue. The environment is as large for one site as for fifty."""
        variables = {
            "WAKE_UP_GROUP": f"AssetCleaner-wake-ups-{STACK_ID}",
            "WAKE_UP_ROLE_ARN": "${WakeUpRole.Arn}",
            "WAKE_UP_DEAD_LETTER_ARN": "${Undelivered.Arn}",
            "EVENT_BUS": "default",
            "LEDGER_FORMAT": "1",
        }
        assert _variables(synthesise()) == {"BUCKET": "${Bucket}", **variables}
        assert _variables(synthesise(bucket="my-bucket")) == variables

    @pytest.mark.parametrize("prefix", ["", "assets/", 'a"b\\c {é}/'])
    def test_it_can_read_its_sites_and_the_daily_payload(
        self, prefix: str, synthesise: Synthesise, tmp_path: Path
    ) -> None:
        """The file has the policy's own types, whatever characters a prefix has."""
        context = {"bucket": "my-bucket", "prefix": prefix, "grace": "60", "orphans": "report"}
        found = configured(tmp_path, **context)
        assert found == (Site("my-bucket", prefix, policy_from({"grace": 60, "orphans": "report"}, Policy())),)
        assert found[0].policy.orphans is Orphans.REPORT
        (target,) = properties(synthesise(**context), "AWS::Events::Rule", "DailyRule")["Targets"]
        assert parse(json.loads(target["Input"])) == Request(site=prefix, bucket="my-bucket", full=True)

    def test_without_settings_the_policy_is_left_to_the_cleaners_defaults(self, tmp_path: Path) -> None:
        """Defaults are in one place. The bucket of the stack has no name yet, so the environment has it."""
        assert configured(tmp_path) == (Site("${Bucket}", "assets/", Policy()),)
        assert json.loads((tmp_path / SITES_FILE).read_text()) == [{"bucket": None, "prefix": "assets/", "policy": {}}]

    def test_its_description_fits_the_longest_prefix(self, synthesise: Synthesise) -> None:
        """Lambda accepts 256 characters."""
        template = synthesise(prefix="a" * 511 + "/")
        description = properties(template, "AWS::Lambda::Function", "Cleaner")["Description"]
        assert description == "Cleans " + "a" * 249

    @pytest.mark.scenario("L26")
    def test_a_failed_run_is_repeated_twice_and_then_kept(self, synthesise: Synthesise) -> None:
        """Its event goes to the queue of failed runs, and is not lost."""
        (config,) = resources(synthesise(), "AWS::Lambda::EventInvokeConfig").values()
        assert config["Properties"] == {
            "FunctionName": "${Cleaner}",
            "Qualifier": "$LATEST",
            "MaximumRetryAttempts": 2,
            "DestinationConfig": {"OnFailure": {"Destination": "${FailedRuns.Arn}"}},
        }

    def test_only_the_stacks_rules_may_invoke_it_by_its_own_policy(self, synthesise: Synthesise) -> None:
        """By the beginning of their names; Scheduler comes by its role."""
        (permission,) = resources(synthesise(), "AWS::Lambda::Permission").values()
        assert permission["Properties"] == {
            "Action": "lambda:InvokeFunction",
            "FunctionName": "${Cleaner.Arn}",
            "Principal": "events.amazonaws.com",
            "SourceArn": "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/AssetCleaner*",
        }
