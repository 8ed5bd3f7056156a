"""The rights of each role, read from the template: the embedded AWS does not enforce most of them."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest

from tests.infra.template import (
    CLEANERS_RIGHTS,
    INSTALLATIONS,
    READS_LEDGER_AROUND,
    READS_LOG_AROUND,
    UPLOADERS_RIGHTS,
    at_the_root,
    listed,
    may,
    properties,
    resources,
    rights_of,
    statements,
    uploaders_rights,
)
from tests.paths import ROOT

if TYPE_CHECKING:
    from aws_cdk.assertions import Template

    from tests.infra.conftest import Synthesise


def _for_one_preview(stack: Template) -> dict[str, Any]:
    """The uploader's policy, for the bucket ``my-assets``; of a pattern's sites it allows the one in the role's tag."""
    policy = resources(stack, "AWS::IAM::ManagedPolicy")["UploaderPolicy"]["Properties"]["PolicyDocument"]
    shown: dict[str, Any] = json.loads(json.dumps(policy).replace("${Bucket.Arn}", "arn:aws:s3:::my-assets"))
    tagged = "previews/${aws:PrincipalTag/site}/"
    shown["Statement"] = [
        each if each["Effect"] == "Deny" else json.loads(json.dumps(each).replace("previews/*/", tagged))
        for each in shown["Statement"]
    ]
    return shown


