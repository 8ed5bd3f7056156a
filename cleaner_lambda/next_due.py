"""When the cleaner comes back by itself. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from cleaner_lambda.ending import has_ended
from cleaner_lambda.ledger_store import next_sweep
from cleaner_lambda.listing import LISTING_SECONDS
from cleaner_lambda.pages import ends_of
from cleaner_lambda.plan import Reason
from cleaner_lambda.rebuilding import MARGIN
from cleaner_lambda.report import ROUTINE
from cleaner_lambda.s3_errors import PASSING
from release_log.ledger_file import HOLDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from cleaner_lambda.load import Loaded
    from cleaner_lambda.outcome import Outcome
    from cleaner_lambda.plan import Plan, Stop
    from cleaner_lambda.report import Report
    from cleaner_lambda.survey import Survey
    from release_log.policy_settings import Policy

RETRY_SECONDS = 900
"""How soon the cleaner comes back for keys that failed, and after a run that broke off."""

PLACING = timedelta(hours=1)
"""So long after its marker a release whose pages are not all in place is reported: no upload takes so long."""

REBUILT_SECONDS = 60
"""How soon the cleaner comes back when a rebuild of the ledger held up due deletions."""


def next_due(plan: Plan, outcome: Outcome, known: Survey, loaded: Loaded, ends: Iterable[datetime]) -> datetime | None:
    """When that is; None if nothing falls due.

    Args:
        plan: The plan.
        outcome: What became of it.
        known: What is known of the site.
        loaded: The release log.
        ends: See `ends`.
    """
    now = loaded.now
    sweep = next_sweep(loaded.base.stored, len(known.history.retired) + known.number_adopted, now)
    waits = known.waits_until
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
    if known.number_adopted and sweep is None:
        due.append(now)  # nobody has asked yet when these fall due, and a small site is cleaned to the minute
    if has_ended(known.history) and not plan.is_stopped:
        if outcome.deleted and outcome.deleted >= known.history.retired.keys():
            due.append(now)  # for the release log
        elif known.nothing_left and outcome.pruned:
            due.append(now + HOLDS + timedelta(seconds=60))  # for the ledger
    if known.rebuilding is not None and known.rebuilding.is_done and loaded.ledger.upgrading is not None:
        due.append(max(now, loaded.ledger.upgrading + HOLDS + MARGIN))
    is_rebuilt = loaded.ledger.rebuilding is not None and known.rebuilding is None
    if is_rebuilt or any(action.reason is Reason.REBUILT for action in plan.keep):
        due.append(now + timedelta(seconds=REBUILT_SECONDS))
    return min(due, default=None)


def held_up(stops: Iterable[Stop], now: datetime) -> datetime | None:
    """When a sweep is worth its while that would delete nothing now, for a reason that passes; None if it is now."""
    # The run lists by itself what a map run left out, so the next one knows of that stop no more.
    passing = [
        each
        for each in stops
        if each.holds_all and (each.until is not None or each.reason in {*ROUTINE, Reason.MAP_RUN})
    ]
    if not passing:
        return None
    soon = now + timedelta(seconds=RETRY_SECONDS)
    return min([soon, *(each.until for each in passing if each.until is not None)])


def ends(lingering: Mapping[str, datetime | None], policy: Policy, report: Report) -> Iterator[datetime]:
    """When pages that were replaced let go of their assets, and when the site ends by itself."""
    yield from ends_of(lingering, policy)
    if report.ends_at is not None and report.ends_at > report.at:  # a stop may put it off
        yield report.ends_at
