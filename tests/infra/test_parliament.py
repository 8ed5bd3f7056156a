"""A second opinion on the policies of roles: parliament, which knows each action's resources and condition keys."""

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
    "AWS::IAM::Role": "arn:aws:iam::123456789012:role/role",
    "AWS::Logs::LogGroup": "arn:aws:logs:eu-west-1:123456789012:log-group:group:*",
    "AWS::Lambda::Function": "arn:aws:lambda:eu-west-1:123456789012:function:function",
}
"""Type of a resource -> an ARN as AWS makes it."""

OWN = {"Partition": "aws", "Region": "eu-west-1", "AccountId": "123456789012", "URLSuffix": "amazonaws.com"}


def policies(template: Mapping[str, Any]) -> dict[str, str]:
    """Logical id -> document of each policy of a role, as AWS gets it."""
    resources = template["Resources"]
    arns = {re.sub("[0-9A-F]{8}$", "", name): ARNS.get(each["Type"], "") for name, each in resources.items()}

    def written(found: re.Match[str]) -> str:
        name = found[1].removeprefix("AWS::")
        return OWN.get(name) or arns.get(name.split(".")[0], "x")

    return {
        name: re.sub(r"\$\{([\w.:/-]+)\}", written, json.dumps(plain(each["Properties"]["PolicyDocument"])))
        for name, each in resources.items()
        if each["Type"] in {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"}
    }


def findings(document: str) -> list[str]:
    """What parliament finds in a policy."""
    from parliament import analyze_policy_string  # noqa: PLC0415 (it warns when it is loaded)

    return [f"{each.issue}: {each.detail}" for each in analyze_policy_string(document).findings]


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
    ],
)
def test_it_would_find_what_is_wrong(statement: dict[str, str], issue: str) -> None:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}
    assert [each.split(":")[0] for each in findings(json.dumps(document))] == [issue]
