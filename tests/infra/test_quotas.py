"""The template of as many sites as an installation can have, against AWS's quotas."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from asset_cleaner_cdk.settings.errors import ContextError
from infra.quotas import check_quotas
from tests.infra.template import listed, plain
from tests.synthesis import define, start_cdk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.infra.conftest import Synthesise

QUEUE = {"statements": 20, "bytes": 8_192, "conditions": 10}
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html"""

FUNCTION_BYTES = 20_480
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

BUCKET_BYTES = 20_480
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html"""

ROLE = {"inline": 10_240, "managed": 6_144, "attached": 10}
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

RULES, EVENT_PATTERN, RESOURCES, OUTPUTS, TEMPLATE_BYTES = 300, 2_048, 500, 200, 1_000_000
"""https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html,
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""


def sites(number: int) -> str:
    """So many sites, as after ``-c sites=``."""
    return json.dumps([{"prefix": f"site-{each:02}/"} for each in range(number)])


MOST = 31
"""How many sites of this kind the policies of a role have room for. Everything else has room for more."""


@pytest.fixture(scope="module")
def template(synthesise: Synthesise) -> dict[str, Any]:
    """The template of so many sites."""
    return dict(synthesise(sites=sites(MOST)).to_json())


@pytest.fixture(scope="module")
def resources(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Logical id -> resource."""
    every: dict[str, dict[str, Any]] = plain(template["Resources"])
    return every


def of(kind: str, resources: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The properties of all resources of a type."""
    return [each["Properties"] for each in resources.values() if each["Type"] == kind]


def size(document: object) -> int:
    """Bytes of a document as AWS gets it, with the longest names that the resources may have."""
    text = json.dumps(document, separators=(",", ":"))
    text = re.sub(r"\$\{Bucket(\.Arn)?\}", f"arn:aws-us-gov:s3:::{'b' * 63}", text)
    return len(re.sub(r"\$\{[\w.:]+\}", "x" * 64, text))


def test_so_many_sites_are_accepted_and_one_more_is_refused_with_the_number_that_is_too_many(
    template: dict[str, Any], synthesise: Synthesise
) -> None:
    check_quotas(template, MOST)
    more = synthesise(sites=sites(MOST + 1)).to_json()
    told = rf"context sites: {MOST + 1} sites make 11 managed policies of a role, and AWS accepts 10;"
    with pytest.raises(ContextError, match=told):
        check_quotas(more, MOST + 1)


BREAKS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "resources": (lambda every: every.update({f"R{n}": {"Type": "x"} for n in range(500)}), "500"),
    "rules": (lambda every: every.update({f"R{n}": dict(of_type(every, "Rule")) for n in range(300)}), "300"),
    "event pattern": (lambda every: body(every, "Rule", "EventPattern").update(x="x" * 2_048), "2,048"),
    "queue statements": (lambda every: statements(every, "QueuePolicy").extend([{}] * 20), "20"),
    "queue policy": (lambda every: statements(every, "QueuePolicy").append("x" * 8_192), "8,192"),
    "function policy": (lambda every: of_type(every, "Permission")["Properties"].update(x="x" * 20_480), "20,480"),
    "environment": (lambda every: body(every, "Function", "Environment").update(x="x" * 4_096), "4,096"),
    "bucket policy": (lambda every: statements(every, "BucketPolicy").append("x" * 20_480), "20,480"),
    "inline": (lambda every: statements(every, "IAM::Policy").append("x" * 10_240), "10,240"),
    "managed": (lambda every: statements(every, "ManagedPolicy").append("x" * 6_144), "6,144"),
    "attached": (lambda every: of_type(every, "Role")["Properties"].update(ManagedPolicyArns=["x"] * 11), "10"),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_each_quota_is_checked(synthesise: Synthesise, broken: str) -> None:
    """Whatever makes it too many."""
    change, most = BREAKS[broken]
    template = copy.deepcopy(synthesise().to_json())
    check_quotas(template, 1)
    change(template["Resources"])
    with pytest.raises(ContextError, match=rf"AWS accepts {most};"):
        check_quotas(template, 1)


def outputs(number: int) -> dict[str, Any]:
    """A template with so many outputs."""
    return {"Resources": {}, "Outputs": {f"O{each}": {} for each in range(number)}}


def described(size: int) -> dict[str, Any]:
    """A template with a description of so many bytes."""
    return {"Resources": {}, "Description": "x" * size}


def dashboard(widgets: list[dict[str, Any]]) -> dict[str, Any]:
    """A template with a dashboard."""
    shown = json.dumps({"widgets": [{"properties": each} for each in widgets]})
    return {"Resources": {"D": {"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardBody": shown}}}}


def distribution(behaviours: int) -> dict[str, Any]:
    """A template with a distribution."""
    properties: dict[str, Any] = {"DistributionConfig": {"CacheBehaviors": [{}] * behaviours}}
    return {"Resources": {"D": {"Type": "AWS::CloudFront::Distribution", "Properties": properties}}}


