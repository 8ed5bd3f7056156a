"""The template of as many sites as an installation can have, against AWS's quotas."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from infra.settings.errors import ContextError
from infra.settings.stack import settings_from
from tests.infra.template import listed, plain
from tests.synthesis import define, start_cdk

if TYPE_CHECKING:
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

RULES, RESOURCES, OUTPUTS, TEMPLATE_BYTES = 300, 500, 200, 1_000_000
"""https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html,
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""


def sites(number: int) -> str:
    """So many sites, as after ``-c sites=``."""
    return json.dumps([{"prefix": f"site-{each:02}/"} for each in range(number)])


def most() -> int:
    """How many sites of this kind a function's environment can hold, by which the settings refuse more."""
    for number in range(1, 200):
        try:
            settings_from({"sites": sites(number)})
        except ContextError:
            return number - 1
    pytest.fail("no number of sites is refused")


@pytest.fixture(scope="module")
def resources(synthesise: Synthesise) -> dict[str, dict[str, Any]]:
    """Logical id -> resource."""
    every: dict[str, dict[str, Any]] = plain(synthesise(sites=sites(most())).to_json()["Resources"])
    return every


def of(kind: str, resources: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The properties of all resources of a type."""
    return [each["Properties"] for each in resources.values() if each["Type"] == kind]


def size(document: object) -> int:
    """Bytes of a document as AWS gets it, with the longest names that the resources may have."""
    text = json.dumps(document, separators=(",", ":"))
    text = re.sub(r"\$\{Bucket(\.Arn)?\}", f"arn:aws-us-gov:s3:::{'b' * 63}", text)
    return len(re.sub(r"\$\{[\w.:]+\}", "x" * 64, text))


def test_the_settings_refuse_more_sites_than_the_stack_can_have() -> None:
    assert 20 < most() < 60


def test_a_prefix_that_no_policy_has_room_for_is_refused(bundle: Path) -> None:
    """The first site's has always room, in the role's own policy."""
    given = [{"prefix": f"{letter * 500}/"} for letter in "xy"]
    with pytest.raises(ContextError, match=r"context sites\[2\] prefix 'y{500}/': too long for a policy"):
        define({"sites": json.dumps(given)}, bundle)


def test_more_sites_than_a_role_has_room_for_are_refused_with_their_number(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_cdk()
    monkeypatch.setattr("infra.cleaner_role.ATTACHED", 1)
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
    from infra.cleaner_role import pack  # noqa: PLC0415 (not before the CDK is started)

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


def test_the_stack_and_the_bus_have_room_for_every_site(synthesise: Synthesise, resources: dict[str, Any]) -> None:
    template = synthesise(sites=sites(most())).to_json()
    assert len(of("AWS::Events::Rule", resources)) <= RULES
    assert len(resources) <= RESOURCES
    assert len(template["Outputs"]) <= OUTPUTS
    assert len(json.dumps(template)) <= TEMPLATE_BYTES
