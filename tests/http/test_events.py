"""The handler's reports: the event on the bus, and the metrics of each site."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from cleaner_lambda import afterwards
from cleaner_lambda.errors import RequestError
from release_log.events import EventType
from tests.http.in_process import publish_here
from tests.http.test_clean import marker_event
from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from examples.embedded_aws import EmbeddedAws
    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]
    Cleaner = Callable[..., dict[str, Any]]

PATTERN = json.loads(re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "events.md").read_text(), re.DOTALL)[-1])
"""The last example of the page."""


@pytest.fixture
def listen(aws: EmbeddedAws, bucket: str) -> Iterator[Callable[[dict[str, Any]], Callable[[], list[dict[str, Any]]]]]:
    """A rule with that pattern on the default bus; returns the events since the last call."""
    events, sqs = aws.client("events"), aws.client("sqs")
    url = sqs.create_queue(QueueName=bucket)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def heard() -> list[dict[str, Any]]:
        found = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", ()):
            found += [json.loads(message["Body"]) for message in messages]
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def rule(pattern: dict[str, Any]) -> Callable[[], list[dict[str, Any]]]:
        events.put_rule(Name=bucket, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=bucket, Targets=[{"Id": "queue", "Arn": arn}])
        return heard

    yield rule
    events.remove_targets(Rule=bucket, Ids=["queue"])
    events.delete_rule(Name=bucket)
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def metrics(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """The metrics logged since the last call."""

    def logged() -> list[dict[str, Any]]:
        lines = (json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{"))
        return [line for line in lines if "_aws" in line]

    logged()
    return logged


def dimensions(document: dict[str, Any]) -> dict[str, str]:
    """The dimensions under which a document's values count, with their values."""
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    (names,) = directive["Dimensions"]
    return {name: document[name] for name in names}


@pytest.fixture
def two_releases(uploader: Uploader, site_folder: Folder, cleaner: Cleaner) -> str:
    """A site with one asset to delete; returns the newest marker."""
    publish_here(uploader, site_folder("a", {"app-3f9c2ab1.js": "1"}), "r1")
    cleaner()
    return publish_here(uploader, site_folder("b", {"app-4a1b2c3d.js": "2"}), "r2").key


@pytest.mark.parametrize("by_name", [True, False], ids=["the bus's name", "its ARN"])
def test_a_rule_gets_each_real_run_and_no_dry_run(  # noqa: PLR0913, PLR0917 (fixtures)
    uploader: Uploader,
    cleaner: Cleaner,
    two_releases: str,
    listen: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    metrics: Callable[[], list[dict[str, Any]]],
    by_name: bool,  # noqa: FBT001
) -> None:
    """Also after a run that had nothing to do."""
    arn = uploader.aws.client("events").describe_event_bus(Name="default")["Arn"]
    monkeypatch.setenv("EVENT_BUS", "default" if by_name else arn)
    heard = listen({"source": ["asset-cleaner"], "detail": {"bucket": [uploader.bucket]}})
    cleaner(dry_run=True)
    assert heard() == []
    answer = cleaner(marker_event(uploader.bucket, two_releases))
    (event,) = heard()
    assert (event["source"], event["detail-type"]) == ("asset-cleaner", "Clean Completed")
    said = event["detail"]
    assert (said["site"], said["bucket"]) == ("assets/", uploader.bucket)
    assert said["run"].startswith("run-1-")
    same = ("at", "counts", "bytes_deleted", "orphans", "pruned", "unfinished", "next_due")
    assert {name: said[name] for name in same} == {name: answer[name] for name in same}
    assert said["counts"]["delete"] == 1
    answer = cleaner(full=True)
    (event,) = heard()
    assert (event["detail"]["counts"]["delete"], event["detail"]["missing_assets"]) == (0, 0)
    assert not any("EventsNotSent" in document for document in metrics())


