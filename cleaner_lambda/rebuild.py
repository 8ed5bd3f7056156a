"""Rebuild a lost ledger: markers date the assets that they name, tags date the other assets.

Each known asset's tags take one request. That may be more than one run's work: the ledger says how far the rebuild
went, and nothing is deleted until it is complete.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cleaner_lambda.history import redate
from cleaner_lambda.pace import batches
from release_log.tags import read_mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cleaner_lambda.history import History
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.port import S3Port

Tags = tuple[str, "Mapping[str, str] | None"]
"""A key, and the tags of its object; None for an object that is gone."""


def read_tags(store: S3Port, history: History, read_to: str, pace: Pace) -> tuple[History, str | None, dict[str, str]]:
    """Read the tags of every known asset after a key.

    Args:
        store: The site's bucket.
        history: The history from all markers and a full listing.
        read_to: The last key whose tags were read.
        pace: See `Pace`.

    Returns:
        The history with what the tags say; the last key whose tags were read, or None if all were read; the errors.
    """

    def read(key: str) -> tuple[Tags, str | None]:
        try:
            return (key, store.get_tags(key)), None
        except (ClientError, BotoCoreError) as error:
            return (key, None), str(error)

    tags_read: list[Tags] = []
    errors: dict[str, str] = {}
    left = sorted(key for key in {*history.live_keys(), *history.retired} if key > read_to)
    for batch in batches(left):
        answers = list(pace.mapper(read, batch)) if pace.has_time() else []
        errors = {key: error for (key, _), error in answers if error is not None}
        if errors or not answers:
            break
        tags_read += (tags for tags, _ in answers)
        read_to = batch[-1]
    whole = not left or read_to == left[-1]
    return adopt_tags(history, tags_read), None if whole else read_to, errors


def adopt_tags(history: History, tags_read: Iterable[Tags]) -> History:
    """Take over the instants in tags.

    An asset that no marker dates gets the instant of its tag. For an asset that markers date too, the later instant
    counts: a tag may be left over from an earlier retirement, and must not make an asset older than it is.
    """
    retired, owed, paths = dict(history.retired), set(history.owed), history.live_paths()
    for key, tags in tags_read:
        mark = read_mark(tags or {})
        if mark is None:
            continue
        entry = retired.get(key)
        if entry is None:
            owed.add(key)
        elif not entry.release:
            retired[key] = redate(replace(entry, mark=mark, tagged=mark), paths, history.turned)
        elif mark.state is entry.mark.state:
            retired[key] = replace(entry, mark=max(mark, entry.mark, key=lambda each: each.since), tagged=mark)
        else:
            retired[key] = replace(entry, tagged=mark)
    return replace(history, retired=retired, owed=frozenset(owed))
