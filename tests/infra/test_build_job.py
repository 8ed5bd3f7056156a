"""The build job's policies and role, and the release log's write-once rule, read from the template.

The embedded AWS supports neither an OpenID Connect provider in a template nor the condition key ``s3:if-none-match``.
"""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest

from asset_cleaner_cdk.build_job.trusted_job import GITHUB, GITLAB, JobSettings, trusted_job
from asset_cleaner_cdk.settings.errors import ContextError
from asset_cleaner_cdk.sites import SiteInStack, suffix_of
from release_log.layout import Layout
from tests.e2e.strict_s3 import WRITE_ONCE
from tests.infra.template import listed, plain, resources
from tests.paths import ROOT
from tests.synthesis import start_cdk

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_cdk.assertions import Template

    from tests.infra.conftest import Synthesise

    Statements = Callable[[str], list[dict[str, Any]]]
    Made = Callable[[list[tuple[str | None, str]], JobSettings], Template]

PAGE = (ROOT / "docs" / "security.md").read_text()
OWN = (None, "assets/")
ON_GITHUB = JobSettings(github="octo-org/octo-repo", github_branch="main")
PROVIDER_ARN = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"


@pytest.fixture(scope="module")
def made() -> Made:
    """A stack with a build job's resources: ``made([(None, "assets/"), ("my-bucket", "web/")], ON_GITHUB)``.

    None is the stack's own bucket.
    """
    start_cdk()
    import aws_cdk as cdk  # noqa: PLC0415
    from aws_cdk import aws_s3 as s3  # noqa: PLC0415
    from aws_cdk.assertions import Template  # noqa: PLC0415

    from asset_cleaner_cdk.build_job.role import add_build_job  # noqa: PLC0415

    own_context = json.loads((ROOT / "cdk.json").read_text())["context"]

    def template(sites: list[tuple[str | None, str]], settings: JobSettings) -> Template:
        stack = cdk.Stack(cdk.App(context=own_context), "Stack")
        buckets: dict[str | None, s3.IBucket] = {None: s3.Bucket(stack, "Bucket")}
        for name, _ in sites:
            if name not in buckets:
                buckets[name] = s3.Bucket.from_bucket_name(stack, str(name), str(name))
        found = [
            SiteInStack(buckets[name], Layout(prefix), name is not None, suffix=suffix_of(number, name, prefix))
            for number, (name, prefix) in enumerate(sites, 1)
        ]
        add_build_job(stack, found, settings)
        return Template.from_stack(stack)

    return template


@pytest.fixture(scope="module")
def on_github(made: Made) -> Template:
    """One site, published by one branch on GitHub."""
    return made([OWN], ON_GITHUB)


@pytest.fixture(scope="module")
def statements(made: Made) -> Statements:
    """The write-once statements for a prefix of ``my-bucket``."""
    del made  # the CDK can be imported here
    from asset_cleaner_cdk.permissions import write_once_statements  # noqa: PLC0415

    return lambda prefix: [
        json.loads(json.dumps(each.to_statement_json()))
        for each in write_once_statements("arn:aws:s3:::my-bucket", Layout(prefix))
    ]


def policies(template: Template) -> dict[str, dict[str, Any]]:
    """Logical id -> properties of each managed policy."""
    found = template.find_resources("AWS::IAM::ManagedPolicy")
    return {logical_id: plain(each["Properties"]) for logical_id, each in found.items()}


class TestPolicies:
    """One for each site."""

    def test_that_of_a_single_site_is_the_one_that_was_there_before(
        self, on_github: Template, synthesise: Synthesise
    ) -> None:
        """An upgrade replaces no policy: one with roles cannot be deleted."""
        assert list(policies(on_github)) == list(policies(synthesise()))
        ((before,), (after,)) = (policies(synthesise()).values(), policies(on_github).values())
        assert after == before

    @pytest.mark.parametrize("site", [(None, "docs/"), ("my-bucket", "assets/"), ("my-bucket", "")])
    def test_another_sites_is_what_it_would_be_alone(self, site: tuple[str | None, str], made: Made) -> None:
        """The same rights, in the site's own place."""
        (alone,) = policies(made([site], JobSettings())).values()
        assert list(policies(made([OWN, site], JobSettings())).values())[1] == alone
        assert alone != next(iter(policies(made([OWN], JobSettings())).values()))

    def test_a_policy_stays_its_sites_when_other_sites_come_and_go_behind_the_first(self, made: Made) -> None:
        """A role with this policy must not get rights on another site."""
        first, second, third = OWN, (None, "docs/"), ("my-bucket", "docs/")
        few, many = (made(sites, JobSettings()) for sites in ([first, third], [first, second, third]))
        assert policies(few).items() < policies(many).items()
        assert few.to_json()["Outputs"].items() < many.to_json()["Outputs"].items()

    def test_their_arns_are_outputs(self, made: Made) -> None:
        """The first one under the name that scripts use."""
        outputs = plain(made([OWN, (None, "docs/")], JobSettings()).to_json()["Outputs"])
        first, second = outputs
        assert first == "UploaderPolicyArn"
        assert second.startswith("UploaderPolicyArn")
        assert outputs["UploaderPolicyArn"] == {"Value": "${UploaderPolicy}"}


