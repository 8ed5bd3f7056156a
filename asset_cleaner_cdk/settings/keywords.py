"""The settings as keyword arguments: the types of `asset_cleaner_cdk.AssetCleaner`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Required, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_s3 as s3


class PolicySettings(TypedDict, total=False):
    """When assets are deleted. ``docs/policy.md`` describes each setting, with its default."""

    version_limit: int
    version_ttl: int
    removed_ttl: int
    grace: int
    keep_releases: int
    pending_ttl: int
    staged_ttl: int
    site_ttl: int
    orphans: Literal["fingerprinted", "all", "report"]
    orphans_pattern: str
    orphan_tags: int
    max_delete_fraction: float


class Site(PolicySettings, total=False):
    """One of several sites: its prefix, its bucket unless it is every site's, and its own policy."""

    prefix: Required[str]
    bucket: str | s3.IBucket


class Settings(PolicySettings, total=False):
    """What to install. ``docs/stack.md`` describes each setting, with its default."""

    prefix: str
    bucket: str | s3.IBucket
    sites: Sequence[Site]
    noncurrent_days: int
    kms_key_arn: str
    permissions_boundary: str
    tags: Mapping[str, str]
    schedule: str
    memory: int
    timeout: int
    concurrency: int
    ledger_format: Literal[1, 2]
    distributed: bool
    alarm_email: str
    distribution: bool
    distribution_id: str
    cors_origins: Sequence[str]
    domain_name: str
    certificate_arn: str
    access_logs: bool
    github: str
    github_branch: str
    github_environment: str
    gitlab: str
    gitlab_branch: str
    oidc_provider_arn: str
