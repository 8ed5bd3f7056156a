"""CloudFront, read from the template: it serves the sites, and never the release log.

In the expected values ``${Bucket}`` is a ``Ref`` and ``${Bucket.Arn}`` a ``Fn::GetAtt``, as in ``template.py``.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from asset_cleaner_cdk.settings.errors import ContextError
from release_log.layout import Layout
from tests.infra.template import deny_without_tls, listed, plain, properties, resources
from tests.paths import ROOT
from tests.synthesis import start_cdk

if TYPE_CHECKING:
    from aws_cdk.assertions import Template

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012"
DISTRIBUTION_ARN = "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Distribution}"
EXISTING_ARN = "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/EDFDVBD6EXAMPLE"
CLOUDFRONT = {"Service": "cloudfront.amazonaws.com"}


class Serve(Protocol):
    """Synthesises a stack with buckets and CloudFront alone."""

    def __call__(
        self, *sites: str, existing: str | None = None, key: str | None = None, **settings: object
    ) -> Template:
        """The template for some sites, each ``prefix``, or ``bucket:prefix`` in an adopted bucket.

        Args:
            sites: The sites.
            existing: The id of an existing distribution; None to create one.
            key: The KMS key of the new bucket.
            settings: Of `asset_cleaner_cdk.cdn.distribution.CdnSettings`.
        """
        ...


@pytest.fixture(scope="module")
def serve() -> Serve:
    """Synthesises; the same arguments give the same template object again."""
    start_cdk()
    import aws_cdk as cdk  # noqa: PLC0415
    from aws_cdk import aws_kms as kms  # noqa: PLC0415
    from aws_cdk import aws_s3 as s3  # noqa: PLC0415
    from aws_cdk.assertions import Template  # noqa: PLC0415

    from asset_cleaner_cdk.cdn.access import allow_existing_distribution  # noqa: PLC0415
    from asset_cleaner_cdk.cdn.distribution import CdnSettings, add_distribution  # noqa: PLC0415
    from asset_cleaner_cdk.names import names_in  # noqa: PLC0415
    from asset_cleaner_cdk.sites import SiteInStack  # noqa: PLC0415

    own_context = json.loads((ROOT / "cdk.json").read_text())["context"]
    made: dict[str, Template] = {}

    def template(*sites: str, existing: str | None = None, key: str | None = None, **settings: object) -> Template:
        name = json.dumps([sites, existing, key, settings])
        if name not in made:
            stack = cdk.Stack(cdk.App(context=own_context), "AssetCleaner")
            kms_key = kms.Key.from_key_arn(stack, "Key", key) if key else None
            buckets: dict[str, s3.IBucket] = {}
            found = []
            for site in sites:
                bucket, _, prefix = site.rpartition(":")
                if bucket not in buckets:
                    buckets[bucket] = (
                        s3.Bucket.from_bucket_name(stack, f"Adopted-{bucket}", bucket)
                        if bucket
                        else s3.Bucket(stack, "Bucket", enforce_ssl=True, encryption_key=kms_key)
                    )
                found.append(SiteInStack(buckets[bucket], Layout(prefix), adopted=bool(bucket)))
            if existing:
                allow_existing_distribution(stack, found, existing)
            else:
                add_distribution(stack, names_in(stack), found, CdnSettings(**settings))  # type: ignore[arg-type]
            made[name] = Template.from_stack(stack)
        return made[name]

    return template


def distribution(template: Template) -> dict[str, Any]:
    """The configuration of the one distribution."""
    found: dict[str, Any] = properties(template, "AWS::CloudFront::Distribution", "Distribution")["DistributionConfig"]
    return found


def behaviours(template: Template) -> dict[str, dict[str, Any]]:
    """Path pattern -> behaviour, in CloudFront's order; the default one is ``*``."""
    config = distribution(template)
    listed_first = {each["PathPattern"]: each for each in config.get("CacheBehaviors", [])}
    return {**listed_first, "*": config["DefaultCacheBehavior"]}


