"""The sweep of a large site, in groups of a bounded size: each is an attempt of its own, with all that goes with one.

Each group is read, decided about, announced, looked at a second time, changed and written again before the next one is
read. So a run that dies, or has no time left, has done some groups and not the others, and the next run goes on there.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING

from cleaner_lambda.attempt import attempt
from cleaner_lambda.decision import UNLISTED
from cleaner_lambda.errors import ConflictError, HeldUpError, NewsError, OutdatedPlanError
from cleaner_lambda.ledger_files import or_all_at_once
from cleaner_lambda.next_due import RETRY_SECONDS, held_up
from cleaner_lambda.plan import Reason
from cleaner_lambda.policy import BRAKE_FLOOR, accidents
from cleaner_lambda.sweep_plan import Part, make_plan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cleaner_lambda.job import Job
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.plan import Plan
    from cleaner_lambda.port import S3Port
    from cleaner_lambda.report import Report
    from cleaner_lambda.so_far import Rest, SoFar
    from cleaner_lambda.sweep_plan import SweepPlan
    from release_log.ledger_index import Segment

ATTEMPTS = 10
"""How often a group is begun again because others write the ledger, or publish. Then the next run goes on with it."""


def sweep(store: S3Port, job: Job, pace: Pace, so_far: SoFar, report: Report) -> Report:
    """Sweep the groups for which it is time, after an attempt that has folded in what was new.

    Args:
        store: The site's bucket.
        job: What to do.
        pace: See `Pace`.
        so_far: What the run did before.
        report: What the attempt says.

    Raises:
        ConflictError: Another run is sweeping too, and this one was asked for all of it; start over.
        WholeNeededError: It takes all retired assets at once.
    """
    rest = so_far.rest
    if rest is None or not _to_sweep(rest, job):
        return report
    until = held_up(report.plan.stops, report.at)
    if until is not None and not job.dry_run:
        return replace(report, next_due=until)
    plan = _make_plan(store, job, rest, pace)
    unasked = report.plan.is_stopped or job.force  # nothing is deleted, or whatever is due
    if plan is not None and not (unasked or _may_delete(plan, rest, job)):
        # How much of the site that is, a listing says.
        so_far.end_part(report, swept=False)
        report = attempt(store, replace(job, full=True), pace, so_far, whole=False)
        rest = so_far.rest
        if rest is None or not rest.listed:
            plan_with = replace(report.plan, stops=(*report.plan.stops, UNLISTED))
            due = report.at if rest is None else rest.listing_until or report.at
            return replace(report, plan=plan_with, unfinished=True, next_due=due)
        plan = _make_plan(store, job, rest, pace)
    if plan is None:
        return replace(report, unfinished=True, next_due=report.at)
    so_far.end_part(report, swept=False)
    left = plan.of(_to_sweep(rest, job))
    plan.asked = left if _asks_for_all(job) else []
    so_far.add_kept(plan.assets_but(left))
    return _sweep_groups(store, job, pace, so_far, report, plan, left)


def _sweep_groups(  # noqa: PLR0913, PLR0917 (what the run knows so far)
    store: S3Port, job: Job, pace: Pace, so_far: SoFar, report: Report, plan: SweepPlan, left: Sequence[str]
) -> Report:
    report = so_far.end(report)
    for number, first in enumerate(left):
        until: datetime | None = report.at
        try:
            swept = sweep_group(store, job, pace, so_far, Part(plan, first))
        except HeldUpError as error:
            swept, until = None, error.until
        except OutdatedPlanError:
            if _asks_for_all(job):
                raise
            # That run goes on with it; if it does not, this one comes back.
            swept, until = None, report.at + timedelta(seconds=RETRY_SECONDS)
        if swept is None:
            so_far.end_attempts()
        else:
            so_far.end_part(swept, swept=True)
            report, until = so_far.end(swept), held_up(swept.plan.stops, swept.at)
        is_done = swept is not None and not (swept.outcome.unfinished or swept.not_looked_at)
        if swept is None or not is_done or so_far.rest is None or (until is not None and not job.dry_run):
            so_far.add_kept(plan.assets_of(left[number + (swept is not None) :]))
            return so_far.end(replace(report, unfinished=True, next_due=until or report.next_due))
        plan.note(first, so_far.rest.index, _due(swept.plan))
    return report


def _due(plan: Plan) -> int:
    """How many assets were due in a group, whether the brake kept them or not, but for those of ended channels."""
    braked = (action for action in plan.keep if action.reason is Reason.BRAKE)
    return accidents(chain(plan.delete, braked))


def sweep_group(store: S3Port, job: Job, pace: Pace, so_far: SoFar, part: Part) -> Report | None:
    """Sweep a group; None if there is no time, or others were faster each time: the next run goes on with it.

    Raises:
        HeldUpError: Nothing of it would be deleted now.
        OutdatedPlanError: Another run has swept some of the site.
    """
    for _ in range(ATTEMPTS):
        if not pace.has_time():
            return None
        try:
            return attempt(store, job, pace, so_far, whole=False, part=part)
        except NewsError:
            news = attempt(store, replace(job, full=False, adopt=False), pace, so_far, whole=False)
            so_far.end_part(news, swept=False)
        except OutdatedPlanError:
            raise
        except ConflictError:
            pass
    return None


def _asks_for_all(job: Job) -> bool:
    """Whether somebody asks for a sweep of all groups: for a full run, or for a plan."""
    return job.dry_run or job.full or job.force


def _to_sweep(rest: Rest, job: Job) -> tuple[Segment, ...]:
    """The segments that the run sweeps."""
    return rest.index.segments if _asks_for_all(job) else rest.index.to_sweep(rest.now)


def _make_plan(store: S3Port, job: Job, rest: Rest, pace: Pace) -> SweepPlan | None:
    with or_all_at_once():
        return make_plan(store, job, rest, _to_sweep(rest, job), pace)


def _may_delete(plan: SweepPlan, rest: Rest, job: Job) -> bool:
    """Whether it is known that the sweep deletes no more of the site than it may, or will be when a group is decided.

    A marker may name keys that never existed: only what a listing has seen counts for sure.
    """
    few = plan.due <= max(BRAKE_FLOOR, job.policy.max_delete_fraction * plan.verified)
    return few or rest.listed