class TestRole:
    """With ``github`` or ``gitlab``."""

    def test_without_them_there_is_none(self, made: Made) -> None:
        """The owner of the build job attaches the policy to an existing role."""
        template = made([OWN], JobSettings())
        kinds = {each["Type"] for each in template.to_json()["Resources"].values()}
        assert kinds == {"AWS::S3::Bucket", "AWS::IAM::ManagedPolicy"}

    def test_it_trusts_one_branch_of_one_repository_for_an_hour_and_may_publish(self, on_github: Template) -> None:
        """Audience and subject are compared as a whole, without a wildcard. The role has the policy's rights alone."""
        assert resources(on_github, "AWS::IAM::Role") == {
            "UploaderRole": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "Description": "Publishes releases of octo-org/octo-repo",
                    "AssumeRolePolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Action": "sts:AssumeRoleWithWebIdentity",
                                "Principal": {"Federated": "${OidcProvider.Arn}"},
                                "Condition": {
                                    "StringEquals": {
                                        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                                        "token.actions.githubusercontent.com:sub": (
                                            "repo:octo-org/octo-repo:ref:refs/heads/main"
                                        ),
                                    }
                                },
                            }
                        ],
                    },
                    "ManagedPolicyArns": ["${UploaderPolicy}"],
                    "MaxSessionDuration": 3600,
                },
            }
        }
        assert resources(on_github, "AWS::IAM::Policy") == {}

    @pytest.mark.parametrize(
        ("settings", "url", "audience"),
        [
            (ON_GITHUB, "https://token.actions.githubusercontent.com", "sts.amazonaws.com"),
            (JobSettings(gitlab="g/p", gitlab_branch="main"), "https://gitlab.com", "https://gitlab.com"),
        ],
        ids=["GitHub", "GitLab"],
    )
    def test_the_provider_is_made_without_a_function_and_outlives_the_stack(
        self, settings: JobSettings, url: str, audience: str, made: Made
    ) -> None:
        """No thumbprints: AWS trusts these issuers by its own list of authorities.

        An account has one for each issuer, so others may rely on it by then, unless the first deployment fails.
        """
        template = made([OWN], settings)
        assert resources(template, "AWS::IAM::OIDCProvider") == {
            "OidcProvider": {
                "Type": "AWS::IAM::OIDCProvider",
                "Properties": {"Url": url, "ClientIdList": [audience]},
                "DeletionPolicy": "RetainExceptOnCreate",
                "UpdateReplacePolicy": "Retain",
            }
        }
        assert resources(template, "AWS::Lambda::Function") == {}

    def test_a_provider_that_the_account_has_is_used_and_not_touched(self, made: Made) -> None:
        """A second one for the same issuer would be refused."""
        template = made([OWN], ON_GITHUB._replace(oidc_provider_arn=PROVIDER_ARN))
        (role,) = resources(template, "AWS::IAM::Role").values()
        (statement,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Federated": PROVIDER_ARN}
        assert resources(template, "AWS::IAM::OIDCProvider") == {}
        assert "OidcProviderArn" not in template.to_json()["Outputs"]

    def test_it_publishes_every_site(self, made: Made) -> None:
        """One job, one role."""
        template = made([OWN, (None, "docs/")], ON_GITHUB)
        (role,) = template.find_resources("AWS::IAM::Role").values()
        assert [each["Ref"] for each in role["Properties"]["ManagedPolicyArns"]] == list(policies(template))

    def test_its_arn_and_that_of_the_provider_are_outputs(self, on_github: Template) -> None:
        """The first output is for the job, the second for another installation in the account."""
        assert plain(on_github.to_json()["Outputs"]) == {
            "UploaderPolicyArn": {"Value": "${UploaderPolicy}"},
            "UploaderRoleArn": {"Value": "${UploaderRole.Arn}"},
            "OidcProviderArn": {"Value": "${OidcProvider.Arn}"},
        }

    def test_more_sites_than_a_role_has_room_for_are_refused_at_synth(self, made: Made) -> None:
        """IAM would refuse the eleventh policy in the middle of a deployment."""
        sites: list[tuple[str | None, str]] = [(None, f"site-{number}/") for number in range(11)]
        assert len(policies(made(sites, JobSettings()))) == 11
        assert len(policies(made(sites[:10], ON_GITHUB))) == 10
        with pytest.raises(ContextError, match="context sites: 11 sites, but an IAM role has at most 10 policies"):
            made(sites, ON_GITHUB)


class TestWriteOnce:
    """The statements of the bucket's policy for each site."""

    def test_it_is_this_statement(self, statements: Statements) -> None:
        """The condition is AWS's: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html

        In ``tests/e2e`` a strict S3 protects the same folders from whole runs of uploader and cleaner.
        """
        (statement,) = statements("assets/")
        assert statement.pop("Sid").startswith("WriteOnce")
        assert statement == {
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::my-bucket/assets/.releases/*/*",
            "Condition": {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}},
        }

    @pytest.mark.parametrize("prefix", ["assets/", ""])
    @pytest.mark.parametrize("folder", WRITE_ONCE)
    def test_a_release_can_be_created_and_not_overwritten(
        self, folder: str, prefix: str, statements: Statements
    ) -> None:
        """In one piece, in parts, or by a copy."""
        key = f"{prefix}.releases/{folder}/20260101T000000Z-r1.json"
        rules = statements(prefix)
        assert not denied(rules, key, creates=True, if_none_match="*")
        assert denied(rules, key, creates=True, if_none_match=None)
        assert not denied(rules, key, creates=False, if_none_match=None)

    @pytest.mark.parametrize("prefix", ["assets/", ""])
    @pytest.mark.parametrize(
        "key",
        [
            ".releases/ledger.json.gz",
            ".releases/checkpoint.json.gz",
            ".releases/doctor-0",
            "app-3f9c2ab1.js",
            "index.html",
            "markers/map.json",
            "web/.releases/markers/20260101T000000Z-r1.json",
        ],
    )
    def test_nothing_else_is_concerned(self, key: str, prefix: str, statements: Statements) -> None:
        """Not the ledger, which is written with ``If-Match``; nor assets; nor another site's log within this one."""
        assert not denied(statements(prefix), f"{prefix}{key}", creates=True, if_none_match=None)

    def test_two_sites_of_a_bucket_have_statements_of_two_names(self, statements: Statements) -> None:
        """In one policy each ``Sid`` must be unique."""
        names = [each["Sid"] for prefix in ("assets/", "docs/", "") for each in statements(prefix)]
        assert len(set(names)) == 3
        assert all(name.isalnum() for name in names)

    def test_the_page_shows_it_for_the_owner_of_a_bucket(self, statements: Statements) -> None:
        """With a name of free choice."""
        (shown,) = [block for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) if "WriteOnce" in block]
        (statement,) = statements("assets/")
        assert json.loads(shown.replace(":::my-assets/", ":::my-bucket/")) == statement | {"Sid": "WriteOnce"}


class TestDocuments:
    """The job in the documents."""

    def test_the_commands_shown_make_a_role(self) -> None:
        """One for GitHub, one for GitLab."""
        commands = re.findall(r"^\$ cdk deploy (-c git.*)$", (ROOT / "docs" / "ci.md").read_text(), re.MULTILINE)
        jobs = [trusted_job(JobSettings(**dict(re.findall(r"-c (\w+)=(\S+)", command)))) for command in commands]
        assert [job and job.issuer for job in jobs] == [GITHUB, GITLAB]

    def test_the_gitlab_job_asks_for_the_audience_that_is_trusted(self) -> None:
        """By default a token has none."""
        job = trusted_job(JobSettings(gitlab="g/p", gitlab_branch="main"))
        assert job is not None
        assert f'{{ aud: "{job.audience}" }}' in (ROOT / "docs" / "ci.md").read_text()


def denied(statements: list[dict[str, Any]], key: str, *, creates: bool, if_none_match: str | None) -> bool:
    """Whether the statements deny an ``s3:PutObject``, as IAM reads the two operators that they use.

    Args:
        statements: The policy's.
        key: The object's key.
        creates: Whether there is an object afterwards; for a part of an upload there is not.
        if_none_match: The request's header.
    """
    found = {"s3:if-none-match": if_none_match, "s3:ObjectCreationOperation": str(creates).lower()}
    return any(
        any(fnmatchcase(f"arn:aws:s3:::my-bucket/{key}", resource) for resource in listed(statement["Resource"]))
        and all((found[name] is None) == (wanted == "true") for name, wanted in statement["Condition"]["Null"].items())
        and all(found[name] == wanted for name, wanted in statement["Condition"]["Bool"].items())
        for statement in statements
    )