def policy_of(template: Template) -> list[dict[str, Any]]:
    """The statements of the new bucket's policy."""
    policy = properties(template, "AWS::S3::BucketPolicy", "BucketPolicy")["PolicyDocument"]["Statement"]
    return listed(policy)


def in_order(statements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The statements with their resources sorted: the CDK sorts them only where it writes a policy."""
    return [each | {"Resource": sorted(listed(each["Resource"]))} for each in statements]


def gets(statements: list[dict[str, Any]], resource: str, arn: str) -> bool:
    """Whether a distribution's signed GET of an object is allowed: a Deny wins, then an Allow, else no."""
    effects = {
        each["Effect"]
        for each in statements
        if each["Principal"] == CLOUDFRONT
        and "s3:GetObject" in listed(each["Action"])
        and any(fnmatchcase(resource, pattern) for pattern in listed(each["Resource"]))
        and each.get("Condition", {"StringEquals": {"AWS:SourceArn": arn}}) == {"StringEquals": {"AWS:SourceArn": arn}}
    }
    return effects == {"Allow"}


def test_a_site_is_served_under_its_prefix_and_compressed_by_https_for_reading_only(serve: Serve) -> None:
    """An asset's URL is its key."""
    template = serve("assets/")
    assert list(behaviours(template)) == ["assets/*", "*"]
    behaviour = behaviours(template)["assets/*"]
    kept = {key: behaviour[key] for key in ("AllowedMethods", "Compress", "ViewerProtocolPolicy", "CachePolicyId")}
    assert kept == {
        "AllowedMethods": ["GET", "HEAD"],
        "Compress": True,
        "ViewerProtocolPolicy": "redirect-to-https",
        "CachePolicyId": "${CachePolicy}",
    }
    assert behaviour["ResponseHeadersPolicyId"] == "${ResponseHeaders}"
    assert distribution(template)["HttpVersion"] == "http2and3"
    assert distribution(template)["IPV6Enabled"] is True


def test_the_objects_cache_control_alone_decides_what_is_cached(serve: Serve) -> None:
    """A minimum above 0 would keep ``no-store`` pages; a query string would reach S3 as a request of its own."""
    template = serve("assets/")
    policy = properties(template, "AWS::CloudFront::CachePolicy", "CachePolicy")["CachePolicyConfig"]
    assert (policy["MinTTL"], policy["DefaultTTL"], policy["MaxTTL"]) == (0, 0, 31_536_000)
    assert policy["ParametersInCacheKeyAndForwardedToOrigin"] == {
        "CookiesConfig": {"CookieBehavior": "none"},
        "HeadersConfig": {"HeaderBehavior": "none"},
        "QueryStringsConfig": {"QueryStringBehavior": "none"},
        "EnableAcceptEncodingBrotli": True,
        "EnableAcceptEncodingGzip": True,
    }
    for behaviour in behaviours(template).values():
        assert "OriginRequestPolicyId" not in behaviour


@pytest.mark.parametrize("sites", [("assets/",), ("",), ("assets/", "assets/in/", "my-bucket:x/")])
def test_every_origin_is_read_by_origin_access_control_that_signs_always(sites: tuple[str, ...], serve: Serve) -> None:
    """None uses the older origin access identity."""
    template = serve(*sites)
    (control,) = resources(template, "AWS::CloudFront::OriginAccessControl").values()
    config = control["Properties"]["OriginAccessControlConfig"]
    assert {key: config[key] for key in config if key != "Name"} == {
        "OriginAccessControlOriginType": "s3",
        "SigningBehavior": "always",
        "SigningProtocol": "sigv4",
    }
    for origin in distribution(template)["Origins"]:
        assert origin["OriginAccessControlId"] == "${OriginAccessControl.Id}"
        assert origin["S3OriginConfig"] == {"OriginAccessIdentity": ""}
    assert resources(template, "AWS::CloudFront::CloudFrontOriginAccessIdentity") == {}


class TestSites:
    """Each request goes to its site."""

    def test_what_is_no_sites_is_answered_at_the_edge(self, serve: Serve) -> None:
        """By a function that forwards nothing to the origin that CloudFront requires."""
        template = serve("assets/")
        default = behaviours(template)["*"]
        assert default["FunctionAssociations"] == [
            {"EventType": "viewer-request", "FunctionARN": "${RefuseOtherPaths.FunctionARN}"}
        ]
        assert "DefaultRootObject" not in distribution(template)
        assert answers(template, "RefuseOtherPaths", ["/", "/other/app.js", "/assets/app.js"]) == [404, 404, 404]

    def test_the_whole_bucket_is_the_default_behaviour(self, serve: Serve) -> None:
        """With its page for ``/``, and with the guard."""
        template = serve("", "admin/")
        assert list(behaviours(template)) == ["admin/*", "*"]
        assert distribution(template)["DefaultRootObject"] == "index.html"
        assert resources(template, "AWS::CloudFront::Function").keys() == {"ReleaseLogGuard"}

    def test_a_site_inside_anothers_prefix_comes_first(self, serve: Serve) -> None:
        """CloudFront takes the first matching pattern, so the order of the settings must not matter."""
        assert list(behaviours(serve("assets/", "assets/in/", "my-bucket:x/"))) == [
            "assets/in/*",
            "assets/*",
            "x/*",
            "*",
        ]

    def test_each_bucket_is_one_origin(self, serve: Serve) -> None:
        """The sites of one bucket share it."""
        template = serve("assets/", "assets/in/", "my-bucket:x/")
        origins = {each["Id"]: each["DomainName"] for each in distribution(template)["Origins"]}
        assert [origins[each["TargetOriginId"]] for each in behaviours(template).values()][:3] == [
            "${Bucket.RegionalDomainName}",
            "${Bucket.RegionalDomainName}",
            "my-bucket.s3.${AWS::Region}.${AWS::URLSuffix}",
        ]
        assert len(origins) == 2

    @pytest.mark.parametrize("prefix", ["caf\u00e9/", "a b/", "a(b)/", "a" * 254 + "/"])
    def test_a_prefix_that_no_path_pattern_can_say_is_refused(self, prefix: str, serve: Serve) -> None:
        """At synth, not by CloudFront after minutes."""
        with pytest.raises(ContextError, match="path pattern"):
            serve(prefix)

    def test_one_prefix_in_two_buckets_is_refused(self, serve: Serve) -> None:
        """Its URLs would belong to two sites."""
        with pytest.raises(ContextError, match=r"'x/'.*two buckets"):
            serve("x/", "my-bucket:x/")


def answers(template: Template, name: str, uris: list[str]) -> list[int]:
    """The status that a CloudFront function of the template gives each URI; 0 if it forwards the request unchanged."""
    code = resources(template, "AWS::CloudFront::Function")[name]["Properties"]["FunctionCode"]
    script = f"""{code}
    const uris = JSON.parse(require("fs").readFileSync(0, "utf8"));
    console.log(JSON.stringify(uris.map((uri) => {{
      const request = {{ method: "GET", uri, querystring: {{}}, headers: {{}}, cookies: {{}} }};
      const answer = handler({{ version: "1.0", request }});
      return answer === request && answer.uri === uri ? 0 : answer.statusCode;
    }})));"""
    node = Path(sys.executable).with_name("node")
    ran = subprocess.run([node, "-e", script], input=json.dumps(uris), capture_output=True, text=True, check=True)
    found: list[int] = json.loads(ran.stdout)
    return found


class TestReleaseLog:
    """Refused at the edge, and by the bucket's policy."""

    @pytest.mark.parametrize("sites", [("assets/",), ("", "admin/"), ("assets/", "assets/in/", "my-bucket:x/")])
    def test_the_guard_sees_every_request_that_may_reach_an_origin(self, sites: tuple[str, ...], serve: Serve) -> None:
        """Before the cache: a viewer request."""
        guard = [{"EventType": "viewer-request", "FunctionARN": "${ReleaseLogGuard.FunctionARN}"}]
        other = [{"EventType": "viewer-request", "FunctionARN": "${RefuseOtherPaths.FunctionARN}"}]
        served = behaviours(serve(*sites))
        default = served.pop("*")
        assert [each["FunctionAssociations"] for each in served.values()] == [guard] * len(served)
        assert default["FunctionAssociations"] == (guard if "" in sites else other)

    def test_the_guard_refuses_the_log_however_it_is_written_and_nothing_else(self, serve: Serve) -> None:
        """S3 decodes once; a doubly encoded or differently spelled key is another key."""
        expected = {
            "/": 0,
            "/assets/app-1a2b3c4d.js": 0,
            "/assets/caf%C3%A9-1a2b3c4d.js": 0,
            "/assets/100%25.png": 0,
            "/assets/a%2Fb.js": 0,
            "/assets/.releases": 0,
            "/assets/.releases-2/app.js": 0,
            "/assets/x.releases/app.js": 0,
            "/assets/.Releases/app.js": 0,
            "/assets/%252Ereleases/app.js": 0,
            "/.releases/": 403,
            "/.releases/ledger.json.gz": 403,
            "/assets/.releases/markers/20260101T000000Z-r1.json": 403,
            "/assets/in/.releases/ledger.json.gz": 403,
            "/assets//.releases/ledger.json.gz": 403,
            "/assets/x/../.releases/ledger.json.gz": 403,
            "/assets/%2Ereleases/ledger.json.gz": 403,
            "/assets/%2ereleases/ledger.json.gz": 403,
            "/assets/.%72eleases/ledger.json.gz": 403,
            "/assets%2F.releases%2Fledger.json.gz": 403,
            "/assets%2f%2e%72%65%6c%65%61%73%65%73%2fledger.json.gz": 403,
            "/assets/%zz": 400,
            "/assets/%2": 400,
            # A dot in more bytes than UTF-8 allows; some decoders accept it.
            "/assets/%C0%AEreleases/ledger.json.gz": 400,
        }
        assert (
            dict(zip(expected, answers(serve("assets/"), "ReleaseLogGuard", list(expected)), strict=True)) == expected
        )

    def test_the_guard_refuses_every_spelling_of_a_log_key(self, serve: Serve) -> None:
        """Any of its characters encoded, in either case."""
        chance = random.Random(5)  # noqa: S311 (no secret)
        key = "assets/.releases/markers/20260101T000000Z-r1.json"
        spellings = [
            "/" + "".join(chance.choice([each, each, f"%{ord(each):02x}", f"%{ord(each):02X}"]) for each in key)
            for _ in range(2_000)
        ]
        assert set(answers(serve("assets/"), "ReleaseLogGuard", spellings)) == {403}

    def test_the_guard_and_the_layout_agree_on_what_is_log(self, serve: Serve) -> None:
        """Of all keys made of a few parts."""
        parts = ["", "a", ".releases", "x.releases", ".releases-2", "app.js"]
        keys = [f"{one}/{two}/{three}" for one in parts for two in parts for three in parts]
        found = answers(serve("assets/"), "ReleaseLogGuard", [f"/{key}" for key in keys])
        assert [answer == 403 for answer in found] == [not Layout("").owns(key) for key in keys]

    @pytest.mark.parametrize("prefix", ["assets/", ""])
    @pytest.mark.parametrize(
        ("key", "allowed"),
        [
            ("app-1a2b3c4d.js", True),
            ("in/app-1a2b3c4d.js", True),
            ("x.releases/app.js", True),
            (".releases-2/app.js", True),
            (".releases/ledger.json.gz", False),
            (".releases/markers/20260101T000000Z-r1.json", False),
            (".releases/pending/20260101T000000Z-r1.json", False),
            ("in/.releases/ledger.json.gz", False),
            ("in/deeper/.releases/markers/20260101T000000Z-r1.json", False),
        ],
    )
    def test_the_bucket_gives_cloudfront_assets_and_no_log(
        self, key: str, *, allowed: bool, prefix: str, serve: Serve
    ) -> None:
        """Also without the guard."""
        statements = policy_of(serve(prefix))
        assert gets(statements, f"${{Bucket.Arn}}/{prefix}{key}", DISTRIBUTION_ARN) is allowed

    @pytest.mark.parametrize("key", ["index.html", "assets-2/app.js", ".releases/ledger.json.gz"])
    def test_the_bucket_gives_cloudfront_nothing_outside_the_sites(self, key: str, serve: Serve) -> None:
        """By itself the CDK would allow all keys."""
        assert not gets(policy_of(serve("assets/")), f"${{Bucket.Arn}}/{key}", DISTRIBUTION_ARN)

    def test_another_distribution_gets_nothing(self, serve: Serve) -> None:
        """Otherwise anybody who can create a distribution, in any account, could read the assets."""
        assert not gets(policy_of(serve("assets/")), "${Bucket.Arn}/assets/app.js", EXISTING_ARN)

    def test_the_policy_says_nothing_about_anybody_else(self, serve: Serve) -> None:
        """A Deny for ``*`` on the log would stop the cleaner and the uploader; nor may CloudFront list or write."""
        statements = policy_of(serve("assets/"))
        others = [each for each in statements if each["Principal"] != CLOUDFRONT]
        assert others == [deny_without_tls("s3:*", "${Bucket.Arn}", "${Bucket.Arn}/*")]
        actions = {action for each in statements if each not in others for action in listed(each["Action"])}
        assert actions == {"s3:GetObject"}


class TestAdoptedBucket:
    """Its policy is its owner's."""

    def test_the_statements_are_printed_not_set(self, serve: Serve) -> None:
        """The same as a new bucket gets."""
        template = serve("my-bucket:assets/")
        assert resources(template, "AWS::S3::BucketPolicy") == {}
        output = template.to_json()["Outputs"]["CloudFrontBucketStatements"]
        assert "my-bucket" in output["Description"]
        statements = json.loads(plain(output["Value"]))
        bucket = "arn:${AWS::Partition}:s3:::my-bucket"
        assert gets(statements, f"{bucket}/assets/app.js", DISTRIBUTION_ARN)
        assert not gets(statements, f"{bucket}/assets/.releases/ledger.json.gz", DISTRIBUTION_ARN)
        assert not gets(statements, f"{bucket}/index.html", DISTRIBUTION_ARN)
        as_set = json.dumps(policy_of(serve("assets/"))[1:]).replace("${Bucket.Arn}", bucket)
        assert in_order(statements) == in_order(json.loads(as_set))

    def test_a_new_bucket_beside_it_is_set(self, serve: Serve) -> None:
        """Each bucket by itself."""
        template = serve("assets/", "assets/in/", "my-bucket:x/")
        assert gets(policy_of(template), "${Bucket.Arn}/assets/in/app.js", DISTRIBUTION_ARN)
        assert "my-bucket" not in json.dumps(policy_of(template))
        assert [name for name in template.to_json()["Outputs"] if "Statements" in name] == [
            "CloudFrontBucketStatements2"
        ]


class TestExistingDistribution:
    """With the id of a distribution outside the stack."""

    def test_it_is_let_in_and_no_other_is_made(self, serve: Serve) -> None:
        """By its id; the owner cannot open the stack's own bucket, because CloudFormation would close it again."""
        template = serve("assets/", existing="EDFDVBD6EXAMPLE")
        assert gets(policy_of(template), "${Bucket.Arn}/assets/app.js", EXISTING_ARN)
        assert not gets(policy_of(template), "${Bucket.Arn}/assets/.releases/ledger.json.gz", EXISTING_ARN)
        kinds = {each["Type"] for each in template.to_json()["Resources"].values()}
        assert kinds == {"AWS::S3::Bucket", "AWS::S3::BucketPolicy"}

    def test_an_output_says_what_to_set_on_it(self, serve: Serve) -> None:
        """And for an adopted bucket the statements."""
        outputs = plain(serve("my-bucket:assets/", existing="EDFDVBD6EXAMPLE").to_json()["Outputs"])
        assert set(outputs) == {"CloudFrontBucketStatements", "CloudFrontToSet"}
        assert "EDFDVBD6EXAMPLE" in outputs["CloudFrontToSet"]["Description"]
        assert "*/.releases/*" in outputs["CloudFrontToSet"]["Value"]
        assert gets(
            json.loads(outputs["CloudFrontBucketStatements"]["Value"]),
            "arn:${AWS::Partition}:s3:::my-bucket/assets/app.js",
            EXISTING_ARN,
        )


@pytest.mark.parametrize(("existing", "arn"), [(None, DISTRIBUTION_ARN), ("EDFDVBD6EXAMPLE", EXISTING_ARN)])
def test_with_a_key_of_the_users_an_output_says_what_the_key_must_allow(
    existing: str | None, arn: str, serve: Serve
) -> None:
    """Only this distribution, and only to decrypt."""
    output = plain(serve("assets/", key=KEY, existing=existing).to_json()["Outputs"])["CloudFrontKeyStatement"]
    (statement,) = json.loads(output["Value"])
    assert {key: value for key, value in statement.items() if key != "Sid"} == {
        "Effect": "Allow",
        "Principal": CLOUDFRONT,
        "Action": "kms:Decrypt",
        "Resource": "*",
        "Condition": {"StringEquals": {"AWS:SourceArn": arn}},
    }


def test_without_a_key_there_is_no_such_output(serve: Serve) -> None:
    """SSE-S3 needs none. The other outputs tell scripts the site's address."""
    outputs = plain(serve("assets/").to_json()["Outputs"])
    assert outputs == {
        "DistributionId": {"Value": "${Distribution}"},
        "DistributionDomainName": {"Value": "${Distribution.DomainName}"},
    }


class TestHeaders:
    """The headers that CloudFront adds to answers."""

    def test_security_headers_are_added(self, serve: Serve) -> None:
        """HSTS applies to this host alone."""
        policy = properties(serve("assets/"), "AWS::CloudFront::ResponseHeadersPolicy", "ResponseHeaders")
        config = policy["ResponseHeadersPolicyConfig"]
        assert config["SecurityHeadersConfig"] == {
            "ContentTypeOptions": {"Override": True},
            "ReferrerPolicy": {"Override": True, "ReferrerPolicy": "strict-origin-when-cross-origin"},
            "StrictTransportSecurity": {"AccessControlMaxAgeSec": 31_536_000, "Override": True},
        }
        assert "CorsConfig" not in config

    def test_named_origins_may_read_by_cors_without_credentials(self, serve: Serve) -> None:
        """No others."""
        origins = ["https://www.example.com", "https://*.example.org"]
        template = serve("assets/", cors_origins=origins)
        policy = properties(template, "AWS::CloudFront::ResponseHeadersPolicy", "ResponseHeaders")
        assert policy["ResponseHeadersPolicyConfig"]["CorsConfig"] == {
            "AccessControlAllowOrigins": {"Items": origins},
            "AccessControlAllowMethods": {"Items": ["GET", "HEAD"]},
            "AccessControlAllowHeaders": {"Items": ["*"]},
            "AccessControlAllowCredentials": False,
            "OriginOverride": True,
        }


class TestDomain:
    """A domain of the user's own."""

    def test_it_needs_tls_1_2(self, serve: Serve) -> None:
        """With the named certificate, for clients that send the host's name."""
        config = distribution(serve("assets/", domain_name="assets.example.com", certificate_arn=CERTIFICATE))
        assert config["Aliases"] == ["assets.example.com"]
        assert config["ViewerCertificate"] == {
            "AcmCertificateArn": CERTIFICATE,
            "MinimumProtocolVersion": "TLSv1.2_2021",
            "SslSupportMethod": "sni-only",
        }

    def test_without_one_the_certificate_is_cloudfronts(self, serve: Serve) -> None:
        """The template leaves the certificate out."""
        assert {"Aliases", "ViewerCertificate"} & distribution(serve("assets/")).keys() == set()

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"domain_name": "a.example.com"}, "domain_name='a.example.com': needs certificate_arn"),
            ({"certificate_arn": CERTIFICATE}, "needs domain_name"),
            (
                {"domain_name": "a.example.com", "certificate_arn": CERTIFICATE.replace("us-east-1", "eu-west-1")},
                "certificate_arn='arn:aws:acm:eu-west-1:.*us-east-1",
            ),
            ({"domain_name": "a.example.com", "certificate_arn": "my-certificate"}, "not the ARN of an ACM"),
        ],
    )
    def test_what_cloudfront_would_refuse_is_refused_at_synth(
        self, settings: dict[str, str], message: str, serve: Serve
    ) -> None:
        """With the setting and its value."""
        with pytest.raises(ContextError, match=message):
            serve("assets/", **settings)


