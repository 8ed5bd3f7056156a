"""Steps: the metrics with their dimensions, the traces, and a broken role: dead letters and alarms."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from asset_cleaner_cdk.alarms import ALARMS, Subject
from release_log.metrics import NAMESPACE, dimensions
from tests.acceptance.account import IAM_SECONDS
from tests.acceptance.publishing import EVENT, ROLE, log_of_runs
from tests.acceptance.steps import Step, expect
from tests.acceptance.template import synthesised, texts

if TYPE_CHECKING:
    from tests.acceptance.world import World

POLICY = "acceptance-breaks-it"
"""The role's further policy that denies it S3."""

BROKEN, LETTER = "broken role", "dead letter"


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
    expect("xray:PutTraceSegments" in texts(made), "the role may not send traces")
    return "in the template tracing is active, and the role may send traces"


def break_role(world: World) -> str:
    """Deny the cleaner all of S3, and invoke it as an event does."""
    installed, iam = world.installed["new"], world.places[0].client("iam")
    policy = _denial(world)
    # CloudFormation cannot delete a role with a policy that it did not make.
    world.removals.first(f"policy {POLICY} of {policy['RoleName']}", partial(_mend_role, world, policy))
    statement = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(**policy, PolicyDocument=document)
    _let_iam_settle(world)
    try:
        installed.place.client("lambda").invoke(
            FunctionName=installed.outputs["CleanerFunctionName"], InvocationType="Event", Payload="{}"
        )
    except BaseException:
        _mend_role(world, policy)
        raise
    return f"the policy {POLICY} denies the role all of S3, and a run was begun as an event begins it"


def dead_letters(world: World) -> str:
    """The run is tried again after one minute and after two more, in which other steps were done."""
    installed = world.installed["new"]
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
        _mend_role(world, _denial(world))
    answer = installed.site().invoke({})
    expect("errorMessage" not in answer, f"the role is whole again, and the run said {answer}")
    return f"the failed run was in the queue, {said}; mended, a run ended well"


def alarms(world: World) -> str:
    """Both alarms of a failed run have gone off since, and the first may be over.

    SQS may need a quarter of an hour until it writes the metrics of a queue that nobody used:
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html
    """
    installed = world.installed["new"]
    client = installed.place.client("cloudwatch")
    names = {each: installed.named(each) for each in ("FunctionErrorsAlarm", "FailedRunsAlarm")}

    def silent() -> list[str]:
        said = {
            each: client.describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")["AlarmHistoryItems"]
            for each, name in names.items()
        }
        return [each for each, items in said.items() if not any("to ALARM" in item["HistorySummary"] for item in items)]

    world.wait(silent, lambda found: not found, f"not each of {', '.join(names)} has gone off", 25)
    return f"{' and '.join(names)} went off"


def alarms_in_template(world: World) -> str:
    made = synthesised(world)
    found = [each["Properties"] for each in made["Resources"].values() if each["Type"] == "AWS::CloudWatch::Alarm"]
    watched = {(each.get("Namespace"), each["MetricName"]) for each in found}
    wanted = {("AWS/Lambda", "Errors"), ("AWS/SQS", "ApproximateNumberOfMessagesVisible")}
    expect(wanted <= watched, watched)
    expect(all(each["AlarmActions"] for each in found), "an alarm tells nobody")
    return f"in the template {len(found)} alarms tell the topic, those of failed runs among them"


def _denial(world: World) -> dict[str, str]:
    """The place of the policy that denies."""
    return {"RoleName": world.installed["new"].function()["Role"].rpartition("/")[2], "PolicyName": POLICY}


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


BREAK = Step(
    BROKEN,
    "A policy denies the cleaner's role all of S3, and its next run fails.",
    break_role,
    needs=(ROLE,),
)

DEAD_LETTER = Step(
    LETTER,
    "A run that fails three times goes to the queue of failed runs; with its rights again, a run ends well.",
    dead_letters,
    "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html",
    needs=(BROKEN,),
)

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
)

ALARMS_STEP = Step(
    "alarms",
    "The alarms of the function's errors and of the failed runs have gone off.",
    alarms,
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html",
    needs=(LETTER,),
    lacks="alarms of a function's errors and of a queue's length",
    instead=alarms_in_template,
)
