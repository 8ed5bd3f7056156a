"""One attempt of a run: load -> fold -> survey -> decide -> announce -> look again -> apply -> write the ledger.

Every step may be the last before a crash, may run twice and may overlap another run: the ledger is only written with a
condition, and changes state only after the effects, so the next run ends in the same place.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from cleaner_lambda.answer import summary
from cleaner_lambda.apply import apply
from cleaner_lambda.beginning import begin
from cleaner_lambda.checkpoint import content_at, write_checkpoint
from cleaner_lambda.cutting import find_cut, find_to_prune
from cleaner_lambda.decision import changed, decide_again, decide_first
from cleaner_lambda.ending import has_ended
from cleaner_lambda.errors import HeldUpError, NewsError, OutdatedPlanError
from cleaner_lambda.folding import all_folded, turned_since_the_cut
from cleaner_lambda.idle import ends_at
from cleaner_lambda.last_write import is_news, noted, write_last
from cleaner_lambda.ledger_store import is_outdated, write_ledger
from cleaner_lambda.next_due import PLACING, RETRY_SECONDS, ends, held_up, next_due
from cleaner_lambda.next_ledger import after_effects, announce, lasting, with_markers, without_ended
from cleaner_lambda.order import gone_after
from cleaner_lambda.outcome import Attempt, Outcome
from cleaner_lambda.plan import Reason
from cleaner_lambda.report import Report, keys
from cleaner_lambda.s3_errors import PASSING
from cleaner_lambda.so_far import Rest
from cleaner_lambda.stretch import Stretch, begin_stretch
from cleaner_lambda.unnamed import unnamed_files
from release_log.layout import Layout
from release_log.policy_settings import values_of
from release_log.run_record import with_run

if TYPE_CHECKING:
    from cleaner_lambda.history import History
    from cleaner_lambda.job import Job
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.plan import Plan
    from cleaner_lambda.port import S3Port
    from cleaner_lambda.so_far import SoFar
    from cleaner_lambda.sweep_plan import Part


def attempt(  # noqa: PLR0915 (one step after the other)
    store: S3Port, job: Job, pace: Pace, so_far: SoFar, *, whole: bool, part: Part | None = None
) -> Report:
    """Do it once, up to the end.

    Args:
        store: The site's bucket; for a dry run its read-only cover.
        job: What to do.
        pace: See `Pace`.
        so_far: What the run did before; what this attempt does is added.
        whole: Whether to read the retired assets also of a large site.
        part: The part of a large site to sweep.

    Raises:
        ConflictError: Another run wrote the ledger, or the release log changed; start over.
        WholeNeededError: It takes all retired assets, which were not read; start over.
        HeldUpError: Nothing of the part would be deleted now.
        NewsError: The part cannot be swept yet, as there is something new to fold in.
        OutdatedPlanError: Another run has swept some of the site, or has begun or ended a rebuild.
    """
    layout, unanswered, earlier = Layout(job.prefix), so_far.unanswered, tuple(so_far.attempts)
    so_far.rest, so_far.goes_on = None, False
    loaded = begin(store, layout, job, pace, so_far, whole=whole, part=part)
    if isinstance(loaded, Report):
        return loaded
    so_far.first = so_far.first or loaded.now
    _check_part(part, loaded)
    _let_others_end(loaded, job)
    decided = decide_first(store, layout, job, loaded, pace)
    log, known, plan = decided.log, decided.known, decided.checked.plan
    folded = all_folded(loaded.ledger, log.markers)
    seen = with_markers(loaded.ledger, known.history, folded, log)
    if part is not None and (known.history.changes or not seen.same_state(loaded.ledger)):
        msg = f"{layout.markers} changed during the sweep"
        raise NewsError(msg)
    cut, decided = find_cut(store, layout, job, loaded, decided, seen, pace)
    pruned, cut, decided = find_to_prune(store, layout, job, loaded, decided, folded, cut, pace)

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
        pruned = pruned.without(layout, decided.telling, folded, look.placed)
    view, checked = decided.view, decided.checked
    prune = frozenset() if plan.is_stopped else announced & pruned.at_first(look.protections.expired.keys())
    outcome = Outcome()
    report = Report(
        dry_run=job.dry_run,
        site=job.prefix,
        at=loaded.now,
        first=so_far.first,
        current=_ids(known.history, ended=False),
        ended=_ids(known.history, ended=True),
        plan=plan,
        outcome=outcome,
        before=so_far.before,
        missing=known.missing,
        orphans=known.orphans,
        adopted=known.number_adopted,
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
        map_run=known.map_run,
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
        before = replace(seen, lingering=decided.lingering)
        refusal = write_checkpoint(store, layout, partial(content_at, cut.at, stored, before, known.history.retired))
        if refusal is None:
            prune |= pruned.old
            seen = replace(seen, cut=cut.at)
        else:
            outcome.failed[layout.checkpoint] = refusal
            prune, pruned = prune - pruned.first, pruned.without_ended()
    files = [sorted(prune | unnamed), [] if plan.is_stopped else sorted(pruned.last)]
    # What an attempt that read no retired asset leaves undone, the next one does not know of; and a group is small.
    stretch = Stretch(pace) if loaded.light else begin_stretch(job, loaded, pace)
    apply(store, plan, files, stretch.pace, outcome, unanswered, bare=known.bare)
    after = after_effects(seen, known, view, checked, outcome)
    lingering = decided.lingering_after(outcome.deleted, loaded.now)
    report = replace(
        report,
        unfinished=outcome.unfinished or known.is_unfinished or view.not_looked_at != frozenset(),
        next_due=loaded.now
        if view.not_looked_at or (cut is not None and cut.has_more and outcome.pruned)
        else next_due(plan, outcome, known, loaded, ends(lingering, job.policy, report)),
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
    after, changes = noted(loaded, known, after)
    # What S3 did not answer may still happen: until that is over it stays announced.
    after = announce(after, job.run, frozenset(unanswered.deletions), frozenset(unanswered.tags))
    news = bool(changes) or is_outdated(loaded.base.stored, loaded.now) or is_news(after, loaded, report)
    passes = held_up(plan.stops, loaded.now) is not None or any(
        error.startswith(PASSING) for error in outcome.failed.values()
    )
    if announced or retagged or loaded.base.leftover or (news and not loaded.pristine):
        last_run = {**summary(report.without_upcoming().document()), "run": job.run, "policy": values_of(job.policy)}
        runs = with_run(after.runs, report.record(job.run, pace.clock() - so_far.begun))
        after = replace(after, last_run=last_run, runs=runs)
        left = outcome.unfinished or bool(view.not_looked_at) or passes
        stored = write_last(store, layout, after, stored, loaded.now, changes, unfinished=left, adopted=known.adopted)
    # Before more is noted, the sweep takes in what is noted now.
    goes_on = known.goes_on or (outcome.unfinished and not passes and stretch.is_followed)
    so_far.goes_on = goes_on and not (stored.head is not None and stored.head.index.is_full)
    if loaded.light and stored.head is not None and stored.etag is not None:
        reads = known.rebuilding is not None and known.rebuilding.path is not None
        reads = reads and known.cursor is None and part is None and not so_far.goes_on
        turned, unread = turned_since_the_cut(store, layout, loaded, log, pace) if reads else (None, ())
        so_far.rest = Rest(
            index=stored.head.index,
            now=loaded.now,
            view=replace(view, retired={}),
            owed=known.history.owed - view.live,
            missing=view.missing,
            inner=known.inner,
            listed=known.missing is not None,
            listed_at=known.listed_at,
            listing_until=None if known.cursor is None else known.cursor.waits_until,
            is_listing=known.cursor is not None,
            unknown=known.tags_unknown - view.live,
            rebuilding=known.rebuilding,
            turned=turned,
            unread=unread,
        )
    return report


def _check_part(part: Part | None, loaded: Loaded) -> None:
    """Leave a group alone if a rebuild has ended, or begun, since the plan was made that it is a part of.

    A rebuild's plan knows too little of the other groups for a deletion, and any other too little to date orphans.

    Raises:
        OutdatedPlanError: That is so.
    """
    if part is not None and part.plan.is_of_a_rebuild is (loaded.ledger.rebuilding is None):
        msg = "a rebuild of the ledger has begun, or has ended, during the sweep"
        raise OutdatedPlanError(msg)


def _let_others_end(loaded: Loaded, job: Job) -> None:
    """Leave a group alone while another run deletes: nor is anything written, or that run would lose the ledger.

    So while workers read the tags of the groups: another run has handed them out since this one began.

    Raises:
        HeldUpError: That is so.
    """
    rebuilding = loaded.ledger.rebuilding
    waits = None if rebuilding is None else rebuilding.waits_until
    until = waits or held_up(loaded.stops, loaded.now)
    if loaded.group is not None and until is not None and not job.dry_run:
        raise HeldUpError(until)


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
