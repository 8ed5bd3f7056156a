"""Replay the history: when the ledger is rebuilt, or when a marker came that is older than one already folded in.

A replay begins at the ledger's cut, and folds the markers after it. Each release that was current at the cut is there
still, and its marker is read too. An asset that is in none of these releases retired before the cut; the ledger, or the
checkpoint of a lost one, says when. Its state may have changed since, with the paths of the current releases: a replay
finds the same instant, because the last such change is in the ledger's entry, or among the markers after the cut.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cleaner_lambda.changes import Change
from cleaner_lambda.cut import current_at_cut, is_cut_off
from cleaner_lambda.dating import date_again, end, redate
from cleaner_lambda.history import History, fold, fold_late
from cleaner_lambda.pace import batches

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from cleaner_lambda.history import Line, Published
    from cleaner_lambda.ledger import Ledger, Retired
    from cleaner_lambda.markers import Markers

TOLD_AT_ONCE = 10_000
"""How many assets that have left a change of `told_again` tells at most."""


def is_unplaced(ledger: Ledger, release_id: str) -> bool:
    """Whether the ledger knows a release, and does not know that it is in place."""
    return release_id in ledger.folded and ledger.folded[release_id].placed is None


def must_replay(ledger: Ledger, markers: Markers, new: list[Published]) -> bool:
    """Whether the history has to be replayed; if not, folding in the new files is enough."""
    if not ledger.folded or (ledger.tags_read_to is not None and not ledger.replayed) or ledger.older:
        return True
    # A marker that is gone counts: it may say that the channel has ended of which an older release is put back.
    newest = max((seen.at, release_id) for release_id, seen in ledger.seen.items())
    # That a release is in place is an event like a marker; within one second the two may come in any order.
    last = max([newest[0], *(each.placed for each in ledger.folded.values() if each.placed is not None)])
    placed = [at for i, at in markers.placed.items() if is_unplaced(ledger, i) and at >= ledger.folded[i].at]
    redated = (each.placed not in {None, markers.placed.get(i, each.placed)} for i, each in ledger.folded.items())
    return (
        bool(rewritten(ledger, markers.listed))
        or any(each.order < newest or each.at < last for each in new)
        or any(at < last for at in placed)
        or any(redated)
    )


def wanted(ledger: Ledger, markers: Markers) -> set[str]:
    """Ids of the listed markers that a replay reads."""
    old = {i for i in markers.listed if is_cut_off(ledger, i, markers.instants[i])}
    return (markers.listed.keys() - old) | (current_at_cut(ledger) & old) | rewritten(ledger, markers.listed)


def replay(
    markers: Markers,
    new: list[Published],
    ledger: Ledger,
    gone: Sequence[Published] = (),
    sure_since: datetime | None = None,
    *,
    lost: bool,
) -> History:
    """The history from the cut, with what only the ledger knows: older and deleted assets, tags and orphans.

    Args:
        markers: The markers, with those read that are `wanted`.
        new: The releases whose markers the ledger has not folded in.
        ledger: The ledger; the checkpoint, if the ledger is lost.
        gone: What has no marker any more: the ends of channels, and current releases (`cleaner_lambda.lost.stand_ins`).
        sure_since: Until then the order of the releases was unknown; see `cleaner_lambda.history.not_before`.
        lost: Whether the ledger is lost, and no run has rebuilt a part of it. Then a listing says which assets are
            deleted.
    """
    published = [*markers.of(markers.listed), *gone]
    then, cut = current_at_cut(ledger), ledger.cut
    channels = {i: each.channel for i, each in ledger.seen.items()}
    lines: dict[str, Line] = {}
    for each in sorted(published, key=lambda each: each.order):
        if each.id in then:
            lines[each.release.channel] = (each, *lines.get(each.release.channel, ()))
    history = History(lines, channels=channels)
    after, ended = published, {}
    placed: list[Published] = []
    if cut is not None:
        after = [each for each in published if each.order > cut]
        late = [each for each in published if each.order <= cut and not is_cut_off(ledger, each.id, each.at)]
        history = fold_late(history, late, cut[0])
        ended = {channel: cut[0] for channel, each in history.current.items() if each in late and each.release.ended}
        # What the ledger did not know at the cut counts from the cut on: late, and never early.
        known = ledger.seen
        placed = [
            each if each.placed_at is None else replace(each, placed=max(each.placed_at, cut[0]))
            for each in history.releases
            if each.id not in known or known[each.id].placed is None or (known[each.id].placed or cut[0]) > cut[0]
        ]
    history = fold(history, after, placed, sure_since)
    for each in sorted(after, key=lambda each: each.order):
        if each.release.ended and (sure_since is None or each.at >= sure_since):
            ended.setdefault(each.release.channel, each.at)
    live, paths = history.live_keys(), history.live_paths()
    before = {*ledger.current.values(), *(i for ids in ledger.behind.values() for i in ids)}
    fresh = [each for each in published if each.id in before] + new
    there = frozenset().union(*(each.release.all_keys for each in fresh))
    retired = {key: entry for key, entry in history.retired.items() if key in there or lost}
    for key, entry in ledger.retired.items():
        if key in history.retired:
            retired[key] = _as_known(history.retired[key], entry, rebuilding=ledger.tags_read_to is not None)
        elif key not in live:
            if sure_since is not None:
                entry = date_again(entry, paths, sure_since)  # noqa: PLW2901
            over = None if entry.ended else ended.get(history.channels.get(entry.release, ""))
            turned = history.turned
            retired[key] = redate(entry, paths, turned) if over is None else end(entry, over, paths, turned)
    tagged = {key for key, entry in ledger.retired.items() if entry.may_have_tag}
    return replace(history, retired=retired, owed=frozenset(ledger.owed | (tagged & live)))


def told_again(history: History, *, replayed: bool = True) -> History:
    """The history of a run that read no retired asset, with changes for entries that may know some of them already.

    Each event is taken in again, in its order: a path that left and came back has the instant at which it did. What has
    left, and lives no more, is told at the end, as a replay has it.

    Args:
        history: The history.
        replayed: Whether it is a replay's, and not that of a later part of many releases.
    """
    changes = history.changes
    if not replayed:
        return replace(history, changes=tuple(replace(each, again=True) for each in changes))
    again = [replace(each, left={}, again=True) for each in changes]
    # In several changes, as a file of the ledger holds whole ones, and readers take files of a bounded size only.
    some = batches(list(history.retired.items()), TOLD_AT_ONCE) if changes else ()
    last = [Change(changes[-1].at, left=dict(each), again=True) for each in some]
    return replace(history, changes=(*again, *last))


def _as_known(found: Retired, entry: Retired, *, rebuilding: bool) -> Retired:
    """A retired asset as the markers date it, with what the ledger knows of it.

    While a ledger is rebuilt, its instants come from markers and tags, and the later one counts.
    """
    mark = found.mark
    if rebuilding and entry.mark.state is mark.state:
        mark = max(mark, entry.mark, key=lambda each: each.since)
    return replace(found, mark=mark, size=entry.size, tagged=entry.tagged)


def rewritten(ledger: Ledger, listed: Mapping[str, datetime]) -> set[str]:
    """Ids of the markers that were written again.

    A marker never changes. Where a bucket allows a change all the same, the ledger holds an outdated fact. Whoever
    copies a marker onto itself changes its ``LastModified``, and not its instant.
    """
    return {i for i, folded in ledger.folded.items() if listed.get(i, folded.read_at) != folded.read_at}
