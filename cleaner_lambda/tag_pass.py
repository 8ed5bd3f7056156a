"""What an attempt reads of the tags that a rebuild has yet to read, and of those that could not be read.

A rebuild with all retired assets in memory reads them in the order of the keys. One that has not (`Rebuilding`) reads
those of the current releases' assets first, in an attempt without retired assets, and then those of one group after the
other. Whose tags are not read yet is not tagged by anybody: the later instant in such a tag would be lost.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cleaner_lambda.plan import Reason, Stop
from cleaner_lambda.policy import tags_orphans
from cleaner_lambda.rebuild import adopt_tags, ask, read_tags
from cleaner_lambda.rebuilding import heads_are_safe
from cleaner_lambda.stretch import Stretch, begin_stretch
from cleaner_lambda.tag_finding import Marks, as_tags
from cleaner_lambda.tag_workers import tags_found, with_tags, with_workers
from cleaner_lambda.view import Elsewhere
from release_log.layout import Layout, is_stored_page

if TYPE_CHECKING:
    from cleaner_lambda.job import Job
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.port import S3Port
    from cleaner_lambda.rebuilding import Rebuilding
    from cleaner_lambda.survey import Survey

READ_AGAIN = 1000
"""Of how many assets whose tags could not be read a run asks for them again, unless it makes a full listing."""

CONTINUES = "the cleaner continues by itself"


def go_on_reading(store: S3Port, job: Job, loaded: Loaded, found: Survey, pace: Pace, *, full: bool) -> Survey:
    """Read on.

    Args:
        store: The site's bucket.
        job: What the run is asked to do.
        loaded: The release log.
        found: What is known of the site.
        pace: See `Pace`.
        full: Whether to ask again for all tags that could not be read.
    """
    read_to, why = found.tags_read_to, loaded.base.rebuild or "the ledger is being rebuilt"
    if read_to is None and not found.tags_unknown:
        return found
    if found.rebuilding is not None and (found.cursor is not None or found.missing is not None):
        # An orphan that this listing finds may be a newer object than the one whose tags a worker has read.
        found = replace(found, rebuilding=found.rebuilding._replace(map_run=None))
    if read_to is not None and found.cursor is not None:
        return _stopped(found, f"{why}, and the site is not listed yet: nothing is deleted until it is; {CONTINUES}")
    if loaded.group is not None and found.rebuilding is not None and found.rebuilding.is_before(loaded.group.segments):
        # It was to take in what a listing has found, which is over by now: who read its tags would pass over others.
        return _stopped(found, f"{why}, and not all tags are read yet: nothing is deleted until they are; {CONTINUES}")
    limit = None if full else READ_AGAIN
    # A group is not cut, as the next one begins at its end.
    stretch = begin_stretch(job, loaded, pace) if loaded.group is None else Stretch(pace)
    begun = _place(found)
    if loaded.light:
        found = _read_in_groups(store, job, loaded, found, stretch.pace, limit)
        # A run with another stretch ahead hands out nothing: these tags are left then, and come before the groups.
        if loaded.group is None:
            found = with_workers(store, job, loaded, found)
    else:
        tags = read_tags(
            store,
            found.history,
            read_to,
            found.tags_unknown,
            stretch.pace,
            now=loaded.now,
            listed_at=found.listed_at,
            limit=limit,
            of_orphans=tags_orphans(found.history.retired, job.policy),
        )
        found = replace(
            found,
            history=tags.history,
            tags_read_to=tags.read_to,
            tags_unknown=tags.unknown,
            bare=tags.bare,
            unread=tags.errors,
        )
    if read_to is None:
        return found
    if _place(found) not in {None, begun} and stretch.is_followed:
        found = replace(found, goes_on=True)
    if found.tags_read_to is None or (found.rebuilding is not None and found.rebuilding.is_done):
        which = "the next one" if found.tags_read_to is None else "one in a quarter of an hour"
        return _stopped(found, f"{why}: this run builds it and deletes nothing; {which} may")
    return _stopped(found, f"{why}, and not all tags are read yet: nothing is deleted until they are; {CONTINUES}")


def _place(found: Survey) -> str | None:
    """The last key whose tags were read, but for those of a group; None if all were."""
    return found.tags_read_to if found.rebuilding is None else found.rebuilding.live


def _stopped(found: Survey, message: str) -> Survey:
    return replace(found, stops=(*found.stops, Stop(Reason.REBUILT, message)))


def _read_in_groups(store: S3Port, job: Job, loaded: Loaded, found: Survey, pace: Pace, limit: int | None) -> Survey:
    """Read the tags of the assets that the attempt knows: those of the current releases, or of a group."""
    group, before, history = loaded.group, found.rebuilding, found.history
    keys = {key for key in history.live_keys() if not is_stored_page(key)} if group is None else _with_tags(found, job)
    again, left, known = sorted(found.tags_unknown & keys)[:limit], list[str](), Marks()
    if before is not None and group is None and before.live is not None:
        left = sorted(key for key in keys - found.tags_unknown if key > before.live)
    elif before is not None and group is not None and before.path is not None:
        paths = {key: history.retired[key].logical for key in keys - found.tags_unknown}
        left = sorted((key for key, path in paths.items() if path >= (before.path or "")), key=paths.__getitem__)
        known = tags_found(store, Layout(job.prefix), before.map_run, group.segments[0].first, group.following)
        unread = {key for key, entry in history.retired.items() if entry.logical >= before.path}
        # What the checkpoint says of tags is from long ago.
        blank = {key: replace(history.retired[key], tagged=None, due=None, kept_by=None) for key in unread}
        turned = {**group.turned, **history.turned}
        history = replace(history, retired={**history.retired, **blank}, turned=turned)
    asked = [key for key in left if key not in known]
    answers = ask(store, again, asked, pace)
    done = len(left) if answers.done == len(asked) else left.index(asked[answers.done])
    told = [(key, as_tags(known[key])) for key in left[:done] if key in known]
    # Whatever a listing of this rebuild has found: another one may have been made since.
    since = found.listed_at if before is None else loaded.ledger.upgrading or found.listed_at
    history = adopt_tags(history, [*answers.tags, *told], since, loaded.now)
    others = found.tags_unknown - keys
    unknown = answers.unknown(found.tags_unknown & keys) | (others if group is None else others - group.unclaimed)
    found = replace(found, history=history, tags_unknown=unknown, unread=answers.errors)
    if before is None:
        return found
    rest = left[done:]
    if group is not None:
        path = history.retired[rest[0]].logical if rest else group.following
        return _advanced(found, loaded, before if before.path is None else before.come_to(path))
    live = None if not rest else left[done - 1] if done else before.live
    head = loaded.base.stored.head
    empty = head is None or not (head.index.entries or head.index.deltas or history.retired)
    return _advanced(found, loaded, before._replace(live=live, path=None if empty else before.path))


def _with_tags(found: Survey, job: Job) -> set[str]:
    elsewhere = Elsewhere(orphans=found.other_orphans)
    return with_tags(found.history.retired, job.policy, elsewhere, found.tags_unknown)


def _advanced(found: Survey, loaded: Loaded, rebuilding: Rebuilding) -> Survey:
    """How far the rebuild is: at its end the ledger is whole, unless an older version's run may write over it still."""
    noted = loaded.ledger.upgrading
    if rebuilding.is_done and heads_are_safe(noted, loaded.now):
        return replace(found, rebuilding=None, tags_read_to=None)
    return replace(found, rebuilding=rebuilding)
