"""The bucket that the stack creates, and the one that it adopts, read from the template."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.infra.template import CLEANERS_RIGHTS, deny_without_tls, plain, properties, resources, rights_of
from tests.paths import ROOT

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesise


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

    def test_its_handler_is_our_own_and_fits_into_a_template(self, synthesise: Synthesise) -> None:
        """Under the id that the CDK's own handler had in earlier versions: an update keeps the bucket's events on."""
        template = synthesise(bucket="my-bucket")
        name = "BucketNotificationsHandler050a0587b7544547bf325f094a3db834"
        code = properties(template, "AWS::Lambda::Function", name)["Code"]
        assert code == {"ZipFile": (ROOT / "asset_cleaner_cdk" / "adoption_handler.py").read_text()}
        assert len(code["ZipFile"]) <= 4096, "the longest that CloudFormation takes"

    def test_the_bucket_itself_is_not_the_stacks(self, synthesise: Synthesise) -> None:
        """The stack neither creates the bucket, nor changes it by CloudFormation, nor sets its policy."""
        template = synthesise(bucket="my-bucket")
        assert resources(template, "AWS::S3::Bucket") == {}
        assert resources(template, "AWS::S3::BucketPolicy") == {}

    def test_the_handler_turns_on_eventbridge_for_it(self, synthesise: Synthesise) -> None:
        """What the handler does with its other notifications, ``tests/http/test_adoption.py`` shows."""
        (notifications,) = resources(synthesise(bucket="my-bucket"), "Custom::S3BucketNotifications").values()
        assert notifications["Properties"] == {
            "ServiceToken": "${BucketNotificationsHandler050a0587b7544547bf325f094a3db834.Arn}",
            "BucketName": "my-bucket",
        }

    def test_what_turns_it_on_may_touch_only_that_buckets_notifications_and_its_own_logs(
        self, synthesise: Synthesise
    ) -> None:
        """By itself the CDK would give it rights on every bucket."""
        template = synthesise(bucket="my-bucket")
        handler = properties(
            template, "AWS::Lambda::Function", "BucketNotificationsHandler050a0587b7544547bf325f094a3db834"
        )
        assert (handler["Role"], handler["LoggingConfig"]) == ("${AdoptionRole.Arn}", {"LogGroup": "${AdoptionLog}"})
        bucket = "arn:${AWS::Partition}:s3:::my-bucket"
        assert sorted(rights_of(template, "AdoptionRole")) == [
            ("Allow", "logs:CreateLogStream", "${AdoptionLog.Arn}", ""),
            ("Allow", "logs:PutLogEvents", "${AdoptionLog.Arn}", ""),
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
