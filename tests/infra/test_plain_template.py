"""The plain template: with its parameters filled in, it is the stack's own template for an existing bucket."""

from __future__ import annotations

import json
import re
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from unittest.mock import ANY

import pytest

from asset_cleaner_cdk.settings.values import LEDGER_FORMATS
from cleaner_lambda.sites import Site, sites_from
from infra.parameters import NOT_OFFERED, PARAMETERS, POLICY
from release_log.environment import Variable
from release_log.policy_settings import SETTINGS, Orphans, Policy
from tests.infra.template import name_of
from tests.infra.test_audit import NOT_LINTED
from tests.infra.test_variations import changes, parts
from tests.synthesis import start_cdk

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.conftest import Synthesise

LARGEST_BODY = 51_200
"""Bytes of a template that CloudFormation takes without a bucket to put it into:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""

GIVEN = {"CodeBucket": "my-code", "Bucket": "my-bucket", "AWS::StackName": "AssetCleaner"}


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    start_cdk()
    from infra.template import write  # noqa: PLC0415 (not before the CDK is started)

    out = tmp_path_factory.mktemp("out")
    return write(out, out / "asset-cleaner-1a2b.zip").read_text()


@pytest.fixture(scope="module")
def template(text: str) -> dict[str, Any]:
    return dict(json.loads(text))


def filled(part: Any, given: dict[str, str]) -> Any:  # noqa: ANN401 (any part of a template)
    """A part of a template with parameters' values in it, as CloudFormation puts them there."""
    fill = partial(filled, given=given)
    match part:
        case {"Ref": str(name)} if name in given:
            return given[name]
        case {"Fn::Select": [int(index), {"Fn::Split": [str(separator), whole]}]} if isinstance(fill(whole), str):
            return fill(whole).split(separator)[index]
        case {"Fn::Join": [str(separator), list(items)]}:
            done = fill(items)
            plain = all(isinstance(each, str) for each in done)
            return separator.join(done) if plain else {"Fn::Join": [separator, done]}
        case dict():
            return {key: fill(value) for key, value in part.items()}
        case list():
            return [fill(value) for value in part]
    return part


def in_order(part: Any) -> Any:  # noqa: ANN401 (any part of a template)
    """With the resources of each statement in alphabetical order: the CDK orders them before they are filled in."""
    if isinstance(part, dict):
        return {
            key: sorted(value) if key == "Resource" and isinstance(value, list) else in_order(value)
            for key, value in part.items()
        }
    return [in_order(each) for each in part] if isinstance(part, list) else part


def values(**given: str) -> dict[str, str]:
    """The parameters' values: those that are given, and the defaults."""
    return {each.name: str(each.default) for each in PARAMETERS if each.default is not None} | GIVEN | given


def test_filled_in_it_is_the_stacks_template_for_an_existing_bucket(
    template: dict[str, Any], synthesise: Synthesise
) -> None:
    """But for what it does not know before: the code's place, the stack's name, and who is told of alarms."""
    prefix = "web/"
    stacks = synthesise(bucket="my-bucket", prefix=prefix).to_json()
    (alarm,) = re.findall(r"^MissingAssets(Alarm\w+)\w{8}$", "\n".join(stacks["Resources"]), re.MULTILINE)
    # The ids of what belongs to a site are made from its prefix, if that is known.
    ids = {"AlarmSite8DAA45": alarm, "WriteOncee3b0c442": f"WriteOnce{sha256(prefix.encode()).hexdigest()[:8]}"}
    ours, theirs = (
        {name_of(name): in_order(part) for name, part in each.items()}
        for each in (parts(filled(template, values(Prefix=prefix)), ids), parts(stacks, {}))
    )
    rules = ["${MarkerRule.Arn}", "${DailyRule.Arn}"]
    assert changes("", theirs, ours) == {
        ".Cleaner.Properties.Code.S3Bucket": "my-code",
        ".Cleaner.Properties.Code.S3Key": "asset-cleaner-1a2b.zip",
        ".Cleaner.Properties.Environment.Variables.BUCKET": "my-bucket",
        ".Cleaner.Properties.Environment.Variables.SITES": ANY,
        ".CleanerRules.Properties.SourceArn": rules[0],
        ".CleanerRules2": ANY,
        ".UndeliveredPolicy.Properties.PolicyDocument.Statement.Rules.Condition.ArnLike.aws:SourceArn": rules,
        ".AlarmMail": ANY,
        ".BucketStatements.Description": ANY,
        ".BucketLifecycleRules.Description": ANY,
    }
    assert ours["CleanerRules2"]["Properties"]["SourceArn"] == rules[1]
    assert ours["AlarmMail"]["Condition"] == "HasAlarmEmail"


def test_the_function_reads_the_policy_of_the_parameters(template: dict[str, Any]) -> None:
    def read(given: dict[str, str]) -> tuple[Site, ...]:
        function = filled(template["Resources"]["Cleaner3EE0A27A"]["Properties"], given)
        return sites_from({Variable.SITES: function["Environment"]["Variables"]["SITES"]})

    assert read(values()) == (Site("my-bucket", "assets/", Policy()),), "the defaults are the stack's"
    other = {"VersionLimit": "0", "MaxDeleteFraction": "0.25", "Orphans": "report"}
    policy = Policy(version_limit=0, max_delete_fraction=0.25, orphans=Orphans.REPORT)
    assert read(values(**other)) == (Site("my-bucket", "assets/", policy),)


@pytest.mark.parametrize(("given", "written"), [({}, "1"), ({"LedgerFormat": "2"}, "2")])
def test_the_function_writes_the_format_of_the_parameter(
    template: dict[str, Any], given: dict[str, str], written: str
) -> None:
    function = filled(template["Resources"]["Cleaner3EE0A27A"]["Properties"], values(**given))
    assert function["Environment"]["Variables"][Variable.LEDGER_FORMAT] == written
    assert template["Parameters"]["LedgerFormat"]["AllowedValues"] == [str(each) for each in LEDGER_FORMATS]


def test_every_setting_of_the_policy_is_a_parameter_or_is_left_out_for_a_reason() -> None:
    assert {*POLICY, *NOT_OFFERED} == set(SETTINGS)


def test_it_needs_nothing_of_the_cdk_and_fits_into_a_request(text: str, template: dict[str, Any]) -> None:
    assert len(text.encode()) <= LARGEST_BODY
    assert list(template["Parameters"]) == [each.name for each in PARAMETERS]
    assert "Rules" not in template
    assert [word for word in ("cdk-hnb659fds", "/cdk-bootstrap/", "CDKMetadata") if word in text] == []
    named = [word for word in ("RoleName", "ManagedPolicyName") if f'"{word}"' in text]
    assert named == [], "CAPABILITY_IAM is enough for roles and policies without names of their own"


def test_cfn_lint_finds_nothing(text: str) -> None:
    from cfnlint.api import lint  # type: ignore[import-untyped]  # noqa: PLC0415 (a second, in every worker)

    assert [str(each) for each in lint(text, config={"regions": ["us-east-1"], "ignore_checks": NOT_LINTED})] == []


def test_the_same_source_writes_the_same_bytes(text: str, tmp_path: Path) -> None:
    from infra.template import write  # noqa: PLC0415 (the CDK has been started)

    assert write(tmp_path, tmp_path / "asset-cleaner-1a2b.zip").read_text() == text
