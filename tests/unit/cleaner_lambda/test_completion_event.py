"""The event of a run: a summary, sent once, and once more if EventBridge did not accept it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.stub import Stubber

from cleaner_lambda.completion_event import PAUSE_SECONDS, EventBus, NotSentError, detail
from cleaner_lambda.outcome import Outcome
from cleaner_lambda.plan import Reason
from cleaner_lambda.sites import Site
from release_log.events import CLEAN_COMPLETED
from release_log.policy_settings import Policy
from tests.unit.cleaner_lambda.test_metrics import NOW, SITE, report

MESSAGE = {"site": "assets/", "next_due": None}
ENTRY_BYTES = 256 * 1024
TAKEN = {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}
NOT_TAKEN = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}]}


@pytest.fixture
def client() -> Any:  # noqa: ANN401 (boto3 makes its classes at run time)
    """A real client that never reaches the network."""
    return boto3.client("events", region_name="eu-central-1", aws_access_key_id="test", aws_secret_access_key="test")


@pytest.fixture
def waits() -> list[float]:
    """The pauses that were made."""
    return []


@pytest.fixture
def bus(client: Any, waits: list[float]) -> EventBus:  # noqa: ANN401
    """The bus with a client."""
    return EventBus(client, "default", waits.append)


def expected() -> dict[str, Any]:
    """The request: one entry."""
    entry = {
        "EventBusName": "default",
        "Source": "asset-cleaner",
        "DetailType": "Clean Completed",
        "Detail": json.dumps(MESSAGE),
    }
    return {"Entries": [entry]}


def test_one_request_sends_the_event(client: Any, bus: EventBus, waits: list[float]) -> None:  # noqa: ANN401
    with Stubber(client) as stub:
        stub.add_response("put_events", TAKEN, expected())
        bus.send(MESSAGE)
        stub.assert_no_pending_responses()
    assert waits == []


def test_an_event_that_was_not_taken_is_sent_once_more(client: Any, bus: EventBus, waits: list[float]) -> None:  # noqa: ANN401
    """The error is in an answer with status 200, which the SDK does not retry."""
    with Stubber(client) as stub:
        stub.add_response("put_events", NOT_TAKEN, expected())
        stub.add_response("put_events", TAKEN, expected())
        bus.send(MESSAGE)
        stub.assert_no_pending_responses()
    assert waits == [PAUSE_SECONDS]


def test_an_event_that_is_never_taken_is_an_error_with_eventbridges_words(client: Any, bus: EventBus) -> None:  # noqa: ANN401
    with Stubber(client) as stub:
        stub.add_response("put_events", NOT_TAKEN, expected())
        stub.add_response("put_events", NOT_TAKEN, expected())
        with pytest.raises(NotSentError, match="ThrottlingException: slow down"):
            bus.send(MESSAGE)
        stub.assert_no_pending_responses()


def test_a_refusal_is_an_error(client: Any, bus: EventBus) -> None:  # noqa: ANN401
    """The role lacks the permission: a second try would not help."""
    with Stubber(client) as stub:
        stub.add_client_error("put_events", "AccessDeniedException", "not authorized to perform events:PutEvents")
        with pytest.raises(NotSentError, match="events:PutEvents"):
            bus.send(MESSAGE)
        stub.assert_no_pending_responses()


def test_no_answer_is_an_error() -> None:
    """The client itself has tried twice."""

    class Silent:
        """A bus that does not answer."""

        def put_events(self, **_: object) -> None:
            """Time out."""
            raise ReadTimeoutError(endpoint_url="https://events")

    with pytest.raises(NotSentError, match="timeout"):
        EventBus(Silent(), "default").send(MESSAGE)


@pytest.mark.parametrize("answer", [{}, {"FailedEntryCount": 1}, {"FailedEntryCount": 1, "Entries": []}, None])
def test_an_answer_that_is_not_eventbridges_is_an_error(answer: object) -> None:
    with pytest.raises(NotSentError, match="cannot be read"):
        EventBus(SimpleNamespace(put_events=lambda **_: answer), "default", lambda _: None).send(MESSAGE)


def test_without_a_full_listing_missing_assets_and_orphans_are_unknown() -> None:
    """Unknown is not zero."""
    message = detail(report(), SITE, "run")
    assert (message["missing_assets"], message["orphans"]) == (None, None)
    message = detail(report(missing=(), orphans=0), SITE, "run")
    assert (message["missing_assets"], message["orphans"]) == (0, 0)


def test_each_reason_is_named_once() -> None:
    """A thousand markers may be invalid, each with a message of its own."""
    stops = [Reason.REBUILT, *[Reason.INVALID_MARKER] * 1000]
    assert detail(report(*stops), SITE, "run")["stopped_by"] == ["invalid_marker", "rebuilt"]


def test_the_event_of_a_huge_run_is_small() -> None:
    """Far from EventBridge's limit, whatever the site: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html."""
    keys = {f"{'ü' * 500}{n}.js" for n in range(2000)}
    outcome = Outcome(deleted=keys, failed=dict.fromkeys(keys, "x" * 500), pruned=keys)
    site = Site("b" * 63, "ü" * 255 + "/", Policy())
    huge = report(*[Reason.INVALID_MARKER] * 500, outcome=outcome, missing=tuple(keys), orphans=10**6, next_due=NOW)
    size = len("".join(CLEAN_COMPLETED)) + len(json.dumps(detail(huge, site, "run" * 20)).encode())
    assert size < ENTRY_BYTES / 50
