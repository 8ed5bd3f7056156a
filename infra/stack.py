"""The stack of one installation: buckets, cleaner, triggers, build job, distribution and monitoring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, Duration, Stack, Tags
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs

from infra.adoption import adopted_buckets, print_what_to_add
from infra.buckets import new_bucket
from infra.build_job.role import add_build_job
from infra.build_job.trusted_job import JobSettings
from infra.cdn.access import allow_existing_distribution
from infra.cdn.distribution import CdnSettings, add_distribution
from infra.cleaner import add_cleaner
from infra.monitoring import add_monitoring
from infra.permissions import use_of_key, write_once_statements
from infra.sites import SiteInStack, by_bucket, suffix_of
from infra.triggers import allow_rules, wake_by_marker, wake_daily, wake_ups
from release_log.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path

    from constructs import Construct

    from infra.settings.stack import StackSettings


class AssetCleaner(Stack):
    """The stack that ``cdk deploy`` installs.

    A resource with data, or with users outside the stack, keeps the id that it had in the first version: with a new id
    CloudFormation would replace the resource.
    """

    def __init__(self, scope: Construct, settings: StackSettings, bundle: Path) -> None:
        """Define it.

        Args:
            scope: The app.
            settings: What to install.
            bundle: The folder with the Lambda's code.
        """
        super().__init__(
            scope,
            settings.stack_name,
            description="Deletes superseded and removed assets from S3 when nothing live needs them any more.",
        )
        sites = self._sites(settings)
        undelivered, failed = self._queue("Undelivered"), self._queue("FailedRuns")
        wakes = wake_ups(self, undelivered)
        function = add_cleaner(self, settings, sites, bundle, wakes, failed=failed, undelivered=undelivered)
        target = allow_rules(self, function, undelivered)
        for together in by_bucket(sites):
            wake_by_marker(self, together, target)
        for site in sites:
            wake_daily(self, site, settings.schedule, target)
        self._build_job(settings, sites)
        self._protect_log(sites, settings.noncurrent_days)
        self._serve(settings, sites)
        add_monitoring(
            self,
            function=function,
            undelivered=undelivered,
            failed=failed,
            sites=sites,
            alarm_email=settings.alarm_email,
        )
        CfnOutput(self, "BucketName", value=sites[0].bucket.bucket_name)
        CfnOutput(self, "CleanerFunctionName", value=function.function_name)
        if settings.permissions_boundary is not None:
            boundary = iam.ManagedPolicy.from_managed_policy_arn(self, "Boundary", settings.permissions_boundary)
            iam.PermissionsBoundary.of(self).apply(boundary)
        for name, value in settings.tags.items():
            Tags.of(self).add(name, value)

    def _sites(self, settings: StackSettings) -> list[SiteInStack]:
        key = None if settings.kms_key_arn is None else kms.Key.from_key_arn(self, "Key", settings.kms_key_arn)
        names = list(dict.fromkeys(site.bucket for site in settings.sites if site.bucket))
        first = settings.sites[0].bucket
        adopted = adopted_buckets(self, names, first, key)
        own = None
        if any(site.bucket is None for site in settings.sites):
            own = new_bucket(self, settings.noncurrent_days, key, first=first is None)
        found = []
        for number, site in enumerate(settings.sites, 1):
            bucket = own if site.bucket is None else adopted[site.bucket]
            assert bucket is not None  # noqa: S101 (created above for such a site)
            found.append(
                SiteInStack(
                    bucket,
                    Layout(site.prefix),
                    adopted=site.bucket is not None,
                    policy=site.policy,
                    suffix=suffix_of(number, site.bucket, site.prefix),
                    number=number,
                )
            )
        return found

    def _queue(self, name: str) -> sqs.Queue:
        return sqs.Queue(
            self,
            name,
            retention_period=Duration.days(14),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
        )

    def _build_job(self, settings: StackSettings, sites: list[SiteInStack]) -> None:
        job = add_build_job(
            self,
            sites,
            JobSettings(
                github=settings.github,
                github_branch=settings.github_branch,
                github_environment=settings.github_environment,
                gitlab=settings.gitlab,
                gitlab_branch=settings.gitlab_branch,
                gitlab_environment=settings.gitlab_environment,
                oidc_provider_arn=settings.oidc_provider_arn,
            ),
        )
        if settings.kms_key_arn is not None:
            for policy in job.policies:
                policy.add_statements(use_of_key(settings.kms_key_arn, self.region, self.url_suffix))

    def _protect_log(self, sites: list[SiteInStack], noncurrent_days: int) -> None:
        """Let nobody overwrite a file of a release log; for an existing bucket, print the statements that do so."""
        for number, group in enumerate(by_bucket(sites), 1):
            bucket = group[0].bucket
            if group[0].adopted:
                print_what_to_add(self, group, noncurrent_days, number)
                continue
            for site in group:
                for statement in write_once_statements(bucket.bucket_arn, site.layout):
                    bucket.add_to_resource_policy(statement)

    def _serve(self, settings: StackSettings, sites: list[SiteInStack]) -> None:
        if settings.distribution:
            cdn = CdnSettings(
                cors_origins=settings.cors_origins,
                domain_name=settings.domain_name,
                certificate_arn=settings.certificate_arn,
                access_logs=settings.access_logs,
            )
            add_distribution(self, sites, cdn)
        elif settings.distribution_id is not None:
            allow_existing_distribution(self, sites, settings.distribution_id)
