"""The tags of a rebuild, read side by side: a worker reads those of one group, and leaves a file that tells them.

It changes no object, and decides nothing. Who reads the group takes from that file what it would ask S3 for; it asks
for what no worker has read. Nobody tags an asset whose tags are still to be read, so it makes no difference how old
the file is, nor whether the groups are cut in another way by then.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from cleaner_lambda.cursor import Kind, MapRun
from cleaner_lambda.errors import CleanerError, ConflictError, UnreadableError
from cleaner_lambda.head import Head
from cleaner_lambda.ledger_files import read_deltas, read_segment
from cleaner_lambda.ledger_store import decode as decode_ledger
from cleaner_lambda.plan import Reason, Stop
from cleaner_lambda.policy import count_orphans, tags_orphans
from cleaner_lambda.rebuild import ask
from cleaner_lambda.rebuilding import ends_after
from cleaner_lambda.tag_finding import Marks, decode, encode
from cleaner_lambda.view import Elsewhere
from release_log.errors import LedgerError
from release_log.layout import Layout, is_stored_page
from release_log.tags import read_mark

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cleaner_lambda.job import Job
    from cleaner_lambda.ledger import Retired
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.port import S3Port
    from cleaner_lambda.rebuilding import Rebuilding
    from cleaner_lambda.request import MapTask
    from cleaner_lambda.segments import Index
    from cleaner_lambda.survey import Survey
    from release_log.policy_settings import Policy

LARGE = 10
"""So many groups are beyond one invocation of 512 MB: 30,000 tags each, at 3 ms."""

MOST = 200
"""So many groups are handed out at a time: Step Functions accepts an input of 256 KiB, also with the longest prefix."""

PAGE = 1000
"""How many names of workers' files are read: one LIST."""


def read_group(store: S3Port, job: Job, task: MapTask, pace: Pace) -> Marks | None:
    """Read the tags of a group that a map run was given, and store them.

    Args:
        store: The site's bucket.
        job: The site and its policy.
        task: Which group of which map run.
        pace: See `Pace`. What there is no time for is left to the cleaner.

    Returns:
        What was read, now or before; None if the ledger does not wait for it any more.

    Raises:
        CleanerError: No tag could be read; it can be repeated.
        LedgerError: A file of the group is broken, or is gone.
        ClientError: S3 refused something.
    """
    layout = Layout(job.prefix)
    head = _head(store, layout)
    rebuilding = None if head is None else head.ledger.rebuilding
    run, number = None if rebuilding is None else rebuilding.map_run, task.number
    if head is None or rebuilding is None or run is None or number is None:
        return None
    if run.at != task.at or run.over or number not in run.ranges:
        return None
    key = layout.ledger_file(run.finding(number))
    blob = store.get(key)
    if blob is not None:
        return decode(blob.body)  # the answer to an earlier invocation was lost
    first, end = run.ranges[number]
    retired = _read(store, layout, head.index, max(first, rebuilding.path or ""), end)
    elsewhere = Elsewhere(orphans=max(0, rebuilding.orphans - count_orphans(retired)))
    wanted = with_tags(retired, job.policy, elsewhere, frozenset()) - head.ledger.tags_unknown
    left = sorted(wanted, key=lambda key: retired[key].logical)
    answers = ask(store, (), left, pace)
    if left and not answers.done:
        msg = f"site {job.prefix!r}: no tag of group {number} could be read ({next(iter(answers.errors.items()), '')})"
        raise CleanerError(msg)
    marks = {key: read_mark(tags or {}) for key, tags in answers.tags}
    with suppress(ConflictError):  # another invocation was faster: what that has read is as good
        store.put_if(key, encode(marks), None)
    return marks


def _head(store: S3Port, layout: Layout) -> Head | None:
    blob = store.get(layout.ledger)
    try:
        found = None if blob is None else decode_ledger(blob.body)
    except LedgerError:
        return None
    return found if isinstance(found, Head) else None


