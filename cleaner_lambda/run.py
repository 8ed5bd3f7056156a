"""One run of the cleaner on one site: load -> fold -> survey -> decide -> apply -> write the ledger -> report.

Every step may be the last before a crash, may run twice and may overlap another run: the ledger is only written with a
condition, and changes state only after the effects, so the next run ends in the same place.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING

from cleaner_lambda import ledger as ledgers
from cleaner_lambda.apply import apply
from cleaner_lambda.decision import changed, decide_and_check, leave_to_inner, look_at_neighbours
from cleaner_lambda.errors import BusyError, CleanerError, ConflictError, UnreadableError
from cleaner_lambda.folding import all_folded, fold_log, kept_releases
from cleaner_lambda.load import load
from cleaner_lambda.look import take_second_look
from cleaner_lambda.markers import read_markers, stop_for_unreadable
from cleaner_lambda.nesting import find_inner, without_inner
from cleaner_lambda.order import gone_after
from cleaner_lambda.outcome import Attempt, Outcome, Unanswered
from cleaner_lambda.pace import Pace
from cleaner_lambda.pages import assets_of, linger, lingers, look_at_pages
from cleaner_lambda.policy import Plan, Reason, View
from cleaner_lambda.pruning import dangling, old_markers
from cleaner_lambda.report import Report, keys, summary
from cleaner_lambda.s3_errors import REQUEST_ERRORS
from cleaner_lambda.survey import survey
from release_log.layout import Layout
from release_log.ledger_file import Announcement

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from cleaner_lambda.folding import FoldedLog
    from cleaner_lambda.guard import Checked
    from cleaner_lambda.ledger import Folded, Ledger
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.look import Look
    from cleaner_lambda.pages import InPlace
    from cleaner_lambda.policy import Action
    from cleaner_lambda.port import S3Port
    from cleaner_lambda.survey import Survey
    from release_log.policy_settings import Policy

ATTEMPTS = 10
"""How often a run starts over because others write the ledger."""

RETRY_SECONDS = 900
"""How soon the cleaner comes back for keys that failed, and after a run that broke off."""

REBUILT_SECONDS = 60
"""How soon the cleaner comes back when a rebuild of the ledger held up due deletions."""


class BrokenOffError(CleanerError):
    """The run may have changed the bucket, and could not be finished. The next run finds what was done.

    Attributes:
        report: What the run did, in all its attempts.
    """

    def __init__(self, report: Report, cause: Exception) -> None:
        """Name the cause."""
        super().__init__(f"site {report.site!r}: broke off after its changes, which the log lists: {cause}")
        self.report = report


@dataclass(slots=True)
class _SoFar:
    """What a run did until now. It belongs to the run, and outlives its starting over.

    Attributes:
        unanswered: See `Unanswered`.
        attempts: The attempts that came to change something.
        report: What the run says if it breaks off now; None before its first change.
    """

    unanswered: Unanswered = field(default_factory=Unanswered)
    attempts: list[Attempt] = field(default_factory=list)
    report: Report | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one run is asked to do.

    Attributes:
        prefix: The site.
        policy: The settings in force, or the settings of a "what if".
        run: The run's own id.
        dry_run: Only say what a real run would do. The store must then be read-only too.
        full: Make a full listing even if none is due.
        force: Delete even if the deletion limit (brake) is exceeded.
        inner: Prefixes of other sites inside this one.
    """

    prefix: str
    policy: Policy
    run: str
    dry_run: bool = False
    full: bool = False
    force: bool = False
    inner: tuple[str, ...] = ()


def clean(store: S3Port, job: Job, pace: Pace | None = None) -> Report:
    """Run once.

    Args:
        store: The site's bucket; for a dry run its read-only cover.
        job: What to do.
        pace: See `Pace`.

    Raises:
        BrokenOffError: Something failed after the run had come to change something: S3 refused a request, or others
            wrote the ledger each time.
        CleanerError: Others wrote the ledger each time, and nothing was changed; the run can be repeated.
        ClientError: S3 refused something that a run cannot do without, and nothing was changed.
    """
    pace = pace or Pace()
    so_far = _SoFar()
    try:
        return _until_written(store, job, pace, so_far)
    except Exception as error:
        # Whatever failed: the record of what was done must not go with it.
        if so_far.report is None:
            raise
        raise BrokenOffError(so_far.report, error) from error


