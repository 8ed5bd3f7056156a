"""The stack's resources, read from its template: the embedded AWS drops or does not enforce most of this.

In the expected values ``${Bucket}`` is a ``Ref`` and ``${Bucket.Arn}`` a ``Fn::GetAtt`` to the resource of that name,
without the hash that the CDK appends.
"""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest

from cleaner_lambda.request import Request, parse
from cleaner_lambda.sites import Site, sites_from
from release_log.policy_settings import Orphans, Policy, policy_from
from tests.paths import ROOT

if TYPE_CHECKING:
    from aws_cdk.assertions import Template

    from tests.infra.conftest import Synthesise

INSTALLATIONS = [
    pytest.param({}, id="new bucket"),
    pytest.param({"prefix": ""}, id="whole bucket"),
    pytest.param({"bucket": "my-bucket"}, id="existing bucket"),
    pytest.param({"bucket": "my-bucket", "name": "two", "prefix": "site/"}, id="second installation"),
]

Right = tuple[str, str, str, str]
"""Effect, action, resource, condition."""

_SCHEDULES = "arn:${AWS::Partition}:scheduler:${AWS::Region}:${AWS::AccountId}:schedule"

CLEANERS_RIGHTS: set[Right] = {
    ("Allow", "logs:CreateLogStream", "${Log.Arn}", ""),
    ("Allow", "logs:PutLogEvents", "${Log.Arn}", ""),
    ("Allow", "s3:ListBucket", "${Bucket.Arn}", "StringLike s3:prefix assets/*"),
    ("Allow", "s3:GetObject", "${Bucket.Arn}/assets/.releases/*", ""),
    ("Allow", "s3:PutObject", "${Bucket.Arn}/assets/.releases/ledger.json.gz", ""),
    ("Allow", "s3:GetObjectTagging", "${Bucket.Arn}/assets/*", ""),
    ("Allow", "s3:PutObjectTagging", "${Bucket.Arn}/assets/*", ""),
    ("Allow", "s3:DeleteObject", "${Bucket.Arn}/assets/*", ""),
    ("Deny", "s3:DeleteObject", "${Bucket.Arn}/assets/.releases/ledger.json.gz", ""),
    ("Deny", "s3:DeleteObject", "${Bucket.Arn}/assets/.releases/pins/*", ""),
    ("Deny", "s3:PutObjectTagging", "${Bucket.Arn}/assets/.releases/*", ""),
    ("Allow", "scheduler:CreateSchedule", f"{_SCHEDULES}/AssetCleaner-wake-ups/*", ""),
    ("Allow", "scheduler:UpdateSchedule", f"{_SCHEDULES}/AssetCleaner-wake-ups/*", ""),
    ("Allow", "scheduler:DeleteSchedule", f"{_SCHEDULES}/AssetCleaner-wake-ups/*", ""),
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

UPLOADERS_RIGHTS: set[Right] = {
    ("Allow", "s3:ListBucket", "${Bucket.Arn}", "StringLike s3:prefix assets/*"),
    ("Allow", "s3:GetObject", "${Bucket.Arn}/assets/*", ""),
    ("Allow", "s3:PutObject", "${Bucket.Arn}/assets/*", ""),
    ("Allow", "s3:AbortMultipartUpload", "${Bucket.Arn}/assets/*", ""),
    ("Allow", "s3:DeleteObject", "${Bucket.Arn}/assets/.releases/pending/*", ""),
    ("Allow", "s3:DeleteObject", "${Bucket.Arn}/assets/.releases/staged/*", ""),
    ("Deny", "s3:PutObject", "${Bucket.Arn}/assets/.releases/ledger.json.gz", ""),
}


def name_of(logical_id: str) -> str:
    """A resource's name in the code: its logical id without the CDK's hash."""
    return re.sub(r"[0-9A-F]{8}\Z", "", logical_id)


def plain(value: Any) -> Any:  # noqa: ANN401 (any part of a template)
    """A part of a template, with its references and joins as text."""
    match value:
        case {"Ref": str(target)}:
            return f"${{{name_of(target)}}}"
        case {"Fn::GetAtt": [str(target), attribute]}:
            return f"${{{name_of(target)}.{attribute}}}"
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


def resources(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    """Name -> resource, of one type."""
    every = template.to_json()["Resources"]
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

    look(plain(template.to_json()["Resources"]))
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
        f"{operator} {key} {value}"
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


class TestNewBucket:
    """Without ``bucket=`` the stack creates one."""

    @pytest.mark.scenario("L27")
    def test_it_tells_eventbridge_and_is_private_encrypted_versioned_and_tidy(self, synthesise: Synthesise) -> None:
        """All four public access blocks; parts of broken uploads go after a day; ACLs are off.

        Deleted and replaced versions go after a week, and then the delete markers. No rule touches a current version.
        """
        assert properties(synthesise(), "AWS::S3::Bucket", "Bucket") == {
            "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
            "LifecycleConfiguration": {
                "Rules": [
                    {
                        "Id": "AbortIncompleteUploads",
                        "Status": "Enabled",
                        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                    },
                    {
                        "Id": "ExpireNoncurrentVersions",
                        "Status": "Enabled",
                        "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
                        "ExpiredObjectDeleteMarker": True,
                    },
                ]
            },
            "VersioningConfiguration": {"Status": "Enabled"},
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        }

    @pytest.mark.parametrize("days", ["1", 30, "3650"])
    def test_the_setting_says_how_long_noncurrent_versions_stay(self, days: object, synthesise: Synthesise) -> None:
        """From the command line or from ``cdk.json``."""
        lifecycle = properties(synthesise(noncurrent_days=days), "AWS::S3::Bucket", "Bucket")["LifecycleConfiguration"]
        found = [rule["NoncurrentVersionExpiration"] for rule in lifecycle["Rules"] if "NoncurrentVersion" in str(rule)]
        assert found == [{"NoncurrentDays": int(str(days))}]

    def test_it_outlives_the_stack(self, synthesise: Synthesise) -> None:
        """Neither ``cdk destroy`` nor a replacement deletes anybody's assets."""
        bucket = resources(synthesise(), "AWS::S3::Bucket")["Bucket"]
        assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")

    def test_it_refuses_whoever_comes_without_tls(self, synthesise: Synthesise) -> None:
        """For the bucket and all its objects; the policy's only other statement keeps the release log write-once."""
        policy = properties(synthesise(), "AWS::S3::BucketPolicy", "BucketPolicy")
        assert policy["Bucket"] == "${Bucket}"
        tls, *others = policy["PolicyDocument"]["Statement"]
        assert tls == deny_without_tls("s3:*", "${Bucket.Arn}", "${Bucket.Arn}/*")
        assert [(each["Effect"], each["Action"], each["Condition"]["Null"]) for each in others] == [
            ("Deny", "s3:PutObject", {"s3:if-none-match": "true"})
        ]

    def test_no_custom_resource_is_needed_for_it(self, synthesise: Synthesise) -> None:
        """The cleaner is the only function; nothing runs at deploy."""
        template = synthesise()
        assert list(resources(template, "AWS::Lambda::Function")) == ["Cleaner"]
        assert resources(template, "Custom::S3BucketNotifications") == {}


class TestExistingBucket:
    """With ``bucket=`` the stack adopts one."""

    def test_the_bucket_itself_is_not_the_stacks(self, synthesise: Synthesise) -> None:
        """The stack neither creates the bucket, nor changes it by CloudFormation, nor sets its policy."""
        template = synthesise(bucket="my-bucket")
        assert resources(template, "AWS::S3::Bucket") == {}
        assert resources(template, "AWS::S3::BucketPolicy") == {}

    def test_eventbridge_is_turned_on_and_its_other_notifications_stay(self, synthesise: Synthesise) -> None:
        """With ``Managed: false``, the CDK's custom resource keeps the configuration of others."""
        (notifications,) = resources(synthesise(bucket="my-bucket"), "Custom::S3BucketNotifications").values()
        assert notifications["Properties"] == {
            "ServiceToken": "${BucketNotificationsHandler050a0587b7544547bf325f094a3db834.Arn}",
            "BucketName": "my-bucket",
            "NotificationConfiguration": {"EventBridgeConfiguration": {}},
            "Managed": False,
            "SkipDestinationValidation": False,
        }

    def test_what_turns_it_on_may_touch_only_that_buckets_notifications_and_its_own_logs(
        self, synthesise: Synthesise
    ) -> None:
        """By itself the CDK would give it rights on every bucket."""
        template = synthesise(bucket="my-bucket")
        handler = properties(
            template, "AWS::Lambda::Function", "BucketNotificationsHandler050a0587b7544547bf325f094a3db834"
        )
        assert handler["Role"] == "${AdoptionRole.Arn}"
        bucket = "arn:${AWS::Partition}:s3:::my-bucket"
        logs = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/lambda/AssetCleaner-*"
        assert sorted(rights_of(template, "AdoptionRole")) == [
            ("Allow", "logs:CreateLogGroup", logs, ""),
            ("Allow", "logs:CreateLogStream", logs, ""),
            ("Allow", "logs:PutLogEvents", logs, ""),
            ("Allow", "s3:GetBucketNotification", bucket, ""),
            ("Allow", "s3:PutBucketNotification", bucket, ""),
        ]

    def test_the_cleaner_may_do_there_what_it_may_do_in_a_new_one(self, synthesise: Synthesise) -> None:
        """The same table with another bucket."""
        bucket = "arn:${AWS::Partition}:s3:::my-bucket"
        assert set(rights_of(synthesise(bucket="my-bucket"), "CleanerRole")) == {
            (effect, action, resource.replace("${Bucket.Arn}", bucket), condition)
            for effect, action, resource, condition in CLEANERS_RIGHTS
        }


class TestFunction:
    """The cleaner."""

    def test_its_runtime_limits_and_role(self, synthesise: Synthesise) -> None:
        """One run at a time, fifteen minutes, on the Python that the bundle is made for."""
        function = properties(synthesise(), "AWS::Lambda::Function", "Cleaner")
        kept = {key: value for key, value in function.items() if key not in {"Code", "Environment", "LoggingConfig"}}
        assert kept == {
            "Description": "Cleans assets/",
            "Handler": "cleaner_lambda.handler.lambda_handler",
            "Runtime": "python3.13",
            "Architectures": ["arm64"],
            "MemorySize": 2048,
            "Timeout": 900,
            "ReservedConcurrentExecutions": 1,
            "Role": "${CleanerRole.Arn}",
            "TracingConfig": {"Mode": "Active"},
        }

    def test_its_log_group_is_its_own_and_keeps_90_days(self, synthesise: Synthesise) -> None:
        """Without one, Lambda would create a group that keeps all messages for ever."""
        template = synthesise()
        function = properties(template, "AWS::Lambda::Function", "Cleaner")
        assert function["LoggingConfig"] == {"LogGroup": "${Log}"}
        assert properties(template, "AWS::Logs::LogGroup", "Log") == {"RetentionInDays": 90}

    def test_its_environment_names_the_site_the_policy_and_where_wake_ups_go(self, synthesise: Synthesise) -> None:
        """``SITES`` has the policy's own types; undeliverable wake-ups go to the dead-letter queue."""
        template = synthesise(version_limit="1", orphans="all", max_delete_fraction="0.25")
        assert properties(template, "AWS::Lambda::Function", "Cleaner")["Environment"] == {
            "Variables": {
                "SITES": (
                    '[{"bucket":"${Bucket}","prefix":"assets/",'
                    '"policy":{"version_limit":1,"orphans":"all","max_delete_fraction":0.25}}]'
                ),
                "WAKE_UP_GROUP": "AssetCleaner-wake-ups",
                "WAKE_UP_ROLE_ARN": "${WakeUpRole.Arn}",
                "WAKE_UP_DEAD_LETTER_ARN": "${Undelivered.Arn}",
                "EVENT_BUS": "default",
            }
        }

    @pytest.mark.parametrize("prefix", ["", "assets/", 'a"b\\c {é}/'])
    def test_it_can_read_its_environment_and_the_daily_payload(self, prefix: str, synthesise: Synthesise) -> None:
        """The cleaner can read the stack's value, whatever characters a prefix has."""
        template = synthesise(bucket="my-bucket", prefix=prefix, grace="60", orphans="report")
        environment = properties(template, "AWS::Lambda::Function", "Cleaner")["Environment"]["Variables"]
        assert sites_from(environment) == (
            Site("my-bucket", prefix, policy_from({"grace": 60, "orphans": "report"}, Policy())),
        )
        assert sites_from(environment)[0].policy.orphans is Orphans.REPORT
        (target,) = properties(template, "AWS::Events::Rule", "DailyRule")["Targets"]
        assert parse(json.loads(target["Input"])) == Request(site=prefix, bucket="my-bucket", full=True)

    def test_without_settings_the_policy_is_left_to_the_cleaners_defaults(self, synthesise: Synthesise) -> None:
        """Defaults are in one place."""
        environment = properties(synthesise(), "AWS::Lambda::Function", "Cleaner")["Environment"]["Variables"]
        assert environment["SITES"] == '[{"bucket":"${Bucket}","prefix":"assets/","policy":{}}]'

    def test_its_description_fits_the_longest_prefix(self, synthesise: Synthesise) -> None:
        """Lambda accepts 256 characters."""
        template = synthesise(prefix="a" * 511 + "/")
        description = properties(template, "AWS::Lambda::Function", "Cleaner")["Description"]
        assert description == "Cleans " + "a" * 249

    @pytest.mark.scenario("L26")
    def test_a_failed_run_is_repeated_twice_and_then_kept(self, synthesise: Synthesise) -> None:
        """Its event goes to the queue of failed runs, and is not lost."""
        (config,) = resources(synthesise(), "AWS::Lambda::EventInvokeConfig").values()
        assert config["Properties"] == {
            "FunctionName": "${Cleaner}",
            "Qualifier": "$LATEST",
            "MaximumRetryAttempts": 2,
            "DestinationConfig": {"OnFailure": {"Destination": "${FailedRuns.Arn}"}},
        }

    def test_only_the_two_rules_may_invoke_it_by_its_own_policy(self, synthesise: Synthesise) -> None:
        """Each by its ARN; Scheduler comes by its role."""
        template = synthesise()
        permissions = [each["Properties"] for each in resources(template, "AWS::Lambda::Permission").values()]
        assert sorted(permissions, key=lambda each: str(each["SourceArn"])) == [
            {
                "Action": "lambda:InvokeFunction",
                "FunctionName": "${Cleaner.Arn}",
                "Principal": "events.amazonaws.com",
                "SourceArn": f"${{{rule}.Arn}}",
            }
            for rule in ("DailyRule", "MarkerRule")
        ]


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
        assert rights == at_the_root(CLEANERS_RIGHTS)

    @pytest.mark.parametrize("prefix", ["assets/", ""])
    @pytest.mark.parametrize(
        ("action", "key"),
        [
            ("s3:DeleteObject", "app-1a2b3c4d.js"),
            ("s3:PutObjectTagging", "app-1a2b3c4d.js"),
            ("s3:GetObjectTagging", "app-1a2b3c4d.js"),
            ("s3:GetObject", ".releases/markers/20260101T000000Z-r1.json"),
            ("s3:GetObject", ".releases/pending/20260101T000000Z-r1.json"),
            ("s3:GetObject", ".releases/staged/20260101T000000Z-r1.json"),
            ("s3:GetObject", ".releases/pins/20260101T000000Z-r1.json"),
            ("s3:GetObject", ".releases/ledger.json.gz"),
            ("s3:PutObject", ".releases/ledger.json.gz"),
            ("s3:DeleteObject", ".releases/markers/20260101T000000Z-r1.json"),
            ("s3:DeleteObject", ".releases/pending/20260101T000000Z-r1.json"),
            ("s3:DeleteObject", ".releases/staged/20260101T000000Z-r1.json"),
        ],
    )
    def test_the_cleaner_may_tag_and_delete_assets_read_and_prune_the_log_and_write_its_ledger(
        self, action: str, key: str, prefix: str, synthesise: Synthesise
    ) -> None:
        """The actions of a run."""
        assert may(rights_of(synthesise(prefix=prefix), "CleanerRole"), action, f"${{Bucket.Arn}}/{prefix}{key}")

    @pytest.mark.parametrize("prefix", ["assets/", ""])
    @pytest.mark.parametrize(
        ("action", "key"),
        [
            ("s3:GetObject", "app-1a2b3c4d.js"),
            ("s3:PutObject", "app-1a2b3c4d.js"),
            ("s3:DeleteObjectVersion", "app-1a2b3c4d.js"),
            ("s3:PutObject", ".releases/markers/20260101T000000Z-r1.json"),
            ("s3:PutObject", ".releases/pending/20260101T000000Z-r1.json"),
            ("s3:PutObject", ".releases/staged/20260101T000000Z-r1.json"),
            ("s3:PutObject", ".releases/pins/20260101T000000Z-r1.json"),
            ("s3:DeleteObject", ".releases/pins/20260101T000000Z-r1.json"),
            ("s3:DeleteObject", ".releases/ledger.json.gz"),
            ("s3:PutObjectTagging", ".releases/markers/20260101T000000Z-r1.json"),
            ("s3:PutObjectTagging", ".releases/pending/20260101T000000Z-r1.json"),
            ("s3:PutObjectTagging", ".releases/ledger.json.gz"),
        ],
    )
    def test_the_cleaner_may_not_lose_its_ledger_or_a_pin_tag_the_log_read_assets_or_write_anything_else(
        self, action: str, key: str, prefix: str, synthesise: Synthesise
    ) -> None:
        """Whatever a defect of the cleaner tries, S3 refuses it."""
        assert not may(rights_of(synthesise(prefix=prefix), "CleanerRole"), action, f"${{Bucket.Arn}}/{prefix}{key}")

    @pytest.mark.parametrize("key", ["assets-2/app.js", "index.html", ".releases/markers/20260101T000000Z-r1.json"])
    def test_the_cleaner_has_no_rights_outside_its_prefix(self, key: str, synthesise: Synthesise) -> None:
        """Not even on a neighbour with the same beginning of its name."""
        rights = rights_of(synthesise(), "CleanerRole")
        assert [right for right in rights if right[2] != "*" and fnmatchcase(f"${{Bucket.Arn}}/{key}", right[2])] == []

    def test_the_uploaders_are_exactly_these(self, synthesise: Synthesise) -> None:
        """As the cleaner's."""
        rights = uploaders_rights(synthesise())
        assert set(rights) == UPLOADERS_RIGHTS
        assert len(rights) == len(UPLOADERS_RIGHTS)
        assert set(uploaders_rights(synthesise(prefix=""))) == at_the_root(UPLOADERS_RIGHTS)
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
        ],
    )
    def test_the_uploader_may_not_delete_or_tag_what_is_published_nor_touch_the_ledger(
        self, action: str, key: str, prefix: str, synthesise: Synthesise
    ) -> None:
        """Whatever runs in the build job, S3 refuses it."""
        assert not may(uploaders_rights(synthesise(prefix=prefix)), action, f"${{Bucket.Arn}}/{prefix}{key}")

    @pytest.mark.parametrize("key", ["assets-2/app.js", "index.html", ".releases/markers/20260101T000000Z-r1.json"])
    def test_the_uploader_has_no_rights_outside_its_prefix(self, key: str, synthesise: Synthesise) -> None:
        """As the cleaner."""
        rights = uploaders_rights(synthesise())
        assert [right for right in rights if right[2] != "*" and fnmatchcase(f"${{Bucket.Arn}}/{key}", right[2])] == []

    def test_the_page_shows_the_uploaders_policy(self, synthesise: Synthesise) -> None:
        """For the bucket ``my-assets``."""
        policy = resources(synthesise(), "AWS::IAM::ManagedPolicy")["UploaderPolicy"]["Properties"]["PolicyDocument"]
        page = (ROOT / "docs" / "security.md").read_text()
        (shown,) = (block for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL) if "Statement" in block)
        assert json.loads(shown) == json.loads(json.dumps(policy).replace("${Bucket.Arn}", "arn:aws:s3:::my-assets"))

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