def _read(store: S3Port, layout: Layout, index: Index, first: str, end: str | None) -> dict[str, Retired]:
    """The retired assets of a range of logical paths."""
    retired: dict[str, Retired] = {}
    changes = read_deltas(store, layout, index)
    ends = [*(each.first for each in index.segments[1:]), None]
    for each, its_end in zip(index.segments, ends, strict=True):
        if ends_after((each.first, its_end), first) and (end is None or each.first < end):
            retired |= read_segment(store, layout, index, each, changes)
    return {k: each for k, each in retired.items() if first <= each.logical and (end is None or each.logical < end)}


def with_tags(
    retired: Mapping[str, Retired], policy: Policy, elsewhere: Elsewhere, unknown: frozenset[str]
) -> set[str]:
    """The keys of a group whose tags count: a site with so many orphans that they get no tags reads none of theirs.

    Args:
        retired: Key -> each asset of the group.
        policy: The settings.
        elsewhere: What there is in the other groups.
        unknown: Keys whose tags could not be read, and count.
    """
    orphans = tags_orphans(retired, policy, elsewhere)
    return {
        key
        for key, entry in retired.items()
        if (orphans or entry.release or key in unknown) and not is_stored_page(key)
    }


def tags_found(store: S3Port, layout: Layout, map_run: MapRun | None, first: str, end: str | None) -> Marks:
    """What the workers of a map run have read of the tags of a range of logical paths."""
    found: Marks = {}
    if map_run is not None:
        for number, bounds in map_run.ranges.items():
            if ends_after(bounds, first) and (end is None or bounds[0] < end):
                found |= _found(store, layout.ledger_file(map_run.finding(number)))
    return found


def _found(store: S3Port, key: str) -> Marks:
    try:
        blob = store.get(key)
        return {} if blob is None else decode(blob.body)
    except (LedgerError, UnreadableError):
        return {}


def with_workers(store: S3Port, job: Job, loaded: Loaded, found: Survey) -> Survey:
    """See whether a map run is over, or hand out the groups that are left, if these are more than one run can read."""
    head = loaded.base.stored.head
    if found.rebuilding is None or head is None:
        return found
    rebuilding, stops = _after_map_run(store, job, found.rebuilding, loaded.now)
    found = replace(found, rebuilding=rebuilding, stops=(*found.stops, *stops))
    groups = rebuilding.groups(head.index)
    if not job.distributed or rebuilding.live is not None or rebuilding.map_run is not None:
        return found
    if len(groups) < LARGE:
        return found
    map_run = MapRun(loaded.now, dict(enumerate(groups[:MOST])), kind=Kind.GROUP)
    return replace(found, rebuilding=rebuilding._replace(map_run=map_run), handed_out=True)


def _after_map_run(
    store: S3Port, job: Job, rebuilding: Rebuilding, now: datetime
) -> tuple[Rebuilding, tuple[Stop, ...]]:
    """The state when a map run is over, and the stop for groups of which no worker has left a file."""
    run = rebuilding.map_run
    if run is None or run.over or (run.at != job.map_run_over and now < run.until):
        return rebuilding, ()
    layout = Layout(job.prefix)
    listed = {each.key for each in islice(store.list(layout.ledger_file(run.begins)), PAGE)}
    ranges = {number: each for number, each in run.ranges.items() if layout.ledger_file(run.finding(number)) in listed}
    lost = len(run.ranges) - len(ranges)
    # Also with no range left it stays until the cleaner has read something by itself: or workers that fail would be
    # started again and again by runs that have no time to.
    rebuilding = rebuilding._replace(map_run=replace(run, ranges=ranges, over=True))
    if not lost:
        return rebuilding, ()
    message = (
        f"the map run of the rebuild left the tags of {lost} of its groups unread: look at its execution in Step "
        "Functions; the cleaner reads them by itself"
    )
    return rebuilding, (Stop(Reason.MAP_RUN, message),)
