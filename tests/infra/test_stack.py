"""The stack's outputs, and a second installation beside the first, read from the template."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.infra.template import SCHEDULES, STACK_ID, plain, properties, rights_of

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesise


@pytest.mark.parametrize(
    ("context", "bucket"),
    [pytest.param({}, "${Bucket}", id="new"), pytest.param({"bucket": "my-bucket"}, "my-bucket", id="existing")],
)
def test_the_outputs_say_where_to_upload_by_which_right_and_what_to_invoke(
    context: dict[str, object], bucket: str, synthesise: Synthesise
) -> None:
    """Under these names: scripts read them from ``--outputs-file``."""
    outputs = plain(synthesise(**context).to_json()["Outputs"])
    to_add = {name: outputs.pop(name, None) for name in ("BucketStatements", "BucketLifecycleRules")}
    assert outputs == {
        "BucketName": {"Value": bucket},
        "CleanerFunctionName": {"Value": "${Cleaner}"},
        "UploaderPolicyArn": {"Value": "${UploaderPolicy}"},
        "AlarmTopicArn": {"Value": "${Alarms}"},
    }
    assert [bool(each) for each in to_add.values()] == [bucket != "${Bucket}"] * 2, "what is its owner's to set"


def test_a_second_installation_sets_its_wake_ups_in_a_group_of_its_own(synthesise: Synthesise) -> None:
    """Two installations on one bucket and prefix name their schedules alike; only the groups keep them apart."""
    template = synthesise(name="two")
    group = properties(template, "AWS::Scheduler::ScheduleGroup", "WakeUps")
    environment = properties(template, "AWS::Lambda::Function", "Cleaner")["Environment"]["Variables"]
    schedules = {right[2] for right in rights_of(template, "CleanerRole") if right[1].startswith("scheduler:")}
    assert group == {"Name": f"AssetCleaner-two-wake-ups-{STACK_ID}"}
    assert environment["WAKE_UP_GROUP"] == f"AssetCleaner-two-wake-ups-{STACK_ID}"
    assert schedules == {f"{SCHEDULES}/AssetCleaner-two-wake-ups-{STACK_ID}/*"}


def test_an_installation_gives_no_resource_a_fixed_name(synthesise: Synthesise) -> None:
    """A fixed name would let one installation collide with another, or with a retained resource of the last one."""
    names = {"BucketName", "FunctionName", "RoleName", "QueueName", "LogGroupName", "Name"}
    kinds = [
        each["Type"]
        for each in plain(synthesise().to_json()["Resources"]).values()
        if any("${" not in each["Properties"].get(name, "${") for name in names)
    ]
    assert kinds == []
