"""Which CI job may publish: what its OpenID Connect token has to say.

The role trusts one exact subject. GitHub and GitLab are the issuers that AWS checks without thumbprints:
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html
"""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn

from infra.settings.stack import ContextError

GITHUB = "token.actions.githubusercontent.com"
GITLAB = "gitlab.com"

_GITHUB_REPOSITORY = re.compile(r"[\w-]+/[\w.-]+|[\w-]+@\d+/[\w.-]+@\d+", re.ASCII)
_GITLAB_PROJECT = re.compile(r"[\w.-]+(?:/[\w.-]+)+", re.ASCII)
# What IAM takes in a policy, but for its wildcards and variables; of a branch also but for what Git forbids.
_BRANCH = re.compile(r"(?!refs/)(?:(?![*?$:~^\\\[])[!-~\u00a1-\u00ff]){1,255}")
_ENVIRONMENT = re.compile(r"(?! )(?:(?![*?$])[ -~\u00a1-\u00ff]){1,255}(?<! )")
_PROVIDER = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:oidc-provider/([a-z0-9.-]+(?:/[\w./-]+)?)", re.ASCII)


class JobSettings(NamedTuple):
    """The settings that say who publishes; each is None if it was not given.

    Attributes:
        github: ``owner/repo``; ``owner@1234/repo@5678`` for a repository with immutable subjects.
        github_branch: Its branch that publishes.
        github_environment: Or its environment.
        gitlab: ``group/project``.
        gitlab_branch: Its branch that publishes.
        gitlab_environment: Refused; see `trusted_job`.
        oidc_provider_arn: The account's provider for the tokens' issuer, if it has one.
    """

    github: str | None = None
    github_branch: str | None = None
    github_environment: str | None = None
    gitlab: str | None = None
    gitlab_branch: str | None = None
    gitlab_environment: str | None = None
    oidc_provider_arn: str | None = None


class TrustedJob(NamedTuple):
    """What the token of the job has to say.

    Attributes:
        name: The repository or project, for people.
        issuer: Who signs it, without ``https://``: as IAM names the provider and its condition keys.
        audience: Its ``aud``.
        subject: Its ``sub``.
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
    """The job that may publish; None if it has its credentials from elsewhere.

    Raises:
        ContextError: The settings are wrong, or leave open which branch or environment may publish.
    """
    for host in ("github", "gitlab"):
        for detail in ("branch", "environment"):
            value = getattr(settings, f"{host}_{detail}")
            if value is not None and getattr(settings, host) is None:
                _refuse(f"{host}_{detail}", value, f"belongs to {host}, which is missing")
    if settings.github is not None and settings.gitlab is not None:
        _refuse("gitlab", settings.gitlab, f"not together with github={settings.github!r}: one role trusts one job")
    if settings.github is not None:
        return _on_github(settings, settings.github)
    if settings.gitlab is not None:
        return _on_gitlab(settings, settings.gitlab)
    if settings.oidc_provider_arn is not None:
        _refuse("oidc_provider_arn", settings.oidc_provider_arn, "belongs to github or gitlab, which is missing")
    return None


def _on_github(settings: JobSettings, repository: str) -> TrustedJob:
    """See https://docs.github.com/en/actions/reference/security/oidc."""
    _check("github", repository, _GITHUB_REPOSITORY, "not owner/repo, nor owner@ID/repo@ID (docs/security.md)")
    branch, environment = settings.github_branch, settings.github_environment
    if branch is not None and environment is not None:
        why = f"not together with github_branch={branch!r}: the token of a job with an environment names no branch"
        _refuse("github_environment", environment, why)
    if branch is not None:
        _check_branch("github_branch", branch)
        subject = f"repo:{repository}:ref:refs/heads/{branch}"
    elif environment is not None:
        _check("github_environment", environment, _ENVIRONMENT, "not an environment's name; wildcards are not allowed")
        # In a subject a colon divides; GitHub escapes those within a name.
        subject = f"repo:{repository}:environment:{environment.replace(':', '%3A')}"
    else:
        why = "say with github_branch or github_environment what may publish; else each branch and pull request could"
        _refuse("github", repository, why)
    issuer = _issuer(settings.oidc_provider_arn, GITHUB)
    if issuer != GITHUB:
        _refuse("oidc_provider_arn", settings.oidc_provider_arn, f"not the provider for GitHub: {GITHUB}")
    return TrustedJob(repository, issuer, "sts.amazonaws.com", subject)


def _on_gitlab(settings: JobSettings, project: str) -> TrustedJob:
    """See https://docs.gitlab.com/ci/cloud_services/aws/.

    AWS reads the subject of a GitLab token, and no claim beside it. The subject names the branch, not the environment:
    https://docs.gitlab.com/ci/secrets/id_token_authentication/
    """
    _check("gitlab", project, _GITLAB_PROJECT, "not group/project")
    if settings.gitlab_environment is not None:
        why = "AWS cannot see a GitLab job's environment; protect a branch, and name it with gitlab_branch"
        _refuse("gitlab_environment", settings.gitlab_environment, why)
    if settings.gitlab_branch is None:
        _refuse("gitlab", project, "say with gitlab_branch what may publish; else each branch and tag could")
    _check_branch("gitlab_branch", settings.gitlab_branch)
    issuer = _issuer(settings.oidc_provider_arn, GITLAB)
    if issuer == GITHUB:
        _refuse("oidc_provider_arn", settings.oidc_provider_arn, "not the provider for GitLab")
    # With a provider of one's own it may be a GitLab of one's own.
    subject = f"project_path:{project}:ref_type:branch:ref:{settings.gitlab_branch}"
    return TrustedJob(project, issuer, f"https://{issuer}", subject)


def _issuer(provider_arn: str | None, usual: str) -> str:
    """The issuer of a provider, as its ARN names it."""
    if provider_arn is None:
        return usual
    found = _PROVIDER.fullmatch(provider_arn) if isinstance(provider_arn, str) else None
    if found is None:
        _refuse("oidc_provider_arn", provider_arn, f"not like arn:aws:iam::123456789012:oidc-provider/{usual}")
    return found[1]


def _check_branch(key: str, branch: str) -> None:
    _check(key, branch, _BRANCH, "not a branch's own name, such as 'main'; wildcards and refs/ are not allowed")


def _check(key: str, value: str, pattern: re.Pattern[str], why: str) -> None:
    # A value in cdk.json can be of any type.
    if not (isinstance(value, str) and pattern.fullmatch(value)):
        _refuse(key, value, why)


def _refuse(key: str, value: object, why: str) -> NoReturn:
    msg = f"context {key}={value!r}: {why}"
    raise ContextError(msg)