def _until_written(store: S3Port, job: Job, pace: Pace, so_far: _SoFar) -> Report:
    """Start over while others write the ledger; but if something was done and time is short, its record comes first."""
    cause: ConflictError | None = None
    for _ in range(ATTEMPTS):
        try:
            return _attempt(store, job, pace, so_far)
        except ConflictError as conflict:
            if so_far.report is not None and not pace.has_time():
                return so_far.report
            cause = conflict.with_traceback(None)  # which holds all that the attempt had read
    msg = f"site {job.prefix!r}: gave up after {ATTEMPTS} attempts ({cause}); invoke again"
    raise CleanerError(msg) from cause


def _attempt(store: S3Port, job: Job, pace: Pace, so_far: _SoFar) -> Report:
    layout, unanswered, earlier = Layout(job.prefix), so_far.unanswered, tuple(so_far.attempts)
    try:
        loaded = load(store, layout, job.policy, job.run, pace)
    except UnreadableError as error:
        return _without_ledger(job, store.now(), error, earlier)
    first = _decide_first(store, layout, job, loaded, pace)
    if first.pages is not None and first.pages.late:
        # Visitors got the release before for longer than the file says that says otherwise.
        first = _decide_first(store, layout, job, replace(loaded, late=first.pages.late), pace)
    log, known, view, checked = first.log, first.known, first.view, first.checked
    folded, lingering = all_folded(loaded.ledger, log.markers), first.lingering
    plan = checked.plan
    stay = {each.id for each in known.history.releases} | {*loaded.ledger.current.values(), *first.kept, *lingering}
    stay |= {*loaded.look.pins.by_id, *(i for ids in loaded.ledger.behind.values() for i in ids)}
    old = {layout.marker_key(i) for i in old_markers(folded, known.history.retired.values(), stay)}
    old |= {layout.placed_key(i) for i in loaded.look.placed if layout.marker_key(i) in old}
    old |= dangling(layout, loaded.look, loaded.now)

    etag, look = loaded.base.etag, loaded.look
    announced = frozenset() if plan.stops else keys(plan.delete) | old | look.protections.expired.keys()
    retagged = changed(plan)  # an asset that is not deleted after all is tagged
    if announced or retagged:
        ledger = replace(loaded.ledger, lingering=lingering)
        ahead = _ahead(ledger, job.run, announced | unanswered.deletions, retagged | unanswered.tags)
        etag = store.put_if(layout.ledger, ledgers.encode(ahead), etag)
    if announced:
        look = take_second_look(store, layout, job.policy, loaded.now, look, pace)
        view = replace(view, protected=look.protections.by_key, pinned=look.pins.keys, stops=view.stops + look.stops)
        if plan.delete:
            known, view = look_at_neighbours(store, layout, known, view, keys(plan.delete), loaded.now, pace)
            first = _look_at_pages(store, layout, job, loaded.now, replace(first, known=known, view=view), look, pace)
            log, view, lingering = first.log, first.view, first.lingering
        # At least as much is protected as before, so this deletes nothing that was not announced.
        checked, view = decide_and_check(store, view, job, loaded.now, known.inner, pace)
        plan = _only(retagged, checked.plan)
    old -= {layout.marker_key(i) for i in lingering} | {layout.placed_key(i) for i in lingering}
    prune = [] if plan.stops else sorted(announced & (old | look.protections.expired.keys()))
    outcome = Outcome()
    report = Report(
        dry_run=job.dry_run,
        site=job.prefix,
        at=loaded.now,
        current={channel: published.id for channel, published in sorted(known.history.current.items())},
        plan=plan,
        outcome=outcome,
        missing=known.missing,
        orphans=known.orphans,
        unread=known.unread,
        unfinished=True,
        next_due=loaded.now + timedelta(seconds=RETRY_SECONDS),
        earlier=earlier,
        set_aside={**checked.set_aside, **dict.fromkeys(view.doubles, Reason.MAY_BE_MISSING)},
        doubles=view.doubles,
        newest_marker=max(look.markers.values(), default=None),
        inner_sites=known.inner,
    )
    if announced or retagged:
        so_far.report = report
        so_far.attempts.append(Attempt(plan, outcome).without_the_rest())
    apply(store, plan, prune, pace, outcome, unanswered)
    after_pages = first.lingering_after(outcome.deleted, loaded.now)
    ends = [at + lingers(job.policy) for at in after_pages.values() if at is not None]
    report = replace(
        report,
        unfinished=outcome.unfinished or known.tags_read_to is not None,
        next_due=min((at for at in (_next_due(plan, outcome, known, loaded), *ends) if at is not None), default=None),
    )
    there = {i: each for i, each in folded.items() if layout.marker_key(i) not in outcome.pruned}
    after = _ledger_after(loaded.ledger, there, known, checked, outcome)
    # What S3 did not answer may still happen: until that is over it stays announced.
    after = _ahead(after, job.run, frozenset(unanswered.deletions), frozenset(unanswered.tags))
    after = replace(
        after,
        gone=gone_after(loaded.ledger, folded, there),
        lingering=after_pages,
        doubts=log.order.doubts,
        sure_since=log.order.sure_since,
    )
    if announced or retagged or loaded.base.leftover or not (loaded.pristine or after.same_state(loaded.ledger)):
        last_run = {**summary(report.document()), "run": job.run, "policy": asdict(job.policy)}
        _write_last(store, layout, replace(after, last_run=last_run), etag)
    return report


