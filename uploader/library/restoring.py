"""Bring back the assets of a release that the cleaner deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from uploader.history.find import find_release
from uploader.operations import restore as operation
from uploader.s3.open_versions import open_versions

if TYPE_CHECKING:
    from uploader.library.site import Site
    from uploader.operations.restore import Inventory, Restored


@dataclass(frozen=True, slots=True)
class Restoration:
    """The result of a restoration, or of its dry run.

    Attributes:
        release_id: The release whose assets were asked for.
        found: The assets that existed, and those that were deleted.
        done: The staged release that keeps the assets; None if no asset was missing, or under a dry run.
    """

    release_id: str
    found: Inventory
    done: Restored | None


def restore(release_id: str, site: Site, *, dry_run: bool = False) -> Restoration:
    """Restore the assets of a release that the cleaner deleted, and keep them as a staged release.

    Only in a bucket with versioning, and while it still keeps the old versions. It takes an operator's rights.

    Args:
        release_id: The release.
        site: The site.
        dry_run: Find out what would be restored; write nothing.

    Raises:
        UploaderError: Some of it cannot be restored; the rest was, and no release keeps it yet.
    """
    site = site.of_operator()
    bucket, versions, layout = site.open(), open_versions(site.access), site.layout
    named = find_release(bucket, layout, release_id, (layout.markers, layout.staged, layout.pins))
    found = operation.take_inventory(bucket, versions, layout, named)
    done = None
    if (found.deleted or found.lost) and not dry_run:
        done = operation.restore(bucket, versions, layout, named)
    return Restoration(named.id, found, done)
