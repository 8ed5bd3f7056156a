"""Bring the ledger's history up to the markers that are in the bucket.

As a rule that is the current markers and one new one. All are read again when the ledger is rebuilt, or when a marker
came that is older than one already folded in: then the history is replayed from the start.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cleaner_lambda.history import History, fold, restate
from cleaner_lambda.load import read_markers
from cleaner_lambda.policy import Reason, Stop

if TYPE_CHECKING:
    from cleaner_lambda.history import Published
    from cleaner_lambda.ledger import Ledger
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.store import S3Port
    from release_log.layout import Layout


def fold_log(store: S3Port, layout: Layout, loaded: Loaded) -> History:
    """The history with every marker that is listed; adds a stop for a current marker that is gone."""
    ledger = loaded.ledger
    new = read_markers(store, layout, loaded.listed.keys() - ledger.folded.keys(), loaded)
    newest = max(((folded.at, release_id) for release_id, folded in ledger.folded.items()), default=None)
    if newest is None or any(published.order < newest for published in new):
        history = _replay(read_markers(store, layout, loaded.listed, loaded), ledger)
    else:
        current = read_markers(store, layout, (i for i in ledger.current.values() if i in loaded.listed), loaded)
        base = History({each.release.channel: each for each in current}, ledger.retired, ledger.owed)
        history = fold(base, new)
    return _without_lost_channels(history, layout, loaded)


def kept_keys(store: S3Port, layout: Layout, history: History, count: int, loaded: Loaded) -> frozenset[str]:
    """Keys of the last ``count`` releases before each channel's current one."""
    if count == 0:
        return frozenset()
    order: dict[str, list[tuple[object, str]]] = {channel: [] for channel in history.current}
    known = {i: (folded.at, folded.channel) for i, folded in loaded.ledger.folded.items() if i in loaded.listed}
    known |= {published.id: (published.at, published.release.channel) for published in loaded.read.values()}
    for release_id, (at, channel) in known.items():
        current = history.current.get(channel)
        if current is not None and (at, release_id) < current.order:
            order[channel].append((at, release_id))
    wanted = [release_id for ids in order.values() for _, release_id in sorted(ids, reverse=True)[:count]]
    releases = read_markers(store, layout, wanted, loaded)
    return frozenset(asset.key for published in releases for asset in published.release.assets.values())


def _replay(published: list[Published], ledger: Ledger) -> History:
    """The history from the start, with what only the ledger knows: tags, and assets that no marker names any more."""
    history = fold(History(), published)
    live, paths = history.live_keys(), history.live_paths()
    retired = dict(history.retired)
    last = max((each.at for each in published), default=None)
    for key, entry in ledger.retired.items():
        if key in retired:
            retired[key] = replace(retired[key], tagged=entry.tagged)
        elif key not in live and last is not None:
            retired[key] = restate(entry, paths, last)
    tagged = {key for key, entry in ledger.retired.items() if entry.tagged is not None}
    return replace(history, retired=retired, owed=frozenset((ledger.owed | tagged) & live))


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
