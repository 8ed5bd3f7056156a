"""The state machine of the map runs, read from the template."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from release_log.map_run import MAP_SECONDS, RANGES
from tests.infra.template import STACK_ID, properties, resources, rights_of

if TYPE_CHECKING:
    from aws_cdk.assertions import Template

    from tests.infra.conftest import Synthesise

NAME = f"AssetCleaner-map-runs-{STACK_ID}"
MACHINE = f"arn:${{AWS::Partition}}:states:${{AWS::Region}}:${{AWS::AccountId}}:stateMachine:{NAME}"
EXECUTIONS = f"arn:${{AWS::Partition}}:states:${{AWS::Region}}:${{AWS::AccountId}}:execution:{NAME}:*"


def _machine(template: Template) -> dict[str, Any]:
    """What the state machine does."""
    machine = properties(template, "AWS::StepFunctions::StateMachine", "MapRuns")
    assert machine["StateMachineName"] == NAME
    definition: dict[str, Any] = json.loads(machine["DefinitionString"])
    return definition


def test_it_invokes_the_cleaner_for_each_range_and_once_more(synthesise: Synthesise) -> None:
    """Whatever becomes of the ranges: each is tried three times, and all of them are tried."""
    definition = _machine(synthesise(ledger_format="2"))
    ranges, last = definition["States"]["Ranges"], definition["States"]["TakeIn"]
    worker = ranges["ItemProcessor"]["States"]["Worker"]
    for task, payload in ((worker, "$"), (last, "$.then")):
        assert task["Resource"] == "arn:${AWS::Partition}:states:::lambda:invoke"
        assert task["Parameters"] == {"FunctionName": "${Cleaner.Arn}", "Payload.$": payload}
        assert (task["TimeoutSeconds"], task["Retry"][0]["MaxAttempts"]) == (900, 2)
    assert ranges["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert (ranges["ToleratedFailurePercentage"], ranges["Next"]) == (100, "TakeIn")
    assert [catch["Next"] for catch in ranges["Catch"]] == ["TakeIn"]
    assert [each["ResultPath"] for each in (ranges, *ranges["Catch"])] == [None, None], "the input goes on"


def test_the_cleaner_and_the_state_machine_agree(synthesise: Synthesise) -> None:
    """The cleaner waits as long as an execution lasts, and there is a worker for each range of a listing."""
    definition = _machine(synthesise(ledger_format="2"))
    assert definition["TimeoutSeconds"] == MAP_SECONDS
    assert definition["States"]["Ranges"]["MaxConcurrency"] == RANGES


def test_it_takes_no_more_workers_than_are_reserved(synthesise: Synthesise) -> None:
    definition = _machine(synthesise(ledger_format="2", concurrency="3"))
    assert definition["States"]["Ranges"]["MaxConcurrency"] == 3


def test_its_role_may_do_no_more_than_that(synthesise: Synthesise) -> None:
    template = synthesise(ledger_format="2")
    assert set(rights_of(template, "MapRunRole")) == {
        ("Allow", "lambda:InvokeFunction", "${Cleaner.Arn}", ""),
        ("Allow", "states:StartExecution", MACHINE, ""),
        ("Allow", "states:DescribeExecution", EXECUTIONS, ""),
        ("Allow", "states:StopExecution", EXECUTIONS, ""),
    }
    (trust,) = properties(template, "AWS::IAM::Role", "MapRunRole")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "states.amazonaws.com"}
    assert trust["Condition"]["StringEquals"]["aws:SourceArn"] == MACHINE


def test_the_cleaner_may_start_it_and_knows_it(synthesise: Synthesise) -> None:
    template = synthesise(ledger_format="2")
    assert ("Allow", "states:StartExecution", MACHINE, "") in rights_of(template, "CleanerRole")
    function = properties(template, "AWS::Lambda::Function", "Cleaner")
    assert function["Environment"]["Variables"]["STATE_MACHINE_ARN"] == MACHINE


@pytest.mark.parametrize("context", [{}, {"ledger_format": "2", "distributed": "false"}])
def test_without_it_nothing_of_it_is_there(synthesise: Synthesise, context: dict[str, str]) -> None:
    template = synthesise(**context)
    assert resources(template, "AWS::StepFunctions::StateMachine") == {}
    assert "states:" not in json.dumps(template.to_json())
    assert "STATE_MACHINE_ARN" not in json.dumps(template.to_json())
