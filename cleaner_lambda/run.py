"""One run of the cleaner on one site: load -> fold -> survey -> decide -> apply -> write the ledger -> report.

Every step may be the last before a crash, may run twice and may overlap another run: the ledger is only written with a
condition, and changes state only after the effects, so the next run ends in the same place.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from cleaner_lambda.apply import apply
from cleaner_lambda.catch_up import catch_up
from cleaner_lambda.changes import with_tags
from cleaner_lambda.checkpoint import content_at, write_checkpoint
from cleaner_lambda.close import close_log
from cleaner_lambda.decision import Decided, changed, decide_again, decide_first, look_again_at_pages
from cleaner_lambda.ending import has_ended, is_over
from cleaner_lambda.errors import (
    BusyError,
    CleanerError,
    ConflictError,
    TooOldError,
    UnreadableError,
    WholeNeededError,
)
from cleaner_lambda.folding import all_folded
from cleaner_lambda.idle import end_if_idle, ends_at
from cleaner_lambda.ledger_store import is_outdated, next_sweep, write_ledger
from cleaner_lambda.listing import LISTING_SECONDS
from cleaner_lambda.load import load
from cleaner_lambda.markers import stop_for_unreadable
from cleaner_lambda.next_ledger import after_effects, after_light, announce, lasting, with_markers, without_ended
from cleaner_lambda.order import gone_after
from cleaner_lambda.outcome import Attempt, Outcome, Unanswered
from cleaner_lambda.pace import Pace
from cleaner_lambda.pages import ends_of
from cleaner_lambda.policy import Plan, Reason
from cleaner_lambda.pruning import Cut, next_cut, settled_cut
from cleaner_lambda.report import Report, keys, summary
from cleaner_lambda.s3_errors import PASSING, REQUEST_ERRORS
from cleaner_lambda.to_prune import ToPrune, to_prune
from cleaner_lambda.unnamed import unnamed_files
from release_log.instants import format_instant
from release_log.layout import Layout
from release_log.ledger_file import FORMAT, HOLDS
from release_log.policy_settings import values_of
from release_log.run_record import with_run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from cleaner_lambda.changes import Change
    from cleaner_lambda.history import History
    from cleaner_lambda.ledger import Folded, Ledger
    from cleaner_lambda.ledger_store import StoredLedger
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.port import S3Port
    from cleaner_lambda.survey import Survey
    from release_log.policy_settings import Policy

ATTEMPTS = 10
"""How often a run starts over because others write the ledger."""

RETRY_SECONDS = 900
"""How soon the cleaner comes back for keys that failed, and after a run that broke off."""

PLACING = timedelta(hours=1)
"""So long after its marker a release whose pages are not all in place is reported: no upload takes so long."""

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
        begun: When the run began, by `Pace.clock`.
    """

    unanswered: Unanswered = field(default_factory=Unanswered)
    attempts: list[Attempt] = field(default_factory=list)
    report: Report | None = None
    begun: float = 0.0


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
        adopt: List the site, and retire its orphans however many they are.
        inner: Prefixes of other sites inside this one.
        ledger_format: The format of the ledger that the run writes.
        distributed: Whether what the run cannot list by itself is handed out to a map run of Step Functions.
        map_run_over: When the ranges were handed out of a map run that is over; None if the run is about none.
    """

    prefix: str
    policy: Policy
    run: str
    dry_run: bool = False
    full: bool = False
    force: bool = False
    adopt: bool = False
    inner: tuple[str, ...] = ()
    ledger_format: int = FORMAT
    distributed: bool = False
    map_run_over: datetime | None = None


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
    so_far = _SoFar(begun=pace.clock())
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
    whole = job.dry_run or job.full or job.force
    for _ in range(ATTEMPTS):
        try:
            return _attempt(store, job, pace, so_far, whole=whole)
        except WholeNeededError:
            whole = True
        except ConflictError as conflict:
            if so_far.report is not None and not pace.has_time():
                return so_far.report
            cause = conflict.with_traceback(None)  # which holds all that the attempt had read
    msg = f"site {job.prefix!r}: gave up after {ATTEMPTS} attempts ({cause}); invoke again"
    raise CleanerError(msg) from cause


def _attempt(store: S3Port, job: Job, pace: Pace, so_far: _SoFar, *, whole: bool) -> Report:
    layout, unanswered, earlier = Layout(job.prefix), so_far.unanswered, tuple(so_far.attempts)
    loaded = _begin(store, layout, job, pace, so_far, whole=whole)
    if isinstance(loaded, Report):
        return loaded
    decided = decide_first(store, layout, job, loaded, pace)
    log, known, plan = decided.log, decided.known, decided.checked.plan
    folded = all_folded(loaded.ledger, log.markers)
    seen = with_markers(loaded.ledger, known.history, folded, log)
    cut, decided = _find_cut(store, layout, job, loaded, decided, seen, pace)
    pruned, decided = _find_to_prune(store, layout, job, loaded, decided, folded, cut, pace)

    stored, look = loaded.base.stored, loaded.look
    announced = frozenset() if plan.is_stopped else keys(plan.delete) | pruned.all
    retagged = changed(plan)  # an asset that is not deleted after all is tagged
    if announced or retagged:
        # From here on no replay may rely on the markers that are about to be deleted.
        ahead = replace(loaded.ledger, lingering=decided.lingering, cut=loaded.ledger.cut if cut is None else cut.at)
        ahead = announce(ahead, job.run, announced | unanswered.deletions, retagged | unanswered.tags)
        stored = write_ledger(store, layout, ahead, stored, loaded.now)
    if announced:
        look, decided = decide_again(store, layout, job, loaded, decided, pace)
        known, plan = decided.known, _only(retagged, decided.checked.plan)
        pruned = pruned.without(layout, decided.lingering, folded, look.placed)
    view, checked = decided.view, decided.checked
    prune = frozenset() if plan.is_stopped else announced & pruned.at_first(look.protections.expired.keys())
    outcome = Outcome()
    report = Report(
        dry_run=job.dry_run,
        site=job.prefix,
        at=loaded.now,
        current=_ids(known.history, ended=False),
        ended=_ids(known.history, ended=True),
        plan=plan,
        outcome=outcome,
        missing=known.missing,
        orphans=known.orphans,
        unread={**known.unread, **known.unproven},
        unfinished=True,
        next_due=loaded.now + timedelta(seconds=RETRY_SECONDS),
        earlier=earlier,
        set_aside={
            **checked.set_aside,
            **dict.fromkeys(view.doubles, Reason.MAY_BE_MISSING),
            **dict.fromkeys(known.foreign, Reason.FOREIGN),
        },
        doubles=view.doubles,
        newest_marker=max(look.markers.values(), default=None),
        inner_sites=known.inner,
        not_looked_at=len(view.not_looked_at),
        ends_at=None if has_ended(known.history) else ends_at(loaded, job.policy),
        map_run=known.cursor.map_run if known.cursor and known.handed_out else None,
        not_in_place=tuple(sorted(i for i, at in known.history.not_in_place().items() if at + PLACING <= loaded.now)),
    )
    if announced or retagged:
        so_far.report = report
        so_far.attempts.append(Attempt(plan, outcome).without_the_rest())
    # As often as the site is listed.
    unnamed, stored = (
        (frozenset[str](), stored) if known.missing is None else unnamed_files(store, layout, stored, loaded.now)
    )
    if cut is not None and not plan.is_stopped:
        refusal = write_checkpoint(
            store,
            layout,
            content_at(cut.at, stored, replace(seen, lingering=decided.lingering), known.history.retired),
        )
        if refusal is None:
            prune |= pruned.old
            seen = replace(seen, cut=cut.at)
        else:
            outcome.failed[layout.checkpoint] = refusal
    files = [sorted(prune | unnamed), [] if plan.is_stopped else sorted(pruned.last)]
    apply(store, plan, files, pace, outcome, unanswered)
    after = after_effects(seen, known, view, checked, outcome)
    lingering = decided.lingering_after(outcome.deleted, loaded.now)
    report = replace(
        report,
        unfinished=outcome.unfinished or known.is_unfinished or view.not_looked_at != frozenset(),
        next_due=loaded.now
        if view.not_looked_at or (cut is not None and cut.has_more and outcome.pruned)
        else _next_due(plan, outcome, known, loaded, _ends(lingering, job.policy, report)),
        refused={**lasting(known.unread), **after.refused.tags, **after.refused.writes},
    )
    there = {i: each for i, each in folded.items() if layout.marker_key(i) not in outcome.pruned}
    after = replace(
        after,
        lingering=lingering,
        folded=there,
        gone=gone_after(loaded.ledger, seen.seen, there),
        in_doubt=log.in_doubt & after.retired.keys(),
    )
    after = without_ended(after)
    after, changes = _noted(loaded, known, after)
    # What S3 did not answer may still happen: until that is over it stays announced.
    after = announce(after, job.run, frozenset(unanswered.deletions), frozenset(unanswered.tags))
    news = bool(changes) or is_outdated(loaded.base.stored, loaded.now) or _is_news(after, loaded, report)
    if announced or retagged or loaded.base.leftover or (news and not loaded.pristine):
        last_run = {**summary(report.document()), "run": job.run, "policy": values_of(job.policy)}
        runs = with_run(after.runs, report.record(job.run, pace.clock() - so_far.begun))
        _write_last(store, layout, replace(after, last_run=last_run, runs=runs), stored, loaded.now, changes)
    return report


def _is_news(after: Ledger, loaded: Loaded, report: Report) -> bool:
    """Whether a ledger tells more than the stored one: also when the site ends, which people read there."""
    told = loaded.ledger.last_run.get("ends_at")
    ends_at = None if report.ends_at is None else format_instant(report.ends_at)
    return not (after.same_state(loaded.ledger) and ends_at == told)


def _find_cut(  # noqa: PLR0913, PLR0917 (what the run knows so far)
    store: S3Port, layout: Layout, job: Job, loaded: Loaded, decided: Decided, seen: Ledger, pace: Pace
) -> tuple[Cut | None, Decided]:
    """The next cut, if it is time for one; then the pages are looked at, if they were not, before a marker goes.

    The marker of a release whose page is in place says what that page asks for.
    """
    refused = decided.known.refused.writes
    if decided.checked.plan.is_stopped or layout.checkpoint in refused:
        return None, decided
    ledger, there = loaded.ledger, seen.folded
    if loaded.light:
        # It copies the head, and that says of the markers what runs before have seen. Which pages may be in place that
        # an old marker names, only the retired assets say: the sweep deletes these markers.
        there = {i: each for i, each in ledger.folded.items() if i in there}
        at = settled_cut(ledger, there, loaded.now)
        return at and Cut(at), decided
    stay = _stay(loaded, decided, seen) | {i for i in there if layout.marker_key(i) in refused}
    cut = next_cut(ledger, there, stay, loaded.now, again=loaded.base.stored.is_large)
    if cut is not None and cut.markers and decided.pages is None:
        decided = look_again_at_pages(store, layout, job, loaded.now, decided, loaded.look, pace)
    return cut, decided


def _find_to_prune(  # noqa: PLR0913, PLR0917 (what the run knows so far)
    store: S3Port,
    layout: Layout,
    job: Job,
    loaded: Loaded,
    decided: Decided,
    folded: Mapping[str, Folded],
    cut: Cut | None,
    pace: Pace,
) -> tuple[ToPrune, Decided]:
    """The files that are no longer needed; the pages are looked at before a marker of an end goes, as for a cut."""
    found = to_prune(layout, loaded, decided.known, folded, cut)
    if (found.first or found.last) and decided.pages is None and not decided.checked.plan.is_stopped:
        decided = look_again_at_pages(store, layout, job, loaded.now, decided, loaded.look, pace)
    return found.without(layout, decided.lingering, folded, loaded.look.placed), decided


def _stay(loaded: Loaded, decided: Decided, seen: Ledger) -> set[str]:
    """Ids of the markers that stay, however old."""
    behind = (*seen.behind.values(), *loaded.ledger.behind.values())
    stay = {*seen.current.values(), *loaded.ledger.current.values(), *(i for ids in behind for i in ids)}
    return stay | {*decided.kept, *decided.lingering, *loaded.look.pins.by_id}


def _write_last(
    store: S3Port, layout: Layout, ledger: Ledger, stored: StoredLedger, now: datetime, changes: Sequence[Change]
) -> None:
    try:
        write_ledger(store, layout, ledger, stored, now, changes)
    except (*REQUEST_ERRORS, BusyError, UnreadableError) as error:
        msg = f"{layout.ledger} could not be written: {error}"
        raise CleanerError(msg) from error


def _noted(loaded: Loaded, known: Survey, after: Ledger) -> tuple[Ledger, tuple[Change, ...]]:
    """The ledger that is written, and what a run that read no retired asset notes of them instead."""
    if not loaded.light:
        return after, ()
    return after_light(loaded.ledger, after, known), with_tags(known.history.changes, after.retired)


def _begin(store: S3Port, layout: Layout, job: Job, pace: Pace, so_far: _SoFar, *, whole: bool) -> Loaded | Report:
    """Read the release log; a report if that was all that could be done, or if it was the last run of an ended site."""
    earlier = tuple(so_far.attempts)
    try:
        loaded = load(store, layout, job, pace, whole=whole)
    except UnreadableError as error:
        return _without_ledger(job, store.now(), error, earlier)
    found = catch_up(store, layout, job, loaded, pace, so_far.unanswered, so_far.begun)
    if isinstance(found, Report):
        return replace(found, earlier=earlier)
    loaded = found
    closed = close_log(store, layout, loaded, job, pace) if not loaded.light and is_over(loaded) else None
    if closed is not None:
        return replace(closed, earlier=earlier)
    return end_if_idle(store, layout, loaded, job.policy, pace)


def _without_ledger(job: Job, now: datetime, error: UnreadableError, earlier: tuple[Attempt, ...]) -> Report:
    """What a run says that could not read the ledger, and so could not announce anything: it did nothing more."""
    last = "delete it: the next run rebuilds it"
    if isinstance(error, TooOldError):
        # The newer one may be deleting still, and what it announces must not go meanwhile.
        last = "stop the cleaner, wait for 15 minutes, and delete the file: the next run rebuilds the ledger"
    elif error.key != Layout(job.prefix).ledger:
        last = "delete it: the next run rebuilds the ledger from the markers and tags that are left"
    stop = stop_for_unreadable(error, last=last)
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


def _ids(history: History, *, ended: bool) -> dict[str, str]:
    """Channel -> id of its current release; or of its end, for the channels that have ended."""
    return {channel: each.id for channel, each in sorted(history.current.items()) if each.release.ended is ended}


def _only(announced: frozenset[str], plan: Plan) -> Plan:
    """The plan without the tags that were not announced: the next run writes them."""
    return replace(
        plan,
        tag=tuple(action for action in plan.tag if action.key in announced),
        untag=tuple(action for action in plan.untag if action.key in announced),
    )


def _ends(lingering: Mapping[str, datetime | None], policy: Policy, report: Report) -> Iterator[datetime]:
    """When pages that were replaced let go of their assets, and when the site ends by itself."""
    yield from ends_of(lingering, policy)
    if report.ends_at is not None and report.ends_at > report.at:  # a stop may put it off
        yield report.ends_at


def _next_due(plan: Plan, outcome: Outcome, known: Survey, loaded: Loaded, ends: Iterable[datetime]) -> datetime | None:
    now = loaded.now
    sweep = next_sweep(loaded.base.stored, known.history.retired, now)
    waits = None if known.cursor is None else known.cursor.waits_until
    due = [instant for instant in (sweep or plan.next_due, loaded.base.resume, waits, *ends) if instant is not None]
    errors = (*outcome.failed.values(), *known.unread.values(), *known.unproven.values())
    due += [at + PLACING for at in known.history.not_in_place().values() if at + PLACING > now]
    if any(error.startswith(PASSING) for error in errors):
        due.append(now + timedelta(seconds=RETRY_SECONDS))
    if (errors or known.refused.tags or known.refused.writes) and known.listed_at is not None:
        due.append(known.listed_at + timedelta(seconds=LISTING_SECONDS))  # it tries again what S3 refused
    outage = known.unread.keys() - known.tags_unknown  # where the rebuild stopped: it would stop there again at once
    if outcome.unfinished or (known.is_unfinished and not (outage or waits)):
        due.append(now)
    if has_ended(known.history) and not plan.is_stopped:
        if outcome.deleted and outcome.deleted >= known.history.retired.keys():
            due.append(now)  # for the release log
        elif known.nothing_left and outcome.pruned:
            due.append(now + HOLDS + timedelta(seconds=60))  # for the ledger
    if any(action.reason is Reason.REBUILT for action in plan.keep):
        due.append(now + timedelta(seconds=REBUILT_SECONDS))
    return min(due, default=None)
