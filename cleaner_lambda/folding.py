"""Bring the ledger's history up to the markers that are in the bucket.

As a rule that is the current markers and one new one. All are read again when the ledger is rebuilt, or when a marker
came that is older than one already folded in: then the history is replayed from the start.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cleaner_lambda.history import History, fold, redate
from cleaner_lambda.ledger import Folded
from cleaner_lambda.load import read_markers
from cleaner_lambda.policy import Reason, Stop

if TYPE_CHECKING:
    from cleaner_lambda.history import Published
    from cleaner_lambda.ledger import Ledger
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.pace import Mapper
    from cleaner_lambda.port import S3Port
    from release_log.layout import Layout


def fold_log(store: S3Port, layout: Layout, loaded: Loaded, mapper: Mapper = map) -> History:
    """The history with every marker that is listed; adds a stop for a current marker that is gone."""
    ledger = loaded.ledger
    new = read_markers(store, layout, loaded.listed.keys() - ledger.folded.keys(), loaded, mapper)
    if _must_replay(loaded, new):
        history = _replay(read_markers(store, layout, loaded.listed, loaded, mapper), new, ledger)
    else:
        ids = (i for i in ledger.current.values() if i in loaded.listed)
        current = read_markers(store, layout, ids, loaded, mapper)
        base = History({each.release.channel: each for each in current}, ledger.retired, ledger.owed)
        history = fold(base, new)
    history = replace(history, owed=history.owed | loaded.doubtful)
    return _without_lost_channels(history, layout, loaded)


def kept_releases(history: History, count: int, loaded: Loaded) -> list[str]:
    """Ids of the last ``count`` releases before each channel's current one."""
    order: dict[str, list[tuple[object, str]]] = {channel: [] for channel in history.current}
    for release_id, folded in all_folded(loaded).items():
        current = history.current.get(folded.channel)
        if current is not None and (folded.at, release_id) < current.order:
            order[folded.channel].append((folded.at, release_id))
    return [release_id for ids in order.values() for _, release_id in sorted(ids, reverse=True)[:count]]


def kept_keys(store: S3Port, layout: Layout, ids: list[str], loaded: Loaded, mapper: Mapper = map) -> frozenset[str]:
    """Keys of some releases."""
    releases = read_markers(store, layout, ids, loaded, mapper)
    return frozenset().union(*(published.release.keys for published in releases))


def all_folded(loaded: Loaded) -> dict[str, Folded]:
    """Every marker that is there and valid: those in the ledger, and those read now."""
    folded = {i: each for i, each in loaded.ledger.folded.items() if i in loaded.listed}
    return folded | {each.id: Folded(each.at, each.release.channel) for each in loaded.read.values()}


def _must_replay(loaded: Loaded, new: list[Published]) -> bool:
    """Whether the history has to be told from the start, and not only what is new."""
    ledger = loaded.ledger
    if not ledger.folded or ledger.tags_read_to is not None:
        return True
    newest = max((folded.at, release_id) for release_id, folded in ledger.folded.items())
    # A marker never changes; where a bucket allows it all the same, what was folded of it is no longer so.
    changed = any(loaded.listed.get(i, folded.at) != folded.at for i, folded in ledger.folded.items())
    return changed or any(published.order < newest for published in new)


def _replay(published: list[Published], new: list[Published], ledger: Ledger) -> History:
    """The history from the start, with what only the ledger knows: what was deleted, tags, and orphans."""
    history = fold(History(), published)
    live, paths = history.live_keys(), history.live_paths()
    before = set(ledger.current.values())
    fresh = [each for each in published if each.id in before] + new
    there = frozenset().union(*(each.release.keys for each in fresh))
    retired = {key: entry for key, entry in history.retired.items() if key in there or not ledger.folded}
    for key, entry in ledger.retired.items():
        if key in history.retired:
            retired[key] = replace(history.retired[key], size=entry.size, tagged=entry.tagged)
        elif key not in live:
            retired[key] = redate(entry, paths, history.turned)
    tagged = {key for key, entry in ledger.retired.items() if entry.tagged is not None}
    return replace(history, retired=retired, owed=frozenset(ledger.owed | (tagged & live)))


def _without_lost_channels(history: History, layout: Layout, loaded: Loaded) -> History:
    """Treat a channel as unknown whose current marker was taken from the bucket.

    An older marker is not current instead.
    """
    current = dict(history.current)
    for channel, release_id in loaded.ledger.current.items():
        found = current.get(channel)
        folded = loaded.ledger.folded.get(release_id)
        newer = found is not None and (folded is None or found.order >= (folded.at, release_id))
        if newer or (found is None and release_id in loaded.broken):
            continue
        current.pop(channel, None)
        message = (
            f"{layout.marker_key(release_id)}, the marker of channel {channel!r}'s current release, is gone: nothing "
            "is deleted until that channel has a new release. Publish one, or put the marker back"
        )
        loaded.stops.append(Stop(Reason.MISSING_MARKER, message))
    return replace(history, current=current)
