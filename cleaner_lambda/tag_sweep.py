"""The rebuild of a large site's ledger, in groups of a bounded size: it reads the tags of all, and deletes nothing.

While the site is being listed, the groups take in what the listing has found: no run has much of that in memory.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from cleaner_lambda.errors import HeldUpError, OutdatedPlanError
from cleaner_lambda.ledger_files import or_all_at_once
from cleaner_lambda.next_due import RETRY_SECONDS, held_up
from cleaner_lambda.plan import Reason
from cleaner_lambda.sweep_plan import Part, plan_rebuild
from cleaner_lambda.sweeping import sweep_group

if TYPE_CHECKING:
    from datetime import datetime

    from cleaner_lambda.job import Job
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.port import S3Port
    from cleaner_lambda.report import Report
    from cleaner_lambda.so_far import Rest, SoFar
    from cleaner_lambda.sweep_plan import SweepPlan


def read_groups(store: S3Port, job: Job, pace: Pace, so_far: SoFar, report: Report) -> Report:
    """Go on with the rebuild, after an attempt that has folded in what was new.

    Args:
        store: The site's bucket.
        job: What to do.
        pace: See `Pace`.
        so_far: What the run did before.
        report: What the attempt says.

    Raises:
        WholeNeededError: It takes all retired assets at once.
    """
    rest = so_far.rest
    if rest is None or job.dry_run or not _has_work(rest):
        return report
    until = _held_up(report)
    if rest.turned is None and not rest.is_listing:  # as a marker cannot be read
        until = report.at + timedelta(seconds=RETRY_SECONDS)
        # Nobody else names it: as a rule no run needs it any more.
        stops = [stop for stop in rest.unread if stop not in report.plan.stops]
        report = replace(report, plan=replace(report.plan, stops=(*report.plan.stops, *stops)))
    if until is not None:
        return replace(report, next_due=until)
    job = replace(job, distributed=False)  # as this run is at it
    with or_all_at_once():
        plan = plan_rebuild(store, job, rest)
    so_far.end_part(report, swept=False)
    report = so_far.end(report)
    for first in _left(plan, rest):
        until, swept = report.at, None
        try:
            swept = sweep_group(store, job, pace, so_far, Part(plan, first))
        except HeldUpError as error:
            until = error.until
        except OutdatedPlanError:
            # That run goes on with it; if it does not, this one comes back.
            until = report.at + timedelta(seconds=RETRY_SECONDS)
        if swept is None:
            so_far.end_attempts()
            return so_far.end(replace(report, unfinished=True, next_due=until))
        so_far.end_part(swept, swept=True)
        report = so_far.end(swept)
        if so_far.rest is None or not _has_come_past(plan, first, so_far.rest) or _held_up(swept) is not None:
            return report
        plan.note(first, so_far.rest.index, 0)
    return report


def _has_work(rest: Rest) -> bool:
    """Whether a group has tags to be read, or much to be taken in."""
    rebuilding = rest.rebuilding
    if rebuilding is None:
        return False
    if rest.is_listing:
        return rest.index.is_full
    return rebuilding.live is None and rebuilding.path is not None and rebuilding.waits_until is None


def _from(rest: Rest) -> str | None:
    """The first logical path of which tags are to be read; None if the groups only take in what a listing found."""
    return None if rest.rebuilding is None or rest.is_listing else rest.rebuilding.path


def _ends(plan: SweepPlan) -> dict[str, str | None]:
    """The first logical path of each group -> that of the next one."""
    first = list(plan.lines)
    return dict(zip(first, [*first[1:], None], strict=False))


def _left(plan: SweepPlan, rest: Rest) -> list[str]:
    """The first logical path of each group that is left."""
    path = _from(rest)
    return [first for first, end in _ends(plan).items() if path is None or end is None or end > path]


def _has_come_past(plan: SweepPlan, first: str, rest: Rest) -> bool:
    """Whether a group is done, as the ledger says."""
    path = _from(rest)
    return path is None or path == _ends(plan).get(first)


def _held_up(report: Report) -> datetime | None:
    """Until when others hold up the rebuild; it does not hold up itself, and it reads what a map run left out."""
    stops = [each for each in report.plan.stops if each.reason not in {Reason.REBUILT, Reason.MAP_RUN}]
    return held_up(stops, report.at)
