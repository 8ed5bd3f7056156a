"""The names that the template and the cleaner share, compared with what a run of the handler really reads and writes.

A name that only one side changes breaks nothing at deploy: an alarm of a metric that nobody writes stays silent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from asset_cleaner_cdk.settings.stack import settings_from
from cleaner_lambda import afterwards, handler
from cleaner_lambda.metrics import count_apart
from cleaner_lambda.sites import sites_from
from infra.bundle import add_sites
from release_log.environment import SITES_FILE, Variable
from release_log.metrics import Metric
from tests.fake_cleaner_s3 import FakeS3
from tests.infra.template import properties, resources, statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from aws_cdk.assertions import Template

    from tests.infra.conftest import Synthesise

Written = tuple[str, str, frozenset[tuple[str, str]]]
"""Namespace, name and dimensions of a metric."""


class Environment(dict[str, str]):
    """The function's environment as the template sets it.

    Attributes:
        read: The variables that were read.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        super().__init__(variables)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> str:
        """Note the read."""
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 (a dictionary's own signature)
        """Note the read."""
        self.read.add(name)
        return super().get(name, default)


@dataclass
class Ran:
    """What runs of the handler did in the environment that the template sets.

    Attributes:
        environment: The environment.
        written: Every metric, as CloudWatch finds it in the output.
        sent: Every event that EventBridge got.
        schedules: Every wake-up that EventBridge Scheduler got.
    """

    environment: Environment
    written: set[Written] = field(default_factory=set)
    sent: list[dict[str, Any]] = field(default_factory=list)
    schedules: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture(scope="module")
def template(synthesise: Synthesise) -> Template:
    """One site, in the stack's own bucket, with everything that the function may refer to."""
    return synthesise(ledger_format="2")


@pytest.fixture
def ran(template: Template, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Ran:
    """Let a marker wake the handler, by an event that the template's rule lets through; and the daily rule."""
    variables = properties(template, "AWS::Lambda::Function", "Cleaner")["Environment"]["Variables"]
    ran = Ran(Environment(variables))
    s3 = FakeS3()
    failed = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure", "ErrorMessage": "by the test"}]}

    def put_events(**request: Any) -> dict[str, Any]:  # noqa: ANN401 (boto3's)
        ran.sent += request["Entries"]
        return failed

    add_sites(tmp_path, settings_from({}).sites)
    monkeypatch.setattr(handler, "sites_from", partial(sites_from, file=tmp_path / SITES_FILE))
    for module in (handler, afterwards):
        monkeypatch.setattr(module, "os", SimpleNamespace(environ=ran.environment))
    monkeypatch.setattr(handler, "S3Store", lambda *_: s3)
    monkeypatch.setattr(handler, "_s3", lambda: None)
    monkeypatch.setattr(handler, "_s3_once", lambda: None)
    monkeypatch.setattr(afterwards, "events", lambda: SimpleNamespace(put_events=put_events))
    scheduler = SimpleNamespace(
        create_schedule=lambda **request: ran.schedules.append(request),
        exceptions=SimpleNamespace(ConflictException=KeyError),
    )
    monkeypatch.setattr(afterwards, "scheduler", lambda: scheduler)
    monkeypatch.setattr("cleaner_lambda.completion_event.PAUSE_SECONDS", 0)
    context: Any = SimpleNamespace(
        aws_request_id="run-1",
        function_name="cleaner",
        memory_limit_in_mb=128,
        get_remaining_time_in_millis=lambda: 900_000,
        invoked_function_arn="${Cleaner.Arn}",
    )

    def publish(name: str, key: str) -> dict[str, Any]:
        """A release, and S3's event of it as the rule's pattern has it."""
        release_id = s3.publish(name, "default", {f"assets/{name}.js": key})
        pattern = properties(template, "AWS::Events::Rule", "MarkerRule")["EventPattern"]
        (prefix,) = (each["prefix"] for each in pattern["detail"]["object"]["key"])
        (bucket,) = pattern["detail"]["bucket"]["name"]
        detail = {"bucket": {"name": bucket}, "object": {"key": f"{prefix}{release_id}.json"}}
        (source,), (detail_type,) = pattern["source"], pattern["detail-type"]
        return {"source": source, "detail-type": detail_type, "detail": detail}

    handler.lambda_handler(publish("r1", "assets/app-aaaa1111.js"), context)
    s3.advance(60)
    handler.lambda_handler(publish("r2", "assets/app-bbbb2222.js"), context)
    handler.lambda_handler(
        json.loads(properties(template, "AWS::Events::Rule", "DailyRule")["Targets"][0]["Input"]), context
    )
    count_apart({Metric.MAP_RUNS_FAILED: 1})  # as `tests/http/test_map_runs.py` has it from a run
    ran.written = set(_written(capsys.readouterr().out))
    return ran


def _written(output: str) -> Iterator[Written]:
    """The metrics in a function's output: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html."""
    for document in map(json.loads, filter(lambda line: line.startswith("{"), output.splitlines())):
        for directive in document.get("_aws", {}).get("CloudWatchMetrics", ()):
            for names in directive["Dimensions"]:
                values = frozenset((name, document[name]) for name in names)
                yield from ((directive["Namespace"], each["Name"], values) for each in directive["Metrics"])


def _watched(template: Template) -> set[Written]:
    """What the alarms and the dashboard watch beside AWS's own metrics."""
    found = set()
    for alarm in resources(template, "AWS::CloudWatch::Alarm").values():
        each = alarm["Properties"]
        values = frozenset((dimension["Name"], dimension["Value"]) for dimension in each["Dimensions"])
        found.add((each["Namespace"], each["MetricName"], values))
    (dashboard,) = resources(template, "AWS::CloudWatch::Dashboard").values()
    for widget in json.loads(dashboard["Properties"]["DashboardBody"])["widgets"]:
        for namespace, name, *rest in widget["properties"].get("metrics", ()):
            words = [word for word in rest if isinstance(word, str)]
            found.add((namespace, name, frozenset(zip(words[0::2], words[1::2], strict=True))))
    return {each for each in found if not each[0].startswith("AWS/")}


def test_every_metric_that_an_alarm_or_the_dashboard_watches_is_one_that_a_run_writes(
    template: Template, ran: Ran
) -> None:
    watched = _watched(template)
    assert watched - ran.written == set()
    assert {name for _, name, _ in watched} == set(Metric) - {Metric.DRY_RUNS, Metric.REFUSED, Metric.SWEEPS}


def test_the_function_reads_the_variables_that_the_template_sets_and_no_others(ran: Ran) -> None:
    assert ran.environment.read == set(Variable), "the sites are in the environment of an older stack"
    assert ran.environment.keys() == set(Variable) - {Variable.SITES}


def test_the_event_that_the_function_sends_is_the_one_that_its_role_may_send(template: Template, ran: Ran) -> None:
    (statement,) = [each for each in statements(template) if each["Action"] == "events:PutEvents"]
    allowed = statement["Condition"]["StringEquals"]
    sent = {(each["Source"], each["DetailType"], each["EventBusName"]) for each in ran.sent}
    assert sent == {(allowed["events:source"], allowed["events:detail-type"], "default")}


def test_the_wake_ups_that_the_function_sets_are_in_its_group_and_by_its_role(template: Template, ran: Ran) -> None:
    group = properties(template, "AWS::Scheduler::ScheduleGroup", "WakeUps")["Name"]
    wanted = {(group, "${WakeUpRole.Arn}", "${Undelivered.Arn}")}
    targets = [(each["GroupName"], each["Target"]) for each in ran.schedules]
    assert {(name, each["RoleArn"], each["DeadLetterConfig"]["Arn"]) for name, each in targets} == wanted
