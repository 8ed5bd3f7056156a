"""The one wake-up of a site: updated in place, created if it does not exist, removed if nothing is due."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from cleaner_lambda.request import Request, parse
from cleaner_lambda.sites import Site
from cleaner_lambda.wake_up import (
    CONFLICT_PAUSES,
    LEAD_SECONDS,
    NotSetError,
    SchedulerAlarm,
    schedule_name,
    unqualified,
)
from release_log.policy_settings import Policy

SITE = Site("bucket", "assets/", Policy())
ARN = "arn:aws:lambda:eu-central-1:111122223333:function:cleaner"
ROLE = "arn:aws:iam::111122223333:role/wake-up"
QUEUE = "arn:aws:sqs:eu-central-1:111122223333:dead-letters"
LATER = datetime(2999, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)


@pytest.fixture
def client() -> Any:  # noqa: ANN401 (boto3 makes its classes at run time)
    """A real client that never reaches the network."""
    return boto3.client("scheduler", region_name="eu-central-1", aws_access_key_id="test", aws_secret_access_key="test")


def alarm(client: Any) -> SchedulerAlarm:  # noqa: ANN401
    """The alarm with a client."""
    return SchedulerAlarm(client, "group", ROLE, ARN, QUEUE, sleep=lambda _: None)


def properties(expression: Any = "at(2999-01-02T03:04:05)") -> dict[str, Any]:  # noqa: ANN401
    """All properties of our schedule; an update replaces them all."""
    return {
        "GroupName": "group",
        "Name": schedule_name(SITE),
        "ScheduleExpression": expression,
        "ScheduleExpressionTimezone": "UTC",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "Target": {
            "Arn": ARN,
            "RoleArn": ROLE,
            "Input": '{"site": "assets/", "bucket": "bucket", "wake_up": true}',
            "DeadLetterConfig": {"Arn": QUEUE},
        },
    }


def test_schedule_that_is_there_is_updated(client: Any) -> None:  # noqa: ANN401
    """One request with all properties: in UTC, in whole seconds, deleted after it fired."""
    with Stubber(client) as stub:
        stub.add_response("update_schedule", {"ScheduleArn": "arn"}, properties())
        alarm(client).set(SITE, LATER)
        stub.assert_no_pending_responses()


def test_schedule_that_is_not_there_is_created_with_the_same_properties(client: Any) -> None:  # noqa: ANN401
    """The first time, and after each schedule that fired."""
    with Stubber(client) as stub:
        stub.add_client_error("update_schedule", "ResourceNotFoundException", http_status_code=404)
        stub.add_response("create_schedule", {"ScheduleArn": "arn"}, properties())
        alarm(client).set(SITE, LATER)
        stub.assert_no_pending_responses()


def test_schedule_that_another_run_created_meanwhile_is_updated(client: Any) -> None:  # noqa: ANN401
    """Update, create, conflict, update."""
    with Stubber(client) as stub:
        stub.add_client_error("update_schedule", "ResourceNotFoundException", http_status_code=404)
        stub.add_client_error("create_schedule", "ConflictException", http_status_code=409)
        stub.add_response("update_schedule", {"ScheduleArn": "arn"}, properties())
        alarm(client).set(SITE, LATER)
        stub.assert_no_pending_responses()


def test_nothing_due_takes_the_schedule_away(client: Any) -> None:  # noqa: ANN401
    """Whether it exists or not."""
    with Stubber(client) as stub:
        stub.add_response("delete_schedule", {}, {"GroupName": "group", "Name": schedule_name(SITE)})
        alarm(client).set(SITE, None)
        stub.add_client_error("delete_schedule", "ResourceNotFoundException", http_status_code=404)
        alarm(client).set(SITE, None)
        stub.assert_no_pending_responses()


@pytest.mark.parametrize("at", [LATER, None])
def test_other_errors_have_one_class_that_names_the_schedule(client: Any, at: datetime | None) -> None:  # noqa: ANN401
    """A 403 is not "missing", nor is a group that is gone."""
    with Stubber(client) as stub:
        stub.add_client_error("delete_schedule" if at is None else "update_schedule", "AccessDeniedException")
        with pytest.raises(
            NotSetError, match=rf"schedule {schedule_name(SITE)} in group group: .*AccessDeniedException"
        ):
            alarm(client).set(SITE, at)
        if at is not None:
            for method in ("update_schedule", "create_schedule"):
                stub.add_client_error(method, "ResourceNotFoundException", http_status_code=404)
            with pytest.raises(NotSetError, match="ResourceNotFoundException"):
                alarm(client).set(SITE, at)


@pytest.mark.parametrize("at", [LATER, None])
def test_a_conflict_is_tried_again(client: Any, at: datetime | None) -> None:  # noqa: ANN401
    """Scheduler refuses a request while another one for the same schedule is under way."""
    method = "delete_schedule" if at is None else "update_schedule"
    with Stubber(client) as stub:
        for _ in CONFLICT_PAUSES:
            stub.add_client_error(method, "ConflictException", http_status_code=409)
        stub.add_response(method, {} if at is None else {"ScheduleArn": "arn"})
        alarm(client).set(SITE, at)
        stub.assert_no_pending_responses()
        for _ in (*CONFLICT_PAUSES, None):
            stub.add_client_error(method, "ConflictException", http_status_code=409)
        with pytest.raises(NotSetError, match="ConflictException"):
            alarm(client).set(SITE, at)


@pytest.mark.parametrize("qualifier", ["", ":$LATEST", ":7", ":live"])
def test_wake_up_invokes_the_function_whatever_name_it_was_invoked_by(qualifier: str) -> None:
    """The wake-up's role may invoke the function, and none of its versions or aliases."""
    assert unqualified(ARN + qualifier) == ARN