class TestWakeUps:
    """The events and schedules that wake the cleaner."""

    @pytest.mark.parametrize(
        ("context", "bucket", "prefix"),
        [
            pytest.param({}, "${Bucket}", "assets/.releases/markers/", id="new bucket"),
            pytest.param({"prefix": ""}, "${Bucket}", ".releases/markers/", id="whole bucket"),
            pytest.param({"bucket": "my-bucket"}, "my-bucket", "assets/.releases/markers/", id="existing bucket"),
        ],
    )
    def test_a_new_marker_of_this_site_does_and_no_other_object(
        self, context: dict[str, object], bucket: str, prefix: str, synthesise: Synthesise
    ) -> None:
        """The pattern is exact: a wider one would run the cleaner at each upload, and on its own ledger for ever."""
        rule = properties(synthesise(**context), "AWS::Events::Rule", "MarkerRule")
        assert rule["EventPattern"] == {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": prefix}]}},
        }
        assert rule["State"] == "ENABLED"
        assert "ScheduleExpression" not in rule

    @pytest.mark.scenario("L26")
    @pytest.mark.parametrize("prefix", ["assets/", ""])
    def test_every_day_does_with_a_full_listing(self, prefix: str, synthesise: Synthesise) -> None:
        """The backstop: it makes up for a lost event or wake-up."""
        rule = properties(synthesise(prefix=prefix), "AWS::Events::Rule", "DailyRule")
        (target,) = rule["Targets"]
        assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 day)", "ENABLED")
        assert json.loads(target["Input"]) == {"site": prefix, "bucket": "${Bucket}", "full": True}
        assert "EventPattern" not in rule

    @pytest.mark.parametrize("name", ["MarkerRule", "DailyRule"])
    def test_a_rule_invokes_the_cleaner_and_parks_what_it_cannot_deliver(
        self, name: str, synthesise: Synthesise
    ) -> None:
        """The event as it came, or the daily payload; after its retries it goes to the dead-letter queue."""
        (target,) = properties(synthesise(), "AWS::Events::Rule", name)["Targets"]
        assert {key: value for key, value in target.items() if key != "Input"} == {
            "Id": "Target0",
            "Arn": "${Cleaner.Arn}",
            "DeadLetterConfig": {"Arn": "${Undelivered.Arn}"},
            "RetryPolicy": {"MaximumRetryAttempts": 24},
        }
        assert ("Input" in target) == (name == "DailyRule")

    def test_there_are_no_other_rules_and_no_fixed_schedules(self, synthesise: Synthesise) -> None:
        """The cleaner itself sets the one-off schedules, in the stack's group."""
        template = synthesise()
        assert sorted(resources(template, "AWS::Events::Rule")) == ["DailyRule", "MarkerRule"]
        assert resources(template, "AWS::Scheduler::Schedule") == {}
        assert properties(template, "AWS::Scheduler::ScheduleGroup", "WakeUps") == {"Name": "AssetCleaner-wake-ups"}


