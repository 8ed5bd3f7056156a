"""The wake-ups of a site: one for each minute in which something falls due, created and never changed."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st
from urllib3.response import HTTPResponse

from cleaner_lambda.request import Request, parse
from cleaner_lambda.sites import Site
from cleaner_lambda.wake_up import (
    LEAD_SECONDS,
    NotSetError,
    SchedulerAlarm,
    due_minute,
    schedule_name,
    unqualified,
)
from release_log.policy_settings import Policy

SITE = Site("bucket", "assets/", Policy())
ARN = "arn:aws:lambda:eu-central-1:111122223333:function:cleaner"
ROLE = "arn:aws:iam::111122223333:role/wake-up"
QUEUE = "arn:aws:sqs:eu-central-1:111122223333:dead-letters"
LATER = datetime(2999, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
MINUTE = datetime(2999, 1, 2, 3, 5, tzinfo=UTC)


@pytest.fixture
def client() -> Any:  # noqa: ANN401 (boto3 makes its classes at run time)
    """A real client that never reaches the network."""
    return boto3.client(
        "scheduler",
        region_name="eu-central-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
    )


def alarm(client: Any) -> SchedulerAlarm:  # noqa: ANN401
    """The alarm with a client."""
    return SchedulerAlarm(client, "group", ROLE, ARN, QUEUE)


def answer_with(client: Any, status: int, body: bytes) -> None:  # noqa: ANN401
    """Have each request of a client answered so, without the network."""
    raw = HTTPResponse(BytesIO(body), {}, status, preload_content=False)
    client.meta.events.register_first(
        "before-send", lambda request, **_: AWSResponse(request.url, status, HTTPHeaders(), raw)
    )


SCHEDULE = {
    "GroupName": "group",
    "Name": schedule_name(SITE, MINUTE),
    "ScheduleExpression": "at(2999-01-02T03:05:00)",
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
"""The request for `LATER`; botocore adds a token, by which its repetition is the same request."""


@pytest.mark.parametrize("at", [LATER, LATER.astimezone(timezone(timedelta(hours=-8))), MINUTE], ids=str)
def test_a_schedule_is_created_for_the_next_whole_minute(client: Any, at: datetime) -> None:  # noqa: ANN401
    """One request, in UTC: Scheduler fires within the minute that is named, whatever its seconds."""
    with Stubber(client) as stub:
        stub.add_response("create_schedule", {"ScheduleArn": "arn"}, SCHEDULE)
        alarm(client).set(SITE, at)
        stub.assert_no_pending_responses()


def test_a_schedule_that_another_run_has_set_is_left_alone(client: Any) -> None:  # noqa: ANN401
    """It fires after this run too; changed or deleted it might be gone with the run that it woke."""
    with Stubber(client) as stub:
        stub.add_client_error("create_schedule", "ConflictException", http_status_code=409)
        alarm(client).set(SITE, LATER)
        stub.assert_no_pending_responses()


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException", "ThrottlingException"])
def test_other_errors_have_one_class_that_names_the_schedule(client: Any, code: str) -> None:  # noqa: ANN401
    """A group that is gone is one too."""
    with Stubber(client) as stub:
        stub.add_client_error("create_schedule", code)
        with pytest.raises(NotSetError, match=rf"schedule {SCHEDULE['Name']} in group group: .*{code}"):
            alarm(client).set(SITE, LATER)


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("body", [b"[]", b"null", b"5", b"\xff"])
def test_an_answer_that_is_not_schedulers_is_such_an_error_or_none(client: Any, status: int, body: bytes) -> None:  # noqa: ANN401
    """The run is over by then: an answer of a gateway in between must not make it fail."""
    answer_with(client, status, body)
    with suppress(NotSetError):
        alarm(client).set(SITE, LATER)


@given(
    now=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 (they get one)
    ahead=st.timedeltas(timedelta(days=-1), timedelta(days=400)),
)
def test_a_wake_up_is_never_early_nor_in_a_minute_that_has_begun(now: datetime, ahead: timedelta) -> None:
    """The run that a minute's schedule woke never wants that minute again, so no name is used twice."""
    at = now + ahead
    minute = due_minute(at, now)
    earliest = max(at, now + timedelta(seconds=LEAD_SECONDS))
    assert (minute.second, minute.microsecond) == (0, 0)
    assert timedelta() <= minute - earliest < timedelta(minutes=1)
    fires = minute + timedelta(seconds=59.999)
    assert due_minute(minute, fires) > minute
    assert due_minute(at, minute) > minute, "nor if the clocks of Scheduler and of the function differ a little"
    assert due_minute(at, minute - timedelta(seconds=LEAD_SECONDS - 1)) > minute


@pytest.mark.parametrize("qualifier", ["", ":$LATEST", ":7", ":live"])
def test_wake_up_invokes_the_function_whatever_name_it_was_invoked_by(qualifier: str) -> None:
    """The wake-up's role may invoke the function, and none of its versions or aliases."""
    assert unqualified(ARN + qualifier) == ARN


@pytest.mark.parametrize("prefix", ["", "assets/", "a b/ü/" * 30])
def test_name_is_what_scheduler_takes_and_every_sites_own(prefix: str) -> None:
    """Up to 64 letters, digits, dots, hyphens and underscores; the same at every run."""
    site = Site("bucket", prefix, Policy())
    name = schedule_name(site, MINUTE)
    assert re.fullmatch(r"[0-9a-zA-Z-_.]{1,64}", name)
    assert name == schedule_name(Site("bucket", prefix, Policy(grace=1)), MINUTE)
    others = [Site("bucket2", prefix, Policy()), Site("bucket", "x/", Policy())]
    assert name not in {schedule_name(other, MINUTE) for other in others}
    assert name != schedule_name(site, MINUTE + timedelta(minutes=1))


def test_input_is_a_payload_that_the_cleaner_takes(client: Any) -> None:  # noqa: ANN401
    """For any prefix, also with quotes: the handler reads what the alarm sends."""
    site, sent = Site("bucket", 'a"b\\/', Policy()), []
    client.meta.events.register("provide-client-params.scheduler", lambda params, **_: sent.append(params))
    with Stubber(client) as stub:
        stub.add_response("create_schedule", {"ScheduleArn": "arn"})
        alarm(client).set(site, LATER)
    payload = json.loads(sent[0]["Target"]["Input"])
    assert parse(payload) == Request(site=site.prefix, bucket=site.bucket, wake_up=True)
