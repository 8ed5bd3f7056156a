"""One installation: the buckets, the cleaner, what wakes it, and what the build job may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, Duration, Stack, Tags
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs

from infra.buckets import adopted_buckets, new_bucket
from infra.cleaner import add_cleaner
from infra.permissions import uploader_statements, use_of_key
from infra.sites import SiteInStack, suffix_of
from infra.triggers import wake_by_marker, wake_daily, wake_ups
from release_log.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path

    from constructs import Construct

    from infra.settings import StackSettings


class AssetCleaner(Stack):
    """The stack that ``cdk deploy`` installs.

    Whatever keeps something, or is referred to from outside, has the name that it has had from the first version on:
    under another one CloudFormation would make it anew.
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
        for site in sites:
            wake_by_marker(self, site, function, undelivered)
            wake_daily(self, site, settings.schedule, function, undelivered)
            self._build_job(settings, site)
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
        adopted = adopted_buckets(self, names, first)
        own = None
        if any(site.bucket is None for site in settings.sites):
            own = new_bucket(self, settings.noncurrent_days, key, first=first is None)
        found = []
        for number, site in enumerate(settings.sites, 1):
            bucket = own if site.bucket is None else adopted[site.bucket]
            assert bucket is not None  # noqa: S101 (it was made above, for such a site)
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

    def _build_job(self, settings: StackSettings, site: SiteInStack) -> None:
        statements = uploader_statements(site.bucket.bucket_arn, site.layout)
        if settings.kms_key_arn is not None:
            statements.append(use_of_key(settings.kms_key_arn, self.region))
        policy = iam.ManagedPolicy(
            self,
            f"UploaderPolicy{site.suffix}",
            # Never to be changed: another text would replace the policy, and take it from the roles that have it.
            description="Lets a build job publish releases of one site, and delete no asset",
            statements=statements,
        )
        CfnOutput(self, f"UploaderPolicyArn{site.suffix}", value=policy.managed_policy_arn)
