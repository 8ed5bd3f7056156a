"""The CI job that the role trusts: one exact subject, or an error at synth."""

from __future__ import annotations

import pytest

from asset_cleaner_cdk.build_job.trusted_job import JobSettings, TrustedJob, trusted_job
from asset_cleaner_cdk.settings.errors import ContextError

GITHUB_ARN = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
GITLAB_ARN = "arn:aws:iam::123456789012:oidc-provider/gitlab.com"
NOT_A_BRANCH = "not a branch name such as 'main'; wildcards and refs/ are not allowed"


@pytest.mark.parametrize(
    ("settings", "subject"),
    [
        pytest.param(
            JobSettings(github="octo-org/octo-repo", github_branch="main"),
            "repo:octo-org/octo-repo:ref:refs/heads/main",
            id="branch",
        ),
        pytest.param(
            JobSettings(github="octo-org/octo-repo", github_branch="release/2.x"),
            "repo:octo-org/octo-repo:ref:refs/heads/release/2.x",
            id="branch with a slash",
        ),
        pytest.param(
            JobSettings(github="octo-org/octo-repo", github_environment="production"),
            "repo:octo-org/octo-repo:environment:production",
            id="environment",
        ),
        pytest.param(
            JobSettings(github="octo-org/octo-repo", github_environment="Production:V 1"),
            "repo:octo-org/octo-repo:environment:Production%3AV 1",
            id="environment with a colon, as GitHub escapes it",
        ),
        pytest.param(
            JobSettings(github="octo-org@123456/octo-repo@456789", github_branch="main"),
            "repo:octo-org@123456/octo-repo@456789:ref:refs/heads/main",
            id="immutable subject",
        ),
        pytest.param(
            JobSettings(github="o/r.js", github_branch="main", oidc_provider_arn=GITHUB_ARN),
            "repo:o/r.js:ref:refs/heads/main",
            id="the account's own provider",
        ),
    ],
)
def test_on_github_it_is_a_branch_or_an_environment_of_one_repository(settings: JobSettings, subject: str) -> None:
    """As GitHub writes subjects: https://docs.github.com/en/actions/reference/security/oidc"""
    job = trusted_job(settings)
    issuer = "token.actions.githubusercontent.com"
    assert job == TrustedJob(str(settings.github), issuer, "sts.amazonaws.com", subject)
    assert job.conditions == {"StringEquals": {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": subject}}


@pytest.mark.parametrize("arn", [None, GITLAB_ARN])
def test_on_gitlab_it_is_a_branch_of_one_project(arn: str | None) -> None:
    """As GitLab writes subjects: https://docs.gitlab.com/ci/secrets/id_token_authentication/"""
    settings = JobSettings(gitlab="group/sub/project", gitlab_branch="main", oidc_provider_arn=arn)
    subject = "project_path:group/sub/project:ref_type:branch:ref:main"
    assert trusted_job(settings) == TrustedJob("group/sub/project", "gitlab.com", "https://gitlab.com", subject)


def test_a_gitlab_of_ones_own_is_known_by_its_provider() -> None:
    """The provider's ARN names the server, which is the audience too."""
    arn = "arn:aws-cn:iam::123456789012:oidc-provider/gitlab.example.com"
    job = trusted_job(JobSettings(gitlab="g/p", gitlab_branch="main", oidc_provider_arn=arn))
    assert job is not None
    assert (job.issuer, job.audience) == ("gitlab.example.com", "https://gitlab.example.com")


def test_without_a_repository_no_job_is_trusted() -> None:
    """An owner with a role attaches the policy to it."""
    assert trusted_job(JobSettings()) is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param(
            {"github": "o/r"},
            "github='o/r': set github_branch or github_environment; "
            "otherwise every branch and pull request could publish",
            id="GitHub, whoever",
        ),
        pytest.param(
            {"gitlab": "g/p"},
            "gitlab='g/p': set gitlab_branch; otherwise every branch and tag could publish",
            id="GitLab, whoever",
        ),
        pytest.param(
            {"github": "o/r", "github_branch": "main", "github_environment": "production"},
            "github_environment='production': cannot be combined with github_branch='main': "
            "the token of a job with an environment names no branch",
            id="branch and environment",
        ),
        pytest.param(
            {"github": "o/r", "github_branch": "main", "gitlab": "g/p", "gitlab_branch": "main"},
            "gitlab='g/p': cannot be combined with github='o/r': one role trusts one job",
            id="GitHub and GitLab",
        ),
        pytest.param(
            {"gitlab": "g/p", "gitlab_environment": "production"},
            "gitlab_environment='production': AWS cannot see the environment of a GitLab job; "
            "protect a branch, and set gitlab_branch",
            id="environment of GitLab",
        ),
        *(
            pytest.param({key: "main"}, f"{key}='main': has no effect without {key[:6]}", id=f"{key} alone")
            for key in ("github_branch", "github_environment", "gitlab_branch", "gitlab_environment")
        ),
        pytest.param(
            {"oidc_provider_arn": GITHUB_ARN},
            f"oidc_provider_arn='{GITHUB_ARN}': has no effect without github or gitlab",
            id="provider alone",
        ),
        pytest.param(
            {"github": "o/r", "github_branch": "main", "oidc_provider_arn": GITLAB_ARN},
            f"oidc_provider_arn='{GITLAB_ARN}': not the provider for GitHub: token.actions.githubusercontent.com",
            id="GitLab's provider for GitHub",
        ),
        pytest.param(
            {"gitlab": "g/p", "gitlab_branch": "main", "oidc_provider_arn": GITHUB_ARN},
            f"oidc_provider_arn='{GITHUB_ARN}': not the provider for GitLab",
            id="GitHub's provider for GitLab",
        ),
        *(
            pytest.param(
                {"github": "o/r", "github_branch": "main", "oidc_provider_arn": value},
                f"oidc_provider_arn={value!r}: not an ARN such as "
                "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com",
                id=f"provider {value!r}",
            )
            for value in ("", "token.actions.githubusercontent.com", f"{GITHUB_ARN}\n", True)
        ),
        *(
            pytest.param(
                {"github": value, "github_branch": "main"},
                f"github={value!r}: not owner/repo or owner@ID/repo@ID (docs/security.md)",
                id=f"repository {value!r}",
            )
            for value in (
                "",
                "o",
                "o/*",
                "*/r",
                "o/r/x",
                "o/r\n",
                "https://github.com/o/r",
                "o@1/r",
                "o/r@1",
                "o/r:x",
                7,
            )
        ),
        *(
            pytest.param(
                {"gitlab": value, "gitlab_branch": "main"}, f"gitlab={value!r}: not group/project", id=f"{value}"
            )
            for value in ("", "p", "g/*", "g/", "/p", "g//p", "g/p:ref_type", "g p/p")
        ),
        *(
            pytest.param(
                {host: "a/b", f"{host}_branch": value},
                f"{host}_branch={value!r}: {NOT_A_BRANCH}",
                id=f"{host} {value!r}",
            )
            for host in ("github", "gitlab")
            for value in ("", "*", "release/*", "mai?", "${x}", "a b", "refs/heads/main", "main\n", "a:b", "ж", True)
        ),
        *(
            pytest.param(
                {"github": "o/r", "github_environment": value},
                f"github_environment={value!r}: not an environment name; wildcards are not allowed",
                id=f"environment {value!r}",
            )
            for value in ("", "*", "prod?", "${x}", " production", "a\n", "ж", False)
        ),
    ],
)
def test_what_is_open_or_wrong_is_refused_in_one_line_with_its_key_and_value(
    settings: dict[str, str], message: str
) -> None:
    """A typing error must never become a role that somebody else can assume."""
    with pytest.raises(ContextError) as caught:
        trusted_job(JobSettings(**settings))
    assert str(caught.value) == f"context {message}"