class TestAccessLogs:
    """They are off by default, because they cost storage and contain addresses."""

    def test_without_the_setting_there_are_none(self, serve: Serve) -> None:
        """Nor a bucket for them."""
        template = serve("assets/")
        assert "Logging" not in distribution(template)
        assert list(resources(template, "AWS::S3::Bucket")) == ["Bucket"]

    def test_they_go_to_a_private_bucket_of_their_own_for_90_days(self, serve: Serve) -> None:
        """ACLs are on, because CloudFront writes by them, and no ACL can make anything public."""
        template = serve("assets/", access_logs=True)
        assert distribution(template)["Logging"] == {"Bucket": "${AccessLogs.RegionalDomainName}"}
        bucket = resources(template, "AWS::S3::Bucket")["AccessLogs"]
        assert bucket["DeletionPolicy"] == "Retain"
        assert bucket["Properties"] == {
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
            "LifecycleConfiguration": {
                "Rules": [
                    {
                        "Id": "ExpireAccessLogs",
                        "Status": "Enabled",
                        "ExpirationInDays": 90,
                        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                    }
                ]
            },
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
        }
        policy = properties(template, "AWS::S3::BucketPolicy", "AccessLogsPolicy")["PolicyDocument"]["Statement"]
        assert policy == [deny_without_tls("s3:*", "${AccessLogs.Arn}", "${AccessLogs.Arn}/*")]


