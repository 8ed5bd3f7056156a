"""The beginning of an attempt: read the release log, or say why that is all that can be done."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from cleaner_lambda.catch_up import catch_up, next_part
from cleaner_lambda.close import close_log
from cleaner_lambda.ending import is_over
from cleaner_lambda.errors import NewsError, TooOldError, UnreadableError
from cleaner_lambda.idle import end_if_idle
from cleaner_lambda.load import load
from cleaner_lambda.markers import stop_for_unreadable
from cleaner_lambda.next_due import RETRY_SECONDS
from cleaner_lambda.outcome import Outcome
from cleaner_lambda.plan import Plan
from cleaner_lambda.report import Report
from release_log.layout import Layout

if TYPE_CHECKING:
    from datetime import datetime

    from cleaner_lambda.job import Job
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.outcome import Attempt
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.port import S3Port
    from cleaner_lambda.so_far import SoFar
    from cleaner_lambda.sweep_plan import Part


def begin(  # noqa: PLR0913 (what the run was asked, and how much it reads)
    store: S3Port,
    layout: Layout,
    job: Job,
    pace: Pace,
    so_far: SoFar,
    *,
    whole: bool,
    part: Part | None = None,
) -> Loaded | Report:
    """Read the release log; a report if that was all that could be done, or if it was the last run of an ended site.

    Raises:
        GroupsNeededError: There is too much to rebuild the ledger at once.
        NewsError: More releases came during a sweep than a run reads at once.
    """
    earlier = tuple(so_far.attempts)
    try:
        loaded = load(
            store,
            layout,
            job,
            pace,
            whole=whole,
            rebuilds_whole=so_far.rebuilds_whole,
            in_groups=so_far.in_groups,
            part=part,
        )
    except UnreadableError as error:
        return replace(_without_ledger(job, store.now(), error, earlier), before=so_far.before)
    if part is not None and next_part(loaded, so_far.tried) is not None:
        msg = f"{layout.markers} has more that is new than is read at once"
        raise NewsError(msg)
    if part is None:  # what came since is not a part's to take in
        so_far.tried = frozenset(loaded.look.markers.keys() - loaded.ledger.folded.keys())
        found = catch_up(store, layout, job, loaded, pace, so_far.unanswered, so_far.begun)
        if isinstance(found, Report):
            return replace(found, earlier=earlier, before=so_far.before)
        loaded = found
    closed = close_log(store, layout, loaded, job, pace) if not loaded.light and is_over(loaded) else None
    if closed is not None:
        return replace(closed, earlier=earlier, before=so_far.before)
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
