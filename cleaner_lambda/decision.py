"""What a run decides: the policy's plan, checked, and without the assets that sites inside or around this one need."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from cleaner_lambda.adoption import stop_for
from cleaner_lambda.cut import is_cut_off
from cleaner_lambda.doubles import find_doubles
from cleaner_lambda.errors import ConflictError
from cleaner_lambda.folding import all_folded, fold_log, kept_releases
from cleaner_lambda.foreign import ask, unproven, without_foreign
from cleaner_lambda.guard import check
from cleaner_lambda.idle import not_at_once
from cleaner_lambda.look import take_second_look
from cleaner_lambda.lost import held_keys
from cleaner_lambda.markers import read_markers
from cleaner_lambda.nesting import Inside, find_inner, needed_around, without_inner
from cleaner_lambda.orphans import in_force
from cleaner_lambda.pages import assets_of, linger, look_at_pages
from cleaner_lambda.plan import Reason, Stop
from cleaner_lambda.policy import BRAKE_FLOOR, decide, tags_orphans
from cleaner_lambda.report import keys
from cleaner_lambda.survey import survey
from cleaner_lambda.tag_pass import CONTINUES
from cleaner_lambda.view import Elsewhere, View
from release_log.layout import Layout
from release_log.ledger_file import FORMAT
from release_log.policy_settings import Orphans

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from cleaner_lambda.folding import FoldedLog
    from cleaner_lambda.guard import Checked
    from cleaner_lambda.history import History
    from cleaner_lambda.job import Job
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.look import Look
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.pages import InPlace
    from cleaner_lambda.plan import Plan
    from cleaner_lambda.port import S3Port
    from cleaner_lambda.survey import Survey


UNLISTED = Stop(
    Reason.UNLISTED, f"much is due, and the site is not listed yet: nothing is deleted until it is; {CONTINUES}"
)


class Decided(NamedTuple):
    """What a run knows and wants after its first look, before it says so.

    Attributes:
        log: The release log.
        known: What is known of the site.
        kept: Ids of the releases that ``keep_releases`` keeps.
        view: What the policy decided on.
        checked: Its plan.
        lingering: See `cleaner_lambda.ledger.Ledger.lingering`.
        pages: The pages in place; None if nothing is due, so that they need not be looked at.
    """

    log: FoldedLog
    known: Survey
    kept: list[str]
    view: View
    checked: Checked
    lingering: Mapping[str, datetime | None]
    pages: InPlace | None = None

    @property
    def telling(self) -> set[str]:
        """Ids of the releases whose markers say what lies in place."""
        return {*self.lingering, *(() if self.pages is None else self.pages.witnesses)}

    def lingering_after(self, deleted: Collection[str], now: datetime) -> dict[str, datetime | None]:
        """The same after the pages themselves may have been deleted."""
        lying = {} if self.pages is None else self.pages.lying
        return {
            i: now if at is None and i in lying and lying[i] <= set(deleted) else at for i, at in self.lingering.items()
        }


def decide_first(store: S3Port, layout: Layout, job: Job, loaded: Loaded, pace: Pace) -> Decided:
    """Fold the markers in, look at the site if that is due, ask the policy, and look at the pages."""
    job = _not_at_once(job, loaded)
    first = _fold_and_decide(store, layout, job, loaded, pace)
    instants, late = first.log.markers.instants, {} if first.pages is None else first.pages.late
    # What retired up to the cut is not dated anew.
    late = {i: at for i, at in late.items() if not is_cut_off(loaded.ledger, i, instants[i])}
    if not late:
        return first
    # Visitors got the release before for longer than the file says that says otherwise.
    return _fold_and_decide(store, layout, job, replace(loaded, late=late), pace)


def _fold_and_decide(store: S3Port, layout: Layout, job: Job, loaded: Loaded, pace: Pace) -> Decided:
    log = fold_log(store, layout, loaded, pace)
    log = replace(log, history=without_inner(log.history, job.inner))
    decided = _decide(store, layout, job, loaded, log, pace, full=job.full)
    # A marker may name keys that never existed. Before much is deleted, a listing says how much there is.
    if _deletes_much_unlisted(decided, loaded) and decided.known.cursor is None:
        decided = _decide(store, layout, job, loaded, log, pace, full=True)
    if not _deletes_much_unlisted(decided, loaded):
        return decided
    view = replace(decided.view, stops=(*decided.view.stops, UNLISTED))
    known, view, checked = decide_and_check(store, decided.known, view, job, loaded.now, pace)
    return decided._replace(known=known, view=view, checked=checked)


def _deletes_much_unlisted(decided: Decided, loaded: Loaded) -> bool:
    if loaded.group is not None:  # the whole sweep has been asked
        return False
    return decided.known.missing is None and len(decided.checked.plan.delete) > BRAKE_FLOOR


def _decide(  # noqa: PLR0913 (what the run knows so far)
    store: S3Port, layout: Layout, job: Job, loaded: Loaded, log: FoldedLog, pace: Pace, *, full: bool
) -> Decided:
    known = survey(store, layout, job, loaded, log, pace, full=full)
    kept = kept_releases(known.history, job.policy.keep_releases, all_folded(loaded.ledger, log.markers))
    log = replace(log, markers=read_markers(store, layout, log.markers, kept, pace))
    view = _view(layout, job, loaded, log, known, kept)
    known, view, checked = decide_and_check(store, known, view, job, loaded.now, pace)
    inside = find_inner(store, layout, known.inner, changed(checked.plan), pace)
    if inside != Inside():
        known, view = leave_to_inner(known, view, inside)
        known, view, checked = decide_and_check(store, known, view, job, loaded.now, pace)
    first = Decided(log, known, kept, view, checked, loaded.ledger.lingering)
    # A rebuild knows of each group the pages of that group alone, and deletes nothing.
    rebuilds = loaded.group is not None and loaded.ledger.rebuilding is not None
    # Of what left in the parts before, only the pages in place tell.
    in_parts = loaded.ledger.backlog is not None
    if rebuilds or not (checked.plan.delete or first.lingering or log.history.left_behind or in_parts):
        return first
    first = look_again_at_pages(store, layout, job, loaded.now, first, loaded.look, pace)
    known, view, checked = decide_and_check(store, first.known, first.view, job, loaded.now, pace)
    return first._replace(known=known, checked=checked, view=view)


def _not_at_once(job: Job, loaded: Loaded) -> Job:
    """The job; the run that ends a site deletes nothing of it, as the ledger does not tell of the end yet."""
    return replace(job, policy=not_at_once(job.policy)) if loaded.ends else job


def decide_again(
    store: S3Port, layout: Layout, job: Job, loaded: Loaded, first: Decided, pace: Pace
) -> tuple[Look, Decided]:
    """Look a second time, after the ledger says what is to be deleted, and ask the policy again.

    At least as much is protected as before, so this deletes nothing that was not announced.
    """
    job, known, view, look = _not_at_once(job, loaded), first.known, first.view, loaded.look
    look = take_second_look(store, layout, job.policy, loaded.now, look, pace)
    view = replace(view, protected=look.protections.by_key, pinned=look.pins.keys, stops=view.stops + look.stops)
    last = first._replace(view=view)
    if first.checked.plan.delete:
        due = keys(first.checked.plan.delete)
        known, view = look_at_neighbours(store, layout, known, view, due, loaded.now, pace)
        last = first._replace(known=known, view=view)
    if first.pages is not None:
        last = look_again_at_pages(store, layout, job, loaded.now, last, look, pace)
    known, view, checked = decide_and_check(store, last.known, last.view, job, loaded.now, pace)
    return look, last._replace(known=known, checked=checked, view=view)


def look_again_at_pages(  # noqa: PLR0913, PLR0917 (what the run knows so far)
    store: S3Port, layout: Layout, job: Job, now: datetime, before: Decided, look: Look, pace: Pace
) -> Decided:
    """Look at the pages in place, before anything is deleted: what they ask for stays.

    Raises:
        ConflictError: A page was put in place between two looks; start over.
    """
    pages = look_at_pages(
        store, layout, before.known.history, before.log.markers, look.protections.pages, before.lingering, pace
    )
    if before.pages is not None and pages.late.keys() - before.pages.late.keys():
        msg = "the pages in place changed during the run"
        raise ConflictError(msg)
    lingering = linger(before.lingering, pages.lying, job.policy, now)
    markers, assets = assets_of(store, layout, pages.markers, lingering, pace)
    view = before.view
    view = replace(view, in_place=view.in_place | assets)
    view = _stopped(_stopped(view, pages.stops), markers.stops_of(lingering))
    return before._replace(log=replace(before.log, markers=markers), view=view, pages=pages, lingering=lingering)


def _view(layout: Layout, job: Job, loaded: Loaded, log: FoldedLog, known: Survey, kept: Sequence[str]) -> View:
    """What the policy decides on, after the first look."""
    orphans = in_force(job.policy.orphans, layout)
    asks = None if orphans is Orphans.REPORT else _adoption(job, loaded, known)
    live = frozenset(known.history.live_keys())
    elsewhere = Elsewhere() if loaded.group is None else loaded.group.elsewhere
    missing = known.missing or (() if loaded.group is None else loaded.group.missing)
    view = View(
        live=live,
        retired=known.history.retired,
        owed=_owed(known.history, live, loaded),
        protected=loaded.look.protections.by_key,
        pinned=loaded.look.pins.keys,
        kept=frozenset().union(*(published.release.all_keys for published in log.markers.of(kept))),
        tags_unknown=known.tags_unknown,
        around=known.around,
        missing=frozenset(missing),
        untaggable=known.not_read.union(known.refused.tags),
        undeletable=frozenset(known.refused.writes),
        held=held_keys(known.history, log.lost, log.in_doubt),
        in_doubt=log.in_doubt,
        orphans=orphans,
        pattern=job.policy.pattern,
        stops=(*loaded.stops, *log.stops, *known.stops, *([] if asks is None else [asks])),
        elsewhere=replace(
            elsewhere,
            assets=elsewhere.assets + known.number_adopted,
            orphans=known.other_orphans + known.number_adopted,
        ),
        unswept=loaded.light and loaded.group is None,
    )
    return _stopped(view, log.markers.stops_of(kept))


def _owed(history: History, live: frozenset[str], loaded: Loaded) -> frozenset[str]:
    """The keys whose tags this run checks: what of the others is retired, and how, only their entries say."""
    if not loaded.light:
        return history.owed
    group = loaded.group
    return history.owed & (live if group is None else live | history.retired.keys() | group.unclaimed)


def _stopped(view: View, stops: Sequence[Stop]) -> View:
    """The view with more reasons why nothing may be deleted."""
    more = [stop for stop in stops if stop not in view.stops]
    return replace(view, stops=(*view.stops, *more)) if more else view


def _adoption(job: Job, loaded: Loaded, known: Survey) -> Stop | None:
    """Why orphans wait that the last full listing has counted; None if they are few."""
    orphans = known.waiting.number + known.other_orphans
    tags = tags_orphans(known.history.retired, job.policy, Elsewhere(orphans=orphans))
    return stop_for(known.waiting, tags=tags, one_file=loaded.base.stored.writes == FORMAT)


def decide_and_check(
    store: S3Port, known: Survey, view: View, job: Job, now: datetime, pace: Pace
) -> tuple[Survey, View, Checked]:
    """What is known without foreign objects, what was decided on, and the plan, checked against all but the ledger."""
    layout = Layout(job.prefix)
    plan = decide(view, job.policy, now, force=job.force)
    # As a rule nobody is asked: orphans with a fingerprint go anyway. An answer may let others fall due: no more brake.
    while asked := unproven(plan, view):
        known, view = without_foreign(known, view, ask(store, asked, pace))
        plan = decide(view, job.policy, now, force=job.force)
    doubles = find_doubles(store, keys(plan.delete), view, pace.mapper)
    if doubles:
        # What an earlier look found in doubt stays so: nothing is deleted that the ledger does not name.
        view = replace(view, doubles={**doubles, **view.doubles})
        plan = decide(view, job.policy, now, force=job.force)
    return known, view, check(plan, view, layout, known.inner)


def changed(plan: Plan) -> frozenset[str]:
    """The keys that a plan tags, untags or deletes."""
    return keys(plan.tag) | keys(plan.untag) | keys(plan.delete)


def leave_to_inner(known: Survey, view: View, inside: Inside) -> tuple[Survey, View]:
    """Leave the keys beneath some prefixes to the sites that have their release logs there, and others alone."""
    history = without_inner(known.history, inside.prefixes)
    known = replace(known, history=history, inner=known.inner | inside.prefixes)
    left = view.not_looked_at | inside.not_looked_at
    return known, replace(view, retired=history.retired, owed=view.owed & history.owed, not_looked_at=left)


def look_at_neighbours(  # noqa: PLR0913, PLR0917 (what the run knows so far)
    store: S3Port, layout: Layout, known: Survey, view: View, due: frozenset[str], now: datetime, pace: Pace
) -> tuple[Survey, View]:
    """Ask the sites around what they need, and look again for sites inside: before anything is deleted."""
    around = needed_around(store, layout, now, pace)
    view = replace(view, around=view.around | around.keys, stops=view.stops + around.stops)
    return leave_to_inner(known, view, find_inner(store, layout, known.inner, due, pace))