def _write_last(store: S3Port, layout: Layout, ledger: Ledger, etag: str | None) -> None:
    try:
        store.put_if(layout.ledger, ledgers.encode(ledger), etag)
    except (*REQUEST_ERRORS, BusyError, UnreadableError) as error:
        msg = f"{layout.ledger} could not be written: {error}"
        raise CleanerError(msg) from error


@dataclass(frozen=True, slots=True)
class _First:
    """What a run decides on its first look.

    Attributes:
        log: The release log, folded.
        known: What is known of the site.
        kept: Ids of the releases that ``keep_releases`` keeps.
        view: What it decides on.
        checked: What it decides.
        pages: The pages in place; None if they need not be looked at.
        lingering: See `Ledger.lingering`.
    """

    log: FoldedLog
    known: Survey
    kept: list[str]
    view: View
    checked: Checked
    lingering: Mapping[str, datetime | None]
    pages: InPlace | None = None

    def lingering_after(self, deleted: Collection[str], now: datetime) -> dict[str, datetime | None]:
        """The same after the pages themselves may have been deleted."""
        lying = {} if self.pages is None else self.pages.lying
        return {
            i: now if at is None and i in lying and lying[i] <= set(deleted) else at for i, at in self.lingering.items()
        }


def _decide_first(store: S3Port, layout: Layout, job: Job, loaded: Loaded, pace: Pace) -> _First:
    log = fold_log(store, layout, loaded, pace)
    log = replace(log, history=without_inner(log.history, job.inner))
    known = survey(store, layout, loaded, log, job.policy.orphans, pace, full=job.full, inner=job.inner)
    kept = kept_releases(known.history, job.policy.keep_releases, all_folded(loaded.ledger, log.markers))
    log = replace(log, markers=read_markers(store, layout, log.markers, kept, pace))
    view = _view(loaded, log, known, kept)
    checked, view = decide_and_check(store, view, job, loaded.now, known.inner, pace)
    found = find_inner(store, layout, known.inner, changed(checked.plan), pace.mapper)
    if found:
        known, view = leave_to_inner(known, view, found)
        checked, view = decide_and_check(store, view, job, loaded.now, known.inner, pace)
    first = _First(log, known, kept, view, checked, loaded.ledger.lingering)
    if not (checked.plan.delete or first.lingering):
        return first
    first = _look_at_pages(store, layout, job, loaded.now, first, loaded.look, pace)
    checked, view = decide_and_check(store, first.view, job, loaded.now, known.inner, pace)
    return replace(first, checked=checked, view=view)


def _look_at_pages(  # noqa: PLR0913, PLR0917 (what the run knows so far)
    store: S3Port, layout: Layout, job: Job, now: datetime, before: _First, look: Look, pace: Pace
) -> _First:
    """Look at the pages in place, before anything is deleted: what they ask for stays."""
    log, view = before.log, before.view
    pages = look_at_pages(store, layout, before.known.history, log.markers, look.protections.pages, pace)
    if before.pages is not None and pages.late.keys() - before.pages.late.keys():
        msg = "the pages in place changed during the run"
        raise ConflictError(msg)
    lingering = linger(before.lingering, pages.lying, job.policy, now)
    markers, assets = assets_of(store, layout, pages.markers, lingering, pace)
    view = replace(view, in_place=view.in_place | assets, stops=(*view.stops, *pages.stops))
    return replace(before, log=replace(log, markers=markers), view=view, pages=pages, lingering=lingering)


