"""The CDK's context: what is accepted, and that everything else is refused in one line that names key and value."""

from __future__ import annotations

import json

import pytest

from asset_cleaner_cdk.settings.errors import ContextError
from asset_cleaner_cdk.settings.stack import OWN, SiteSettings, StackSettings, settings_from
from asset_cleaner_cdk.settings.values import NONCURRENT_DAYS
from release_log.policy_settings import SETTINGS, policy_from
from tests.paths import ROOT

KNOWN = ", ".join((*OWN, *SETTINGS))


def test_without_any_setting_a_new_bucket_is_created_and_the_policy_is_the_default() -> None:
    """No context at all is a whole, usual installation."""
    assert settings_from({}) == StackSettings((SiteSettings("assets/", None, {}),), name=None, noncurrent_days=7)
    assert settings_from({}).stack_name == "AssetCleaner"


def test_text_from_the_command_line_becomes_the_types_that_the_policy_has() -> None:
    """``-c`` gives text only; the Lambda must read whole numbers, a fraction and a word."""
    settings = settings_from(
        {
            "bucket": "my.site-bucket",
            "prefix": "site/static/",
            "name": "two",
            "version_limit": "0",
            "removed_ttl": "60",
            "pending_ttl": "21600",
            "orphans": "report",
            "max_delete_fraction": "0.25",
        }
    )
    policy = {
        "version_limit": 0,
        "removed_ttl": 60,
        "pending_ttl": 21_600,
        "orphans": "report",
        "max_delete_fraction": 0.25,
    }
    site = SiteSettings("site/static/", "my.site-bucket", policy)
    assert settings == StackSettings((site,), "two")
    assert settings.stack_name == "AssetCleaner-two"
    assert json.loads(json.dumps(dict(site.policy))) == policy
    policy_from(site.policy)


@pytest.mark.parametrize("value", [7, "7"])
def test_a_number_may_be_a_number_in_cdk_json_and_text_after_c(value: object) -> None:
    """Both ways to give a setting mean the same."""
    assert settings_from({"grace": value}).sites[0].policy == {"grace": 7}


@pytest.mark.parametrize("value", [1, "1", 30, "3650"])
def test_noncurrent_days_are_a_whole_number_from_1_to_3650(value: object) -> None:
    """S3 accepts none below 1; nobody needs more than ten years, and a typing error is beyond them."""
    assert settings_from({"noncurrent_days": value}).noncurrent_days == int(str(value))


def test_the_page_says_what_noncurrent_days_may_be() -> None:
    """Default and bounds."""
    text = " ".join((ROOT / "docs" / "install.md").read_text().split())
    low, high = NONCURRENT_DAYS[0], NONCURRENT_DAYS[-1]
    assert f"({low} to {high}, default {StackSettings().noncurrent_days})" in text


def test_every_policy_setting_can_be_set() -> None:
    """The context's names are the policy's names, none left out."""
    defaults = {name: str(field.default) for name, field in SETTINGS.items()}
    assert dict(settings_from(defaults).sites[0].policy) == {name: field.default for name, field in SETTINGS.items()}


@pytest.mark.parametrize("prefix", ["", "a/", "site/static/", "été/"])
def test_a_prefix_is_taken_as_it_is_and_may_be_empty(prefix: str) -> None:
    """An empty prefix is the whole bucket, not the default."""
    assert settings_from({"prefix": prefix}).sites[0].prefix == prefix


@pytest.mark.parametrize(
    "key",
    [
        "@aws-cdk/aws-iam:minimizePolicies",
        "aws:cdk:enable-path-metadata",
        "aws:cdk:bundling-stacks",
        "aws-cdk:enableDiffNoFail",
        "cli-telemetry",
        "acknowledged-issue-numbers",
        "availability-zones:account=1:region=eu-west-1",
        "hosted-zone:account=1:domainName=example.org",
        "ssm:account=1:parameterName=x",
    ],
)
def test_context_that_is_the_cdks_own_is_passed_over(key: str) -> None:
    """The CDK's command line and its lookups put their own keys into the context; these are not typing errors."""
    assert settings_from({key: ["anything"]}) == settings_from({})


def test_the_context_in_cdk_json_is_passed_over() -> None:
    """This repository's own ``cdk.json`` is accepted."""
    assert settings_from(json.loads((ROOT / "cdk.json").read_text())["context"]) == settings_from({})


