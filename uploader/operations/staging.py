"""Staged releases: uploaded, and current only once their roll-out has succeeded.

A marker makes its release current, and retires the assets that the release replaces. If the roll-out fails after that,
production still serves the retired assets. A staged release keeps its assets, and retires nothing, until it is
activated or dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from uploader.errors import UploaderError
from uploader.history.current import read_ledger
from uploader.history.order import dated, newest_first
from uploader.history.release import check_digest, read_release, read_releases, valid
from uploader.protocol.write_if_whole import finish_placing, write_if_whole

if TYPE_CHECKING:
    from release_log.layout import Layout
    from uploader.clocks import Clocks
    from uploader.protocol.belongs import PagePlaced
    from uploader.s3.port import BucketPort


@dataclass(frozen=True, slots=True)
class Activated:
    """A release that was activated.

    Attributes:
        id: The release's id.
        marker: The marker's key.
        already: Whether the release was current before.
        placed: The pages that were put in place.
    """

    id: str
    marker: str
    already: bool
    placed: tuple[PagePlaced, ...] = ()


def activate(
    bucket: BucketPort, layout: Layout, release_id: str, *, digest: str | None = None, clocks: Clocks | None = None
) -> Activated:
    """Make a staged release current, if all of its assets exist.

    Activating a release again is not an error while it is current, so that a deploy job can be repeated.

    Args:
        bucket: The site's bucket.
        layout: The site.
        release_id: The staged release.
        digest: Its digest when it was staged: nobody may have replaced it since. None: whatever is staged now.
        clocks: See `Clocks`.

    Raises:
        UploaderError: The release is not staged, is another one, or some of its assets are gone. Nothing was changed.
    """
    marker = layout.marker_key(release_id)
    logged = read_release(bucket, layout, layout.staged_key(release_id))
    if logged is None:
        return _already(bucket, layout, release_id, digest, clocks)
    check_digest(logged, digest)
    written = write_if_whole(bucket, layout, logged, key=marker, clocks=clocks)
    if written.already:
        return _already(bucket, layout, release_id, digest, clocks)
    return Activated(release_id, marker, already=False, placed=written.placed)


def drop(bucket: BucketPort, layout: Layout, release_id: str, *, digest: str | None = None) -> None:
    """Drop a staged release: its assets are kept only as long as another release needs them.

    Args:
        bucket: The site's bucket.
        layout: The site.
        release_id: The staged release, which need not be valid unless it has to have a digest.
        digest: As in `activate`.

    Raises:
        UploaderError: The release is not staged, or is another one; or it was activated, and the file was left over.
    """
    staged = layout.staged_key(release_id)
    if bucket.get(staged) is None:
        msg = f"{release_id} is not staged: it was activated or dropped, has expired, or is another site's (--prefix)"
        raise UploaderError(msg)
    if digest is not None:
        logged = read_release(bucket, layout, staged)
        if logged is not None:
            check_digest(logged, digest)
    bucket.withdraw(staged)
    # After that, so that no activation comes between. One that was cut off may have left the file, too.
    if bucket.get(layout.marker_key(release_id)) is not None:
        msg = f"{release_id} was activated, so it was not dropped: to go back to the release before it, roll back"
        raise UploaderError(msg)


def _already(
    bucket: BucketPort, layout: Layout, release_id: str, digest: str | None, clocks: Clocks | None
) -> Activated:
    """The release, if it is not staged any more because it is the current one of its channel.

    If its activation was cut off before its pages were in place, it is finished.
    """
    marker = layout.marker_key(release_id)
    logged = read_release(bucket, layout, marker)
    if logged is None:
        why = "it was dropped, has expired, or is another site's (--prefix)"
        msg = f"{release_id} is not staged: {why}; publish it again"
        raise UploaderError(msg)
    check_digest(logged, digest)
    # The ledger after the markers: what it does not know by then, the cleaner has not seen.
    written = bucket.written(layout.markers)
    ledger, _ = read_ledger(bucket, layout)
    log = dated(layout, written, ledger.instants if ledger else {})
    own = (log.get(marker, logged.at), marker)
    later = [key for key in newest_first(log, layout.markers) if (log[key], key) > own]
    for other in valid(read_releases(bucket, layout, later)):
        if other.release.channel == logged.release.channel:
            what = "its channel has ended since" if other.release.ended else f"{other.id} came after it"
            msg = f"{release_id} was activated, and {what}: publish it again"
            raise UploaderError(msg)
    if ledger is not None and ledger.has_ended_since(logged.release.channel, own[0]):
        msg = f"{release_id} was activated, and its channel has ended since: publish it again"
        raise UploaderError(msg)
    if ledger is not None and release_id in ledger.instants and logged.release.channel in ledger.doubts:
        doubt = ledger.doubts[logged.release.channel]
        msg = f"{release_id} was activated, but it is unknown whether it is current: {doubt}; publish it again"
        raise UploaderError(msg)
    if not logged.release.places_pages or layout.placed_key(release_id) in written:
        return Activated(release_id, marker, already=True)
    return Activated(release_id, marker, already=True, placed=finish_placing(bucket, layout, logged, clocks))