def test_every_name_in_the_account_has_the_stacks_and_the_regions_name(serve: Serve) -> None:
    """Otherwise two installations in one account, in one Region or two, would have the same names."""
    named = []
    for each in plain(serve("assets/").to_json()["Resources"]).values():
        said = each.get("Properties", {})
        configs = [said, *(inner for inner in said.values() if isinstance(inner, dict))]
        named += [config["Name"] for config in configs if "Name" in config]
    assert len(named) == 5
    assert [name for name in named if "AssetCleaner" not in name or "${AWS::Region}" not in name] == []


class TestPage:
    """``docs/cloudfront.md``."""

    def test_it_shows_the_statements_for_an_adopted_bucket_and_its_key(self, serve: Serve) -> None:
        """As the outputs hold them."""
        outputs = plain(serve("my-assets:assets/", existing="EDFDVBD6EXAMPLE").to_json()["Outputs"])
        key = plain(serve("assets/", key=KEY, existing="EDFDVBD6EXAMPLE").to_json()["Outputs"])
        printed = [outputs["CloudFrontBucketStatements"]["Value"], key["CloudFrontKeyStatement"]["Value"]]
        real = [
            json.loads(each.replace("${AWS::Partition}", "aws").replace("${AWS::AccountId}", "123456789012"))
            for each in printed
        ]
        page = (ROOT / "docs/cloudfront.md").read_text()
        shown = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]
        assert shown == [real[0], real[1][0]]

    def test_it_names_every_setting_and_output(self, serve: Serve) -> None:
        """By their names in code."""
        from asset_cleaner_cdk.cdn.distribution import CdnSettings  # noqa: PLC0415 (the CDK starts node)

        page = (ROOT / "docs/cloudfront.md").read_text()
        outputs = {*serve("assets/", key=KEY).to_json()["Outputs"], "CloudFrontBucketStatements"}
        assert [name for name in (*CdnSettings._fields, *outputs) if f"`{name}`" not in page] == []