@pytest.mark.parametrize(
    ("context", "message"),
    [
        pytest.param(
            {"version_tll": "60"},
            f"context version_tll='60': no such setting; did you mean 'version_ttl'? known: {KNOWN}",
            id="unknown key with a near one",
        ),
        pytest.param(
            {"versionLimit": 2},
            f"context versionLimit=2: no such setting; did you mean 'version_limit'? known: {KNOWN}",
            id="known key in another case",
        ),
        pytest.param({"zzz": "1"}, f"context zzz='1': no such setting; known: {KNOWN}", id="unknown key"),
        pytest.param(
            {"bucket": "My_Bucket"},
            "context bucket='My_Bucket': not a bucket name; leave this setting out to create a bucket",
            id="bucket with capitals",
        ),
        pytest.param(
            {"bucket": ""},
            "context bucket='': not a bucket name; leave this setting out to create a bucket",
            id="bucket empty",
        ),
        pytest.param(
            {"bucket": "arn:aws:s3:::x"},
            "context bucket='arn:aws:s3:::x': not a bucket name; leave this setting out to create a bucket",
            id="bucket is an ARN",
        ),
        pytest.param(
            {"bucket": "a*bucket"},
            "context bucket='a*bucket': not a bucket name; leave this setting out to create a bucket",
            id="bucket is a pattern",
        ),
        pytest.param(
            {"bucket": 42},
            "context bucket=42: not a bucket name; leave this setting out to create a bucket",
            id="bucket is a number",
        ),
        pytest.param(
            {"name": "2nd"},
            "context name='2nd': up to 32 letters, digits and hyphens, starting with a letter",
            id="name begins with a digit",
        ),
        pytest.param(
            {"name": ""},
            "context name='': up to 32 letters, digits and hyphens, starting with a letter",
            id="name empty",
        ),
        pytest.param(
            {"prefix": "assets"},
            "context prefix 'assets' must end with a slash: 'assets/'",
            id="prefix without its slash",
        ),
        pytest.param(
            {"prefix": "/assets/"},
            "context prefix '/assets/' must not begin with a slash: 'assets/'",
            id="prefix that begins with a slash",
        ),
        pytest.param(
            {"prefix": "a?/"},
            "context prefix 'a?/' must not hold control characters, bytes that are not UTF-8, "
            "or '*', '?', '$', which are patterns to IAM",
            id="prefix that IAM reads as a pattern",
        ),
        pytest.param(
            {"prefix": "a/.releases/"},
            "context prefix 'a/.releases/' must not lie inside a release log (.releases/)",
            id="prefix inside a release log",
        ),
        pytest.param({"prefix": 5}, "context prefix=5: not a text such as 'assets/'", id="prefix is a number"),
        pytest.param({"prefix": None}, "context prefix=None: not a text such as 'assets/'", id="prefix is null"),
        *(
            pytest.param(
                {"noncurrent_days": value},
                f"context noncurrent_days={value!r}: a whole number of days from 1 to 3650",
                id=f"noncurrent_days {str(value)[:4]!r}",
            )
            for value in (
                "0",
                0,
                "-1",
                "3651",
                "7.0",
                7.5,
                "1e2",
                "7d",
                "",
                " 7",
                "\u0663",
                "7\n",
                "9" * 5000,
                True,
                None,
                [7],
            )
        ),
        pytest.param(
            {"noncurrent_days": "7", "bucket": "x-y"},
            "context noncurrent_days='7': applies to a new bucket only; leave it out with bucket='x-y'",
            id="noncurrent_days of an existing bucket",
        ),
        pytest.param(
            {"version_ttl": "-1"},
            "context version_ttl: -1 is not between 0 and 3162240000",
            id="negative TTL",
        ),
        pytest.param({"grace": "15m"}, "context grace: '15m' is not a whole number", id="duration with a unit"),
        pytest.param({"grace": "1.5"}, "context grace: 1.5 is not a whole number", id="half a second"),
        pytest.param({"version_limit": True}, "context version_limit: 'True' is not a whole number", id="boolean"),
        pytest.param(
            {"orphans": "none"}, "context orphans: 'none' is not one of fingerprinted, all, report", id="orphans"
        ),
        pytest.param(
            {"orphans_pattern": "(a+)+"},
            "context orphans_pattern: fingerprint pattern '(a+)+' may take for ever on a long name: "
            "write it without a repeat inside a repeat",
            id="pattern",
        ),
        pytest.param(
            {"max_delete_fraction": "1.5"},
            "context max_delete_fraction: 1.5 is not between 0 and 1",
            id="fraction over 1",
        ),
        pytest.param(
            {"max_delete_fraction": "nan"},
            "context max_delete_fraction: nan is not between 0 and 1",
            id="fraction that is not a number",
        ),
        pytest.param(
            {"pending_ttl": "3600"},
            "context pending_ttl: 3600 is not between 21600 and 3162240000",
            id="pending_ttl under its floor",
        ),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line_with_its_key_and_value(
    context: dict[str, object], message: str
) -> None:
    """A typing error must never become an unintended policy."""
    with pytest.raises(ContextError) as caught:
        settings_from(context)
    assert str(caught.value) == message


def test_sites_have_their_own_bucket_and_policy_and_else_the_installations() -> None:
    sites = [{"prefix": "shop/", "version_limit": 5}, {"prefix": "", "bucket": "blog-assets", "grace": 60}]
    context = {"sites": sites, "bucket": "my-assets", "grace": "7"}
    expected = (
        SiteSettings("shop/", "my-assets", {"grace": 7, "version_limit": 5}),
        SiteSettings("", "blog-assets", {"grace": 60}),
    )
    assert settings_from(context).sites == expected
    assert settings_from({**context, "sites": json.dumps(sites)}).sites == expected


KEY = "arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d-4e5f-6789-abcd-ef0123456789"
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/1b2c"


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({"kms_key_arn": "arn:aws:kms:eu-west-1:123456789012:key/1b-2c"}, {}),
        ({"permissions_boundary": "arn:aws:iam::123456789012:policy/teams/web"}, {}),
        ({"tags": "team=web,stage=live"}, {"tags": {"team": "web", "stage": "live"}}),
        ({"tags": {"team": "web"}}, {}),
        ({"schedule": "rate(6 hours)"}, {}),
        ({"schedule": "rate(1 day)"}, {}),
        ({"schedule": "cron(0 3 * * ? *)"}, {}),
        ({"memory": "4096", "timeout": 300}, {"memory": 4096}),
        ({"alarm_email": "web@example.org"}, {}),
        ({"distribution": "true", "access_logs": "true"}, {"distribution": True, "access_logs": True}),
        ({"distribution": "false"}, {"distribution": False}),
        ({"distribution_id": "E2QWRUHAPOMQZL"}, {}),
        (
            {"distribution": True, "cors_origins": "https://a.example, https://b.example:8443, https://*.c.example"},
            {"cors_origins": ("https://a.example", "https://b.example:8443", "https://*.c.example")},
        ),
        ({"distribution": True, "domain_name": "a.example.org", "certificate_arn": CERTIFICATE}, {}),
        ({"github": "owner/repo", "github_branch": "release/2.x"}, {}),
        ({"github": "owner/repo", "github_environment": "production"}, {}),
        ({"gitlab": "group/sub/project", "gitlab_branch": "main"}, {}),
    ],
)
def test_a_setting_is_taken_from_the_context(context: dict[str, object], expected: dict[str, object]) -> None:
    settings = settings_from(context)
    assert {key: getattr(settings, key) for key in context} == context | expected


