"""One run of the cleaner on one site: load -> fold -> decide -> apply -> write the ledger -> report.

Every step may be the last before a crash, may run twice and may overlap another run: the ledger is only written with a
condition, and changes state only after the effects, so the next run ends in the same place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from cleaner_lambda import ledger as ledgers
from cleaner_lambda.apply import apply
from cleaner_lambda.errors import CleanerError, ConflictError
from cleaner_lambda.folding import fold_log, kept_keys
from cleaner_lambda.ledger import Folded, Ledger
from cleaner_lambda.listing import LISTING_SECONDS, adopt_tags, list_assets, reconcile
from cleaner_lambda.load import load, look_again
from cleaner_lambda.policy import Reason, Stop, View, decide
from cleaner_lambda.report import Report, keys, summary
from release_log.layout import Layout
from release_log.ledger_file import Deleting
from release_log.settings import Orphans

if TYPE_CHECKING:
    from datetime import datetime

    from cleaner_lambda.apply import Mapper, Outcome
    from cleaner_lambda.history import History
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.policy import Plan
    from cleaner_lambda.store import S3Port
    from release_log.settings import Policy

ATTEMPTS = 10
"""How often a run starts over when others write the ledger."""

RETRY_SECONDS = 900
"""How soon the cleaner comes back for keys that failed."""

REBUILT_SECONDS = 60
"""How soon the cleaner comes back when a rebuilt ledger held up deletions that are due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one run is asked to do.

    Attributes:
        prefix: The site.
        policy: The settings in force, or those of a "what if".
        run: The run's own id: Lambda's request id.
        dry_run: Only say what would be done; the store is expected to be read-only too.
        full: Make a full listing even if none is due.
        force: Let the brake go.
    """

    prefix: str
    policy: Policy
    run: str
    dry_run: bool = False
    full: bool = False
    force: bool = False


def clean(store: S3Port, job: Job, mapper: Mapper = map) -> Report:
    """Run once.

    Args:
        store: The site's bucket; under a dry run its read-only cover.
        job: What to do.
        mapper: Runs independent requests, `map` or an executor's.

    Raises:
        CleanerError: Others wrote the ledger each time; the run can be repeated.
        ClientError: S3 refused something that a run cannot do without.
    """
    causes = []
    for _ in range(ATTEMPTS):
        try:
            return _attempt(store, job, mapper)
        except ConflictError as conflict:
            causes.append(conflict)
    msg = f"site {job.prefix!r}: gave up after {ATTEMPTS} attempts ({causes[-1]}); invoke again"
    raise CleanerError(msg) from causes[-1]


def _attempt(store: S3Port, job: Job, mapper: Mapper) -> Report:
    layout = Layout(job.prefix)
    loaded = load(store, layout, job.policy, job.run)
    history = fold_log(store, layout, loaded)
    missing, orphans, listed_at = None, None, loaded.ledger.listed_at
    if _listing_due(job, loaded):
        found = reconcile(history, list_assets(store, layout), loaded.protected, _orphan_rule(job, loaded), loaded.now)
        history, missing, orphans, listed_at = found.history, found.missing, found.orphans, loaded.now
    if loaded.rebuild:
        history = adopt_tags(history, lambda names: zip(names, mapper(store.get_tags, names), strict=True))
        message = f"{loaded.rebuild}: this run builds it and deletes nothing; the next one may"
        loaded.stops.append(Stop(Reason.REBUILT, message))
    kept = kept_keys(store, layout, history, job.policy.keep_releases, loaded)
    view = View(
        live=frozenset(history.live_keys()),
        retired=history.retired,
        owed=history.owed,
        protected=loaded.protected,
        kept=kept,
        stops=tuple(loaded.stops),
    )
    plan = decide(view, job.policy, loaded.now, force=job.force)

    etag, announced = loaded.etag, keys(plan.delete)
    if announced:
        ahead = replace(loaded.ledger, deleting=Deleting(job.run, announced))
        etag = store.put_if(layout.ledger, ledgers.encode(ahead), etag)
        look_again(store, layout, job.policy, loaded)
        # More is protected than before and nothing less, so this deletes nothing that was not announced.
        view = replace(view, protected=loaded.protected, stops=tuple(loaded.stops))
        plan = decide(view, job.policy, loaded.now, force=job.force)
    outcome = apply(store, plan, mapper)
    report = Report(
        dry_run=job.dry_run,
        site=job.prefix,
        at=loaded.now,
        current={channel: published.id for channel, published in sorted(history.current.items())},
        plan=plan,
        outcome=outcome,
        missing=missing,
        orphans=orphans,
        next_due=_next_due(plan, outcome, loaded.now),
    )
    after = _ledger_after(loaded, history, outcome, listed_at)
    if announced or loaded.leftover or not after.same_state(loaded.ledger):
        after = replace(after, last_run={**summary(report.document()), "run": job.run})
        store.put_if(layout.ledger, ledgers.encode(after), etag)
    return report


def _listing_due(job: Job, loaded: Loaded) -> bool:
    if not loaded.listed and loaded.etag is None:
        return False  # Nothing was ever published: no marker, no action.
    listed_at = loaded.ledger.listed_at
    return job.full or listed_at is None or loaded.now >= listed_at + timedelta(seconds=LISTING_SECONDS)


def _orphan_rule(job: Job, loaded: Loaded) -> Orphans:
    """Which orphans are retired in this run.

    With the whole bucket for a prefix anything may be somebody else's; with a marker unread, anything may be current.
    """
    return Orphans.REPORT if loaded.stops or not job.prefix else job.policy.orphans


def _next_due(plan: Plan, outcome: Outcome, now: datetime) -> datetime | None:
    due = [] if plan.next_due is None else [plan.next_due]
    if outcome.failed:
        due.append(now + timedelta(seconds=RETRY_SECONDS))
    if any(action.reason is Reason.REBUILT for action in plan.keep):
        due.append(now + timedelta(seconds=REBUILT_SECONDS))
    return min(due, default=None)


def _ledger_after(loaded: Loaded, history: History, outcome: Outcome, listed_at: datetime | None) -> Ledger:
    """The state after the effects; another run's ``deleting`` stays."""
    retired = {}
    for key, entry in history.retired.items():
        if key in outcome.deleted or key in outcome.gone:
            continue
        tagged = None if key in outcome.untagged else outcome.tagged.get(key, entry.tagged)
        retired[key] = replace(entry, tagged=tagged)
    ledger = loaded.ledger
    folded = {release_id: folded for release_id, folded in ledger.folded.items() if release_id in loaded.listed}
    folded |= {published.id: Folded(published.at, published.release.channel) for published in loaded.read.values()}
    return replace(
        ledger,
        current={**ledger.current, **{channel: published.id for channel, published in history.current.items()}},
        folded=folded,
        retired=retired,
        owed=history.owed - outcome.untagged - outcome.gone,
        listed_at=listed_at,
    )
