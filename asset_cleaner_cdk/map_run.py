"""The state machine for what one invocation cannot list: the cleaner's function is the worker of each range.

An execution's input has the payload of every task (`cleaner_lambda.state_machine.execution_input`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn

from asset_cleaner_cdk.names import unique_id
from asset_cleaner_cdk.permissions import role_of
from release_log.map_run import MAP_SECONDS, RANGES

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_
    from constructs import Construct

    from asset_cleaner_cdk.names import Names
    from asset_cleaner_cdk.settings.stack import StackSettings

RETRY = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 30, "MaxAttempts": 2, "BackoffRate": 4}
"""A worker that failed is repeated, and one that Lambda throttled."""


class MapRuns(NamedTuple):
    """The state machine by its name: the function refers to it, and it to the function.

    Attributes:
        name: The name.
        arn: The ARN.
    """

    name: str
    arn: str


def map_runs(scope: Construct, names: Names) -> MapRuns:
    """What this installation's state machine is called."""
    name = f"{names.installation}-map-runs-{unique_id(scope)}"
    return MapRuns(name, _arn(scope, "stateMachine", name))


def start_statement(machine: MapRuns) -> iam.PolicyStatement:
    """Let the cleaner start map runs."""
    return iam.PolicyStatement(actions=["states:StartExecution"], resources=[machine.arn])


def add_state_machine(scope: Construct, machine: MapRuns, settings: StackSettings, function: lambda_.IFunction) -> None:
    """Create the state machine, and let it invoke the function.

    Args:
        scope: The installation, or its stack.
        machine: Its name.
        settings: The stack's settings.
        function: The cleaner.
    """
    role = role_of(scope, "MapRunRole", "states.amazonaws.com", machine.arn)
    # A Distributed Map runs each item as an execution of its own:
    # https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
    for action, resource in (
        (["lambda:InvokeFunction"], function.function_arn),
        (["states:StartExecution"], machine.arn),
        (["states:DescribeExecution", "states:StopExecution"], _arn(scope, "execution", f"{machine.name}:*")),
    ):
        role.add_to_policy(iam.PolicyStatement(actions=action, resources=[resource]))
    sfn.StateMachine(
        scope,
        "MapRuns",
        state_machine_name=machine.name,
        comment="Lists a large site, or reads its tags: a worker for each of its ranges",
        # The CDK's own writer leaves out what is null.
        definition_body=sfn.DefinitionBody.from_string(json.dumps(_definition(settings, function))),
        role=role,
    )


def _arn(scope: Construct, resource: str, name: str) -> str:
    parts = ArnFormat.COLON_RESOURCE_NAME
    return Stack.of(scope).format_arn(service="states", resource=resource, resource_name=name, arn_format=parts)


def _definition(settings: StackSettings, function: lambda_.IFunction) -> dict[str, Any]:
    """Every range is tried; whatever becomes of them, the cleaner runs after them, and says what is missing."""
    return {
        "StartAt": "Ranges",
        "TimeoutSeconds": MAP_SECONDS,
        "States": {
            "Ranges": {
                "Type": "Map",
                "ItemsPath": "$.ranges",
                "MaxConcurrency": min(RANGES, settings.concurrency or RANGES),
                "ToleratedFailurePercentage": 100,
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "Worker",
                    "States": {"Worker": _invoke(settings, function, "$")},
                },
                "ResultPath": None,
                "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "TakeIn"}],
                "Next": "TakeIn",
            },
            "TakeIn": _invoke(settings, function, "$.then"),
        },
    }


def _invoke(settings: StackSettings, function: lambda_.IFunction, payload: str) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": f"arn:{Stack.of(function).partition}:states:::lambda:invoke",
        "Parameters": {"FunctionName": function.function_arn, "Payload.$": payload},
        "OutputPath": "$.Payload",
        "TimeoutSeconds": settings.timeout,
        "Retry": [RETRY],
        "End": True,
    }