@pytest.mark.parametrize(
    ("context", "words"),
    [
        ({"sites": "shop/"}, "context sites='shop/': a list of sites such as"),
        ({"sites": []}, "context sites=[]: a list of sites"),
        ({"sites": [{"prefx": "a/"}]}, "context sites[1] prefx='a/': no such setting; did you mean 'prefix'?"),
        ({"sites": [{"bucket": "a-b"}]}, "context sites[1]: no prefix"),
        ({"sites": [{"prefix": "a"}]}, "context sites[1] prefix 'a' must end with a slash"),
        ({"sites": [{"prefix": "a/*"}]}, "context sites[1] pattern 'a/*': prefix 'a/x' must end with a slash"),
        ({"prefix": "*/*/"}, "context pattern '*/*/' must not have more than one '*'"),
        ({"sites": [{"prefix": "a/", "bucket": "A"}]}, "context sites[1] bucket='A': not a bucket name"),
        ({"sites": [{"prefix": "a/", "grace": "x"}]}, "context sites[1] grace: 'x' is not a whole number"),
        (
            {"sites": [{"prefix": "a/"}, {"prefix": "a/"}]},
            "context sites[2]: prefix 'a/' is listed twice for one bucket",
        ),
        ({"sites": [{"prefix": "a/"}], "prefix": "b/"}, "context prefix='b/': cannot be combined with sites"),
        ({"kms_key_arn": "alias/x"}, "context kms_key_arn='alias/x': the ARN of a KMS key"),
        ({"permissions_boundary": "web"}, "the ARN of a managed policy"),
        ({"tags": "team"}, "context tags='team': up to 50 tags"),
        ({"tags": {"aws:x": "y"}}, "a name must not begin with aws:"),
        ({"tags": {}}, "context tags={}: up to 50 tags"),
        ({"tags": {"a": 1}}, "up to 50 tags"),
        ({"schedule": "daily"}, "context schedule='daily': rate(N hours) or rate(1 day)"),
        ({"schedule": "rate(25 hours)"}, "one day at most"),
        ({"schedule": "rate(1 hours)"}, "context schedule='rate(1 hours)'"),
        ({"schedule": "cron(0 3 * * *)"}, "six fields"),
        ({"memory": "128"}, "context memory='128': a whole number of MB from 512 to 10240"),
        ({"timeout": 901}, "context timeout=901: a whole number of seconds from 60 to 900"),
        ({"bucket": "web-x1--x-s3"}, "context bucket='web-x1--x-s3': a directory bucket, whose objects have no tags"),
        ({"bucket": "web-ab12-s3alias"}, "an access point's alias; name the bucket itself"),
        ({"bucket": "web--table-s3"}, "a table bucket"),
        ({"bucket": "192.168.5.4"}, "context bucket='192.168.5.4': an IP address"),
        ({"bucket": "xn--web"}, "a name that S3 keeps for itself"),
        ({"concurrency": "0"}, "context concurrency='0': a whole number of concurrent executions from 1 to 100"),
        ({"ledger_format": "3"}, "context ledger_format='3': 1 or 2"),
        ({"ledger_format": True}, "context ledger_format=True: 1 or 2"),
        ({"alarm_email": "web"}, "context alarm_email='web': one e-mail address"),
        ({"distribution": "yes"}, "context distribution='yes': true or false"),
        ({"distribution": 1}, "context distribution=1: true or false"),
        ({"distribution_id": "e2"}, "a CloudFront distribution's id"),
        ({"distribution": "true", "distribution_id": "E2QWRUHAPOMQZL"}, "cannot be combined with distribution"),
        ({"cors_origins": "*"}, "context cors_origins='*': has no effect without distribution"),
        ({"distribution": True, "cors_origins": "example.com"}, "origins such as https://www.example.com"),
        ({"distribution": True, "cors_origins": "https://www.*.com"}, "https://*.example.com for its subdomains"),
        ({"distribution": True, "cors_origins": "https://*example.com"}, "https://*.example.com for its subdomains"),
        ({"distribution": True, "domain_name": "a.example.org"}, "has no effect without certificate_arn"),
        (
            {
                "distribution": True,
                "domain_name": "a.org",
                "certificate_arn": CERTIFICATE.replace("us-east-1", "eu-west-1"),
            },
            "an ACM certificate in us-east-1",
        ),
        ({"access_logs": "true"}, "has no effect without distribution"),
    ],
)
def test_a_wrong_setting_of_the_installation_is_refused(context: dict[str, object], words: str) -> None:
    with pytest.raises(ContextError) as caught:
        settings_from(context)
    message = str(caught.value)
    assert words in message
    assert message.startswith("context ")
    assert len(message.splitlines()) == 1


def test_a_value_with_line_breaks_is_still_told_in_one_line() -> None:
    """The message is one line, whatever text it quotes."""
    with pytest.raises(ContextError) as caught:
        settings_from({"name": "a\nb"})
    assert str(caught.value).splitlines() == [str(caught.value)]


def test_a_key_of_another_region_than_the_stacks_is_refused() -> None:
    """Otherwise the deploy would go well, and each upload would fail."""
    why = "the key is in eu-west-1, and S3 in us-east-1 cannot use it; name a key of us-east-1"
    with pytest.raises(ContextError, match=f"context kms_key_arn='{KEY}': {why}"):
        settings_from({"kms_key_arn": KEY}, "us-east-1")
    for region in ("eu-west-1", None):
        assert settings_from({"kms_key_arn": KEY}, region).kms_key_arn == KEY
    assert settings_from({}, "us-east-1").kms_key_arn is None
