"""The build job's rights: a policy for each site, and a role that a CI job assumes without any stored key."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from aws_cdk import CfnOutput, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam

from infra.build_job.trusted_job import trusted_job
from infra.permissions import uploader_statements
from infra.settings.stack import ContextError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import Stack

    from infra.build_job.trusted_job import JobSettings, TrustedJob
    from infra.sites import SiteInStack

MOST_POLICIES = 10
"""How many managed policies a role may have: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""


class BuildJob(NamedTuple):
    """What a build job gets.

    Attributes:
        policies: What it may do, site by site.
        role: What it assumes; None if it has a role of its own.
    """

    policies: list[iam.ManagedPolicy]
    role: iam.Role | None


def add_build_job(scope: Stack, sites: Sequence[SiteInStack], settings: JobSettings) -> BuildJob:
    """Add the policies, and the role if the settings name a job; their ARNs are outputs.

    Args:
        scope: The stack.
        sites: The sites. A new one goes to the end: the policy of the first is known by its place.
        settings: Who publishes.

    Raises:
        ContextError: See `infra.build_job.trusted_job.trusted_job`.
    """
    job = trusted_job(settings)
    if job is not None and len(sites) > MOST_POLICIES:
        msg = (
            f"context sites: {len(sites)} of them, and IAM gives one role {MOST_POLICIES} policies; "
            f"leave github and gitlab out, or make several installations (name)"
        )
        raise ContextError(msg)
    policies = [_policy(scope, site, first=number == 0) for number, site in enumerate(sites)]
    return BuildJob(policies, None if job is None else _role(scope, job, policies, settings.oidc_provider_arn))


def _policy(scope: Stack, site: SiteInStack, *, first: bool) -> iam.ManagedPolicy:
    name = "" if first else _short_hash(site)
    policy = iam.ManagedPolicy(
        scope,
        f"UploaderPolicy{name}",
        # Never to be changed: another text would replace the policy, and take it from the roles that have it.
        description="Lets a build job publish releases of one site, and delete no asset",
        statements=uploader_statements(site.bucket.bucket_arn, site.layout),
    )
    # A prefix may hold what an output's description may not, so only its policy tells which site it is.
    CfnOutput(scope, f"UploaderPolicyArn{name}", value=policy.managed_policy_arn)
    return policy


def _role(scope: Stack, job: TrustedJob, policies: Sequence[iam.ManagedPolicy], provider_arn: str | None) -> iam.Role:
    role = iam.Role(
        scope,
        "UploaderRole",
        description=f"Publishes releases of {job.name}",
        assumed_by=iam.WebIdentityPrincipal(provider_arn or _provider(scope, job), job.conditions),
        managed_policies=list(policies),
        max_session_duration=Duration.hours(1),
    )
    CfnOutput(scope, "UploaderRoleArn", value=role.role_arn)
    return role


def _provider(scope: Stack, job: TrustedJob) -> str:
    """The account's provider for the job's tokens; an account can have one for each issuer.

    The CDK's older construct would bring a Lambda that may create and delete every provider.
    """
    provider = iam.CfnOIDCProvider(scope, "OidcProvider", url=f"https://{job.issuer}", client_id_list=[job.audience])
    # Others may have come to rely on it: it outlives the stack, and this stack's use of it.
    provider.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
    CfnOutput(scope, "OidcProviderArn", value=provider.attr_arn)
    return provider.attr_arn


def _short_hash(site: SiteInStack) -> str:
    """The same whatever the order of the sites; a bucket of the stack's own has its name from AWS, later."""
    bucket = site.bucket.bucket_name if site.adopted else ""
    return hashlib.sha256(f"{bucket}/{site.layout.prefix}".encode()).hexdigest()[:8]
