"""A site, and the way to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from release_log.errors import LayoutError
from release_log.layout import Layout, check_prefix
from uploader.aws.find_access import find_access
from uploader.errors import UsageError
from uploader.library.defaults import DEFAULT_CONCURRENCY, DEFAULT_PREFIX
from uploader.s3.open import connect, encryption, open_connected

if TYPE_CHECKING:
    from uploader.aws.access import Access
    from uploader.s3.open import Connection
    from uploader.s3.port import BucketPort


@dataclass(frozen=True, kw_only=True)
class Site:
    """A site, and the way to it.

    Region, credentials and connections are found when they are first needed, and kept: make another `Site` to find
    them anew.

    Attributes:
        bucket: The bucket's name.
        prefix: The site's key prefix: empty, or ending with a slash.
        region: The bucket's region; None: as boto3 finds it.
        profile: An AWS profile; None: as boto3 finds it.
        endpoint_url: Another S3 server than AWS.
        concurrency: How many requests run at once.
        max_bandwidth: At which rate files are sent, such as ``20MB/s``; None: as fast as it goes.
        sse: How S3 encrypts each object: ``AES256`` or ``aws:kms``; None: as the bucket says.
        sse_kms_key_id: The KMS key.
        sse_bucket_key: Let S3 keep a bucket key.
        who: Who needs a permission that is missing, in error messages.
    """

    bucket: str
    prefix: str = DEFAULT_PREFIX
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    concurrency: int = DEFAULT_CONCURRENCY
    max_bandwidth: str | None = None
    sse: str | None = None
    sse_kms_key_id: str | None = None
    sse_bucket_key: bool = False
    who: str = "the build job's role"

    @property
    def url(self) -> str:
        """Where the site lies, for people."""
        return f"s3://{self.bucket}/{self.prefix}"

    @cached_property
    def layout(self) -> Layout:
        """The site's keys.

        Raises:
            UsageError: The prefix is not valid.
        """
        try:
            return Layout(check_prefix(self.prefix))
        except LayoutError as error:
            raise UsageError(str(error)) from error

    @cached_property
    def access(self) -> Access:
        """Who we are there.

        Raises:
            UsageError: There are no credentials, or no region, or no such profile.
        """
        found = find_access(self.bucket, region=self.region, profile=self.profile, endpoint_url=self.endpoint_url)
        return found._replace(who=self.who)

    def of_operator(self) -> Site:
        """The same site for who has an operator's rights, should one be missing."""
        return replace(self, who="the operator's role")

    @cached_property
    def connection(self) -> Connection:
        """Connections to the bucket.

        Raises:
            UsageError: As `access`; or the name cannot be a bucket's, or the rate is not one.
        """
        encrypted = encryption(self.sse, self.sse_kms_key_id, bucket_key=self.sse_bucket_key)
        return connect(self.access, encrypted, self.max_bandwidth)

    def open(self) -> BucketPort:
        """Open the bucket. Each call gives another one, over the same connections."""
        return open_connected(self.connection, self.concurrency)

    def warm(self) -> None:
        """Begin to open connections, before many requests follow; meanwhile the rest of a program is loaded."""
        self.connection.warm(self.layout, datetime.now(UTC))
