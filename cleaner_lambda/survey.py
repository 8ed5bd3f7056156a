"""What a run knows before it decides: the folded markers and, where one is due, a full listing and the tags."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from cleaner_lambda.adoption import IN_ONE_FILE, must_wait
from cleaner_lambda.cursor import Cursor
from cleaner_lambda.ending import has_ended, markers_are_gone, may_be_of_an_end
from cleaner_lambda.ledger import Refused
from cleaner_lambda.ledger_store import writes_a_head
from cleaner_lambda.listing import LISTING_SECONDS, STRAYS, ranges
from cleaner_lambda.map_run import stops_for_lost_ranges, take_findings
from cleaner_lambda.nesting import needed_around, stop_for_many, without_inner
from cleaner_lambda.reconcile import adopt, reconcile
from cleaner_lambda.s3_errors import REQUEST_ERRORS
from cleaner_lambda.scan import Scan, is_stopped
from cleaner_lambda.stretch import begin_stretch
from cleaner_lambda.tag_pass import go_on_reading
from cleaner_lambda.waiting import NONE, UNASKED, Waiting
from release_log.bounds import INNER_SITES
from release_log.ledger_file import FORMAT

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from cleaner_lambda.cursor import MapRun
    from cleaner_lambda.finding import Finding
    from cleaner_lambda.folding import FoldedLog
    from cleaner_lambda.history import History
    from cleaner_lambda.job import Job
    from cleaner_lambda.ledger import Ledger
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.packed_orphans import Adopted
    from cleaner_lambda.plan import Stop
    from cleaner_lambda.port import S3Port
    from cleaner_lambda.rebuilding import Rebuilding
    from release_log.layout import Layout


ASKED_AGAIN = 1000
"""How many assets that a run before has missed are asked for again: a second's work."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What is known of the site.

    Attributes:
        history: What is current and what is retired.
        listed_at: When the last full listing was.
        missing: Keys of current releases that are not in the bucket; None without a full listing.
        orphans: The number of assets that belong to no release; None without a full listing.
        tags_read_to: As in `cleaner_lambda.ledger.Ledger`.
        tags_unknown: As in `cleaner_lambda.ledger.Ledger`.
        rebuilding: As in `cleaner_lambda.ledger.Ledger`.
        bare: Keys of retired assets that the run has seen without a tag.
        unread: Key -> error, where tags could not be read.
        stops: Why nothing may be deleted, if the ledger is being rebuilt.
        inner: Prefixes of the sites inside this one: the configured ones, and those that a listing found.
        around: Keys that the sites around this one need, as they said at the last full listing, or when one fell due.
        refused: What S3 refused, and this run does not try again: a full listing does.
        waiting: As in `cleaner_lambda.ledger.Ledger`.
        other_orphans: How many retired assets are orphans, of those that the run has not read.
        nothing_left: Whether a full listing found no asset that is, or may become, the cleaner's to delete.
        cursor: What is left of the full listing that is under way; None if none is.
        foreign: Keys that left the history because no upload sent their object; see `cleaner_lambda.foreign`.
        handed_out: Whether this run hands out ranges of the listing, or groups of a rebuild, to a map run.
        unproven: Key -> error, where S3 does not say for the moment whether an upload sent the object.
        goes_on: Whether the run goes on with it as soon as the ledger is written; see `cleaner_lambda.stretch`.
        adopted: Very many orphans that the run has found, which are in the ledger only once it is written.
    """

    history: History
    listed_at: datetime | None
    missing: tuple[str, ...] | None = None
    orphans: int | None = None
    tags_read_to: str | None = None
    tags_unknown: frozenset[str] = frozenset()
    rebuilding: Rebuilding | None = None
    bare: frozenset[str] = frozenset()
    unread: Mapping[str, str] = field(default_factory=dict)
    stops: tuple[Stop, ...] = ()
    inner: frozenset[str] = frozenset()
    around: frozenset[str] = frozenset()
    refused: Refused = field(default_factory=Refused)
    nothing_left: bool = False
    cursor: Cursor | None = None
    waiting: Waiting = NONE
    other_orphans: int = 0
    foreign: frozenset[str] = frozenset()
    unproven: Mapping[str, str] = field(default_factory=dict)
    handed_out: bool = False
    goes_on: bool = False
    adopted: Adopted | None = None

    @property
    def number_adopted(self) -> int:
        """How many orphans ``adopted`` has."""
        return 0 if self.adopted is None else self.adopted.number

    @property
    def is_unfinished(self) -> bool:
        """Whether the next run goes on with it: with the listing, or with the tags of a rebuild."""
        waits = self.rebuilding is not None and self.rebuilding.is_done
        return self.cursor is not None or (self.tags_read_to is not None and not waits)

    @property
    def map_run(self) -> MapRun | None:
        """The map run to which this run hands something out; None if it hands out nothing."""
        under_way = self.cursor or self.rebuilding
        return under_way.map_run if under_way is not None and self.handed_out else None

    @property
    def waits_until(self) -> datetime | None:
        """Until when others work off what is handed out, unless they are done before; None if a run goes on."""
        under_way = self.cursor or self.rebuilding
        return None if under_way is None else under_way.waits_until

    @property
    def not_read(self) -> frozenset[str]:
        """Keys of retired assets whose tags a rebuild has yet to read: who writes them before loses their instants."""
        read_to, retired = self.tags_read_to, self.history.retired
        if self.rebuilding is not None:
            path = self.rebuilding.path
            return frozenset(key for key, entry in retired.items() if path is not None and entry.logical >= path)
        return frozenset() if read_to is None else frozenset(key for key in retired if key > read_to)


def survey(  # noqa: PLR0913 (what the run knows, and what it was asked)
    store: S3Port, layout: Layout, job: Job, loaded: Loaded, folded: FoldedLog, pace: Pace, *, full: bool
) -> Survey:
    """List the site if a listing is due, or go on with one, and read the tags if the ledger is being rebuilt.

    Args:
        store: The site's bucket.
        layout: The site.
        job: What the run is asked to do.
        loaded: The release log.
        folded: The same with its markers folded in.
        pace: See `Pace`.
        full: Make a full listing even if none is due.

    Raises:
        WholeNeededError: It takes all retired assets, which were not read.
        GroupsNeededError: There is too much to rebuild the ledger at once.
    """
    ledger, history = loaded.ledger, folded.history
    read_to, unknown = ledger.tags_read_to, ledger.tags_unknown
    # A rebuild that began with all of them goes on so.
    loaded.need_whole(because=read_to is not None and ledger.rebuilding is None)
    found = Survey(
        history,
        ledger.listed_at,
        inner=frozenset(job.inner),
        around=ledger.around,
        refused=_still_refused(ledger.refused, history, layout),
        cursor=ledger.cursor,
        waiting=ledger.waiting,
        tags_read_to=read_to,
        tags_unknown=unknown,
        rebuilding=ledger.rebuilding,
        other_orphans=0 if loaded.group is None else loaded.group.elsewhere.orphans,
    )
    # Of a site that has ended the release log goes once nothing else is there.
    at_last = has_ended(history) and not history.retired
    if loaded.group is None and _listing_due(loaded, job, full=full or at_last):
        found = _go_on_listing(store, layout, job, loaded, folded, found, pace)
    elif ledger.cursor is not None:
        found = replace(found, inner=found.inner | ledger.cursor.nested)
    if found.inner:
        found = replace(found, history=without_inner(found.history, found.inner))
    if len(found.inner) > INNER_SITES:
        found = replace(found, stops=(*found.stops, stop_for_many(layout)))
    return go_on_reading(store, job, loaded, found, pace, full=full)


def _go_on_listing(  # noqa: PLR0913, PLR0917 (what the run knows, and what it was asked)
    store: S3Port, layout: Layout, job: Job, loaded: Loaded, folded: FoldedLog, found: Survey, pace: Pace
) -> Survey:
    """Take in what a map run has listed, list more as far as there is time, and hand out the rest.

    Each range is brought in line with the history of the run that takes it in. So it is as if the site had several
    listings, of a part each.
    """
    ledger, markers = loaded.ledger, folded.markers
    now, ended = loaded.now, markers_are_gone(loaded)
    maybe_ended = may_be_of_an_end(ledger, folded.history, markers)
    take_in = partial(reconcile, now=now, ended=ended, maybe_ended=maybe_ended, pattern=job.policy.pattern)
    adopted: Adopted | None = None
    around = needed_around(store, layout, loaded.now, pace)
    history, cursor = folded.history, _to_go_on_with(job, loaded)
    before = None if cursor is None else cursor.retired
    stops: tuple[Stop, ...] = ()
    goes_on = False
    if cursor is not None and cursor.map_run is not None:
        handed_out_at = cursor.map_run.at
        findings, cursor = take_findings(store, layout, cursor.over())
        stops = stops_for_lost_ranges(cursor)
        if is_stopped(loaded, folded, around):
            findings = [each.without_strays() for each in findings]
        if loaded.light and any(at >= handed_out_at for at in folded.markers.instants.values()):
            scan = Scan(store, layout, job, loaded, folded, around)
            findings = [scan.without_known(each) for each in findings]
        for finding in _may_wait(ledger, cursor, findings):
            history, cursor = take_in(history, finding, cursor)
    if cursor is None or (cursor.left and cursor.map_run is None):
        # In format 1 nobody would collect the findings' files.
        distributed = job.distributed and loaded.base.stored.head is not None and not stops
        begun = pace.clock()
        scan = Scan(store, layout, job, loaded, replace(folded, history=history), around)
        stretch = begin_stretch(job, loaded, pace, pace.clock() - begun)
        cursor = cursor or Cursor(loaded.now, scan.ranges, most=_most(job, loaded), known=scan.orphans)
        before = cursor.known if before is None else before
        if distributed and scan.is_large:
            cursor = cursor.handed_out(loaded.now)
        else:
            inner, packs = found.inner | cursor.nested, _packs(loaded) and scan.adopts(cursor.most)
            # What is packed is written once, and each stretch would read all segments anew.
            of_it = pace if packs else stretch.pace
            finding = scan.find(cursor.left, of_it, inner, cursor.most, packs=packs)
            cursor = replace(cursor, left=())
            (finding,) = _may_wait(ledger, cursor, [finding])
            adopted = adopt(history, finding, now, ended=ended, maybe_ended=maybe_ended)
            loaded.need_groups(because=finding.number >= STRAYS)
            history, cursor = take_in(history, finding, cursor)
            # A run that names lost ranges ends with that, as the next attempt would not name them.
            goes_on = bool(cursor.left) and not stops and stretch.is_followed and adopted is None
            if distributed and not goes_on and len(cursor.left) > 1 and finding.number < STRAYS:
                cursor = cursor.handed_out(loaded.now)
    found = replace(
        found,
        history=history,
        inner=found.inner | cursor.nested,
        around=around.keys,
        stops=stops,
        adopted=adopted,
        other_orphans=(before or 0) if loaded.light else 0,
        # Where somebody has said so, none of them waits any more.
        waiting=found.waiting if cursor.most == UNASKED else NONE,
    )
    if not (cursor.left or cursor.map_run) and 0 < cursor.waiting.number <= (cursor.most or 0):
        # Now that it is known how few there are, another listing retires them.
        every = ranges({*history.live_keys(), *history.retired})
        cursor = Cursor(loaded.now, every, most=None, known=cursor.retired)
    if cursor.left or cursor.map_run:
        return replace(found, cursor=cursor, handed_out=cursor.waits_until is not None, goes_on=goes_on)
    earlier = frozenset[str]() if ledger.cursor is None else ledger.cursor.missing
    missing = cursor.missing & history.expected_keys()
    return replace(
        found,
        listed_at=cursor.begun,
        missing=tuple(sorted(missing - _back(store, earlier & missing, pace))),
        orphans=cursor.orphans,
        refused=Refused(),
        nothing_left=cursor.empty,
        cursor=None,
        waiting=cursor.waiting,
        rebuilding=None if found.rebuilding is None else found.rebuilding._replace(orphans=cursor.retired),
    )


def _may_wait(ledger: Ledger, cursor: Cursor, findings: Sequence[Finding]) -> list[Finding]:
    """What a run has found, with its orphans waiting if they may be too many to be retired unasked."""
    is_last = not (cursor.left or cursor.map_run or any(each.left for each in findings))
    was_few = ledger.listed_at is not None and ledger.waiting.is_few
    waits = must_wait(cursor, findings, is_last=is_last, was_few=was_few)
    return [each.withheld() if waits else each for each in findings]


def _packs(loaded: Loaded) -> bool:
    """Whether the run can write orphans to segments: a rebuild goes another way, as an orphan may have an old tag."""
    return writes_a_head(loaded.base.stored, loaded.now) and loaded.ledger.tags_read_to is None


def _most(job: Job, loaded: Loaded) -> int | None:
    """How many new orphans a listing may retire that begins now; None for any number."""
    if not job.adopt:
        return UNASKED
    return IN_ONE_FILE if loaded.base.stored.writes == FORMAT else None


def _to_go_on_with(job: Job, loaded: Loaded) -> Cursor | None:
    """The listing that is under way; None if a new one begins, as this one leaves alone what may go by now."""
    cursor = loaded.ledger.cursor
    is_told = cursor is not None and cursor.most in {None, _most(job, loaded)}
    return None if job.adopt and not is_told else cursor


def _back(store: S3Port, keys: Collection[str], pace: Pace) -> set[str]:
    """Which of the keys that a run before has missed have an object by now: somebody may have sent it again."""

    def is_there(key: str) -> bool:
        try:
            return store.get_metadata(key) is not None
        except REQUEST_ERRORS:
            return False

    asked = sorted(keys)[:ASKED_AGAIN]
    return {key for key, there in zip(asked, pace.mapper(is_there, asked), strict=True) if there}


def _still_refused(refused: Refused, history: History, layout: Layout) -> Refused:
    """What S3 refused, for keys that still have to be changed."""
    tags = {key: error for key, error in refused.tags.items() if key in history.retired or key in history.owed}
    writes = {k: error for k, error in refused.writes.items() if k in history.retired or k.startswith(layout.log)}
    return Refused(tags, writes)


def _listing_due(loaded: Loaded, job: Job, *, full: bool) -> bool:
    if loaded.pristine:
        return False
    listed_at, cursor = loaded.ledger.listed_at, loaded.ledger.cursor
    if cursor is not None:
        waits = cursor.waits_until
        is_over = cursor.map_run is not None and cursor.map_run.at == job.map_run_over
        return waits is None or is_over or loaded.now >= waits or _to_go_on_with(job, loaded) is None
    return full or job.adopt or listed_at is None or loaded.now >= listed_at + timedelta(seconds=LISTING_SECONDS)