def test_the_pattern_of_the_page_matches_a_run_that_deleted_something(
    uploader: Uploader, cleaner: Cleaner, two_releases: str, listen: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not the next run, which does."""
    monkeypatch.setenv("EVENT_BUS", "default")
    heard = listen({**PATTERN, "detail": {**PATTERN["detail"], "bucket": [uploader.bucket]}})
    cleaner(marker_event(uploader.bucket, two_releases))
    assert [event["detail"]["counts"]["delete"] for event in heard()] == [1]
    cleaner()
    assert heard() == []


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.usefixtures("two_releases")
def test_without_a_bus_no_event_is_sent_and_nothing_is_wrong(
    cleaner: Cleaner,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    metrics: Callable[[], list[dict[str, Any]]],
    value: str | None,
) -> None:
    """An older template does not name one."""
    if value is None:
        monkeypatch.delenv("EVENT_BUS", raising=False)
    else:
        monkeypatch.setenv("EVENT_BUS", value)
    assert cleaner()["counts"]["delete"] == 1
    assert afterwards.events.cache_info().currsize == 0, "no client is needed"
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert not any("EventsNotSent" in document for document in metrics())


@pytest.mark.parametrize("bus", ["does not take it", "refuses", "is not there"])
@pytest.mark.usefixtures("two_releases")
def test_an_event_that_cannot_be_sent_is_logged_and_counted_and_fails_no_run(
    uploader: Uploader,
    cleaner: Cleaner,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    metrics: Callable[[], list[dict[str, Any]]],
    bus: str,
) -> None:
    """The deletions stay done; the answer is the run's."""
    monkeypatch.setenv("EVENT_BUS", "default")
    monkeypatch.setattr("cleaner_lambda.completion_event.PAUSE_SECONDS", 0)
    if bus == "does not take it":
        monkeypatch.setattr("cleaner_lambda.completion_event.CLEAN_COMPLETED", EventType("aws.s3", "Clean Completed"))
    if bus == "is not there":
        monkeypatch.setenv("AWS_ENDPOINT_URL_EVENTBRIDGE", "http://127.0.0.1:1")
    if bus == "refuses":
        error = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}, "PutEvents")

        def refuse(**_: object) -> None:
            raise error

        monkeypatch.setattr(afterwards.events(), "put_events", refuse)
    answer = cleaner()
    assert answer["counts"]["delete"] == 1
    (said,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert said.startswith("the event Clean Completed was not sent: ")
    words = {
        "does not take it": "NotAuthorizedForSource",
        "refuses": "not authorized",
        "is not there": "Could not connect",
    }
    assert words[bus] in said
    (document,) = metrics()
    assert (document["EventsNotSent"], document["Runs"], document["Deleted"]) == ([1.0], [1.0], [1.0])
    assert dimensions(document) == {"service": "asset-cleaner", "site": "assets/", "bucket": uploader.bucket}
    assert "assets/app-3f9c2ab1.js" not in uploader.keys()


def test_each_invocations_metrics_are_its_own(
    uploader: Uploader,
    site_folder: Folder,
    cleaner: Cleaner,
    metrics: Callable[[], list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    aws: EmbeddedAws,
) -> None:
    """One process serves many: a site's dimensions never reach another site's values, or the installation's."""
    other = f"{uploader.bucket}-other"
    aws.client("s3").create_bucket(Bucket=other)
    sites = [{"bucket": uploader.bucket, "prefix": "assets/"}, {"bucket": other, "prefix": ""}]
    monkeypatch.setenv("SITES", json.dumps([{**site, "policy": {}} for site in sites]))
    marker = publish_here(uploader, site_folder("a", {"app-3f9c2ab1.js": "1"}), "r1").key
    cleaner(marker_event(uploader.bucket, marker))
    (document,) = metrics()
    assert 0 <= document["Lag"][0] < 60
    assert document["Duration"][0] > 0

    def counted(*names: str, **payload: Any) -> dict[str, str]:  # noqa: ANN401
        cleaner(payload)
        (document,) = metrics()
        assert all(name in document for name in names)
        return dimensions(document)

    service = {"service": "asset-cleaner"}
    first = service | {"site": "assets/", "bucket": uploader.bucket}
    second = service | {"site": "(whole bucket)", "bucket": other}
    assert counted("Runs", "Kept", site="assets/") == first
    assert counted("Runs", site="") == second
    assert counted("DryRuns", site="assets/", dry_run=True) == service
    with pytest.raises(RequestError):
        cleaner({"dryrun": True})
    (document,) = metrics()
    assert (dimensions(document), document["Refused"]) == (service, [1.0])
    assert "Runs" not in document
    assert counted("Runs", site="") == second

    monkeypatch.setattr("cleaner_lambda.handler.clean", lambda *_: pytest.fail("the run fails"))
    with pytest.raises(pytest.fail.Exception):
        cleaner({"site": "assets/"})
    assert metrics() == [], "a run that ends with an exception counts nothing"
