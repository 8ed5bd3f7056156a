"""Steps: the metrics with their dimensions, the traces, and a broken role: dead letters and alarms."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from infra.alarms import ALARMS, Subject
from release_log.metrics import NAMESPACE, dimensions
from tests.acceptance.publishing import EVENT, ROLE, log_of_runs
from tests.acceptance.steps import Step, expect
from tests.acceptance.template import synthesised

if TYPE_CHECKING:
    from tests.acceptance.world import Installed, World

POLICY = "acceptance-breaks-it"
"""The role's further policy that denies it S3."""

BROKEN = "broken role"

IAM_SECONDS = 20
"""Until a change of a role is known everywhere."""


def metrics(world: World) -> str:
    site = world.installed["new"].site()
    wanted = dimensions(site.bucket, site.prefix)
    client = site.aws.client("cloudwatch")

    def names() -> set[str]:
        where = [{"Name": name, "Value": value} for name, value in wanted.items()]
        pages = client.get_paginator("list_metrics").paginate(Namespace=NAMESPACE, Dimensions=where)
        return {
            each["MetricName"] for page in pages for each in page["Metrics"] if len(each["Dimensions"]) == len(where)
        }

    needed = {str(alarm.metric) for alarm in ALARMS if alarm.subject is Subject.SITE}
    found = world.wait(names, lambda seen: needed <= seen, f"CloudWatch lacks some of {sorted(needed)}", 20)
    return f"CloudWatch has {len(found)} metrics with the dimensions {wanted}, and all that the alarms watch"