def _without_ledger(job: Job, now: datetime, error: UnreadableError, earlier: tuple[Attempt, ...]) -> Report:
    """What a run says that could not read the ledger, and so could not announce anything: it did nothing more."""
    stop = stop_for_unreadable(error, last="delete it: the next run rebuilds it")
    return Report(
        dry_run=job.dry_run,
        site=job.prefix,
        at=now,
        current={},
        plan=Plan((), (), (), (), (), (stop,), None),
        outcome=Outcome(),
        missing=None,
        orphans=None,
        next_due=now + timedelta(seconds=RETRY_SECONDS),
        earlier=earlier,
    )


def _view(loaded: Loaded, log: FoldedLog, known: Survey, kept: Iterable[str]) -> View:
    """What the policy decides on, after the first look."""
    return View(
        live=frozenset(known.history.live_keys()),
        retired=known.history.retired,
        owed=known.history.owed,
        protected=loaded.look.protections.by_key,
        pinned=loaded.look.pins.keys,
        kept=frozenset().union(*(published.release.all_keys for published in log.markers.of(kept))),
        tags_unknown=known.tags_unknown,
        around=known.around,
        stops=(*loaded.stops, *log.stops, *known.stops),
    )


def _only(announced: frozenset[str], plan: Plan) -> Plan:
    """The plan without the tags that were not announced: the next run writes them."""
    return replace(
        plan,
        tag=tuple(action for action in plan.tag if action.key in announced),
        untag=tuple(action for action in plan.untag if action.key in announced),
    )


def _ahead(ledger: Ledger, run: str, deleting: frozenset[str], tagging: frozenset[str]) -> Ledger:
    """The ledger that says what this run is about to do, or may still do."""
    # Another run's stays too. Both have some only if the ledger was lost while this run was deleting.
    others = ledger.deleting.keys if ledger.deleting is not None else frozenset()
    return replace(
        ledger,
        deleting=Announcement(run, deleting | others) if deleting else ledger.deleting,
        tagging=(*ledger.tagging, Announcement(run, tagging)) if tagging else ledger.tagging,
    )


def _kept_by(action: Action) -> Reason | None:
    """Why an asset is kept that does not fall due with time alone."""
    if action.due is not None:
        return None
    # The end of the grace alone is not worth a write of the ledger.
    return Reason.WITHIN_VERSION_LIMIT if action.reason is Reason.WITHIN_GRACE else action.reason


def _next_due(plan: Plan, outcome: Outcome, known: Survey, loaded: Loaded) -> datetime | None:
    now = loaded.now
    due = [instant for instant in (plan.next_due, loaded.base.resume) if instant is not None]
    if outcome.failed or known.unread:
        due.append(now + timedelta(seconds=RETRY_SECONDS))
    outage = known.unread.keys() - known.tags_unknown  # where the rebuild stopped: it would stop there again at once
    if outcome.unfinished or (known.tags_read_to is not None and not outage):
        due.append(now)
    if any(action.reason is Reason.REBUILT for action in plan.keep):
        due.append(now + timedelta(seconds=REBUILT_SECONDS))
    return min(due, default=None)


def _ledger_after(
    ledger: Ledger, folded: Mapping[str, Folded], known: Survey, checked: Checked, outcome: Outcome
) -> Ledger:
    """The ledger after the effects, without the announcements of this run."""
    history = known.history
    owed = (history.owed - checked.dropped) | checked.live
    retired = {}
    for action in chain(checked.plan.keep, checked.plan.delete):
        key, entry = action.key, action.entry
        if entry is None or key in outcome.deleted or key in outcome.gone:
            continue
        tagged = None if key in outcome.untagged else outcome.tagged.get(key, entry.tagged)
        retired[key] = replace(entry, tagged=tagged, due=action.due, kept_by=_kept_by(action))
    return replace(
        ledger,
        current={**ledger.current, **{channel: published.id for channel, published in history.current.items()}},
        behind={
            **{channel: ids for channel, ids in ledger.behind.items() if channel not in history.lines},
            **{channel: tuple(each.id for each in line) for channel, (_, *line) in history.lines.items() if line},
        },
        folded=folded,
        retired=retired,
        owed=owed - outcome.untagged - outcome.tagged.keys() - outcome.gone - outcome.deleted,
        listed_at=known.listed_at,
        tags_read_to=known.tags_read_to,
        tags_unknown=known.tags_unknown - outcome.gone - outcome.deleted,
    )
