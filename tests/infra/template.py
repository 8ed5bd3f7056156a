"""How tests read a synthesised template, and the rights in it.

In the expected values ``${Bucket}`` is a ``Ref`` and ``${Bucket.Arn}`` a ``Fn::GetAtt`` to the resource of that name,
without the hash that the CDK appends.
"""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from asset_cleaner_cdk.settings.stack import settings_from
from cleaner_lambda.sites import sites_from
from infra.bundle import add_sites
from release_log.environment import SITES_FILE, Variable

if TYPE_CHECKING:
    from pathlib import Path

    from aws_cdk.assertions import Template

    from cleaner_lambda.sites import Site


INSTALLATIONS = [
    pytest.param({}, id="new bucket"),
    pytest.param({"prefix": ""}, id="whole bucket"),
    pytest.param({"bucket": "my-bucket"}, id="existing bucket"),
    pytest.param({"bucket": "my-bucket", "name": "two", "prefix": "site/"}, id="second installation"),
]


Right = tuple[str, str, str, str]
"""Effect, action, resource, condition."""


STACK_ID = "${AWS::StackId./2.-0}"
"""A part of the stack's id, which is another one each time when a stack is created."""

SCHEDULES = "arn:${AWS::Partition}:scheduler:${AWS::Region}:${AWS::AccountId}:schedule"


READS_LOG_AROUND: Right = ("Allow", "s3:GetObject", "${Bucket.Arn}/.releases/*", "")

CLEANERS_RIGHTS: set[Right] = {
    ("Allow", "logs:CreateLogStream", "${Log.Arn}", ""),
    ("Allow", "logs:PutLogEvents", "${Log.Arn}", ""),
    ("Allow", "s3:ListBucket", "${Bucket.Arn}", "StringLike s3:prefix assets/*, .releases/*"),
    ("Allow", "s3:GetObject", "${Bucket.Arn}/assets/*", ""),
    READS_LOG_AROUND,
    ("Allow", "s3:PutObject", "${Bucket.Arn}/assets/.releases/ledger*", ""),
    ("Allow", "s3:PutObject", "${Bucket.Arn}/assets/.releases/checkpoint.json.gz", ""),
    ("Allow", "s3:GetObjectTagging", "${Bucket.Arn}/assets/*", ""),
    ("Allow", "s3:PutObjectTagging", "${Bucket.Arn}/assets/*", ""),
    ("Allow", "s3:DeleteObject", "${Bucket.Arn}/assets/*", ""),
    ("Deny", "s3:DeleteObject", "${Bucket.Arn}/assets/.releases/ledger.json.gz", "Null s3:if-match true"),
    ("Deny", "s3:DeleteObject", "${Bucket.Arn}/assets/.releases/checkpoint.json.gz", "Null s3:if-match true"),
    ("Deny", "s3:DeleteObject", "${Bucket.Arn}/assets/.releases/pins/*", ""),
    ("Deny", "s3:PutObjectTagging", "${Bucket.Arn}/assets/.releases/*", ""),
    ("Allow", "scheduler:CreateSchedule", f"{SCHEDULES}/AssetCleaner-wake-ups-{STACK_ID}/*", ""),
    ("Allow", "iam:PassRole", "${WakeUpRole.Arn}", "StringEquals iam:PassedToService scheduler.amazonaws.com"),
    ("Allow", "sqs:SendMessage", "${FailedRuns.Arn}", ""),
    (
        "Allow",
        "events:PutEvents",
        "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/default",
        "StringEquals events:detail-type Clean Completed; StringEquals events:source asset-cleaner",
    ),
    ("Allow", "xray:PutTelemetryRecords", "*", ""),
    ("Allow", "xray:PutTraceSegments", "*", ""),
}


READS_LEDGER_AROUND: Right = ("Allow", "s3:GetObject", "${Bucket.Arn}/.releases/ledger.json.gz", "")

UPLOADERS_RIGHTS: set[Right] = {
    ("Allow", "s3:ListBucket", "${Bucket.Arn}", "StringLike s3:prefix assets/*, .releases/*"),
    ("Allow", "s3:GetObject", "${Bucket.Arn}/assets/*", ""),
    READS_LEDGER_AROUND,
    ("Allow", "s3:PutObject", "${Bucket.Arn}/assets/*", ""),
    ("Allow", "s3:AbortMultipartUpload", "${Bucket.Arn}/assets/*", ""),
    ("Allow", "s3:DeleteObject", "${Bucket.Arn}/assets/.releases/pending/*", ""),
    ("Allow", "s3:DeleteObject", "${Bucket.Arn}/assets/.releases/staged/*", ""),
    ("Deny", "s3:PutObject", "${Bucket.Arn}/assets/.releases/ledger*", ""),
    ("Deny", "s3:PutObject", "${Bucket.Arn}/assets/.releases/checkpoint.json.gz", ""),
}


