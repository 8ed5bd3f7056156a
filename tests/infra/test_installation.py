"""The further settings of an installation: several sites, a key, a boundary, tags, other limits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cleaner_lambda.request import Request, parse
from cleaner_lambda.sites import Site, find_site
from release_log.layout import Layout
from release_log.policy_settings import Policy, policy_from
from tests.infra.template import CLEANERS_RIGHTS, configured, plain, properties, resources, rights_of, statements
from tests.synthesis import start_cdk

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.conftest import Synthesise

KEY = "arn:aws:kms:eu-west-1:123456789012:key/1b2c"
BOUNDARY = "arn:aws:iam::123456789012:policy/web"
SITES: list[dict[str, Any]] = [
    {"prefix": "assets/"},
    {"prefix": "shop/", "version_limit": 5},
    {"prefix": "assets/", "bucket": "blog-assets"},
]


class TestSites:
    """Several sites, in one bucket and in another."""

    def test_the_function_knows_each_with_its_bucket_and_policy(self, tmp_path: Path) -> None:
        found = configured(tmp_path, sites=SITES, grace="60")
        assert found == (
            Site("${Bucket}", "assets/", policy_from({"grace": 60}, Policy())),
            Site("${Bucket}", "shop/", policy_from({"grace": 60, "version_limit": 5}, Policy())),
            Site("blog-assets", "assets/", policy_from({"grace": 60}, Policy())),
        )

    def test_each_is_woken_by_its_markers_and_daily_with_a_payload_that_names_it_alone(
        self, synthesise: Synthesise, tmp_path: Path
    ) -> None:
        template = synthesise(sites=SITES, grace="60")
        sites = configured(tmp_path, sites=SITES, grace="60")
        rules = [each["Properties"] for each in resources(template, "AWS::Events::Rule").values()]
        patterns = [rule["EventPattern"]["detail"] for rule in rules if "EventPattern" in rule]
        woken = [(each["bucket"]["name"][0], key["prefix"]) for each in patterns for key in each["object"]["key"]]
        assert woken == [(site.bucket, f"{site.prefix}.releases/markers/") for site in sites]
        assert len(patterns) == len({site.bucket for site in sites}), "one rule a bucket"
        payloads = [parse(json.loads(rule["Targets"][0]["Input"])) for rule in rules if "EventPattern" not in rule]
        assert sorted(payloads, key=str) == sorted(
            (Request(site=site.prefix, bucket=site.bucket, full=True) for site in sites), key=str
        )
        assert [find_site(sites, payload.site, payload.bucket) for payload in payloads]

    def test_the_first_keeps_the_names_of_an_installation_with_one_site(self, synthesise: Synthesise) -> None:
        """Under another name, CloudFormation would replace resources that store data or are named elsewhere."""
        one = {name for name, each in synthesise().to_json()["Resources"].items() if each["Type"] != "AWS::IAM::Policy"}
        assert one <= synthesise(sites=SITES).to_json()["Resources"].keys()

    def test_a_site_keeps_its_names_when_another_is_added_or_one_before_it_goes(self, synthesise: Synthesise) -> None:
        more = [*SITES, {"prefix": "docs/"}]
        assert _policies(synthesise, SITES) < _policies(synthesise, more)
        assert _policies(synthesise, [SITES[0], *SITES[2:]]) < _policies(synthesise, SITES)

    def test_the_first_sites_bucket_keeps_its_name_when_one_of_another_kind_is_added(
        self, synthesise: Synthesise
    ) -> None:
        """The end of the old custom resource would turn off EventBridge after the new one had turned it on."""
        alone = synthesise(bucket="my-bucket")
        both = synthesise(sites=[{"prefix": "assets/", "bucket": "my-bucket"}, {"prefix": "shop/"}])
        kind = "Custom::S3BucketNotifications"
        assert resources(both, kind).keys() == resources(alone, kind).keys()
        assert resources(both, "AWS::S3::Bucket")

    def test_the_cleaner_has_its_rights_on_each(self, synthesise: Synthesise) -> None:
        rights = set(rights_of(synthesise(sites=SITES), "CleanerRole"))
        for bucket, prefix in (
            ("${Bucket.Arn}", "assets/"),
            ("${Bucket.Arn}", "shop/"),
            ("arn:${AWS::Partition}:s3:::blog-assets", "assets/"),
        ):
            expected = {
                (
                    effect,
                    action,
                    resource.replace("${Bucket.Arn}", bucket).replace("/assets/", f"/{prefix}"),
                    condition.replace("assets/", prefix),
                )
                for effect, action, resource, condition in CLEANERS_RIGHTS
            }
            assert expected <= rights, (bucket, prefix)

    def test_no_policy_has_two_statements_of_one_id(self, synthesise: Synthesise) -> None:
        """IAM refuses such a policy."""
        for policy in resources(synthesise(sites=SITES), "AWS::IAM::Policy").values():
            ids = [each["Sid"] for each in policy["Properties"]["PolicyDocument"]["Statement"] if "Sid" in each]
            assert len(ids) == len(set(ids))

    def test_an_existing_bucket_gets_eventbridge_once_however_many_sites_it_has(self, synthesise: Synthesise) -> None:
        sites = [
            {"prefix": "a/", "bucket": "one-b"},
            {"prefix": "b/", "bucket": "one-b"},
            {"prefix": "", "bucket": "two-b"},
        ]
        template = synthesise(sites=sites)
        changed = [
            each["Properties"]["BucketName"] for each in resources(template, "Custom::S3BucketNotifications").values()
        ]
        assert sorted(changed) == ["one-b", "two-b"]
        assert not resources(template, "AWS::S3::Bucket")


PATTERN: list[dict[str, Any]] = [{"prefix": "assets/"}, {"prefix": "previews/*/", "removed_ttl": 60}]


class TestPattern:
    """A pattern of sites beside a site."""

    def test_the_function_knows_it_with_its_policy(self, tmp_path: Path) -> None:
        found = configured(tmp_path, sites=PATTERN)
        assert found[1] == Site("${Bucket}", "previews/*/", policy_from({"removed_ttl": 60}, Policy()))
        assert find_site(found, "previews/pr-1/", "${Bucket}").pattern == "previews/*/"

    def test_one_rule_tells_of_the_markers_of_all_sites_in_the_bucket(self, synthesise: Synthesise) -> None:
        (rule,) = (
            rule["Properties"]
            for rule in resources(synthesise(sites=PATTERN), "AWS::Events::Rule").values()
            if "EventPattern" in rule["Properties"]
        )
        assert rule["EventPattern"]["detail"]["object"]["key"] == [
            {"prefix": "assets/.releases/markers/"},
            {"wildcard": "previews/*/.releases/markers/*"},
        ]

    def test_the_daily_rule_names_the_pattern(self, synthesise: Synthesise, tmp_path: Path) -> None:
        rules = resources(synthesise(sites=PATTERN), "AWS::Events::Rule").values()
        inputs = [json.loads(each["Properties"]["Targets"][0].get("Input", "{}")) for each in rules]
        (daily,) = (parse(each) for each in inputs if each.get("site") == "previews/*/")
        assert daily.full
        assert find_site(configured(tmp_path, sites=PATTERN), daily.site, daily.bucket).is_pattern

    def test_the_cleaner_has_its_rights_by_the_pattern_and_lists_the_folders(self, synthesise: Synthesise) -> None:
        rights = set(rights_of(synthesise(prefix="previews/*/"), "CleanerRole"))
        listed = "StringLike s3:prefix previews/*/*, previews/.releases/*, .releases/*"
        assert ("Allow", "s3:ListBucket", "${Bucket.Arn}", f"{listed}, previews/") in rights
        logs = ("Allow", "s3:GetObject", "${Bucket.Arn}/previews/.releases/*", "")
        assert logs in rights
        theirs = {
            (effect, action, resource.replace("/assets/", "/previews/*/"), condition)
            for effect, action, resource, condition in CLEANERS_RIGHTS
            if action != "s3:ListBucket"
        }
        assert {right for right in rights if right[1] != "s3:ListBucket"} == {*theirs, logs}

    def test_it_has_one_set_of_alarms_on_metrics_that_do_not_multiply(self, synthesise: Synthesise) -> None:
        """Its sites may be none, so it is not alarming that none of them has a run."""
        alarms = [
            each["Properties"] for each in resources(synthesise(sites=PATTERN), "AWS::CloudWatch::Alarm").values()
        ]
        of = {
            prefix: {
                each["MetricName"] for each in alarms if {"Name": "site", "Value": prefix} in each.get("Dimensions", [])
            }
            for prefix in ("assets/", "previews/*/")
        }
        assert of["assets/"] - of["previews/*/"] == {"Runs"}
        assert of["previews/*/"] - of["assets/"] == {"Sweeps"}

    def test_the_resources_are_as_many_as_those_of_one_site(self, synthesise: Synthesise) -> None:
        one, pattern = (synthesise(prefix=each).to_json()["Resources"] for each in ("assets/", "previews/*/"))
        assert len(pattern) == len(one)

    def test_a_distribution_serves_its_sites_and_not_their_release_logs(self, synthesise: Synthesise) -> None:
        template = synthesise(prefix="previews/*/", distribution="true")
        (made,) = resources(template, "AWS::CloudFront::Distribution").values()
        (behaviour,) = made["Properties"]["DistributionConfig"]["CacheBehaviors"]
        assert behaviour["PathPattern"] == "previews/*/*"
        (denied,) = (each for each in statements(template) if each.get("Sid") == "CloudFrontGetsNoReleaseLog")
        assert "${Bucket.Arn}/previews/*/.releases/*" in denied["Resource"]

    def test_the_owner_of_a_bucket_gets_rules_that_s3_understands(self, synthesise: Synthesise) -> None:
        """A lifecycle rule has a prefix, and no pattern."""
        outputs = plain(synthesise(prefix="previews/*/", bucket="my-bucket").to_json()["Outputs"])
        rules = json.loads(outputs["BucketLifecycleRules"]["Value"])
        assert {each["Filter"]["Prefix"] for each in rules} == {"previews/"}


def test_more_sites_than_a_rule_has_room_for_are_told_of_by_any_marker_in_the_bucket() -> None:
    """The cleaner passes over those that it does not clean."""
    start_cdk()
    from asset_cleaner_cdk.triggers import marker_keys  # noqa: PLC0415 (not before the CDK is started)

    few = [Layout(f"site-{number:02}/") for number in range(30)]
    assert marker_keys(few)[29] == {"prefix": "site-29/.releases/markers/"}
    assert marker_keys([Layout("a\\b/*/")]) == [{"wildcard": "a\\\\b/*/.releases/markers/*"}]
    assert marker_keys([*few, *(Layout(f"a-much-longer-{each.prefix}") for each in few)]) == [
        {"wildcard": "*.releases/markers/*"}
    ]


def _policies(synthesise: Synthesise, sites: list[dict[str, Any]]) -> set[str]:
    names = synthesise(sites=sites).to_json()["Resources"]
    return {name for name in names if name.startswith("UploaderPolicy")}


class TestOwners:
    """The requirements of an account's owner for all resources."""

    def test_a_key_encrypts_the_new_bucket_and_may_be_used_by_way_of_s3_only(self, synthesise: Synthesise) -> None:
        template = synthesise(kms_key_arn=KEY)
        encryption = properties(template, "AWS::S3::Bucket", "Bucket")["BucketEncryption"]
        assert encryption == {
            "ServerSideEncryptionConfiguration": [
                {
                    "BucketKeyEnabled": True,
                    "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY},
                }
            ]
        }
        uses = [each for each in statements(template) if "kms:Decrypt" in each["Action"]]
        assert len(uses) == 2, "the cleaner's and the build job's"
        for use in uses:
            assert use["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
            assert use["Resource"] == KEY
            assert use["Condition"] == {"StringEquals": {"kms:ViaService": "s3.${AWS::Region}.${AWS::URLSuffix}"}}

    @pytest.mark.parametrize("cdn", [{"distribution": True}, {"distribution_id": "EDFDVBD6EXAMPLE"}])
    def test_the_key_of_an_existing_bucket_has_to_let_cloudfront_decrypt(
        self, synthesise: Synthesise, cdn: dict[str, object]
    ) -> None:
        """As the key of a new one has: nobody else may change a key's policy."""
        template = synthesise(kms_key_arn=KEY, bucket="my-bucket", **cdn)
        (statement,) = json.loads(plain(template.to_json()["Outputs"])["CloudFrontKeyStatement"]["Value"])
        assert (statement["Action"], statement["Principal"]) == ("kms:Decrypt", {"Service": "cloudfront.amazonaws.com"})

    def test_a_boundary_is_on_every_role(self, synthesise: Synthesise) -> None:
        for context in ({}, {"bucket": "my-bucket"}):
            roles = resources(synthesise(permissions_boundary=BOUNDARY, **context), "AWS::IAM::Role")
            assert roles
            assert {each["Properties"].get("PermissionsBoundary") for each in roles.values()} == {BOUNDARY}

    def test_tags_are_on_what_can_have_them(self, synthesise: Synthesise) -> None:
        template = synthesise(tags="team=web,stage=live")
        expected = [{"Key": "stage", "Value": "live"}, {"Key": "team", "Value": "web"}]
        for kind in ("AWS::S3::Bucket", "AWS::Lambda::Function", "AWS::SQS::Queue", "AWS::IAM::Role"):
            for each in resources(template, kind).values():
                assert each["Properties"]["Tags"] == expected, kind

    def test_schedule_memory_time_concurrency_and_format_are_as_they_are_set(self, synthesise: Synthesise) -> None:
        template = synthesise(
            schedule="cron(0 3 * * ? *)", memory="4096", timeout="300", concurrency="1", ledger_format="2"
        )
        function = properties(template, "AWS::Lambda::Function", "Cleaner")
        assert function["Environment"]["Variables"]["LEDGER_FORMAT"] == "2"
        assert (function["MemorySize"], function["Timeout"]) == (4096, 300)
        assert function["ReservedConcurrentExecutions"] == 1
        assert properties(template, "AWS::Events::Rule", "DailyRule")["ScheduleExpression"] == "cron(0 3 * * ? *)"
