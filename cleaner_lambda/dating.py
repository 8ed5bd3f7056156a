"""The dates of retired assets that no release dates by itself. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cleaner_lambda.changes import state_of
from release_log.tags import Mark, State

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from cleaner_lambda.ledger import Retired


def redate(entry: Retired, paths: Collection[str], turned: Mapping[str, datetime]) -> Retired:
    """A retired asset that no release dates, after a replay.

    Its state counts from when it was found, or from when its path entered or left the current releases.

    Args:
        entry: The asset as a listing found it, or as the ledger or its tag has it.
        paths: The logical paths of the current releases.
        turned: As in `cleaner_lambda.history.History`, from the first release on.
    """
    if entry.ended:
        return entry
    since = max(entry.mark.since, turned.get(entry.logical, entry.mark.since))
    return entry.dated(Mark(state_of(current=entry.logical in paths, ended=False), since))


def end(entry: Retired, at: datetime, paths: Collection[str], turned: Mapping[str, datetime]) -> Retired:
    """A retired asset that no release dates, after a replay in which its channel ended.

    It was removed when its logical path left the current releases for good, or with its channel, whichever came first.
    Where the path came back later, only the ledger can say that it was removed before.

    Args:
        entry: The asset as the ledger has it.
        at: When its channel ended.
        paths: The logical paths of the current releases.
        turned: As in `redate`.
    """
    since, turn = entry.mark.since, turned.get(entry.logical)
    if turn is not None and entry.logical not in paths and max(since, turn) <= at:
        removed = max(since, turn)
    elif entry.mark.state is State.REMOVED and (turn is None or turn <= since):
        removed = since
    else:
        removed = max(since, at)
    return replace(entry.dated(Mark(State.REMOVED, removed)), ended=True)


def date_again(entry: Retired, paths: Collection[str], sure_since: datetime) -> Retired:
    """A retired asset of `cleaner_lambda.history.not_before`, whose current logical paths are ``paths``."""
    if entry.mark.since >= sure_since:
        return entry
    mark = Mark(state_of(current=entry.logical in paths, ended=False), sure_since)
    return replace(entry.dated(mark), ended=False, maybe_ended=entry.ended or entry.maybe_ended)
