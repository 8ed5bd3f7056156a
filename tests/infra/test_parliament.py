"""A second opinion on every policy: parliament, which knows each action's resources and condition keys.

It does not know the policies that say who may assume a role, which name no resource.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.infra.template import plain
from tests.infra.variations import VARIATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.infra.conftest import Synthesise

pytestmark = pytest.mark.filterwarnings("ignore:pkg_resources is deprecated")

ARNS = {
    "AWS::S3::Bucket": "arn:aws:s3:::bucket",
    "AWS::SQS::Queue": "arn:aws:sqs:eu-west-1:123456789012:queue",
    "AWS::SNS::Topic": "arn:aws:sns:eu-west-1:123456789012:topic",
    "AWS::IAM::Role": "arn:aws:iam::123456789012:role/role",
    "AWS::Logs::LogGroup": "arn:aws:logs:eu-west-1:123456789012:log-group:group:*",
    "AWS::Lambda::Function": "arn:aws:lambda:eu-west-1:123456789012:function:function",
}
"""Type of a resource -> an ARN as AWS makes it."""

POLICIES = {f"AWS::{kind}Policy" for kind in ("IAM::", "IAM::Managed", "S3::Bucket", "SQS::Queue", "SNS::Topic")}

KEY = "arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d-4e5f-6789-abcd-ef0123456789"

OWN = {"Partition": "aws", "Region": "eu-west-1", "AccountId": "123456789012", "URLSuffix": "amazonaws.com"}


def policies(template: Mapping[str, Any]) -> dict[str, str]:
    """Logical id -> document of each policy, as AWS gets it; also of those that the stack prints, by their outputs."""
    resources = template["Resources"]
    arns = {re.sub("[0-9A-F]{8}$", "", name): ARNS.get(each["Type"], "") for name, each in resources.items()}

    def written(found: re.Match[str]) -> str:
        name = found[1].removeprefix("AWS::")
        return OWN.get(name) or arns.get(name.split(".")[0], "x")

    found = {
        name: json.dumps(plain(each["Properties"]["PolicyDocument"]))
        for name, each in resources.items()
        if each["Type"] in POLICIES
    }
    for name, each in template.get("Outputs", {}).items():
        if re.search(r"Statements?\d*$", name):
            # In a key's policy ``*`` is the key itself.
            statements = plain(each["Value"]).replace('"Resource":"*"', f'"Resource":"{KEY}"')
            found[name] = f'{{"Version": "2012-10-17", "Statement": {statements}}}'
    return {name: re.sub(r"\$\{([\w.:/-]+)\}", written, document) for name, document in found.items()}


WRONG = "'action': 'states:DescribeExecution', 'required_format': 'arn:*:states:*:*:express:*:*:*'"
"""It knows the action for Express executions alone. The service has it for others too:
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html"""


def findings(document: str) -> list[str]:
    """What parliament finds in a policy."""
    from parliament import analyze_policy_string  # noqa: PLC0415 (it warns when it is loaded)

    found = [f"{each.issue}: {each.detail}" for each in analyze_policy_string(document).findings]
    return [each for each in found if WRONG not in each]


@pytest.mark.parametrize("name", VARIATIONS)
def test_it_finds_nothing(name: str, synthesise: Synthesise) -> None:
    documents = policies(synthesise(**VARIATIONS[name]).to_json())
    assert documents
    assert {each: found for each, document in documents.items() if (found := findings(document))} == {}


@pytest.mark.parametrize(
    ("statement", "issue"),
    [
        ({"Action": "s3:GetObjekt", "Resource": "arn:aws:s3:::bucket/*"}, "UNKNOWN_ACTION"),
        ({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket"}, "RESOURCE_MISMATCH"),
        ({"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::bucket/*"}, "RESOURCE_MISMATCH"),
        ({"Action": "s3:GetObjekt", "Resource": "arn:aws:s3:::bucket/*", "Principal": "*"}, "UNKNOWN_ACTION"),
    ],
)
def test_it_would_find_what_is_wrong(statement: dict[str, str], issue: str) -> None:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}
    assert [each.split(":")[0] for each in findings(json.dumps(document))] == [issue]