class TestQueues:
    """The queues of lost events and failed runs."""

    @pytest.mark.parametrize("name", ["Undelivered", "FailedRuns"])
    def test_a_queue_is_encrypted_and_keeps_its_messages_for_14_days(self, name: str, synthesise: Synthesise) -> None:
        """The longest that SQS keeps anything."""
        assert properties(synthesise(), "AWS::SQS::Queue", name) == {
            "SqsManagedSseEnabled": True,
            "MessageRetentionPeriod": 14 * 86_400,
        }

    def test_there_are_two(self, synthesise: Synthesise) -> None:
        """And each has its policy."""
        template = synthesise()
        assert sorted(resources(template, "AWS::SQS::Queue")) == ["FailedRuns", "Undelivered"]
        policies = resources(template, "AWS::SQS::QueuePolicy").values()
        assert sorted(policy["Properties"]["Queues"] for policy in policies) == [["${FailedRuns}"], ["${Undelivered}"]]

    def test_failed_runs_come_by_tls_only(self, synthesise: Synthesise) -> None:
        """The cleaner's own role writes there; the queue's policy lets in nobody."""
        policy = properties(synthesise(), "AWS::SQS::QueuePolicy", "FailedRunsPolicy")
        assert policy["PolicyDocument"]["Statement"] == [deny_without_tls("sqs:*", "${FailedRuns.Arn}")]

    def test_undelivered_events_come_by_tls_only_and_from_the_two_rules(self, synthesise: Synthesise) -> None:
        """Each rule by its ARN; Scheduler comes by the wake-up role."""
        policy = properties(synthesise(), "AWS::SQS::QueuePolicy", "UndeliveredPolicy")
        said = [
            {key: value for key, value in statement.items() if key != "Sid"}
            for statement in policy["PolicyDocument"]["Statement"]
        ]
        assert said == [
            deny_without_tls("sqs:*", "${Undelivered.Arn}"),
            *(
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": "${Undelivered.Arn}",
                    "Condition": {"ArnEquals": {"aws:SourceArn": f"${{{rule}.Arn}}"}},
                }
                for rule in ("MarkerRule", "DailyRule")
            ),
        ]


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


