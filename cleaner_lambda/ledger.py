"""The ledger: the cleaner's state between two runs, an index over markers, tags and a listing.

Losing it does no harm: the next run rebuilds it, and deletes nothing (`cleaner_lambda.folding`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from cleaner_lambda.waiting import NONE, Waiting
from release_log.instants import format_instant
from release_log.layout import is_stored_page
from release_log.ledger_file import SKEW, broken

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cleaner_lambda.backlog import Backlog
    from cleaner_lambda.cursor import Cursor
    from cleaner_lambda.rebuilding import Rebuilding
    from release_log.ledger_file import Announcement
    from release_log.marker_order import Contradiction
    from release_log.run_record import RunRecord
    from release_log.tags import Mark


@dataclass(frozen=True, slots=True)
class Folded:
    """A marker that is part of the ledger.

    Attributes:
        at: Its instant: S3's ``LastModified`` when it was first seen.
        channel: Its release's channel.
        modified: Its ``LastModified`` when it was last read, if that is another: somebody has copied it onto itself.
        ended: Whether it is no release, but says that the channel has ended.
        placed: When its pages were in place, as first seen; None: not yet. With a marker of format 1 that is ``at``.
    """

    at: datetime
    channel: str
    modified: datetime | None = None
    ended: bool = False
    placed: datetime | None = None

    @property
    def read_at(self) -> datetime:
        """Its ``LastModified`` when it was last read."""
        return self.modified or self.at


@dataclass(frozen=True, slots=True)
class Retired:
    """An asset that left the current releases.

    Attributes:
        logical: Its logical path in the last release that named it.
        mark: Its state, and since when.
        size: Bytes.
        release: Id of the last release that named it; empty for an orphan.
        tagged: The mark that the object has as a tag, or may have; None if it has no tag of ours, or if nobody has read
            an orphan's: see `may_have_tag`.
        due: When it falls due, as the last run computed it; None if it does not fall due with time alone. For people:
            no run uses it.
        kept_by: The policy's reason for keeping it, if ``due`` is None.
        ended: Whether its channel has ended since that release. Then it is removed, whatever other channels have.
        maybe_ended: Whether nobody can know that, as the order of the releases was unknown then. It stays as long as a
            superseded asset and as a removed one.
        stored: For an orphan, when its object was stored, as the last listing showed it.
    """

    logical: str
    mark: Mark
    size: int
    release: str
    tagged: Mark | None = None
    due: datetime | None = None
    kept_by: str | None = None
    ended: bool = False
    maybe_ended: bool = False
    stored: datetime | None = None

    @property
    def may_have_tag(self) -> bool:
        """Whether the object may have a tag of ours: no run need have read an orphan's."""
        return self.tagged is not None or (not self.release and not is_stored_page(self.logical))

    def dated(self, mark: Mark) -> Retired:
        """The asset in another state, or since another instant.

        A tag that an orphan may have says what it was before, and a rebuild would believe it: so it is known from now
        on that the tag is wrong.
        """
        unread = self.tagged is None and self.may_have_tag and mark != self.mark
        return replace(self, mark=mark, tagged=self.mark if unread else self.tagged)


