"""The template that tells a chat what the cleaner reports: its rules and messages, on a real bus, to a real webhook.

The embedded CloudFormation does not know these types of resources, but its EventBridge does all that they describe. So
the test makes each of the template's resources by its own properties. cfn-lint looks at it in `tests/infra`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from examples.installation import wait
from release_log.events import CLEAN_COMPLETED, EventType
from tests.http.webhook_server import SECRET, Webhook
from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from examples.embedded_aws import EmbeddedAws

TEMPLATE = ROOT / "examples" / "cleaner-to-chat.yaml"
PAGE = (ROOT / "docs" / "notify.md").read_text()
RESOURCES = yaml.safe_load(TEMPLATE.read_text())["Resources"]
SHOWN = json.loads(re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "events.md").read_text(), re.DOTALL)[0])
"""The cleaner's event, as its page shows it."""
RUN = SHOWN["detail"] | {"counts": {"delete": 0, "failed": 0}, "missing_assets": 0, "stopped_by": []}


@pytest.fixture(scope="module")
def chat(aws: EmbeddedAws) -> Iterator[Webhook]:
    """A chat that is told what the template's rules let through."""
    events = aws.client("events")
    with Webhook() as hook:
        known: dict[str, object] = {
            "WebhookUrl": hook.url,
            "CleanerStack": "AssetCleaner",
            "Role": "arn:aws:iam::1:role/r",
        }
        made = events.create_connection(Name="chat", **_properties("Connection", known))
        known["Connection"] = made["ConnectionArn"]
        made = events.create_api_destination(Name="chat", **_properties("Webhook", known))
        known["Webhook"] = made["ApiDestinationArn"]
        for rule in ("Runs", "Alarms"):
            properties = _properties(rule, known)
            # Nobody but AWS may send events of CloudWatch.
            pattern = json.dumps(properties["EventPattern"]).replace("aws.cloudwatch", "test.cloudwatch")
            events.put_rule(Name=rule, EventPattern=pattern)
            assert events.put_targets(Rule=rule, Targets=properties["Targets"])["FailedEntryCount"] == 0
        yield hook
        for rule in ("Runs", "Alarms"):
            events.remove_targets(Rule=rule, Ids=["webhook"])
            events.delete_rule(Name=rule)


def _properties(name: str, known: dict[str, object]) -> dict[str, Any]:
    """A resource's properties, with the values that CloudFormation puts in."""

    def value(node: Any) -> Any:  # noqa: ANN401 (YAML's)
        match node:
            case {"Ref": name}:
                return known[name]
            case {"Fn::GetAtt": [name, "Arn"]}:
                return known[name]
            case {"Fn::Sub": text}:
                return text.replace("${CleanerStack}", known["CleanerStack"])
            case dict():
                return {key: value(each) for key, each in node.items()}
            case list():
                return [value(each) for each in node]
        return node

    return dict(value(RESOURCES[name]["Properties"]))


def told(aws: EmbeddedAws, chat: Webhook, kind: EventType, events: dict[str, dict[str, Any]], wanted: set[str]) -> None:
    """Send events, by a name that the message has to show, and wait until the chat is told of the wanted ones."""
    chat.bodies.clear()
    names = {"Source": kind.source, "DetailType": kind.detail_type}
    entries = [{**names, "Detail": json.dumps(detail)} for detail in events.values()]
    assert aws.client("events").put_events(Entries=entries)["FailedEntryCount"] == 0

    def of() -> set[str]:
        return {name for name in events if any(name in message["text"] for message in chat.messages)}

    wait(of, lambda found: found >= wanted, "the chat is not told")
    assert (of(), set(chat.paths)) == (wanted, {SECRET})


def test_a_run_that_needs_somebody_is_told_and_no_other(aws: EmbeddedAws, chat: Webhook) -> None:
    runs: dict[str, dict[str, Any]] = {
        "all-is-well": {"counts": {"delete": 7, "failed": 0}},
        "passes-by-itself": {"stopped_by": ["rebuilt"]},
        "no-listing": {"missing_assets": None},
        "braked": {"stopped_by": ["brake"]},
        "missing": {"missing_assets": 2},
        "some-failed": {"counts": {"delete": 7, "failed": 3}},
    }
    details = {name: {**RUN, **run, "run": name} for name, run in runs.items()}
    told(aws, chat, CLEAN_COMPLETED, details, {"braked", "missing", "some-failed"})
    assert (
        "The cleaner needs somebody at s3://my-assets/assets/: 7 deleted, 3 failed; "
        "look with `uploader status` and in the log, run some-failed"
    ) in {message["text"] for message in chat.messages}


def test_an_alarm_of_the_cleaner_is_told_when_it_begins_and_when_it_ends(aws: EmbeddedAws, chat: Webhook) -> None:
    changes = {
        "Another-Errors": ("OK", "ALARM"),
        "AssetCleaner-New": ("INSUFFICIENT_DATA", "OK"),
        "AssetCleaner-Begins": ("INSUFFICIENT_DATA", "ALARM"),
        "AssetCleaner-Ends": ("ALARM", "OK"),
    }
    details = {
        name: {"alarmName": name, "previousState": {"value": before}, "state": {"value": now}}
        for name, (before, now) in changes.items()
    }
    kind = EventType("test.cloudwatch", "CloudWatch Alarm State Change")
    told(aws, chat, kind, details, {"AssetCleaner-Begins", "AssetCleaner-Ends"})
    assert any(message["text"].startswith("OK: AssetCleaner-Ends at 20") for message in chat.messages)


def test_the_page_shows_how_to_deploy_it() -> None:
    (command,) = re.findall(r"^\$ aws cloudformation deploy (.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    parameters = set(re.findall(r"(\w+)=", command))
    assert parameters == yaml.safe_load(TEMPLATE.read_text())["Parameters"].keys()
    assert (ROOT / re.findall(r"--template-file (\S+)", command)[0]) == TEMPLATE


def test_the_role_may_only_send_to_that_webhook() -> None:
    (policy,) = RESOURCES["Role"]["Properties"]["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == (
        "events:InvokeApiDestination",
        {"Fn::GetAtt": ["Webhook", "Arn"]},
    )
