"""Take in a release log that is too long for one run: in parts, the oldest markers first.

After each part the ledger is as if a run had come when the last of its markers was the newest one. A run takes in as
many parts as it has time for; each is written by itself, so that a run which dies loses one of them. Until all are
taken in, nobody knows what is current now. So nothing is deleted, tagged or listed meanwhile.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from cleaner_lambda.answer import summary
from cleaner_lambda.backlog import Backlog, first_part
from cleaner_lambda.changes import with_tags
from cleaner_lambda.folding import all_folded, fold_log
from cleaner_lambda.ledger_store import write_ledger
from cleaner_lambda.nesting import without_inner
from cleaner_lambda.next_ledger import announce, with_markers
from cleaner_lambda.order import gone_after, instants, is_unseen
from cleaner_lambda.outcome import Outcome
from cleaner_lambda.pace import Pace
from cleaner_lambda.plan import Plan, Reason, Stop
from cleaner_lambda.pruning import settled_cut
from cleaner_lambda.report import Report
from release_log.policy_settings import values_of
from release_log.run_record import with_run

if TYPE_CHECKING:
    from cleaner_lambda.folding import FoldedLog
    from cleaner_lambda.job import Job
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.outcome import Unanswered
    from cleaner_lambda.port import S3Port
    from release_log.layout import Layout

WAITS = timedelta(minutes=15)
"""How soon the cleaner comes back if it waits for a marker that cannot be read."""


def next_part(loaded: Loaded, without: frozenset[str] = frozenset()) -> frozenset[str] | None:
    """Ids of the markers that are taken in first; None if the run can take in all that the ledger does not know.

    Args:
        loaded: The release log.
        without: Ids of markers that are left out, as they are not valid.
    """
    listed = loaded.look.markers
    unknown = listed.keys() - loaded.ledger.folded.keys() - without
    return first_part(unknown, instants(loaded.ledger, {i: listed[i] for i in unknown}), loaded.look.sizes)


def catch_up(  # noqa: PLR0913, PLR0917 (what the run knows, and what it was asked)
    store: S3Port, layout: Layout, job: Job, loaded: Loaded, pace: Pace, unanswered: Unanswered, begun: float
) -> Loaded | Report:
    """Take in one part of the markers after the other, until the rest is no more than a run reads at once.

    Args:
        store: The site's bucket.
        layout: The site.
        job: What the run is asked to do.
        loaded: The release log.
        pace: See `Pace`.
        unanswered: What stays announced.
        begun: When the run began, by `Pace.clock`.

    Returns:
        The release log with these parts in its ledger; or what the run says if it has not come to the end.

    Raises:
        ConflictError: Another run wrote the ledger, or a listed marker is gone.
        WholeNeededError: It takes all retired assets, which were not read.
        GroupsNeededError: They are too much to rebuild the ledger at once.
    """
    invalid, parts = frozenset[str](), 0
    # A part is bounded, and the time that a run keeps in reserve is enough for one.
    reading = Pace(pace.mapper, sleep=pace.sleep)
    while True:
        # Nor is it enough for all the rest, which the run would read by itself.
        if parts and not pace.has_time():
            return _still_behind(store, layout, job, loaded, unanswered, (), pace.clock() - begun)
        part = next_part(loaded, invalid)
        if part is None:
            return loaded
        loaded.need_groups(because=not parts)
        parts += 1
        log = fold_log(store, layout, _up_to(loaded, part), reading)
        invalid |= log.markers.invalid.keys() & part
        if log.waits:
            return _still_behind(store, layout, job, loaded, unanswered, log.stops, pace.clock() - begun)
        if part - invalid:
            loaded = _take_in(store, layout, job, loaded, log, unanswered)


def _up_to(loaded: Loaded, part: frozenset[str]) -> Loaded:
    """The release log as a run would have found it when a part's last marker was the newest one."""
    look, ledger = loaded.look, loaded.ledger
    markers = {i: at for i, at in look.markers.items() if i in ledger.folded or i in part}
    last = max(instants(ledger, markers).values())
    placed = {i: at for i, at in look.placed.items() if at <= last}
    return replace(loaded, look=replace(look, markers=markers, placed=placed))


def _take_in(store: S3Port, layout: Layout, job: Job, loaded: Loaded, log: FoldedLog, unanswered: Unanswered) -> Loaded:
    """Write the ledger with a part that was folded in."""
    before, history = loaded.ledger, without_inner(log.history, job.inner)
    folded = all_folded(before, log.markers)
    seen = with_markers(before, history, folded, log)
    unseen = [each for i, each in log.markers.valid.items() if i not in before.folded and is_unseen(before, i)]
    backlog = (before.backlog or Backlog()).after(unseen, log.order.found)
    after = replace(
        seen,
        retired={} if loaded.light else history.retired,
        owed=history.owed,
        in_doubt=log.in_doubt & history.retired.keys(),
        gone=gone_after(before, seen.seen, folded),
        # A replay reads no marker up to it. So it is bounded too, though all of them may have come within an hour.
        cut=settled_cut(before, folded, loaded.now, at_once=True) or before.cut,
        backlog=backlog,
        replayed=before.tags_read_to is not None,
    )
    changes = with_tags(history.changes, history.retired) if loaded.light else None
    announced = announce(after, job.run, frozenset(unanswered.deletions), frozenset(unanswered.tags))
    stored = write_ledger(store, layout, announced, loaded.base.stored, loaded.now, changes, takes_in=True)
    current = {each.id for line in history.lines.values() for each in line}
    return replace(
        loaded,
        base=replace(loaded.base, ledger=after, stored=stored, leftover=False, doubtful=frozenset()),
        read={i: each.release for i, each in log.markers.valid.items() if i in current},
    )


def _still_behind(  # noqa: PLR0913, PLR0917 (what the run knows, and what it was asked)
    store: S3Port,
    layout: Layout,
    job: Job,
    loaded: Loaded,
    unanswered: Unanswered,
    stops: tuple[Stop, ...],
    seconds: float,
) -> Report:
    """What a run says, also in the ledger, that has not taken in all of the markers."""
    listed = loaded.look.markers
    left = len(listed.keys() - loaded.ledger.folded.keys())
    message = (
        f"{left} of {len(listed)} releases under {layout.markers} are not taken in yet: nothing is deleted until they "
        "are; the cleaner continues by itself"
    )
    report = Report(
        dry_run=job.dry_run,
        site=job.prefix,
        at=loaded.now,
        current={},
        plan=Plan((), (), (), (), (), (*stops, Stop(Reason.CATCHING_UP, message)), None),
        outcome=Outcome(),
        missing=None,
        orphans=None,
        next_due=loaded.now + (WAITS if stops else timedelta()),
        unfinished=True,
        newest_marker=max(listed.values()),
    )
    ledger = replace(
        loaded.ledger,
        owed=loaded.ledger.owed | loaded.base.doubtful,
        last_run={**summary(report.document()), "run": job.run, "policy": values_of(job.policy)},
        runs=with_run(loaded.ledger.runs, report.record(job.run, seconds)),
    )
    ledger = announce(ledger, job.run, frozenset(unanswered.deletions), frozenset(unanswered.tags))
    write_ledger(store, layout, ledger, loaded.base.stored, loaded.now, () if loaded.light else None)
    return report
