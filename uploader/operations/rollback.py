"""Make an old release current again, without a build: a new marker with the old assets.

As after every new marker, the cleaner untags the assets of the new release, and retires the assets that it replaces.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from release_log.channel import DEFAULT_CHANNEL
from release_log.marker import ROLLBACK_OF
from uploader.about import VERSION, WRITER
from uploader.errors import UploaderError
from uploader.history.completeness import check_whole
from uploader.history.current import read_ledger
from uploader.history.find import find_release, releases_of, without_headers
from uploader.history.order import dated, find_doubt
from uploader.protocol.write_if_whole import Written, finish_placing, write_if_whole

if TYPE_CHECKING:
    from datetime import datetime

    from release_log.layout import Layout
    from release_log.marker import Release
    from release_log.marker_order import Contradiction
    from uploader.clocks import Clocks
    from uploader.history.release import LoggedRelease
    from uploader.s3.port import BucketPort, ReaderPort


@dataclass(frozen=True, slots=True)
class Target:
    """The release that is to be current again.

    Attributes:
        old: The old release.
        channel: The channel in which it is to be current.
        current: The release that is current in that channel; None if none is, or the channel has ended.
        doubt: Why it is unknown whether that release is current; None if it is known.
        replaced: Keys of its pages that are stored nowhere, as an older version wrote its marker, and that a later
            upload has replaced, or may have. Only a new upload of the old build restores them.
        unfinished: Whether the current release has the same assets, and its pages may not be in place.
    """

    old: LoggedRelease
    channel: str
    current: LoggedRelease | None
    doubt: Contradiction | None
    replaced: frozenset[str]
    unfinished: bool = False

    @property
    def already(self) -> bool:
        """Whether the current release has the same assets, so that nothing is left to do but to finish it."""
        return self.doubt is None and self.current is not None and _same(self.old, self.current)


def find_target(bucket: ReaderPort, layout: Layout, wanted: str | None, channel: str | None) -> Target:
    """Find out what a roll-back would do. Only reads.

    Args:
        bucket: The site's bucket.
        layout: The site.
        wanted: The id or name of an old release; None: the newest one before the current one that is another build.
        channel: The channel in which it is to be current; None: its own channel, or the default one if no release is
            named.

    Raises:
        UploaderError: The release does not exist, or cannot be told from others of its name.
    """
    ledger, _ = read_ledger(bucket, layout)
    log = dated(layout, bucket.written(layout.markers), ledger.instants if ledger else {})
    if wanted is None:
        channel = channel or DEFAULT_CHANNEL
        doubt = find_doubt(bucket, layout, log, ledger, channel)
        if doubt is not None:
            msg = f"it is unknown which release of channel {channel!r} is current: {doubt}; name the one to go back to"
            raise UploaderError(msg)
        line = releases_of(bucket, layout, channel, log, ledger)
        current = next(line, None)
        # A build may have been published twice.
        before = (each for each in line if not each.release.ended)
        logged = next((each for each in before if current is not None and not _same(each, current)), None)
        if logged is None:
            msg = f"channel {channel!r} has no other release before its current one: name the one to go back to"
            raise UploaderError(msg)
    else:
        # A pinned release outlives its marker.
        logged = find_release(bucket, layout, wanted, (layout.markers, layout.pins), channel)
        channel = channel or logged.release.channel
        current = next(releases_of(bucket, layout, channel, log, ledger), None)
        doubt = find_doubt(bucket, layout, log, ledger, channel)
    if current is not None and current.release.ended:
        current = None
    unfinished = current is not None and current.release.places_pages and layout.placed_key(current.id) not in log
    return Target(logged, channel, current, doubt, _replaced(bucket, logged), unfinished)


def check(bucket: ReaderPort, layout: Layout, target: Target) -> None:
    """For a dry run: check that all assets of the old release exist.

    Raises:
        NotWholeError: Some of them are gone.
    """
    check_whole(target.old, bucket.listing(layout, target.old.release.objects.keys()).sizes)


def roll_back(bucket: BucketPort, layout: Layout, target: Target, *, clocks: Clocks | None = None) -> Written:
    """Make the old release current again, with its pages.

    Raises:
        NotWholeError: Some of its assets are gone. Nothing was changed.
        UploaderError: S3 refused.
    """
    old = target.old
    if target.already and target.current is not None:
        current = target.current
        placed = finish_placing(bucket, layout, current, clocks) if target.unfinished else ()
        return Written(current.id, current.key, already=True, placed=placed)

    def release(at: datetime) -> Release:
        return replace(
            old.release,
            channel=target.channel,
            created_at=at,
            uploader={"name": WRITER, "version": VERSION},
            metadata={**old.release.metadata, ROLLBACK_OF: old.id},
        )

    return write_if_whole(bucket, layout, old, release=release, clocks=clocks)


def _same(one: LoggedRelease, other: LoggedRelease) -> bool:
    return without_headers(one.release).assets == without_headers(other.release).assets


def _replaced(bucket: ReaderPort, logged: LoggedRelease) -> frozenset[str]:
    """The pages that are stored nowhere, that exist, and are not or may not be the release's."""
    pages = (asset for asset in logged.release.assets.values() if not asset.fingerprinted and asset.stored is None)
    digests = {asset.key: asset.digest for asset in pages}
    stored = bucket.metadata(sorted(digests))
    return frozenset(
        key
        for key, digest in digests.items()
        if key in stored and (digest is None or digest != f"sha256:{stored[key].get('digest')}")
    )
