"""The construct: one installation as a part of anybody's CDK app."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Unpack

from aws_cdk import Stack, Token
from constructs import Construct

from asset_cleaner_cdk.code import packaged_code
from asset_cleaner_cdk.installation import install
from asset_cleaner_cdk.settings.errors import ContextError, SettingsError, refuse
from asset_cleaner_cdk.settings.stack import settings_from

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_s3 as s3

    from asset_cleaner_cdk.settings.keywords import Settings
    from asset_cleaner_cdk.settings.stack import StackSettings


class AssetCleaner(Construct):
    """The cleaner of one or several sites, with its triggers, alarms and dashboard, and the build job's permissions.

    Example:
        ``AssetCleaner(stack, "Cleaner", bucket=bucket, prefix="assets/", version_ttl=86_400)``

    Attributes:
        bucket: The first site's bucket.
        function: The cleaner's function.
        uploader_policies: The permissions of the build job, one policy for each site, in the order of the sites.
        uploader_role: The role that the build job assumes; None without ``github`` and ``gitlab``.
        alarm_topic: The topic that the alarms notify.
        distribution: The distribution that was created; None without ``distribution=True``.
    """

    def __init__(self, scope: Construct, construct_id: str, **settings: Unpack[Settings]) -> None:
        """Define it.

        Args:
            scope: A stack, or a construct in one.
            construct_id: Its id in the scope.
            settings: What to install: see `Settings`.

        Raises:
            SettingsError: A setting is unknown or wrong, or two settings do not go together.
        """
        super().__init__(scope, construct_id)
        try:
            checked = _checked(self, {**settings})
            with TemporaryDirectory() as scratch:
                installed = install(self, checked, packaged_code(checked.sites, Path(scratch)))
        except ContextError as error:
            msg = f"AssetCleaner {self.node.path}: {str(error).removeprefix('context ')}"
            raise SettingsError(msg) from error
        self.bucket = installed.sites[0].bucket
        self.function = installed.function
        self.uploader_policies = installed.build_job.policies
        self.uploader_role = installed.build_job.role
        self.alarm_topic = installed.alarms
        self.distribution = installed.distribution


def _checked(scope: Construct, given: dict[str, Any]) -> StackSettings:
    """The settings, by the checks of a stack's; meanwhile a name stands for each bucket of the app."""
    if "name" in given:
        refuse("name", given["name"], "leave it out: the construct's id tells installations apart")
    buckets: dict[str, s3.IBucket] = {}
    context = _as_json(given, buckets)
    if isinstance(context.get("sites"), list):
        context["sites"] = [_as_json(site, buckets) for site in context["sites"]]
    region = Stack.of(scope).region
    checked = settings_from(context, None if Token.is_unresolved(region) else region)
    if len(buckets) > 1:
        why = "only one bucket may have a name that nobody knows before the deploy; make a second AssetCleaner"
        refuse("sites", [bucket.node.path for bucket in buckets.values()], why)
    sites = tuple(replace(site, bucket=buckets.get(str(site.bucket), site.bucket)) for site in checked.sites)
    keys = [bucket.encryption_key.key_arn for bucket in buckets.values() if bucket.encryption_key is not None]
    return replace(checked, sites=sites, kms_key_arn=checked.kms_key_arn or next(iter(keys), None))


def _as_json(settings: Mapping[str, Any], buckets: dict[str, s3.IBucket]) -> dict[str, Any]:
    """Settings as the CDK's context has them.

    Args:
        settings: The settings of the installation, or of a site.
        buckets: Is filled: the name that stands for a bucket -> the bucket.
    """
    found: dict[str, Any] = {name: [*value] if isinstance(value, tuple) else value for name, value in settings.items()}
    bucket = found.get("bucket")
    if isinstance(bucket, str) and Token.is_unresolved(bucket):
        why = "a name that nobody knows before the deploy; give the bucket, as s3.Bucket.from_bucket_name does"
        refuse("bucket", bucket, why)
    if bucket is not None and not isinstance(bucket, str) and hasattr(bucket, "bucket_name"):
        known = not Token.is_unresolved(bucket.bucket_name)
        found["bucket"] = bucket.bucket_name if known else bucket.node.addr
        if not known:
            buckets[bucket.node.addr] = bucket
    return found
