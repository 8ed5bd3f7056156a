"""Pin a release: its assets are kept, whatever their age, until it is unpinned.

For clients that need the assets longer than a browser tab: a native app, a widget on another site's page, a long trial.
A pin has the same content as the release's marker, and never expires.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from release_log.layout import is_id
from uploader.errors import UploaderError
from uploader.history.find import ambiguous, find_release, ids_of
from uploader.history.release import read_release
from uploader.protocol.write_if_whole import write_if_whole

if TYPE_CHECKING:
    from release_log.layout import Layout
    from uploader.clocks import Clocks
    from uploader.history.release import LoggedRelease
    from uploader.s3.port import BucketPort


@dataclass(frozen=True, slots=True)
class Pinned:
    """A pinned release.

    Attributes:
        logged: The release.
        key: The pin's key.
        already: Whether the release was pinned before.
    """

    logged: LoggedRelease
    key: str
    already: bool


def pin(bucket: BucketPort, layout: Layout, wanted: str, *, clocks: Clocks | None = None) -> Pinned:
    """Pin a release, staged or not, if all of its assets exist.

    Args:
        bucket: The site's bucket.
        layout: The site.
        wanted: The release's id or name.
        clocks: See `Clocks`.

    Raises:
        NotWholeError: Some of its assets are gone. Nothing was changed.
        UploaderError: The release does not exist, or S3 refused.
    """
    logged = find_release(bucket, layout, wanted, (layout.markers, layout.staged, layout.pins))
    key = layout.pin_key(logged.id)
    if read_release(bucket, layout, key) is not None:
        return Pinned(logged, key, already=True)
    return Pinned(logged, key, write_if_whole(bucket, layout, logged, key=key, clocks=clocks).already)


def unpin(bucket: BucketPort, layout: Layout, wanted: str) -> str:
    """Unpin a release; returns its id. The pin need not be valid.

    Raises:
        UploaderError: The release is not pinned, or S3 refused.
    """
    ids = ids_of(bucket, layout, wanted, (layout.pins,))
    pinned = [each for each in ids if not is_id(wanted) or bucket.get(layout.pin_key(each)) is not None]
    if not pinned:
        msg = f"{wanted} is not pinned: pins are the files under {layout.pins}"
        raise UploaderError(msg)
    if len(pinned) > 1:
        raise ambiguous(wanted, pinned)
    bucket.withdraw(layout.pin_key(pinned[0]))
    return pinned[0]
