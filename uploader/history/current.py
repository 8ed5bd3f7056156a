"""The releases in the log, for those who only look: which there are, and which is current in each channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from release_log.errors import LayoutError, LedgerError, ReleaseLogError
from release_log.ledger_view import view
from release_log.marker import decode
from uploader.history.order import newest_first

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from release_log.layout import Layout
    from release_log.ledger_view import LedgerView
    from release_log.marker import Release
    from uploader.s3.port import Blob, ReaderPort

BATCH = 16
"""How many markers are read at once: in parallel, and never more than so many in memory (one may be 20 MB)."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A marker, an intent or a staged release.

    Attributes:
        id: The release's id.
        key: Its key.
        at: S3's ``LastModified``.
        release: What it says.
    """

    id: str
    key: str
    at: datetime
    release: Release

    @property
    def order(self) -> tuple[datetime, str]:
        """Markers are ordered by S3's clock, then by key."""
        return (self.at, self.key)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The same of which nobody knows what it says.

    Attributes:
        id: The release's id; the file's name if it is not named as one.
        key: Its key.
        at: S3's ``LastModified``.
        problem: Why it cannot be read.
    """

    id: str
    key: str
    at: datetime
    problem: str

    def complaint(self) -> str:
        """One line, with the remedy."""
        return (
            f"{self.key} is not valid ({self.problem}): the cleaner deletes nothing until it is dealt with; "
            "delete it, and publish that release again"
        )


@dataclass(frozen=True, slots=True)
class Current:
    """What is current.

    Attributes:
        releases: Channel -> its current release, in the order of the channels.
        unseen: Ids of the releases that the cleaner has not seen yet, newest first.
        unreadable: Markers that cannot be read: one of them may be the current one of any channel.
        lost: Channel -> id of its current release, whose marker is gone.
    """

    releases: Mapping[str, Logged]
    unseen: tuple[str, ...]
    unreadable: tuple[Unreadable, ...]
    lost: Mapping[str, str]


def find(bucket: ReaderPort, layout: Layout, release_id: str) -> Logged | Unreadable | None:
    """A release by its id: its marker, else the staged release; None if there is neither."""
    return next(read(bucket, layout, [layout.marker_key(release_id), layout.staged_key(release_id)]), None)


def read(bucket: ReaderPort, layout: Layout, keys: Sequence[str]) -> Iterator[Logged | Unreadable]:
    """Read markers, intents or staged releases, in the order of the keys; what has gone meanwhile is left out."""
    for start in range(0, len(keys), BATCH):
        batch = keys[start : start + BATCH]
        blobs = bucket.get_each(batch)
        for key in batch:
            if key in blobs:
                yield _logged(layout, key, blobs.pop(key))


def read_ledger(bucket: ReaderPort, layout: Layout) -> tuple[LedgerView | None, str | None]:
    """What the ledger says, and why it cannot be read. Neither: there is none yet."""
    blob = bucket.get(layout.ledger)
    if blob is None:
        return None, None
    try:
        return view(blob.body), None
    except LedgerError as error:
        return None, str(error)


def find_current(bucket: ReaderPort, layout: Layout, log: Mapping[str, datetime], ledger: LedgerView | None) -> Current:
    """Find the current release of each channel: the newest of its markers.

    The ledger says which channel a marker is of. Only those that the cleaner has not seen, and the current ones, are
    read; without a ledger that is all of them.
    """
    folded = ledger.folded if ledger else {}
    seen: dict[str, str] = {}
    unseen = []
    for key in newest_first(log, layout.markers):
        known = folded.get(_id(layout, key))
        if known is None:
            unseen.append(key)
        else:
            seen.setdefault(known.channel, key)

    newest: dict[str, Logged] = {}
    unseen_ids, unreadable = [], []
    for each in read(bucket, layout, unseen):
        if isinstance(each, Unreadable):
            unreadable.append(each)
        else:
            unseen_ids.append(each.id)
            newest.setdefault(each.release.channel, each)

    # As to the cleaner: what was current before a marker that is gone is not current again.
    lost = {
        channel: release_id
        for channel, release_id in (ledger.current if ledger else {}).items()
        if layout.marker_key(release_id) not in log and channel not in newest
    }
    wanted = [
        key
        for channel, key in seen.items()
        if channel not in lost and (channel not in newest or newest[channel].order < (log[key], key))
    ]
    for each in read(bucket, layout, wanted):
        if isinstance(each, Unreadable):
            unreadable.append(each)
        else:
            newest[each.release.channel] = each
    return Current(dict(sorted(newest.items())), tuple(unseen_ids), tuple(unreadable), lost)


def problems_of(layout: Layout, current: Current) -> tuple[str, ...]:
    """Why it is not known what is current, one line each with its remedy."""
    return (
        *(each.complaint() for each in current.unreadable),
        *(
            f"{layout.marker_key(release_id)}, the marker of channel {channel!r}'s current release, is gone: the "
            "cleaner deletes nothing until that channel has a new release; publish one, or put the marker back"
            for channel, release_id in current.lost.items()
        ),
    )


def _logged(layout: Layout, key: str, blob: Blob) -> Logged | Unreadable:
    try:
        return Logged(layout.release_id(key), key, blob.last_modified, decode(blob.body, layout.prefix))
    except ReleaseLogError as error:
        return Unreadable(_id(layout, key), key, blob.last_modified, str(error))


def _id(layout: Layout, key: str) -> str:
    try:
        return layout.release_id(key)
    except LayoutError:
        return key.rpartition("/")[2]