class TestRights:
    """The rights of each role."""

    def test_the_cleaners_are_exactly_these(self, synthesise: Synthesise) -> None:
        """One right more or less is a decision, and needs a change of this table."""
        rights = rights_of(synthesise(), "CleanerRole")
        assert set(rights) == CLEANERS_RIGHTS
        assert len(rights) == len(CLEANERS_RIGHTS)

    def test_the_cleaner_of_a_whole_bucket_has_them_at_its_root(self, synthesise: Synthesise) -> None:
        """An empty prefix widens the site, but neither the actions nor the limits on the release log."""
        rights = set(rights_of(synthesise(prefix=""), "CleanerRole"))
        assert rights == at_the_root(CLEANERS_RIGHTS - {READS_LOG_AROUND})

    @pytest.mark.parametrize("prefix", ["assets/", ""])
    @pytest.mark.parametrize(
        ("action", "key"),
        [
            ("s3:DeleteObject", "app-1a2b3c4d.js"),
            ("s3:PutObjectTagging", "app-1a2b3c4d.js"),
            ("s3:GetObjectTagging", "app-1a2b3c4d.js"),
            ("s3:GetObject", "app-1a2b3c4d.js"),
            ("s3:GetObject", ".releases/markers/20260101T000000Z-r1.json"),
            ("s3:GetObject", ".releases/pending/20260101T000000Z-r1.json"),
            ("s3:GetObject", ".releases/staged/20260101T000000Z-r1.json"),
            ("s3:GetObject", ".releases/pins/20260101T000000Z-r1.json"),
            ("s3:GetObject", ".releases/ledger.json.gz"),
            ("s3:PutObject", ".releases/ledger.json.gz"),
            ("s3:PutObject", ".releases/checkpoint.json.gz"),
            ("s3:PutObject", ".releases/ledger/delta-20260101T000000Z-0123456789abcdef.json.gz"),
            ("s3:DeleteObject", ".releases/ledger/delta-20260101T000000Z-0123456789abcdef.json.gz"),
            ("s3:DeleteObject", ".releases/markers/20260101T000000Z-r1.json"),
            ("s3:DeleteObject", ".releases/pending/20260101T000000Z-r1.json"),
            ("s3:DeleteObject", ".releases/staged/20260101T000000Z-r1.json"),
        ],
    )
    def test_the_cleaner_may_ask_tag_and_delete_assets_read_and_prune_the_log_and_write_its_ledger(
        self, action: str, key: str, prefix: str, synthesise: Synthesise
    ) -> None:
        """The actions of a run."""
        assert may(rights_of(synthesise(prefix=prefix), "CleanerRole"), action, f"${{Bucket.Arn}}/{prefix}{key}")

    @pytest.mark.parametrize("prefix", ["assets/", ""])
    @pytest.mark.parametrize(
        ("action", "key"),
        [
            ("s3:PutObject", "app-1a2b3c4d.js"),
            ("s3:DeleteObjectVersion", "app-1a2b3c4d.js"),
            ("s3:PutObject", ".releases/markers/20260101T000000Z-r1.json"),
            ("s3:PutObject", ".releases/pending/20260101T000000Z-r1.json"),
            ("s3:PutObject", ".releases/staged/20260101T000000Z-r1.json"),
            ("s3:PutObject", ".releases/pins/20260101T000000Z-r1.json"),
            ("s3:DeleteObject", ".releases/pins/20260101T000000Z-r1.json"),
            ("s3:DeleteObject", ".releases/ledger.json.gz"),
            ("s3:DeleteObject", ".releases/checkpoint.json.gz"),
            ("s3:PutObjectTagging", ".releases/markers/20260101T000000Z-r1.json"),
            ("s3:PutObjectTagging", ".releases/pending/20260101T000000Z-r1.json"),
            ("s3:PutObjectTagging", ".releases/ledger.json.gz"),
        ],
    )
    def test_the_cleaner_may_not_lose_its_ledger_or_a_pin_tag_the_log_or_write_anything_else(
        self, action: str, key: str, prefix: str, synthesise: Synthesise
    ) -> None:
        """Whatever a defect of the cleaner tries, S3 refuses it."""
        assert not may(rights_of(synthesise(prefix=prefix), "CleanerRole"), action, f"${{Bucket.Arn}}/{prefix}{key}")

    @pytest.mark.parametrize(
        ("key", "actions"),
        [
            ("assets-2/app.js", []),
            ("index.html", []),
            (".releases/markers/20260101T000000Z-r1.json", ["s3:GetObject"]),
            ("assets-2/.releases/ledger.json.gz", []),
        ],
    )
    def test_the_cleaner_has_no_rights_outside_its_prefix_but_to_read_the_release_logs_around(
        self, key: str, actions: list[str], synthesise: Synthesise
    ) -> None:
        """Not even on a neighbour with the same beginning of its name."""
        rights = rights_of(synthesise(), "CleanerRole")
        found = [each for each in rights if each[2] != "*" and fnmatchcase(f"${{Bucket.Arn}}/{key}", each[2])]
        assert [right[:2] for right in found] == [("Allow", action) for action in actions]

    def test_the_cleaner_of_a_deep_prefix_reads_the_release_log_of_each_prefix_around(
        self, synthesise: Synthesise
    ) -> None:
        """And lists no more than these logs and its own site."""
        rights = rights_of(synthesise(prefix="web/shop/assets/"), "CleanerRole")
        logs = ("web/shop/", "web/", "")
        read = {right[2] for right in rights if right[1] == "s3:GetObject"}
        assert read == {"${Bucket.Arn}/web/shop/assets/*", *(f"${{Bucket.Arn}}/{each}.releases/*" for each in logs)}
        (condition,) = {right[3] for right in rights if right[1] == "s3:ListBucket"}
        around = ", ".join(f"{each}.releases/*" for each in logs)
        assert condition == f"StringLike s3:prefix web/shop/assets/*, {around}"

    def test_the_uploaders_are_exactly_these(self, synthesise: Synthesise) -> None:
        """As the cleaner's."""
        rights = uploaders_rights(synthesise())
        assert set(rights) == UPLOADERS_RIGHTS
        assert len(rights) == len(UPLOADERS_RIGHTS)
        at_the_root_of_the_bucket = at_the_root(UPLOADERS_RIGHTS - {READS_LEDGER_AROUND})
        assert set(uploaders_rights(synthesise(prefix=""))) == at_the_root_of_the_bucket
        bucket = "arn:${AWS::Partition}:s3:::my-bucket"
        assert set(uploaders_rights(synthesise(bucket="my-bucket"))) == {
            (effect, action, resource.replace("${Bucket.Arn}", bucket), condition)
            for effect, action, resource, condition in UPLOADERS_RIGHTS
        }

    @pytest.mark.parametrize("prefix", ["assets/", ""])
    @pytest.mark.parametrize(
        ("action", "key"),
        [
            ("s3:PutObject", "app-1a2b3c4d.js"),
            ("s3:GetObject", "app-1a2b3c4d.js"),
            ("s3:AbortMultipartUpload", "app-1a2b3c4d.js"),
            ("s3:PutObject", ".releases/pending/20260101T000000Z-r1.json"),
            ("s3:DeleteObject", ".releases/pending/20260101T000000Z-r1.json"),
            ("s3:PutObject", ".releases/staged/20260101T000000Z-r1.json"),
            ("s3:DeleteObject", ".releases/staged/20260101T000000Z-r1.json"),
            ("s3:PutObject", ".releases/markers/20260101T000000Z-r1.json"),
            ("s3:PutObject", ".releases/pins/20260101T000000Z-r1.json"),
            ("s3:GetObject", ".releases/ledger.json.gz"),
        ],
    )
    def test_the_uploader_may_publish_and_take_back_what_is_not_published(
        self, action: str, key: str, prefix: str, synthesise: Synthesise
    ) -> None:
        """The actions of an upload."""
        assert may(uploaders_rights(synthesise(prefix=prefix)), action, f"${{Bucket.Arn}}/{prefix}{key}")

    @pytest.mark.parametrize("prefix", ["assets/", ""])
    @pytest.mark.parametrize(
        ("action", "key"),
        [
            ("s3:DeleteObject", "app-1a2b3c4d.js"),
            ("s3:DeleteObjectVersion", "app-1a2b3c4d.js"),
            ("s3:PutObjectTagging", "app-1a2b3c4d.js"),
            ("s3:DeleteObject", ".releases/markers/20260101T000000Z-r1.json"),
            ("s3:DeleteObject", ".releases/pins/20260101T000000Z-r1.json"),
            ("s3:PutObject", ".releases/ledger.json.gz"),
            ("s3:DeleteObject", ".releases/ledger.json.gz"),
            ("s3:PutObject", ".releases/ledger/segment-20260101T000000Z-0123456789abcdef.json.gz"),
            ("s3:DeleteObject", ".releases/ledger/segment-20260101T000000Z-0123456789abcdef.json.gz"),
            ("s3:PutObject", ".releases/checkpoint.json.gz"),
            ("s3:DeleteObject", ".releases/checkpoint.json.gz"),
        ],
    )
    def test_the_uploader_may_not_delete_or_tag_what_is_published_nor_touch_the_ledger(
        self, action: str, key: str, prefix: str, synthesise: Synthesise
    ) -> None:
        """Whatever runs in the build job, S3 refuses it."""
        assert not may(uploaders_rights(synthesise(prefix=prefix)), action, f"${{Bucket.Arn}}/{prefix}{key}")

    def test_the_uploader_of_a_deep_prefix_reads_the_ledger_of_each_prefix_around(self, synthesise: Synthesise) -> None:
        """Those logs may be listed: else S3 would answer 403 for each ledger that does not exist."""
        rights = uploaders_rights(synthesise(prefix="web/shop/assets/"))
        logs = [f"{each}.releases/" for each in ("web/shop/", "web/", "")]
        read = {right[2] for right in rights if right[1] == "s3:GetObject"}
        assert read == {"${Bucket.Arn}/web/shop/assets/*", *(f"${{Bucket.Arn}}/{log}ledger.json.gz" for log in logs)}
        (condition,) = {right[3] for right in rights if right[1] == "s3:ListBucket"}
        assert condition == f"StringLike s3:prefix web/shop/assets/*, {', '.join(f'{log}*' for log in logs)}"

    @pytest.mark.parametrize("key", ["assets-2/app.js", "index.html", ".releases/markers/20260101T000000Z-r1.json"])
    def test_the_uploader_has_no_rights_outside_its_prefix(self, key: str, synthesise: Synthesise) -> None:
        """As the cleaner."""
        rights = uploaders_rights(synthesise())
        assert [right for right in rights if right[2] != "*" and fnmatchcase(f"${{Bucket.Arn}}/{key}", right[2])] == []

    def test_the_page_shows_the_uploaders_policy(self, synthesise: Synthesise) -> None:
        """Of a site, and of a pattern, where the tag of one preview's role narrows what is allowed."""
        page = (ROOT / "docs" / "security.md").read_text()
        shown = [json.loads(each) for each in re.findall(r"```json\n(.*?)```", page, re.DOTALL) if "Statement" in each]
        assert shown == [_for_one_preview(synthesise(prefix=each)) for each in ("assets/", "previews/*/")]

    @pytest.mark.parametrize("context", INSTALLATIONS)
    def test_nobody_may_delete_versions(self, context: dict[str, object], synthesise: Synthesise) -> None:
        """A deleted asset can be restored while its noncurrent version exists."""
        allowed = [each for each in statements(synthesise(**context)) if each["Effect"] != "Deny"]
        assert not {action for each in allowed for action in listed(each["Action"]) if "Version" in action}

    def test_the_cleaner_may_pass_only_the_wake_up_role_and_only_to_scheduler(self, synthesise: Synthesise) -> None:
        """And nobody else may pass any role."""
        passing = [
            (role, right)
            for role in resources(synthesise(), "AWS::IAM::Role")
            for right in rights_of(synthesise(), role)
            if right[1].startswith("iam:")
        ]
        condition = "StringEquals iam:PassedToService scheduler.amazonaws.com"
        assert passing == [("CleanerRole", ("Allow", "iam:PassRole", "${WakeUpRole.Arn}", condition))]

    def test_the_wake_up_role_is_schedulers_alone_and_for_this_installations_group(
        self, synthesise: Synthesise
    ) -> None:
        """``SourceAccount`` and ``SourceArn`` keep other accounts and groups from borrowing it."""
        role = properties(synthesise(), "AWS::IAM::Role", "WakeUpRole")
        assert role["AssumeRolePolicyDocument"]["Statement"] == [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "scheduler.amazonaws.com"},
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": "${AWS::AccountId}", "aws:SourceArn": "${WakeUps.Arn}"}
                },
            }
        ]

    def test_the_wake_up_role_may_invoke_the_cleaner_and_park_what_it_cannot_deliver(
        self, synthesise: Synthesise
    ) -> None:
        """No other function, no other queue."""
        assert sorted(rights_of(synthesise(), "WakeUpRole")) == [
            ("Allow", "lambda:InvokeFunction", "${Cleaner.Arn}", ""),
            ("Allow", "sqs:SendMessage", "${Undelivered.Arn}", ""),
        ]

    def test_the_cleaners_role_is_lambdas_alone(self, synthesise: Synthesise) -> None:
        """Nobody else may act as the cleaner."""
        role = properties(synthesise(), "AWS::IAM::Role", "CleanerRole")
        assert role["AssumeRolePolicyDocument"]["Statement"] == [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
        ]

    @pytest.mark.parametrize("context", INSTALLATIONS)
    def test_nothing_is_allowed_everywhere_or_to_everybody_or_by_wildcard(
        self, context: dict[str, object], synthesise: Synthesise
    ) -> None:
        """In every policy of the template, of any resource."""
        allowed = [each for each in statements(synthesise(**context)) if each["Effect"] != "Deny"]
        assert allowed
        for statement in allowed:
            assert not {"NotAction", "NotResource", "NotPrincipal"} & statement.keys()
            assert [action for action in listed(statement["Action"]) if "*" in action] == []
            # X-Ray has no resources to name.
            named = set(listed(statement["Action"])) <= {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
            targets = listed(statement.get("Resource", []))
            assert named or [target for target in targets if not target.strip("*:/")] == []
            assert "*" not in json.dumps(statement.get("Principal", ""))

    @pytest.mark.parametrize("context", INSTALLATIONS)
    def test_roles_have_no_rights_but_those_of_the_policies_above(
        self, context: dict[str, object], synthesise: Synthesise
    ) -> None:
        """Neither managed nor inline policies, which the tables would not show; neither users nor groups.

        The uploader's policy is nobody's yet: the owner of the build job gives it to its role.
        """
        template = synthesise(**context)
        for role in resources(template, "AWS::IAM::Role").values():
            assert not {"ManagedPolicyArns", "Policies"} & role["Properties"].keys()
        for policy in resources(template, "AWS::IAM::Policy").values():
            assert policy["Properties"].keys() == {"PolicyDocument", "PolicyName", "Roles"}
        (uploaders,) = resources(template, "AWS::IAM::ManagedPolicy").values()
        assert uploaders["Properties"].keys() == {"Description", "Path", "PolicyDocument"}
        kinds = {each["Type"] for each in template.to_json()["Resources"].values()}
        assert {kind for kind in kinds if kind.startswith("AWS::IAM::")} == {
            "AWS::IAM::Role",
            "AWS::IAM::Policy",
            "AWS::IAM::ManagedPolicy",
        }


def test_the_uploaders_policy_keeps_its_arn_whatever_the_settings(synthesise: Synthesise) -> None:
    """A role would lose the policy: CloudFormation replaces a policy whose description or path changes."""
    seen = set()
    for context in ({}, {"prefix": "site/"}, {"bucket": "my-bucket"}, {"noncurrent_days": 30}):
        policy = resources(synthesise(**context), "AWS::IAM::ManagedPolicy")["UploaderPolicy"]["Properties"]
        seen.add((policy["Description"], policy["Path"]))
    assert seen == {("Lets a build job publish releases of one site, and delete no asset", "/")}


@pytest.mark.parametrize("context", [{"prefix": "a" * 511 + "/", "bucket": "b" * 63}, {"prefix": "é" * 255 + "/"}])
def test_the_uploaders_policy_fits_the_longest_names(context: dict[str, object], synthesise: Synthesise) -> None:
    """IAM accepts 6,144 characters: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
    policy = resources(synthesise(**context), "AWS::IAM::ManagedPolicy")["UploaderPolicy"]["Properties"]
    assert len(json.dumps(policy["PolicyDocument"], ensure_ascii=False, separators=(",", ":"))) < 6_144