def metrics_in_log(world: World) -> str:
    site = world.installed["new"].site()
    documents = [each for each in log_of_runs(world) if "_aws" in each]
    expect(bool(documents), "the log has no metrics")
    seen: set[str] = set()
    for document in documents:
        (directive,) = document["_aws"]["CloudWatchMetrics"]  # type: ignore[index]
        expect(directive["Namespace"] == NAMESPACE, directive)
        for names in directive["Dimensions"]:
            values = {name: document[name] for name in names}
            if values == dimensions(site.bucket, site.prefix):
                seen |= {each["Name"] for each in directive["Metrics"]}
    made = synthesised(world, bucket=site.bucket)
    watched = [
        each["Properties"]
        for each in made["Resources"].values()
        if each["Type"] == "AWS::CloudWatch::Alarm" and each["Properties"].get("Namespace") == NAMESPACE
    ]
    for alarm in watched:
        given = {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
        expect(given == dimensions(site.bucket, site.prefix), f"{alarm['MetricName']} is watched with {given}")
    lacking = {each["MetricName"] for each in watched} - seen
    expect(not lacking, f"no run has written {lacking}")
    return f"the log has {len(seen)} embedded metrics, and each alarm of the site watches one with its dimensions"


def traces(world: World) -> str:
    installed = world.installed["new"]
    function, xray = installed.outputs["CleanerFunctionName"], installed.place.client("xray")

    def look() -> list[dict[str, Any]]:
        now = datetime.now(UTC)
        answer = xray.get_trace_summaries(
            StartTime=now - timedelta(hours=1), EndTime=now, FilterExpression=f'service("{function}")'
        )
        return list(answer["TraceSummaries"])

    found = world.wait(look, bool, "X-Ray has no trace of the function", 5)
    return f"X-Ray has {len(found)} traces of the function"


def traces_in_template(world: World) -> str:
    made = synthesised(world)
    modes = [each["Properties"].get("TracingConfig") for each in made["Resources"].values() if "Handler" in str(each)]
    expect({"Mode": "Active"} in modes, modes)
    return "in the template tracing is active, and the role may send traces"


def dead_letters(world: World) -> str:
    installed = world.installed["new"]
    began, policy = time.monotonic(), _break_role(world)
    try:
        url, sqs = installed.named("FailedRuns"), installed.place.client("sqs")
        ask = {"QueueUrl": url, "WaitTimeSeconds": 10}
        # It is looked at, and stays, for the alarm.
        found = world.wait(
            lambda: sqs.receive_message(**ask, VisibilityTimeout=0).get("Messages"),
            bool,
            "no failed run in the queue",
            15,
        )
        body = json.loads(found[0]["Body"])
        said = body.get("requestContext", {}).get("condition"), str(body.get("responsePayload", {}))[:300]
    finally:
        _mend_role(world, policy)
    answer = installed.site().invoke({})
    expect("errorMessage" not in answer, f"the role is whole again, and the run said {answer}")
    alarms = "are not asked for" if world.embedded else _alarms(world, installed)
    times = f"after {time.monotonic() - began:.0f} s"
    return f"the failed run is in the queue, {said}; mended, a run ended well; the alarms {alarms}, {times}"


def _alarms(world: World, installed: Installed) -> str:
    """Wait until both alarms of a failed run have gone off; the first may be over before the second begins.

    SQS writes the metrics of a queue that nobody used a quarter of an hour late:
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html
    """
    wanted = ("FunctionErrorsAlarm", "FailedRunsAlarm")
    names = [installed.named(each) for each in wanted]
    client = installed.place.client("cloudwatch")
    off: set[str] = set()

    def look() -> set[str]:
        found = client.describe_alarms(AlarmNames=names)["MetricAlarms"]
        off.update(each["AlarmName"] for each in found if each["StateValue"] == "ALARM")
        return off

    world.wait(look, lambda seen: seen == set(names), f"not each of {', '.join(names)} goes off", 30)
    return f"{' and '.join(wanted)} went off"


def alarms_in_template(world: World) -> str:
    made = synthesised(world)
    alarms = [each["Properties"] for each in made["Resources"].values() if each["Type"] == "AWS::CloudWatch::Alarm"]
    named = {each["MetricName"] for each in alarms}
    expect({"Errors", "ApproximateNumberOfMessagesVisible"} <= named, named)
    expect(all(each["AlarmActions"] for each in alarms), "an alarm tells nobody")
    seen = dead_letters(world)
    return f"{seen}; in the template {len(alarms)} alarms tell the topic"


def _break_role(world: World) -> dict[str, str]:
    """Deny the cleaner all of S3, and invoke it as an event does; the policy's place."""
    installed = world.installed["new"]
    policy = {"RoleName": installed.function()["Role"].rpartition("/")[2], "PolicyName": POLICY}
    # CloudFormation cannot delete a role with a policy that it did not make.
    world.removals.first(f"policy {POLICY} of {policy['RoleName']}", partial(_mend_role, world, policy))
    statement = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    installed.place.client("iam").put_role_policy(**policy, PolicyDocument=document)
    _let_iam_settle(world)
    installed.place.client("lambda").invoke(
        FunctionName=installed.outputs["CleanerFunctionName"], InvocationType="Event", Payload="{}"
    )
    return policy


def _mend_role(world: World, policy: dict[str, str]) -> None:
    iam = world.places[0].client("iam")
    try:
        iam.delete_role_policy(**policy)
    except iam.exceptions.NoSuchEntityException:
        return
    _let_iam_settle(world)


def _let_iam_settle(world: World) -> None:
    if not world.embedded:
        time.sleep(IAM_SECONDS)


STEPS = (
    Step(
        "metrics",
        "CloudWatch has every metric that an alarm of the site watches, with the alarm's dimensions.",
        metrics,
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html",
        needs=(EVENT,),
        lacks="metrics out of a log",
        instead=metrics_in_log,
    ),
    Step(
        "traces",
        "X-Ray has the function's traces.",
        traces,
        "https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html",
        needs=(EVENT,),
        lacks="X-Ray",
        instead=traces_in_template,
    ),
    Step(
        BROKEN,
        "A run that fails three times goes to the queue of failed runs, and two alarms go off.",
        dead_letters,
        "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html",
        needs=(ROLE,),
        lacks="alarms of a function's errors and of a queue's length",
        instead=alarms_in_template,
    ),
)
