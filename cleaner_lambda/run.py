"""One run of the cleaner on one site: attempts, until one of them has written the ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cleaner_lambda.attempt import attempt
from cleaner_lambda.errors import CleanerError, ConflictError, GroupsNeededError, WholeNeededError
from cleaner_lambda.pace import Pace
from cleaner_lambda.plan import Reason
from cleaner_lambda.so_far import BrokenOffError, SoFar
from cleaner_lambda.sweeping import sweep
from cleaner_lambda.tag_sweep import read_groups

if TYPE_CHECKING:
    from cleaner_lambda.job import Job
    from cleaner_lambda.port import S3Port
    from cleaner_lambda.report import Report
    from cleaner_lambda.so_far import Tell

ATTEMPTS = 10
"""How often a run starts over because others write the ledger."""


def clean(store: S3Port, job: Job, pace: Pace | None = None, tell: Tell | None = None) -> Report:
    """Run once.

    Args:
        store: The site's bucket; for a dry run its read-only cover.
        job: What to do.
        pace: See `Pace`.
        tell: Logs what each part of a long run did, when it is over, by lines of the plan; its report may cut that.

    Raises:
        BrokenOffError: Something failed after the run had come to change something: S3 refused a request, or others
            wrote the ledger each time.
        CleanerError: Others wrote the ledger each time, and nothing was changed; the run can be repeated.
        ClientError: S3 refused something that a run cannot do without, and nothing was changed.
    """
    pace = pace or Pace()
    so_far = SoFar(begun=pace.clock())
    so_far.tell = tell or so_far.tell
    try:
        return _until_written(store, job, pace, so_far)
    except Exception as error:
        # Whatever failed: the record of what was done must not go with it.
        if so_far.report is None:
            raise
        raise BrokenOffError(so_far.report, error) from error


def _until_written(store: S3Port, job: Job, pace: Pace, so_far: SoFar) -> Report:
    """Start over while others write the ledger; but if something was done and time is short, its record comes first."""
    cause: ConflictError | None = None
    whole, left, job_left = False, ATTEMPTS, job
    while left:
        left -= 1
        try:
            report = attempt(store, job_left, pace, so_far, whole=whole)
            if not so_far.goes_on:
                rebuilds = any(stop.reason is Reason.REBUILT for stop in report.plan.stops)
                report = (read_groups if rebuilds else sweep)(store, job, pace, so_far, report)
            if not (so_far.goes_on and pace.has_time()):
                return so_far.completed(report)
            so_far.end_part(report, swept=False)
            so_far.forget_kept()
            left = ATTEMPTS
            # The listing that it makes goes on, and another one need not follow.
            job_left = replace(job, full=False, adopt=False)
        except GroupsNeededError:
            so_far.in_groups = True
            so_far.forget_kept()
        except WholeNeededError:
            # Who was to read all of them may have found that a file is gone. A rebuild takes them only if it asks too.
            whole, so_far.rebuilds_whole = True, whole
            so_far.forget_kept()
        except ConflictError as conflict:
            if so_far.report is not None and not pace.has_time():
                return so_far.report
            so_far.forget_kept()
            cause = conflict.with_traceback(None)  # which holds all that the attempt had read
    msg = f"site {job.prefix!r}: gave up after {ATTEMPTS} attempts ({cause}); invoke again"
    raise CleanerError(msg) from cause