@pytest.mark.parametrize(
    ("most", "too_many", "words"),
    [
        (outputs(200), outputs(201), "201 outputs of the stack, and AWS accepts 200;"),
        (described(900_000), described(1_000_000), "bytes of the stack's template, and AWS accepts 1,000,000;"),
        (dashboard([{}] * 500), dashboard([{}] * 501), "501 widgets of the dashboard, and AWS accepts 500;"),
        (
            dashboard([{"metrics": [[]] * 500}] * 5),
            dashboard([{"metrics": [[]] * 500}] * 5 + [{"metrics": [[]]}]),
            "2,501 metrics of the dashboard, and AWS accepts 2,500;",
        ),
        (distribution(74), distribution(75), "76 cache behaviours of the distribution, and AWS accepts 75;"),
    ],
    ids=["outputs", "template", "widgets", "metrics", "cache behaviours"],
)
def test_the_other_quotas_are_checked_to_the_last_one(
    most: dict[str, Any], too_many: dict[str, Any], words: str
) -> None:
    check_quotas(most, 40)
    with pytest.raises(ContextError, match=f"context sites: 40 sites make .*{words}"):
        check_quotas(too_many, 40)


def of_type(resources: dict[str, Any], end: str) -> dict[str, Any]:
    """The first resource whose type ends so, and has an event pattern if it is a rule."""
    found = (each for each in resources.values() if each["Type"].endswith(end))
    return next(dict_ for dict_ in found if end != "Rule" or "EventPattern" in dict_["Properties"])


def body(resources: dict[str, Any], end: str, name: str) -> dict[str, Any]:
    """A property of that resource."""
    found: dict[str, Any] = of_type(resources, end)["Properties"][name]
    return found


def statements(resources: dict[str, Any], end: str) -> list[Any]:
    """The statements of its policy."""
    found: list[Any] = body(resources, end, "PolicyDocument")["Statement"]
    return found


def test_a_widget_shows_no_more_alarms_than_cloudwatch_accepts(resources: dict[str, dict[str, Any]]) -> None:
    (dashboard,) = of("AWS::CloudWatch::Dashboard", resources)
    shown = [each["properties"].get("alarms", ()) for each in json.loads(dashboard["DashboardBody"])["widgets"]]
    assert max(map(len, shown)) == 100
    assert sum(map(len, shown)) == len(of("AWS::CloudWatch::Alarm", resources))


def test_a_prefix_that_no_policy_has_room_for_is_refused(bundle: Path) -> None:
    """The first site's has always room, in the role's own policy."""
    given = [{"prefix": f"{letter * 500}/"} for letter in "xy"]
    with pytest.raises(ContextError, match=r"context sites\[2\] prefix 'y{500}/': too long for a policy"):
        define({"sites": json.dumps(given)}, bundle)


def test_more_sites_than_a_role_has_room_for_are_refused_with_their_number(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_cdk()
    monkeypatch.setattr("asset_cleaner_cdk.cleaner_role.ATTACHED", 1)
    with pytest.raises(ContextError, match=r"context sites: 9 sites, .* have room for 7 of them; .*-c name="):
        define({"sites": sites(9)}, bundle)


@pytest.mark.parametrize(
    ("sizes", "together"),
    [
        ([], [[]]),
        ([1700], [[0]]),
        ([1700] * 6, [[0, 1, 2, 3], [4, 5]]),
        ([6000, 2001, 3999, 1], [[0], [1, 2], [3]]),
    ],
    ids=["none", "one", "the role's own policy first", "to the last character"],
)
def test_sites_share_policies_as_far_as_these_have_room(sizes: list[int], together: list[list[int]]) -> None:
    start_cdk()
    from asset_cleaner_cdk.cleaner_role import pack  # noqa: PLC0415 (not before the CDK is started)

    assert pack(sizes) == together


def test_the_queues_policies_do_not_grow_with_the_sites(resources: dict[str, dict[str, Any]]) -> None:
    for each in of("AWS::SQS::QueuePolicy", resources):
        statements = each["PolicyDocument"]["Statement"]
        conditions = [key for one in statements for keys in one.get("Condition", {}).values() for key in keys]
        found = {"statements": len(statements), "bytes": size(each["PolicyDocument"]), "conditions": len(conditions)}
        assert found == {name: min(number, QUEUE[name]) for name, number in found.items()}


def test_the_functions_policy_does_not_grow_with_the_sites(resources: dict[str, dict[str, Any]]) -> None:
    permissions = of("AWS::Lambda::Permission", resources)
    assert len(permissions) == 1
    assert sum(map(size, permissions)) < FUNCTION_BYTES / 10


def test_the_buckets_policy_has_room_for_every_site(resources: dict[str, dict[str, Any]]) -> None:
    (policy,) = of("AWS::S3::BucketPolicy", resources)
    assert size(policy["PolicyDocument"]) <= BUCKET_BYTES


def test_a_roles_policies_have_room_for_every_site(resources: dict[str, dict[str, Any]]) -> None:
    inline, managed = of("AWS::IAM::Policy", resources), of("AWS::IAM::ManagedPolicy", resources)
    for each in resources:
        mine = [one["PolicyDocument"] for one in inline if f"${{{each[:-8]}}}" in listed(one.get("Roles", []))]
        assert sum(map(size, mine)) <= ROLE["inline"]
        attached = [one for one in managed if f"${{{each[:-8]}}}" in listed(one.get("Roles", []))]
        assert len(attached) <= ROLE["attached"]
    assert max(size(one["PolicyDocument"]) for one in managed) <= ROLE["managed"]


def test_the_stack_and_the_bus_have_room_for_every_site(template: dict[str, Any]) -> None:
    resources = plain(template["Resources"])
    rules = of("AWS::Events::Rule", resources)
    assert len(rules) == MOST + 1 <= RULES
    assert max(len(json.dumps(each.get("EventPattern"))) for each in rules) <= EVENT_PATTERN
    assert len(resources) <= RESOURCES
    assert len(template["Outputs"]) <= OUTPUTS
    assert len(json.dumps(template)) <= TEMPLATE_BYTES
