"""The build job's permissions: a policy for each site, and a role that a CI job assumes without a stored key."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aws_cdk import CfnOutput, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam

from asset_cleaner_cdk.build_job.trusted_job import trusted_job
from asset_cleaner_cdk.permissions import uploader_statements
from asset_cleaner_cdk.settings.errors import ContextError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

    from asset_cleaner_cdk.build_job.trusted_job import JobSettings, TrustedJob
    from asset_cleaner_cdk.sites import SiteInStack

MOST_POLICIES = 10
"""How many managed policies a role may have: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""


class BuildJob(NamedTuple):
    """What the stack gives the build job.

    Attributes:
        policies: Its permissions, one policy for each site.
        role: The role that it assumes; None if it brings its own.
    """

    policies: list[iam.ManagedPolicy]
    role: iam.Role | None


def add_build_job(scope: Construct, sites: Sequence[SiteInStack], settings: JobSettings) -> BuildJob:
    """Add the policies, and the role if the settings name a job. Their ARNs are outputs.

    Args:
        scope: The installation, or its stack.
        sites: The sites. A new site goes to the end, as the id of a policy depends on whether its site is the first.
        settings: Which job publishes.

    Raises:
        ContextError: The settings are wrong, or a role cannot have as many policies.
    """
    job = trusted_job(settings)
    if job is not None and len(sites) > MOST_POLICIES:
        msg = (
            f"context sites: {len(sites)} sites, but an IAM role has at most {MOST_POLICIES} policies; "
            f"leave github and gitlab out, or split the sites into several installations (name)"
        )
        raise ContextError(msg)
    policies = [_policy(scope, site) for site in sites]
    return BuildJob(policies, None if job is None else _role(scope, job, policies, settings.oidc_provider_arn))


def _policy(scope: Construct, site: SiteInStack) -> iam.ManagedPolicy:
    policy = iam.ManagedPolicy(
        scope,
        f"UploaderPolicy{site.suffix}",
        # Do not change this text: a new text replaces the policy, and detaches it from the roles that have it.
        description="Lets a build job publish releases of one site, and delete no asset",
        statements=uploader_statements(site.bucket.bucket_arn, site.layout),
    )
    # The output has no description: a prefix may contain characters that a description must not.
    CfnOutput(scope, f"UploaderPolicyArn{site.suffix}", value=policy.managed_policy_arn)
    return policy


def _role(
    scope: Construct, job: TrustedJob, policies: Sequence[iam.ManagedPolicy], provider_arn: str | None
) -> iam.Role:
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


def _provider(scope: Construct, job: TrustedJob) -> str:
    """The account's provider for the job's tokens. An account can have only one for each issuer.

    The CDK's older construct would add a Lambda that may create and delete every provider.
    """
    provider = iam.CfnOIDCProvider(scope, "OidcProvider", url=f"https://{job.issuer}", client_id_list=[job.audience])
    # Other roles may rely on the provider by then, so it stays when the stack or this setting goes.
    provider.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
    CfnOutput(scope, "OidcProviderArn", value=provider.attr_arn)
    return provider.attr_arn
