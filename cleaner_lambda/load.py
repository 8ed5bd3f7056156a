"""Read the release log, in the order that makes it safe.

First the ledger, then what `cleaner_lambda.look` reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cleaner_lambda.checkpoint import begin_rebuild, with_unread_tags
from cleaner_lambda.errors import GroupsNeededError, OutdatedPlanError, TooOldError, WholeNeededError
from cleaner_lambda.ledger import check_instants
from cleaner_lambda.ledger_store import read_ledger
from cleaner_lambda.look import take_look
from cleaner_lambda.pace import Pace
from cleaner_lambda.plan import Reason, Stop
from release_log.errors import LedgerError, NewerLedgerError
from release_log.ledger_file import HEAD_FORMAT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cleaner_lambda.history import Published
    from cleaner_lambda.job import Job
    from cleaner_lambda.ledger import Ledger, Retired
    from cleaner_lambda.ledger_store import StoredLedger
    from cleaner_lambda.look import Look
    from cleaner_lambda.port import S3Port
    from cleaner_lambda.sweep_plan import Group, Part
    from release_log.layout import Layout
    from release_log.ledger_file import Announcement
    from release_log.marker import Release


@dataclass(frozen=True, slots=True)
class LedgerRead:
    """The ledger as a run found it.

    Attributes:
        now: S3's clock when the ledger was read. The run reads everything else later, so too little expires rather than
            too much.
        ledger: The ledger, without the announcements of runs that are over; the checkpoint if none could be read.
        stored: The ledger as it is stored.
        rebuild: Why the ledger has to be rebuilt; None if it was read.
        written: When the stored ledger was written; None if there is none, or it has to be rebuilt.
        leftover: Whether the stored ledger still has an announcement of a run that is over: this run removes it.
        doubtful: Keys that such a run may have tagged or untagged.
        resume: When the first of the runs that are tagging now is over; None if no run is.
        stops: Why nothing may be deleted.
        all_at_once: Whether it is rebuilt with all retired assets at once, as it is from a checkpoint in format 1.
    """

    now: datetime
    ledger: Ledger
    stored: StoredLedger
    rebuild: str | None
    written: datetime | None = None
    leftover: bool = False
    doubtful: frozenset[str] = frozenset()
    resume: datetime | None = None
    stops: tuple[Stop, ...] = ()
    all_at_once: bool = False

    @property
    def etag(self) -> str | None:
        """The ETag of the stored ledger; None if there is no ledger."""
        return self.stored.etag


@dataclass(frozen=True, slots=True)
class Loaded:
    """The release log as a run found it, but for the content of the markers.

    Attributes:
        base: The ledger, and when it was read.
        look: The first look at the intents, the staged releases, the pins and the list of markers.
        late: Id of a release -> since when it is in place, if a look at its pages says that this was later than known.
        ends: The ends of channels that this run makes, as the site had no release for long; see `cleaner_lambda.idle`.
        read: Id -> content of the markers that the run has read already; see `cleaner_lambda.catch_up`.
        seconds: How long it took to read the ledger, by `Pace.clock`.
    """

    base: LedgerRead
    look: Look
    late: Mapping[str, datetime] = field(default_factory=dict)
    ends: tuple[Published, ...] = ()
    read: Mapping[str, Release] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def now(self) -> datetime:
        """The instant for which the run decides; see `LedgerRead.now`."""
        return self.base.now

    @property
    def ledger(self) -> Ledger:
        """The ledger; see `LedgerRead.ledger`."""
        return self.base.ledger

    @property
    def stops(self) -> tuple[Stop, ...]:
        """Why nothing may be deleted."""
        return (*self.base.stops, *self.look.stops)

    @property
    def light(self) -> bool:
        """Whether not all retired assets were read; see `cleaner_lambda.ledger_store.StoredLedger`."""
        return self.base.stored.light

    @property
    def group(self) -> Group | None:
        """The group of retired assets that was read; None if that was all of them, or none."""
        return self.base.stored.group

    @property
    def pages(self) -> Mapping[str, Retired]:
        """Key -> retired page, of all groups; empty if none was read, or all."""
        return {} if self.group is None else self.group.pages

    @property
    def begins_rebuild(self) -> bool:
        """Whether the run begins to rebuild the ledger without reading the retired assets that the checkpoint names.

        So it does after one that came no further than to announce something, or to wait for a marker.
        """
        begins = self.base.rebuild is not None or (self.ledger.rebuilding is not None and self.ledger.has_only_begun)
        return self.light and begins and not self.ledger.replayed

    def need_whole(self, *, because: bool) -> None:
        """Start over with all retired assets if the run needs them, and has not read them.

        Raises:
            WholeNeededError: That is so.
        """
        if self.light and because:
            msg = "this run has to read all retired assets"
            raise WholeNeededError(msg)

    def need_groups(self, *, because: bool) -> None:
        """Start over in groups if the run rebuilds the ledger without a checkpoint, and there is much.

        Of a small site that would read the tags of an orphan twice, and make it wait for a quarter of an hour.

        Raises:
            GroupsNeededError: That is so.
        """
        base = self.base
        can = not (self.light or base.all_at_once) and base.stored.writes == HEAD_FORMAT and base.stored.head is None
        if because and can and base.rebuild is not None:
            msg = "this run rebuilds the ledger of a large site"
            raise GroupsNeededError(msg)

    @property
    def pristine(self) -> bool:
        """Whether nothing was ever published: no marker, no action."""
        return self.base.etag is None and not self.look.markers


def load(  # noqa: PLR0913 (how much of it)
    store: S3Port,
    layout: Layout,
    job: Job,
    pace: Pace | None = None,
    *,
    whole: bool = True,
    rebuilds_whole: bool = False,
    in_groups: bool = False,
    part: Part | None = None,
) -> Loaded:
    """Read the ledger, then the intents, the staged releases, the pins and the list of markers.

    Args:
        store: The site's bucket.
        layout: The site.
        job: What the run is asked to do.
        pace: See `Pace`.
        whole: Whether to read the retired assets also of a large site.
        rebuilds_whole: Whether to do so if the ledger is found to be lost by that.
        in_groups: Whether to rebuild it in groups although there is no checkpoint.
        part: The part of a large site to read.

    Raises:
        ConflictError: The log changed underfoot too often; start over.
        WholeNeededError: A file of the part is broken, or gone.
        UnreadableError: S3 does not give out the ledger, or a newer cleaner wrote it; or it is lost, and the checkpoint
            cannot be read.
    """
    pace = pace or Pace()
    begun = pace.clock()
    base = _read_ledger(store, layout, job, whole=whole, rebuilds_whole=rebuilds_whole, in_groups=in_groups, part=part)
    seconds = pace.clock() - begun
    return Loaded(base, take_look(store, layout, job.policy, base.now, pace), seconds=seconds)


def _read_ledger(  # noqa: PLR0913 (as `load`)
    store: S3Port, layout: Layout, job: Job, *, whole: bool, rebuilds_whole: bool, in_groups: bool, part: Part | None
) -> LedgerRead:
    run, writes = job.run, job.ledger_format
    blob = store.get(layout.ledger)
    now = store.now()
    if blob is None:
        if part is not None:
            msg = f"{layout.ledger} is gone"
            raise OutdatedPlanError(msg)
        stored = begin_rebuild(store, layout, None, writes, now, whole=whole, in_groups=in_groups)
        return LedgerRead(now, stored.ledger, stored, "there is no ledger yet", all_at_once=whole or in_groups)
    try:
        stored = read_ledger(store, layout, blob, writes, whole=whole, part=part)
        check_instants(stored.ledger, max(now, blob.last_modified))
    except NewerLedgerError as error:
        raise TooOldError(layout.ledger, error) from error
    except LedgerError as error:
        if part is not None:
            raise WholeNeededError(str(error)) from error
        stored = begin_rebuild(store, layout, blob.etag, writes, now, whole=rebuilds_whole, in_groups=in_groups)
        return LedgerRead(now, stored.ledger, stored, str(error), all_at_once=rebuilds_whole or in_groups)
    ledger, written = stored.ledger, blob.last_modified
    if ledger.rebuilding is not None and not stored.light:
        # It begins anew with what the groups have so far.
        ledger = replace(with_unread_tags(ledger), rebuilding=None, replayed=False)
    if ledger.deleting is None and not ledger.tagging:
        return LedgerRead(now, ledger, stored, rebuild=None, written=written)
    tagging = [each.dated(written) for each in ledger.tagging]
    others = tuple(each for each in tagging if each.run != run and now < each.until(written))
    over = [each for each in tagging if each not in others]
    deleting: Announcement | None = None
    stops: tuple[Stop, ...] = ()
    if ledger.deleting is not None:
        until = ledger.deleting.until(written)
        if ledger.deleting.run != run and now < until:
            deleting = ledger.deleting.dated(written)
            message = f"run {deleting.run} is deleting; it is done or dead by {until:%Y-%m-%dT%H:%M:%SZ}"
            stops = (Stop(Reason.DELETING, message, until),)
    return LedgerRead(
        now,
        replace(ledger, deleting=deleting, tagging=others),
        stored,
        rebuild=None,
        written=written,
        leftover=bool(over) or (ledger.deleting is not None and deleting is None),
        doubtful=frozenset(key for each in over for key in each.keys),
        resume=min((each.until(written) for each in others), default=None),
        stops=stops,
    )
