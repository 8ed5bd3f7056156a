"""Opens the versions of a bucket's objects. This loads boto3, so it is apart from `uploader.s3.open`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uploader.s3.versions import S3Versions

if TYPE_CHECKING:
    from uploader.aws.access import Access
    from uploader.s3.port import VersionsPort


def open_versions(access: Access) -> VersionsPort:
    """Open the versions of a bucket's objects.

    Args:
        access: The bucket, and the credentials.
    """
    return S3Versions(access)
