"""The start of a map run: its input has the payloads of all tasks, and its name is that of the map run."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from cleaner_lambda.cursor import Kind, MapRun
from cleaner_lambda.request import MapTask, parse
from cleaner_lambda.sites import Site
from cleaner_lambda.state_machine import NotStartedError, StateMachine, execution_input, execution_name
from cleaner_lambda.tag_workers import MOST
from release_log.bounds import KEY_BYTES
from release_log.layout import check_prefix
from release_log.policy_settings import Policy

SITE = Site("bucket", "assets/", Policy())
ARN = "arn:aws:states:eu-central-1:111122223333:stateMachine:listing"
AT = datetime(2026, 7, 1, 12, 30, 5, tzinfo=UTC)
RUN = MapRun(AT, {1: ("assets/m", None), 0: ("", "assets/m")})


@pytest.fixture
def client() -> Any:  # noqa: ANN401 (boto3 makes its classes at run time)
    """A real client that never reaches the network."""
    return boto3.client(
        "stepfunctions", region_name="eu-central-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


def test_the_input_has_what_the_function_is_asked() -> None:
    asked = execution_input(SITE, RUN)
    tasks = [parse(payload) for payload in (*asked["ranges"], asked["then"])]
    assert [(task.site, task.bucket) for task in tasks] == [("assets/", "bucket")] * 3
    assert [task.map_task for task in tasks] == [MapTask(AT, 0), MapTask(AT, 1), MapTask(AT, None)]
    assert all(task.is_hint for task in tasks), "a site that is not configured any more is passed over"


def test_the_input_of_a_rebuild_names_groups() -> None:
    asked = execution_input(SITE, replace(RUN, kind=Kind.GROUP))
    tasks = [parse(payload).map_task for payload in (*asked["ranges"], asked["then"])]
    assert tasks == [MapTask(AT, 0, Kind.GROUP), MapTask(AT, 1, Kind.GROUP), MapTask(AT, None)]


@pytest.mark.parametrize("letter", ["a", "é", '"'])
def test_an_input_of_the_most_groups_is_no_larger_than_step_functions_accepts(letter: str) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html: 256 KiB of UTF-8."""
    prefix = check_prefix(letter * ((KEY_BYTES // 2 - 1) // len(letter.encode())) + "/")
    groups = MapRun(AT, dict.fromkeys(range(MOST), ("", None)), kind=Kind.GROUP)
    given: list[str] = []
    StateMachine(SimpleNamespace(start_execution=lambda **asked: given.append(asked["input"])), ARN).start(
        Site("b" * 63, prefix, Policy()), groups
    )
    assert [len(each.encode()) < 256 * 1024 for each in given] == [True]


def test_each_map_run_of_each_site_has_a_name_of_its_own() -> None:
    others = [(Site("bucket", "assets/in/", Policy()), RUN), (Site("other", "assets/", Policy()), RUN)]
    others.append((SITE, MapRun(AT.replace(second=6), RUN.ranges)))
    others.append((SITE, replace(RUN, kind=Kind.GROUP)))
    names = [execution_name(*each) for each in ((SITE, RUN), *others)]
    assert len(set(names)) == len(names)
    assert {len(name) for name in names} == {57}


def test_it_is_started_once(client: Any) -> None:  # noqa: ANN401
    given = {
        "stateMachineArn": ARN,
        "name": execution_name(SITE, RUN),
        "input": json.dumps(execution_input(SITE, RUN)),
    }
    with Stubber(client) as stub:
        stub.add_response("start_execution", {"executionArn": f"{ARN}:x", "startDate": AT}, given)
        StateMachine(client, ARN).start(SITE, RUN)
        stub.add_client_error("start_execution", "ExecutionAlreadyExists")
        StateMachine(client, ARN).start(SITE, RUN)
        stub.assert_no_pending_responses()


def test_an_answer_that_is_not_step_functions_is_one_too() -> None:
    def start(**_: object) -> None:
        raise AttributeError("'list' object has no attribute 'get'")  # noqa: EM101, TRY003 (botocore's)

    with pytest.raises(NotStartedError, match=r"execution listing-.*no attribute"):
        StateMachine(SimpleNamespace(start_execution=start), ARN).start(SITE, RUN)


def test_one_that_is_refused_is_named(client: Any) -> None:  # noqa: ANN401
    with Stubber(client) as stub:
        stub.add_client_error("start_execution", "AccessDeniedException")
        with pytest.raises(NotStartedError, match=r"execution listing-.*AccessDeniedException"):
            StateMachine(client, ARN).start(SITE, RUN)
