"""Undo the cleaner's deletion of a release's assets, in a bucket that keeps deleted objects (S3 versioning).

An operator does this, with permissions that a build job does not have. Under an intent, so that no cleaner deletes
meanwhile, the delete markers on the release's keys are removed, and then our tags. In the end the release is staged, so
that its assets are kept until somebody decides.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from uploader.clocks import Clocks
from uploader.counted import counted
from uploader.errors import UploaderError
from uploader.history.body import body_of
from uploader.history.completeness import fits, keys_there, some_of
from uploader.protocol.intent import TRIES, busy_error, intent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release_log.layout import Layout
    from uploader.history.release import LoggedRelease
    from uploader.s3.port import BucketPort, VersionsPort

log = logging.getLogger("uploader")

MOST_DELETE_MARKERS = 100
"""How many delete markers one key may have: each deletion of a deleted key adds one."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What has become of a release's assets.

    Attributes:
        there: Keys that exist as uploaded.
        deleted: Key -> version id of its delete marker, for each key that can be restored.
        lost: Keys that cannot be restored, because no fitting version is left.
    """

    there: frozenset[str]
    deleted: Mapping[str, str]
    lost: frozenset[str]


@dataclass(frozen=True, slots=True)
class Restored:
    """A release that is whole again.

    Attributes:
        id: The id under which it is staged.
        staged: The staged release's key.
        keys: The keys that were restored.
    """

    id: str
    staged: str
    keys: frozenset[str]


def take_inventory(bucket: BucketPort, versions: VersionsPort, layout: Layout, logged: LoggedRelease) -> Inventory:
    """Find out which assets exist, which can be restored, and which are lost. Only reads."""
    objects = logged.release.objects
    sizes = bucket.listing(layout, objects.keys()).sizes
    there = keys_there(logged.release, sizes)
    if there == objects.keys():
        return Inventory(there, {}, frozenset())
    below = versions.deleted(objects.keys() - there)
    deleted = {
        key: below[key].marker
        for key, asset in objects.items()
        if key in below and key not in sizes and fits(asset, below[key].size)
    }
    return Inventory(there, deleted, frozenset(objects.keys() - there - deleted.keys()))


def restore(
    bucket: BucketPort, versions: VersionsPort, layout: Layout, logged: LoggedRelease, *, clocks: Clocks | None = None
) -> Restored:
    """Restore a release's deleted assets, and stage the release under a new id.

    Raises:
        UploaderError: Some assets cannot be restored. All others were restored; no release keeps them yet.
    """
    clocks = clocks or Clocks()
    restored: set[str] = set()
    reported: set[str] = set()
    body = body_of(logged.release)
    tries = 0
    while tries < TRIES:
        with intent(bucket, layout, logged.name, lambda _: body, logged.release.all_keys, clocks) as held:
            for _ in range(MOST_DELETE_MARKERS):
                found = take_inventory(bucket, versions, layout, logged)
                if not found.deleted:
                    break
                versions.undelete(found.deleted)
                restored |= found.deleted.keys()
            # Not earlier: tags can be read once their object is the newest version.
            versions.untag({key for key in restored & found.there if not layout.stores(key)})
            for key in sorted((restored & found.there) - reported):
                log.debug("restored: %s", key)
            reported |= restored & found.there
            if found.lost or found.deleted:
                raise _incomplete(logged, found, restored)
            if held.is_too_old(clocks):
                continue
            key = layout.staged_key(held.id)
            taken = bucket.get(layout.marker_key(held.id)) is not None
            if not taken and held.write(bucket, key, body, clocks) and not held.is_over(clocks):
                return Restored(held.id, key, frozenset(restored))
        tries += 1
        clocks.sleep(1)
    raise busy_error(logged.name)


def _incomplete(logged: LoggedRelease, found: Inventory, restored: set[str]) -> UploaderError:
    lost = found.lost | found.deleted.keys()
    return UploaderError(
        f"{len(lost):,} of {counted(len(logged.release.objects), 'asset')} of {logged.id} cannot be restored (the "
        "bucket has no versioning, its window is over, its version is in an archive, or another file has the key): "
        f"{some_of(lost)}; "
        f"{counted(len(restored & found.there), 'was', 'were')} restored, until they fall due again, and "
        f"{counted(len(found.there - restored), 'was', 'were')} there before; publish that build again"
    )