@pytest.mark.scenario("L27")
def test_what_an_existing_bucket_should_have_is_what_a_new_one_has(synthesise: Synthesise) -> None:
    """Statements for its policy, and rules as ``PutBucketLifecycleConfiguration`` takes them, for its sites only."""
    prefixes = ("assets/", "shop/")
    outputs = plain(synthesise(bucket="my-bucket", sites=[{"prefix": each} for each in prefixes]).to_json()["Outputs"])
    new = synthesise(sites=[{"prefix": each} for each in prefixes])

    in_new = properties(new, "AWS::S3::BucketPolicy", "BucketPolicy")["PolicyDocument"]["Statement"]
    text = outputs["BucketStatements"]["Value"].replace("arn:${AWS::Partition}:s3:::my-bucket", "${Bucket.Arn}")
    assert [in_order(each) for each in json.loads(text)] == [in_order(each) for each in in_new]

    rules = json.loads(outputs["BucketLifecycleRules"]["Value"])
    for prefix in prefixes:
        abort, expire = (each for each in rules if each["Filter"] == {"Prefix": prefix})
        assert (abort["Status"], expire["Status"]) == ("Enabled", "Enabled")
        assert abort["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
        assert expire["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}
        assert expire["Expiration"] == {"ExpiredObjectDeleteMarker": True}
    assert len(rules) == 2 * len(prefixes)


def in_order(statement: dict[str, Any]) -> dict[str, Any]:
    """A statement with its resources sorted, and without the Sid that the CDK's own statements lack."""
    kept = {name: value for name, value in statement.items() if value != "TlsOnly"}
    return {**kept, "Resource": sorted(statement["Resource"])}


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


def test_a_second_installation_sets_its_wake_ups_in_a_group_of_its_own(synthesise: Synthesise) -> None:
    """Two installations on one bucket and prefix name their schedules alike; only the groups keep them apart."""
    template = synthesise(name="two")
    group = properties(template, "AWS::Scheduler::ScheduleGroup", "WakeUps")
    environment = properties(template, "AWS::Lambda::Function", "Cleaner")["Environment"]["Variables"]
    schedules = {right[2] for right in rights_of(template, "CleanerRole") if right[1].startswith("scheduler:")}
    assert group == {"Name": "AssetCleaner-two-wake-ups"}
    assert environment["WAKE_UP_GROUP"] == "AssetCleaner-two-wake-ups"
    assert schedules == {f"{_SCHEDULES}/AssetCleaner-two-wake-ups/*"}


def test_a_second_installation_gives_no_other_resource_a_fixed_name(synthesise: Synthesise) -> None:
    """A fixed name would let one installation collide with another, or with a retained resource of the last one."""
    names = {"BucketName", "FunctionName", "RoleName", "QueueName", "LogGroupName", "Name"}
    kinds = [
        each["Type"]
        for each in plain(synthesise().to_json()["Resources"]).values()
        if any("${" not in each["Properties"].get(name, "${") for name in names)
    ]
    assert kinds == ["AWS::Scheduler::ScheduleGroup"]
