"""The distributed listing: a worker lists one range, and a run of the cleaner takes in what the workers have found.

A worker reads, and writes one new file: it decides nothing, and deletes nothing. The ranges stand in the ledger's
cursor (`cleaner_lambda.cursor.MapRun`). The findings go like all files beside the ledger that it does not name.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cleaner_lambda.catch_up import next_part
from cleaner_lambda.errors import CleanerError, ConflictError, UnreadableError, WholeNeededError
from cleaner_lambda.finding import Finding, decode, encode
from cleaner_lambda.folding import fold_log
from cleaner_lambda.listing import STRAYS
from cleaner_lambda.load import load
from cleaner_lambda.nesting import needed_around, without_inner
from cleaner_lambda.plan import Reason, Stop
from cleaner_lambda.scan import Scan
from release_log.errors import LedgerError
from release_log.layout import Layout

if TYPE_CHECKING:
    from cleaner_lambda.cursor import Cursor
    from cleaner_lambda.job import Job
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.port import S3Port
    from cleaner_lambda.request import MapTask

ATTEMPTS = 3
"""How often a worker starts over because a run wrote the ledger meanwhile."""


def list_range(store: S3Port, job: Job, task: MapTask, pace: Pace) -> Finding | None:
    """List a range that a map run was given, and store what it shows.

    Args:
        store: The site's bucket.
        job: The site and its policy.
        task: Which range of which map run.
        pace: See `Pace`. What there is no time for, the finding names as left.

    Returns:
        What it found, now or before; None if the ledger does not wait for it any more.

    Raises:
        CleanerError: The release log changed underfoot too often, or cannot be read; it can be repeated.
        ClientError: S3 refused something.
    """
    whole, cause = False, None
    for _ in range(ATTEMPTS):
        try:
            return _list_range(store, job, task, pace, whole=whole)
        except WholeNeededError:
            whole = True
        except ConflictError as conflict:
            cause = conflict.with_traceback(None)
    msg = f"site {job.prefix!r}: gave up after {ATTEMPTS} attempts ({cause}); invoke again"
    raise CleanerError(msg) from cause


def _list_range(store: S3Port, job: Job, task: MapTask, pace: Pace, *, whole: bool) -> Finding | None:
    layout, number = Layout(job.prefix), task.number
    loaded = load(store, layout, job, pace, whole=whole)
    cursor = loaded.ledger.cursor
    run = None if cursor is None else cursor.map_run
    if cursor is None or run is None or run.at != task.at or run.over or number is None or number not in run.ranges:
        return None
    if next_part(loaded) is not None:
        return None  # a run has to take in more releases first
    key = layout.ledger_file(run.finding(number))
    blob = store.get(key)
    if blob is not None:
        return decode(blob.body)  # the answer to an earlier invocation was lost
    folded = fold_log(store, layout, loaded, pace)
    history = without_inner(folded.history, job.inner)
    around = needed_around(store, layout, loaded.now, pace)
    scan = Scan(store, layout, job, loaded, replace(folded, history=history), around)
    finding = scan.find([run.ranges[number]], pace, {*job.inner, *cursor.nested}, cursor.most)
    store.put_if(key, encode(finding), None)
    return finding


def take_findings(store: S3Port, layout: Layout, cursor: Cursor) -> tuple[list[Finding], Cursor]:
    """Read what the workers of a map run that is over have found; of many orphans only as many as a run can tag.

    Returns:
        The findings, and the cursor without their ranges. A range without a finding is left to be listed.
    """
    findings: list[Finding] = []
    for number in sorted(cursor.map_run.ranges if cursor.map_run else ()):
        if sum(len(each.strays) for each in findings) >= STRAYS:
            break
        finding = _read(store, layout, cursor, number)
        if finding is not None:
            findings.append(finding)
        cursor = cursor.taken_in(number, found=finding is not None)
    return findings, cursor


def _read(store: S3Port, layout: Layout, cursor: Cursor, number: int) -> Finding | None:
    try:
        blob = store.get(layout.ledger_file(cursor.map_run.finding(number))) if cursor.map_run else None
        return None if blob is None else decode(blob.body)
    except (LedgerError, UnreadableError):
        return None


def stops_for_lost_ranges(cursor: Cursor) -> tuple[Stop, ...]:
    """The stop for ranges that no worker has listed."""
    if not cursor.left:
        return ()
    message = (
        f"the map run of the full listing left {len(cursor.left)} of its ranges unlisted: look at its execution in "
        "Step Functions; the cleaner lists them by itself"
    )
    return (Stop(Reason.MAP_RUN, message),)
