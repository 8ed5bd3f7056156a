"""The uploader as a library: ``from uploader import publish``. What the command line can, a program can too."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from release_log.channel import CHANNEL, DEFAULT_CHANNEL
from release_log.errors import LayoutError
from release_log.fingerprints import PatternError, compile_pattern
from release_log.layout import Layout, check_prefix, make_id
from uploader.aws.access import find_access
from uploader.builds.files import every_file
from uploader.builds.release_name import release_name
from uploader.errors import UsageError
from uploader.operations import staging
from uploader.publishing.invalidation import find_cdn
from uploader.publishing.prepare import prepare
from uploader.publishing.publish import Published
from uploader.publishing.publish import publish as publish_build
from uploader.s3.bucket import open_bucket
from uploader.s3.encryption import encryption
from uploader.s3.read_only import ReadOnly
from uploader.treatment.rule_tables import parse_rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from uploader.aws.access import Access
    from uploader.builds.files import Collector
    from uploader.s3.bucket import Bucket


__all__ = ["Published", "Site", "activate", "drop", "publish"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A site, and the way to it.

    Attributes:
        bucket: The bucket's name.
        prefix: The site's key prefix: empty, or ending with a slash.
        region: The bucket's; None: as boto3 finds it.
        profile: An AWS profile; None: as boto3 finds it.
        endpoint_url: Another S3 server than AWS.
        concurrency: How many requests run at once.
        sse: How S3 encrypts what is stored: ``AES256`` or ``aws:kms``; None: as the bucket says.
        sse_kms_key_id: The KMS key.
        sse_bucket_key: Let S3 keep a bucket key.
    """

    bucket: str
    prefix: str = "assets/"
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    concurrency: int = 128
    sse: str | None = None
    sse_kms_key_id: str | None = None
    sse_bucket_key: bool = False

    def layout(self) -> Layout:
        """Its keys.

        Raises:
            UsageError: There can be no such prefix.
        """
        try:
            return Layout(check_prefix(self.prefix))
        except LayoutError as error:
            raise UsageError(str(error)) from error

    def access(self) -> Access:
        """Who we are there.

        Raises:
            UsageError: There are no credentials, or no region, or no such profile.
        """
        return find_access(self.bucket, region=self.region, profile=self.profile, endpoint_url=self.endpoint_url)

    def open(self) -> Bucket:
        """Its bucket."""
        encrypted = encryption(self.sse, self.sse_kms_key_id, bucket_key=self.sse_bucket_key)
        return open_bucket(self.access(), self.concurrency, encrypted)


def publish(  # noqa: PLR0913 (each is one option of the command line)
    directory: str | os.PathLike[str],
    site: Site,
    *,
    channel: str = DEFAULT_CHANNEL,
    release: str | None = None,
    fingerprint_pattern: str | None = None,
    manifest: str | os.PathLike[str] | None = None,
    collector: Collector | None = None,
    rules: Sequence[Mapping[str, Any]] = (),
    stage: bool = False,
    dry_run: bool = False,
    invalidate: str | None = None,
    invalidate_root: str = "",
) -> Published:
    """Upload what is new in a directory, then write the release marker.

    Args:
        directory: The build's output.
        site: Where it is published.
        channel: The line of releases this one belongs to.
        release: Its name; None: the CI system's commit, else git's, else the time.
        fingerprint_pattern: A regular expression with a group ``fingerprint``, instead of the built-in recognition.
        manifest: A build manifest; None: those that are found in the directory.
        collector: Finds the files, instead of every file of the directory.
        rules: As ``[[rules]]`` in ``uploader.toml``: ``{"match": "*.map", "skip": True}``.
        stage: Leave it waiting for `activate`.
        dry_run: Say what would be sent; write nothing.
        invalidate: A CloudFront distribution's id: have it drop its copies of what was replaced.
        invalidate_root: Its origin path: what a key has and its URL has not.

    Raises:
        UsageError: Something that is asked for cannot be: nothing was read from the bucket, nothing written.
        UploaderError: Something failed: no marker was written, and what was live stays so. Or CloudFront refused, then
        the release is there.
    """
    layout = site.layout()
    now = datetime.now(UTC)
    name = release_name(os.environ, now) if release is None else release
    try:
        make_id(now, name)
        pattern = None if fingerprint_pattern is None else compile_pattern(fingerprint_pattern)
    except (LayoutError, PatternError) as error:
        raise UsageError(str(error)) from error
    if not CHANNEL.fullmatch(channel):
        msg = f"channel {channel!r}: use up to 64 letters, digits, dots, hyphens and underscores"
        raise UsageError(msg)
    bucket = site.open()
    prepared = prepare(
        ReadOnly(bucket) if dry_run else bucket,
        Path(directory),
        prefix=layout.prefix,
        channel=channel,
        release=name,
        pattern=pattern,
        collector=collector or every_file,
        rules=parse_rules([dict(rule) for rule in rules], "rules"),
        manifest=None if manifest is None else Path(manifest),
    )
    cdn = None if invalidate is None else find_cdn(invalidate, invalidate_root, site.prefix)
    published = publish_build(prepared.bucket, prepared.build, stage=stage, newest=prepared.newest)
    stale = () if cdn is None else cdn.stale_paths(published.uploads)
    if cdn is not None and stale and not dry_run:
        cdn.invalidate(site.access(), published.id, stale)
    return published


def activate(release_id: str, site: Site) -> None:
    """Make a staged release current.

    Raises:
        UploaderError: It is not staged, or not whole: nothing was changed.
    """
    layout = site.layout()
    staging.activate(site.open(), layout, release_id)


def drop(release_id: str, site: Site) -> None:
    """Give up a staged release.

    Raises:
        UploaderError: It is not staged.
    """
    layout = site.layout()
    staging.drop(site.open(), layout, release_id)