@dataclass(frozen=True, slots=True)
class Refused:
    """What S3 refused for a reason that does not pass: no run tries it again before the next full listing.

    Attributes:
        tags: Key -> error, where the tags could not be changed.
        writes: Key -> error, where an asset or a file of the release log could not be deleted, or the checkpoint not be
            written.
    """

    tags: Mapping[str, str] = field(default_factory=dict)
    writes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The cleaner's state.

    Attributes:
        current: Channel -> id of its newest release, which is current, or of the marker that says that it has ended.
        behind: Channel -> ids of the releases behind it that are current too, until a newer one is in place.
        lingering: Id of a release whose page was found in place though it is not current -> when it was found there no
            more; None while it is there. Its assets stay.
        older: Whether a version wrote it that knew nothing of pages, maybe over the ledger of one that did: until the
            history is replayed, nobody knows which releases after the cut are in place.
        cursor: The full listing that is under way; None if none is.
        waiting: The orphans that the last full listing has left alone.
        backlog: What is known of more releases than a run reads at once, until all are taken in; None if none is left.
        replayed: Whether a rebuild need not begin anew with the markers: a run that took in such releases notes what
            they say.
        rebuilding: How far a rebuild has come that reads the retired assets in groups; None if none is under way, or if
            one reads all of them at once. While it is, ``tags_read_to`` is empty.
        upgrading: Since when the file says that the next format is to come; see `cleaner_lambda.ledger_store`. During
            such a rebuild, since when it has that format.
        folded: Id -> every marker that is part of this state.
        gone: Id -> the newest markers that are not in the bucket any more: one that comes back keeps its instant.
        cut: Order of a marker: a replay needs no marker up to it (`cleaner_lambda.replay`); None if it needs all.
        doubts: Channel -> why it is unknown which of its releases is current, until a new one is in place.
        after_doubt: Channel of ``doubts`` -> ids of its releases since then, none of which is in place yet.
        sure_since: When the last such doubt ended; no asset counts as retired before that.
        retired: Key -> every retired asset.
        owed: Keys whose tags have to be checked: their asset is live again, or its tags are unknown. Also keys that
            nothing else names any more: a run that died may have tagged them as orphans.
        deleting: What a run is about to delete; None if no run is.
        tagging: What runs are about to tag or untag: until a run is over, no other run knows the tags of its keys.
        listed_at: When the last full listing was.
        tags_read_to: While the ledger is being rebuilt, the last key whose tags were read; None if it is whole.
        tags_unknown: Keys whose tags a rebuild could not read: they stay until a run reads them.
        refused: What S3 refused, until the next full listing.
        around: Keys of retired assets that the sites around this one needed when they were last asked.
        in_doubt: Retired keys that a current release may name whose marker is gone; see `cleaner_lambda.lost`.
        last_run: The last run's summary, for people, and its policy, for the sites inside this one.
        runs: The last runs, the newest first, for people.
    """

    current: Mapping[str, str] = field(default_factory=dict)
    folded: Mapping[str, Folded] = field(default_factory=dict)
    gone: Mapping[str, Folded] = field(default_factory=dict)
    cut: tuple[datetime, str] | None = None
    doubts: Mapping[str, Contradiction] = field(default_factory=dict)
    after_doubt: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sure_since: datetime | None = None
    retired: Mapping[str, Retired] = field(default_factory=dict)
    owed: frozenset[str] = frozenset()
    deleting: Announcement | None = None
    tagging: tuple[Announcement, ...] = ()
    listed_at: datetime | None = None
    tags_read_to: str | None = None
    tags_unknown: frozenset[str] = frozenset()
    refused: Refused = field(default_factory=Refused)
    around: frozenset[str] = frozenset()
    in_doubt: frozenset[str] = frozenset()
    last_run: Mapping[str, Any] = field(default_factory=dict)
    runs: tuple[RunRecord, ...] = ()
    behind: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lingering: Mapping[str, datetime | None] = field(default_factory=dict)
    older: bool = False
    upgrading: datetime | None = None
    cursor: Cursor | None = None
    waiting: Waiting = NONE
    backlog: Backlog | None = None
    replayed: bool = False
    rebuilding: Rebuilding | None = None

    @property
    def seen(self) -> dict[str, Folded]:
        """Id -> every marker that some run has seen, and that the ledger remembers."""
        return {**self.gone, **self.folded}

    @property
    def lines(self) -> dict[str, tuple[str, ...]]:
        """Channel -> ids of its current releases, the newest first."""
        return {channel: (i, *self.behind.get(channel, ())) for channel, i in self.current.items()}

    @property
    def has_only_begun(self) -> bool:
        """Whether a rebuild has begun, and no run of it has written down which assets a listing found."""
        return self.tags_read_to is not None and self.listed_at is None and self.cursor is None

    @property
    def ends(self) -> dict[str, Folded]:
        """Channel -> the marker that says that it has ended, for each channel that has."""
        seen = ((channel, self.folded.get(i) or self.gone.get(i)) for channel, i in self.current.items())
        return {channel: each for channel, each in seen if each is not None and each.ended}

    def same_state(self, other: Ledger) -> bool:
        """Whether two ledgers differ in nothing but what they say of the last runs."""
        return _state(self) == _state(other)


_state = attrgetter(*(each for each in Ledger.__slots__ if each not in {"last_run", "runs"}))


def check_instants(ledger: Ledger, now: datetime) -> None:
    """Refuse a ledger that tells of what is yet to come: what waits for such an instant would wait as long.

    All of these instants are S3's, of what was there before the ledger was written; its clocks agree within seconds.

    Args:
        ledger: The ledger.
        now: S3's time, or the ledger's ``LastModified`` if that is later.

    Raises:
        LedgerError: It does.
    """
    cursor = ledger.cursor
    tags = None if ledger.rebuilding is None else ledger.rebuilding.map_run
    announced = (ledger.deleting, *ledger.tagging)
    told = {
        "folded": max((each.at for each in ledger.seen.values()), default=None),
        "lingering": max((at for at in ledger.lingering.values() if at is not None), default=None),
        "sure_since": ledger.sure_since,
        "deleting or tagging": max((each.since for each in announced if each and each.since), default=None),
        "listed_at": ledger.listed_at,
        "listing": None if cursor is None else max(cursor.begun, cursor.map_run.at if cursor.map_run else cursor.begun),
        "rebuilding": None if tags is None else tags.at,
    }
    for name, at in told.items():
        if at is not None and at > now + SKEW:
            msg = f"{name} tells of {format_instant(at)}, and it is {format_instant(now)}"
            raise broken(ValueError(msg))
