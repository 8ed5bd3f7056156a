"""The sweep of a large site, in groups of a bounded size: each is an attempt of its own, with all that goes with one.

Each group is read, decided about, announced, looked at a second time, changed and written again before the next one is
read. So a run that dies, or has no time left, has done some groups and not the others, and the next run goes on there.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from cleaner_lambda.attempt import attempt
from cleaner_lambda.decision import UNLISTED
from cleaner_lambda.errors import ConflictError, NewsError, OutdatedPlanError, WholeNeededError
from cleaner_lambda.next_due import RETRY_SECONDS
from cleaner_lambda.policy import BRAKE_FLOOR
from cleaner_lambda.report import ROUTINE
from cleaner_lambda.sweep_plan import Part, make_plan
from release_log.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cleaner_lambda.job import Job
    from cleaner_lambda.pace import Pace
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
        OutdatedPlanError: Another run is sweeping; start over.
        WholeNeededError: It takes all retired assets at once.
    """
    rest = so_far.rest
    if rest is None or not _to_sweep(rest, job):
        return report
    if (until := _held_up(report)) is not None:
        return replace(report, next_due=until)
    plan = _make_plan(store, job, rest, pace)
    if plan is not None and not _may_delete(plan, rest, job):
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
    so_far.add_kept(plan.assets_but(left))
    return _sweep_groups(store, job, pace, so_far, report, plan, left)


def _sweep_groups(  # noqa: PLR0913, PLR0917 (what the run knows so far)
    store: S3Port, job: Job, pace: Pace, so_far: SoFar, report: Report, plan: SweepPlan, left: Sequence[str]
) -> Report:
    for number, first in enumerate(left):
        swept = _sweep_group(store, job, pace, so_far, Part(plan, first)) if pace.has_time() else None
        if swept is not None:
            report = swept
            so_far.end_part(report, swept=True)
        if swept is None or so_far.rest is None or report.unfinished:
            so_far.add_kept(plan.assets_of(left[number + (swept is not None) :]))
            due = report.next_due if report.unfinished else report.at
            return so_far.end(replace(report, unfinished=True, next_due=due))
        plan.note(first, so_far.rest.index)
    return so_far.end(report)


def _sweep_group(store: S3Port, job: Job, pace: Pace, so_far: SoFar, part: Part) -> Report | None:
    """Sweep a group; None if others were faster each time, so that the next run goes on with it."""
    for _ in range(ATTEMPTS):
        try:
            return attempt(store, job, pace, so_far, whole=False, part=part)
        except NewsError:
            so_far.end_part(attempt(store, replace(job, full=False), pace, so_far, whole=False), swept=False)
        except OutdatedPlanError:
            raise
        except ConflictError:
            pass
        if not pace.has_time():
            break
    return None


def _to_sweep(rest: Rest, job: Job) -> tuple[Segment, ...]:
    """The segments that the run sweeps: who asks for a full run, or for a plan, asks for all of them."""
    index = rest.index
    return index.segments if job.dry_run or job.full or job.force else index.to_sweep(rest.now)


def _held_up(report: Report) -> datetime | None:
    """When a sweep can begin that would delete nothing now, for a reason that passes; None if it can at once."""
    passing = [each for each in report.plan.stops if each.holds_all and (each.until or each.reason in ROUTINE)]
    if not passing or report.dry_run:
        return None
    soon = report.at + timedelta(seconds=RETRY_SECONDS)
    return min([soon, *(each.until for each in passing if each.until is not None)])


def _make_plan(store: S3Port, job: Job, rest: Rest, pace: Pace) -> SweepPlan | None:
    try:
        return make_plan(store, job, rest, pace)
    except LedgerError as error:  # who reads all retired assets finds out what to do
        raise WholeNeededError(str(error)) from error


def _may_delete(plan: SweepPlan, rest: Rest, job: Job) -> bool:
    """Whether it is known that the sweep deletes no more of the site than it may, or will be when a group is decided.

    A marker may name keys that never existed: only what a listing has seen counts for sure.
    """
    few = plan.due <= max(BRAKE_FLOOR, job.policy.max_delete_fraction * plan.verified)
    return few or rest.listed or job.force
