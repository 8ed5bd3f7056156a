"""Which CI job may publish, and what the OpenID Connect token of this job must contain.

The role trusts exactly one subject. AWS verifies tokens of GitHub and GitLab without a thumbprint:
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html
"""

from __future__ import annotations

import re
from typing import NamedTuple

from asset_cleaner_cdk.settings.errors import refuse

GITHUB = "token.actions.githubusercontent.com"
GITLAB = "gitlab.com"

_GITHUB_REPOSITORY = re.compile(r"[\w-]+/[\w.-]+|[\w-]+@\d+/[\w.-]+@\d+", re.ASCII)
_GITLAB_PROJECT = re.compile(r"[\w.-]+(?:/[\w.-]+)+", re.ASCII)
# The characters that IAM accepts in a policy, without its wildcards and variables. A branch name also excludes the
# characters that Git forbids.
_BRANCH = re.compile(r"(?!refs/)(?:(?![*?$:~^\\\[])[!-~\u00a1-\u00ff]){1,255}")
_ENVIRONMENT = re.compile(r"(?! )(?:(?![*?$])[ -~\u00a1-\u00ff]){1,255}(?<! )")
_PROVIDER = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:oidc-provider/([a-z0-9.-]+(?:/[\w./-]+)?)", re.ASCII)


class JobSettings(NamedTuple):
    """The settings that name the publishing job; each is None if it was not given.

    Attributes:
        github: ``owner/repo``; ``owner@1234/repo@5678`` for a repository with immutable subjects.
        github_branch: The branch whose jobs publish.
        github_environment: The environment whose jobs publish, in place of a branch.
        gitlab: ``group/project``.
        gitlab_branch: The branch whose jobs publish.
        gitlab_environment: Always refused, as AWS cannot see it.
        oidc_provider_arn: The account's OpenID Connect provider for the tokens' issuer, if the account has one.
    """

    github: str | None = None
    github_branch: str | None = None
    github_environment: str | None = None
    gitlab: str | None = None
    gitlab_branch: str | None = None
    gitlab_environment: str | None = None
    oidc_provider_arn: str | None = None


class TrustedJob(NamedTuple):
    """The claims that the job's token must contain.

    Attributes:
        name: The repository or project, for descriptions.
        issuer: Who signs the token, without ``https://``, as IAM names the provider and its condition keys.
        audience: The claim ``aud``.
        subject: The claim ``sub``.
    """

    name: str
    issuer: str
    audience: str
    subject: str

    @property
    def conditions(self) -> dict[str, dict[str, str]]:
        """The conditions of the role's trust policy."""
        return {"StringEquals": {f"{self.issuer}:aud": self.audience, f"{self.issuer}:sub": self.subject}}


def trusted_job(settings: JobSettings) -> TrustedJob | None:
    """The job that may publish; None if the build job gets its credentials in another way.

    Raises:
        ContextError: The settings are wrong, or do not say which branch or environment may publish.
    """
    for host in ("github", "gitlab"):
        for detail in ("branch", "environment"):
            value = getattr(settings, f"{host}_{detail}")
            if value is not None and getattr(settings, host) is None:
                refuse(f"{host}_{detail}", value, f"has no effect without {host}")
    if settings.github is not None and settings.gitlab is not None:
        refuse(
            "gitlab", settings.gitlab, f"cannot be combined with github={settings.github!r}: one role trusts one job"
        )
    if settings.github is not None:
        return _on_github(settings, settings.github)
    if settings.gitlab is not None:
        return _on_gitlab(settings, settings.gitlab)
    if settings.oidc_provider_arn is not None:
        refuse("oidc_provider_arn", settings.oidc_provider_arn, "has no effect without github or gitlab")
    return None


def _on_github(settings: JobSettings, repository: str) -> TrustedJob:
    """See https://docs.github.com/en/actions/reference/security/oidc."""
    _check("github", repository, _GITHUB_REPOSITORY, "not owner/repo or owner@ID/repo@ID (docs/security.md)")
    branch, environment = settings.github_branch, settings.github_environment
    if branch is not None and environment is not None:
        why = (
            f"cannot be combined with github_branch={branch!r}: the token of a job with an environment names no branch"
        )
        refuse("github_environment", environment, why)
    if branch is not None:
        _check_branch("github_branch", branch)
        subject = f"repo:{repository}:ref:refs/heads/{branch}"
    elif environment is not None:
        _check("github_environment", environment, _ENVIRONMENT, "not an environment name; wildcards are not allowed")
        # Colons separate the parts of a subject, so GitHub escapes each colon within a name.
        subject = f"repo:{repository}:environment:{environment.replace(':', '%3A')}"
    else:
        why = "set github_branch or github_environment; otherwise every branch and pull request could publish"
        refuse("github", repository, why)
    issuer = _issuer(settings.oidc_provider_arn, GITHUB)
    if issuer != GITHUB:
        refuse("oidc_provider_arn", settings.oidc_provider_arn, f"not the provider for GitHub: {GITHUB}")
    return TrustedJob(repository, issuer, "sts.amazonaws.com", subject)


def _on_gitlab(settings: JobSettings, project: str) -> TrustedJob:
    """See https://docs.gitlab.com/ci/cloud_services/aws/.

    AWS reads only the subject of a GitLab token, and the subject names the branch, not the environment:
    https://docs.gitlab.com/ci/secrets/id_token_authentication/
    """
    _check("gitlab", project, _GITLAB_PROJECT, "not group/project")
    if settings.gitlab_environment is not None:
        why = "AWS cannot see the environment of a GitLab job; protect a branch, and set gitlab_branch"
        refuse("gitlab_environment", settings.gitlab_environment, why)
    if settings.gitlab_branch is None:
        refuse("gitlab", project, "set gitlab_branch; otherwise every branch and tag could publish")
    _check_branch("gitlab_branch", settings.gitlab_branch)
    issuer = _issuer(settings.oidc_provider_arn, GITLAB)
    if issuer == GITHUB:
        refuse("oidc_provider_arn", settings.oidc_provider_arn, "not the provider for GitLab")
    # The account's own provider may stand for a self-managed GitLab.
    subject = f"project_path:{project}:ref_type:branch:ref:{settings.gitlab_branch}"
    return TrustedJob(project, issuer, f"https://{issuer}", subject)


def _issuer(provider_arn: str | None, usual: str) -> str:
    """The issuer that the provider's ARN names."""
    if provider_arn is None:
        return usual
    found = _PROVIDER.fullmatch(provider_arn) if isinstance(provider_arn, str) else None
    if found is None:
        refuse("oidc_provider_arn", provider_arn, f"not an ARN such as arn:aws:iam::123456789012:oidc-provider/{usual}")
    return found[1]


def _check_branch(key: str, branch: str) -> None:
    _check(key, branch, _BRANCH, "not a branch name such as 'main'; wildcards and refs/ are not allowed")


def _check(key: str, value: str, pattern: re.Pattern[str], why: str) -> None:
    # A value in cdk.json can have any type.
    if not (isinstance(value, str) and pattern.fullmatch(value)):
        refuse(key, value, why)
