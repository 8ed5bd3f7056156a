"""Rebuild a lost ledger: markers date the assets that they name, tags date the other assets.

Each known asset's tags take one request. Of a site with so many orphans that they get no tags, theirs are not read: the
listing dates them, later than they were. That may be more than one run's work: the ledger says how far the rebuild
went, and nothing is deleted until it is complete. An asset whose tags cannot be read is never deleted on a guess: the
ledger names it until a run reads them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cleaner_lambda.dating import redate
from cleaner_lambda.pace import BATCH, batches
from cleaner_lambda.s3_errors import PASSING, UNANSWERED
from release_log.layout import is_stored_page
from release_log.ledger_file import SKEW
from release_log.tags import Mark, read_mark

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from cleaner_lambda.history import History
    from cleaner_lambda.ledger import Retired
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.port import S3Port

FEW = 10
"""So many objects of a batch may fail for a reason that passes, and the rebuild goes on around them."""

Tags = tuple[str, "Mapping[str, str] | None"]
"""A key, and the tags of its object; None for an object that is gone."""


@dataclass(frozen=True, slots=True)
class TagsRead:
    """What the tags of some assets say.

    Attributes:
        history: The history with what the tags say.
        read_to: The last key of the rebuild whose tags were asked for; None if all were.
        unknown: Every key whose tags are not known, now or from an earlier run.
        errors: Key -> error, for the keys that this run asked for in vain.
        bare: Keys of retired assets without a tag.
    """

    history: History
    read_to: str | None
    unknown: frozenset[str] = frozenset()
    errors: Mapping[str, str] = field(default_factory=dict)
    bare: frozenset[str] = frozenset()


@dataclass(slots=True)
class Answers:
    """What S3 said.

    Attributes:
        tags: The tags that it told.
        done: How many were asked for whose tags nobody had asked for before.
        failed: Which of these could not be read.
        errors: Key -> error, for all that were asked for in vain.
    """

    tags: list[Tags] = field(default_factory=list)
    done: int = 0
    failed: set[str] = field(default_factory=set)
    errors: dict[str, str] = field(default_factory=dict)

    def unknown(self, before: frozenset[str]) -> frozenset[str]:
        """The keys whose tags are not known; ``before`` are those that were not."""
        return (before | self.failed) - {key for key, _ in self.tags}


def read_tags(  # noqa: PLR0913 (what the ledger and the listing say)
    store: S3Port,
    history: History,
    read_to: str | None,
    unknown: frozenset[str],
    pace: Pace,
    *,
    now: datetime | None = None,
    listed_at: datetime | None = None,
    limit: int | None = None,
    of_orphans: bool = True,
) -> TagsRead:
    """Read the tags of every known asset after a key, and again of those that an earlier run could not read.

    An asset whose tags cannot be read is set aside, and holds up no other. If many of a batch cannot be read for a
    reason that passes (`cleaner_lambda.apply.PASSING`), the rebuild stops there, and the next run goes on.

    Args:
        store: The site's bucket.
        history: The history from all markers and a full listing.
        read_to: The last key whose tags were asked for; None if the ledger is whole.
        unknown: Keys whose tags an earlier run could not read.
        pace: See `Pace`.
        now: The instant for which the run decides; None if no tag is later.
        listed_at: When the last full listing was.
        limit: How many of these are asked for again; None for all.
        of_orphans: Whether to read the tags of orphans too.
    """
    retired = (key for key, entry in history.retired.items() if of_orphans or entry.release or key in unknown)
    assets = {key for key in (*history.live_keys(), *retired) if not is_stored_page(key)}
    again = sorted(unknown & assets)[:limit]
    left = [] if read_to is None else sorted(key for key in assets - unknown if key > read_to)
    answers = ask(store, again, left, pace)
    if answers.done:
        read_to = left[answers.done - 1]
    history = adopt_tags(history, answers.tags, listed_at, now)
    whole = answers.done == len(left)
    bare = frozenset(key for key, tags in answers.tags if tags == {} and key in history.retired)
    return TagsRead(history, None if whole else read_to, answers.unknown(unknown & assets), answers.errors, bare)


def ask(store: S3Port, again: Sequence[str], left: Sequence[str], pace: Pace) -> Answers:
    """Ask for the tags of some objects, as far as there is time, or until S3 has a problem.

    Args:
        store: The site's bucket.
        again: Those whose tags could not be read before: they come first.
        left: Those whose tags nobody has asked for, in an order.
        pace: See `Pace`.
    """

    def read(key: str) -> tuple[Tags, str | None]:
        try:
            return (key, store.get_tags(key)), None
        except ClientError as error:
            return (key, None), f"{error.response['Error']['Code']}: {error}"
        except BotoCoreError as error:
            return (key, None), f"{UNANSWERED}: {error}"

    found = Answers()
    old = len(again)
    for number, batch in enumerate((*batches(again), *batches(left))):
        answers = list(pace.mapper(read, batch)) if pace.has_time() else []
        failed = {key: error for (key, _), error in answers if error is not None}
        found.errors.update(failed)
        new = number * BATCH >= old
        if not answers or (new and _is_outage(failed.values())):
            break
        found.tags += (tags for tags, error in answers if error is None)
        if new:
            found.failed |= failed.keys()
            found.done += len(batch)
    return found


def _is_outage(errors: Iterable[str]) -> bool:
    """Whether so many reads of a batch failed for a reason that passes that S3 has a problem, and not a few objects."""
    return sum(error.startswith(PASSING) for error in errors) > FEW


def adopt_tags(
    history: History, tags_read: Iterable[Tags], listed_at: datetime | None = None, now: datetime | None = None
) -> History:
    """Take over the instants in tags.

    An orphan that the last listing found gets the instant of its tag. For an asset that markers or the checkpoint date
    too, the later instant counts: a tag may be left over from an earlier retirement, and must not make an asset older
    than it is. A tag that is later than now is not the cleaner's: it dates nothing, and is written anew.
    """
    latest = None if now is None else now + SKEW
    retired, owed, paths = dict(history.retired), set(history.owed), history.live_paths()
    for key, tags in tags_read:
        mark = read_mark(tags or {})
        if mark is None:
            continue
        entry = retired.get(key)
        if entry is None:
            owed.add(key)
        elif latest is not None and mark.since > latest:
            retired[key] = replace(entry, tagged=mark)
        elif not entry.release and (listed_at is None or entry.mark.since >= listed_at):
            retired[key] = _as_tagged(entry, mark, paths, history.turned)
        elif mark.state is entry.mark.state:
            retired[key] = replace(entry, mark=max(mark, entry.mark, key=lambda each: each.since), tagged=mark)
        else:
            retired[key] = replace(entry, tagged=mark)
    return replace(history, retired=retired, owed=frozenset(owed))


def _as_tagged(entry: Retired, mark: Mark, paths: Collection[str], turned: Mapping[str, datetime]) -> Retired:
    """An orphan with the instant of its tag."""
    found = redate(replace(entry, mark=mark, tagged=mark), paths, turned)
    if found.mark.state is mark.state or entry.logical in turned:
        return found
    # Its path entered or left the current releases since, and nobody knows when: late, and never early.
    return replace(found, mark=Mark(found.mark.state, max(found.mark.since, entry.mark.since)))