def configured(folder: Path, **context: object) -> tuple[Site, ...]:
    """The sites as the function reads them from the file that the stack writes for some settings."""
    add_sites(folder, settings_from(context).sites)
    return sites_from({Variable.BUCKET: "${Bucket}"}, folder / SITES_FILE)


def name_of(logical_id: str) -> str:
    """A resource's name in the code: its logical id without the CDK's hash."""
    return re.sub(r"[0-9A-F]{8}\Z", "", logical_id)


def plain(value: Any) -> Any:  # noqa: ANN401, PLR0911 (any part of a template; one a form)
    """A part of a template, with its references and joins as text."""
    match value:
        case {"Ref": str(target)}:
            return f"${{{name_of(target)}}}"
        case {"Fn::GetAtt": [str(target), attribute]}:
            return f"${{{name_of(target)}.{attribute}}}"
        case {"Fn::Select": [int(index), {"Fn::Split": [str(separator), whole]}]}:
            return f"{plain(whole)[:-1]}.{separator}{index}}}"
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(plain(part) for part in parts)
        case dict():
            return {key: plain(inner) for key, inner in value.items()}
        case list():
            return [plain(inner) for inner in value]
    return value


def listed(value: Any) -> list[Any]:  # noqa: ANN401 (what IAM writes as one or as a list)
    """A value that IAM writes alone or in a list, always as a list."""
    return value if isinstance(value, list) else [value]


def whole(template: Template) -> dict[str, Any]:
    """The whole template, a new copy for each caller.

    The CDK's process hands over a hundred kilobytes each time, and would do so for hundreds of tests.
    """
    found: dict[str, Any] = json.loads(_text(template))
    return found


@cache
def _text(template: Template) -> str:
    return json.dumps(template.to_json())


def resources(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    """Name -> resource, of one type."""
    every = whole(template)["Resources"]
    assert len({name_of(logical_id) for logical_id in every}) == len(every), "two resources of one name"
    return {name_of(logical_id): plain(each) for logical_id, each in every.items() if each["Type"] == kind}


def properties(template: Template, kind: str, name: str) -> dict[str, Any]:
    """The properties of one resource."""
    found: dict[str, Any] = resources(template, kind)[name]["Properties"]
    return found


def statements(template: Template) -> list[dict[str, Any]]:
    """Every statement of every policy in the template: of roles, of trust, of queues and of buckets."""
    found: list[dict[str, Any]] = []

    def look(value: Any) -> None:  # noqa: ANN401 (any part of a template)
        if isinstance(value, dict):
            found.extend(listed(value["Statement"]) if "Statement" in value else [])
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            look(inner)

    look(plain(whole(template)["Resources"]))
    return found


def rights_of(template: Template, role: str) -> list[Right]:
    """All rights of a role, the denied ones too."""
    return [
        right
        for policy in resources(template, "AWS::IAM::Policy").values()
        if f"${{{role}}}" in policy["Properties"]["Roles"]
        for right in rights_in(policy)
    ]


def uploaders_rights(template: Template) -> list[Right]:
    """All rights of a build job with the stack's policy, the denied ones too."""
    return rights_in(resources(template, "AWS::IAM::ManagedPolicy")["UploaderPolicy"])


def rights_in(policy: dict[str, Any]) -> list[Right]:
    """All rights in a policy, the denied ones too."""
    return [
        (statement["Effect"], action, resource, condition_of(statement))
        for statement in listed(policy["Properties"]["PolicyDocument"]["Statement"])
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    ]


def at_the_root(rights: set[Right]) -> set[Right]:
    """The rights on ``assets/`` as those on a whole bucket: a listing needs no condition then."""
    return {
        (effect, action, resource.replace("/assets/", "/"), "" if "s3:prefix" in condition else condition)
        for effect, action, resource, condition in rights
    }


def may(rights: list[Right], action: str, resource: str) -> bool:
    """As IAM decides, conditions aside: a Deny wins, then an Allow, else no."""
    effects = {right[0] for right in rights if right[1] == action and fnmatchcase(resource, right[2])}
    return effects == {"Allow"}


def condition_of(statement: dict[str, Any]) -> str:
    """A statement's condition as one line; empty without one."""
    return "; ".join(
        f"{operator} {key} {', '.join(listed(value))}"
        for operator, wanted in sorted(statement.get("Condition", {}).items())
        for key, value in sorted(wanted.items())
    )


def deny_without_tls(action: str, *targets: str) -> dict[str, Any]:
    """The statement that refuses requests without TLS."""
    return {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": action,
        "Resource": targets[0] if len(targets) == 1 else list(targets),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
