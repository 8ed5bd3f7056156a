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
from cleaner_lambda.ledger import SKEW
from cleaner_lambda.pace import batches
from cleaner_lambda.s3_errors import PASSING, UNANSWERED
from release_log.layout import is_stored_page
from release_log.tags import read_mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from cleaner_lambda.history import History
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
    """

    history: History
    read_to: str | None
    unknown: frozenset[str] = frozenset()
    errors: Mapping[str, str] = field(default_factory=dict)


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

    def read(key: str) -> tuple[Tags, str | None]:
        try:
            return (key, store.get_tags(key)), None
        except ClientError as error:
            return (key, None), f"{error.response['Error']['Code']}: {error}"
        except BotoCoreError as error:
            return (key, None), f"{UNANSWERED}: {error}"

    retired = (key for key, entry in history.retired.items() if of_orphans or entry.release or key in unknown)
    assets = {key for key in (*history.live_keys(), *retired) if not is_stored_page(key)}
    tags_read: list[Tags] = []
    errors: dict[str, str] = {}
    again = sorted(unknown & assets)
    left = [] if read_to is None else sorted(key for key in assets - unknown if key > read_to)
    for batch in (*batches(again[:limit]), *batches(left)):
        answers = list(pace.mapper(read, batch)) if pace.has_time() else []
        failed = {key: error for (key, _), error in answers if error is not None}
        errors |= failed
        new = batch[-1] not in unknown
        if not answers or (new and _is_outage(failed.values())):
            break
        tags_read += (tags for tags, error in answers if error is None)
        if new:
            unknown |= failed.keys()
            read_to = batch[-1]
    whole = not left or read_to == left[-1]
    known = {key for key, _ in tags_read}
    history = adopt_tags(history, tags_read, listed_at, now)
    return TagsRead(history, None if whole else read_to, (unknown & assets) - known, errors)


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
            retired[key] = redate(replace(entry, mark=mark, tagged=mark), paths, history.turned)
        elif mark.state is entry.mark.state:
            retired[key] = replace(entry, mark=max(mark, entry.mark, key=lambda each: each.since), tagged=mark)
        else:
            retired[key] = replace(entry, tagged=mark)
    return replace(history, retired=retired, owed=frozenset(owed))