def test_other_time_zones_are_written_in_utc(client: Any) -> None:  # noqa: ANN401
    """The schedule's own time zone says UTC."""
    with Stubber(client) as stub:
        stub.add_response("update_schedule", {"ScheduleArn": "arn"}, properties())
        alarm(client).set(SITE, LATER.astimezone(timezone(timedelta(hours=-8))))
        stub.assert_no_pending_responses()


@pytest.mark.parametrize("ago", [0, 3600])
def test_wake_up_is_never_in_the_past(ago: int) -> None:
    """Scheduler refuses such a schedule; an overdue wake-up comes in a moment."""
    recorded = Recorder()
    before = datetime.now(UTC).replace(microsecond=0)
    alarm(recorded).set(SITE, before - timedelta(seconds=ago))
    expression = recorded.calls[0]["ScheduleExpression"]
    assert re.fullmatch(r"at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)", expression)
    at = datetime.fromisoformat(expression[3:-1]).replace(tzinfo=UTC)
    assert before + timedelta(seconds=LEAD_SECONDS) <= at <= datetime.now(UTC) + timedelta(seconds=LEAD_SECONDS)


class Recorder:
    """A client that accepts every update."""

    class exceptions:  # noqa: N801 (boto3's name)
        """The two exceptions that the alarm catches."""

        class ResourceNotFoundException(Exception):  # noqa: N818
            """Never raised."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def update_schedule(self, **properties: Any) -> None:  # noqa: ANN401
        """Record it."""
        self.calls.append(properties)


@pytest.mark.parametrize("prefix", ["", "assets/", "a b/ü/" * 30])
def test_name_is_what_scheduler_takes_and_every_sites_own(prefix: str) -> None:
    """Up to 64 letters, digits, dots, hyphens and underscores; the same at every run."""
    site = Site("bucket", prefix, Policy())
    name = schedule_name(site)
    assert re.fullmatch(r"[0-9a-zA-Z-_.]{1,64}", name)
    assert name == schedule_name(Site("bucket", prefix, Policy(grace=1)))
    assert name not in {schedule_name(Site("bucket2", prefix, Policy())), schedule_name(Site("bucket", "x/", Policy()))}


def test_input_is_a_payload_that_the_cleaner_takes() -> None:
    """For any prefix, also with quotes: the handler reads what the alarm sends."""
    site = Site("bucket", 'a"b\\/', Policy())
    recorded = Recorder()
    alarm(recorded).set(site, LATER)
    payload = json.loads(recorded.calls[0]["Target"]["Input"])
    assert parse(payload) == Request(site=site.prefix, bucket=site.bucket, wake_up=True)
