"""Pin a release: its assets are kept, whatever their age, until it is unpinned.

For clients that need the assets longer than a browser tab: a native app, a widget on another site's page, a long trial.
A pin has the content of the release's marker, but for who wrote it and when, and never expires.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from uploader.about import VERSION, WRITER
from uploader.errors import UploaderError
from uploader.history.find import ambiguous, find_release, ids_of, without_headers
from uploader.history.release import read_release
from uploader.protocol.write_if_whole import write_if_whole

if TYPE_CHECKING:
    from datetime import datetime

    from release_log.layout import Layout
    from release_log.marker import Release
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
        UploaderError: The release does not exist, its pin keeps other assets, or S3 refused.
    """
    logged = find_release(bucket, layout, wanted, (layout.markers, layout.staged, layout.pins))
    key = layout.pin_key(logged.id)
    existing = read_release(bucket, layout, key)
    if existing is not None:
        if without_headers(existing.release).assets != without_headers(logged.release).assets:
            msg = (
                f"{key} keeps other assets than the release {logged.id} has: somebody else wrote it, and nothing was "
                f"changed; find out who, then let an operator unpin {logged.id}, and pin it again"
            )
            raise UploaderError(msg)
        return Pinned(logged, key, already=True)

    def pinned(at: datetime) -> Release:
        # No two pins of a release are alike, so that an unanswered deletion of the one never takes the other.
        return replace(logged.release, uploader={"name": WRITER, "version": VERSION, "pinned_at": at.isoformat()})

    written = write_if_whole(bucket, layout, logged, key=key, release=pinned, clocks=clocks)
    return Pinned(logged, key, written.already)


def unpin(bucket: BucketPort, layout: Layout, wanted: str) -> str:
    """Unpin a release; returns its id. The pin need not be valid.

    Raises:
        UploaderError: The release is not pinned, or S3 refused.
    """
    ids = ids_of(bucket, layout, wanted, (layout.pins,))
    if len(ids) > 1:
        raise ambiguous(wanted, ids)
    found = bucket.get(layout.pin_key(ids[0])) if ids else None
    if found is None:
        msg = f"{wanted} is not pinned: pins are the files under {layout.pins}"
        raise UploaderError(msg)
    # S3 may execute a deletion that it did not answer within 15 minutes, and somebody may pin the release again.
    bucket.withdraw(layout.pin_key(ids[0]), found.etag)
    return ids[0]
