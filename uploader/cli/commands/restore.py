"""``restore``: an operator's command for buckets with versioning."""

from __future__ import annotations

import click

from uploader.cli import options as shared
from uploader.cli.command import command


@command()
@shared.takes(
    shared.RELEASE_ID,
    *shared.SITE,
    click.option(
        "--dry-run", envvar="UPLOADER_DRY_RUN", is_flag=True, help="Show what would be restored; write nothing."
    ),
    shared.JSON,
    *shared.ENCRYPTION,
    *shared.WAY,
    *shared.LOGS,
)
def restore() -> None:
    """Restore the assets of a release that the cleaner deleted, and keep them as a staged release.

    Only in a bucket with versioning, and while it still keeps the old versions. An operator's command: it needs
    s3:ListBucketVersions, s3:DeleteObjectVersion, s3:GetObjectTagging and s3:PutObjectTagging besides what an upload
    needs.

    \b
    Examples:
      python -m uploader restore --release 20261123T060500Z-3f9c2ab --bucket my-assets --dry-run
      python -m uploader restore --release 20261123T060500Z-3f9c2ab --bucket my-assets
    """
