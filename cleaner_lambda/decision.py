"""What a run decides: the policy's plan, checked, and without the assets that sites inside or around this one need."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from cleaner_lambda.doubles import find_doubles
from cleaner_lambda.folding import all_folded, fold_log, kept_releases
from cleaner_lambda.foreign import ask, unproven, without_foreign
from cleaner_lambda.guard import check
from cleaner_lambda.lost import held_keys
from cleaner_lambda.markers import read_markers
from cleaner_lambda.nesting import Inside, find_inner, needed_around, without_inner
from cleaner_lambda.orphans import in_force
from cleaner_lambda.policy import BRAKE_FLOOR, View, decide
from cleaner_lambda.report import keys
from cleaner_lambda.survey import survey
from release_log.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from cleaner_lambda.folding import FoldedLog
    from cleaner_lambda.guard import Checked
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.policy import Plan
    from cleaner_lambda.port import S3Port
    from cleaner_lambda.run import Job
    from cleaner_lambda.survey import Survey


class Decided(NamedTuple):
    """What a run knows and wants after its first look, before it says so.

    Attributes:
        log: The release log.
        known: What is known of the site.
        kept: Ids of the releases that ``keep_releases`` keeps.
        view: What the policy decided on.
        checked: Its plan.
    """

    log: FoldedLog
    known: Survey
    kept: list[str]
    view: View
    checked: Checked


def decide_first(store: S3Port, layout: Layout, job: Job, loaded: Loaded, pace: Pace) -> Decided:
    """Fold the markers in, look at the site if that is due, and ask the policy."""
    log = fold_log(store, layout, loaded, pace)
    log = replace(log, history=without_inner(log.history, job.inner))
    decided = _decide(store, layout, job, loaded, log, pace, full=job.full)
    if decided.known.missing is None and len(decided.checked.plan.delete) > BRAKE_FLOOR:
        # A marker may name keys that never existed. Before much is deleted, a listing says how much there is.
        return _decide(store, layout, job, loaded, log, pace, full=True)
    return decided


def _decide(  # noqa: PLR0913 (what the run knows so far)
    store: S3Port, layout: Layout, job: Job, loaded: Loaded, log: FoldedLog, pace: Pace, *, full: bool
) -> Decided:
    pattern = job.policy.pattern
    known = survey(store, layout, loaded, log, job.policy.orphans, pace, full=full, inner=job.inner, pattern=pattern)
    kept = kept_releases(known.history, job.policy.keep_releases, all_folded(loaded.ledger, log.markers))
    log = replace(log, markers=read_markers(store, layout, log.markers, kept, pace))
    view = replace(_view(loaded, log, known, kept), orphans=in_force(job.policy.orphans, layout), pattern=pattern)
    known, view, checked = decide_and_check(store, known, view, job, loaded.now, pace)
    inside = find_inner(store, layout, known.inner, changed(checked.plan), pace)
    if inside != Inside():
        known, view = leave_to_inner(known, view, inside)
        known, view, checked = decide_and_check(store, known, view, job, loaded.now, pace)
    return Decided(log, known, kept, view, checked)


def _view(loaded: Loaded, log: FoldedLog, known: Survey, kept: Iterable[str]) -> View:
    """What the policy decides on, after the first look."""
    return View(
        live=frozenset(known.history.live_keys()),
        retired=known.history.retired,
        owed=known.history.owed,
        protected=loaded.look.protections.by_key,
        pinned=loaded.look.pins.keys,
        kept=frozenset().union(*(published.release.keys for published in log.markers.of(kept))),
        tags_unknown=known.tags_unknown,
        around=known.around,
        missing=frozenset(known.missing or ()),
        untaggable=frozenset(known.refused.tags),
        undeletable=frozenset(known.refused.writes),
        held=held_keys(known.history, log.lost, log.in_doubt),
        in_doubt=log.in_doubt,
        stops=(*loaded.stops, *log.stops, *known.stops),
    )


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
    return known, replace(view, retired=history.retired, owed=history.owed, not_looked_at=left)


def look_at_neighbours(  # noqa: PLR0913, PLR0917 (what the run knows so far)
    store: S3Port, layout: Layout, known: Survey, view: View, due: frozenset[str], now: datetime, pace: Pace
) -> tuple[Survey, View]:
    """Ask the sites around what they need, and look again for sites inside: before anything is deleted."""
    around = needed_around(store, layout, now, pace)
    view = replace(view, around=view.around | around.keys, stops=view.stops + around.stops)
    return leave_to_inner(known, view, find_inner(store, layout, known.inner, due, pace))
