"""Bring the ledger's history up to date with the markers in the bucket.

As a rule the run reads the current markers and one new one. When the ledger is rebuilt, or when a marker came that is
older than one already folded in, it replays the history (`cleaner_lambda.replay`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cleaner_lambda.history import History, fold, not_before
from cleaner_lambda.ledger import Folded
from cleaner_lambda.markers import Markers, read_markers
from cleaner_lambda.order import Order, find_order, instants, is_unseen, placed_instants
from cleaner_lambda.policy import Reason, Stop
from cleaner_lambda.replay import is_unplaced, must_replay, replay, wanted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cleaner_lambda.ledger import Ledger
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.port import S3Port
    from release_log.layout import Layout


@dataclass(frozen=True, slots=True)
class FoldedLog:
    """The release log with every listed marker folded in.

    Attributes:
        history: What is current and what is retired.
        markers: The markers, with those that were read.
        lost: Why nothing may be deleted: the channels whose current marker is gone.
        order: What is known of the order of the markers.
    """

    history: History
    markers: Markers
    lost: tuple[Stop, ...] = ()
    order: Order = field(default_factory=Order)

    @property
    def stops(self) -> tuple[Stop, ...]:
        """Why nothing may be deleted."""
        return (*self.markers.stops, *self.lost, *self.order.stops)


def fold_log(store: S3Port, layout: Layout, loaded: Loaded, pace: Pace | None = None) -> FoldedLog:
    """Fold in the markers that the ledger does not know.

    Raises:
        ConflictError: A listed marker is gone.
    """
    ledger, listed = loaded.ledger, loaded.look.markers
    markers = Markers(listed, instants(ledger, listed), {**placed_instants(ledger, loaded.look.placed), **loaded.late})
    unknown = listed.keys() - ledger.folded.keys()
    markers = read_markers(store, layout, markers, unknown, pace)
    new = markers.of(unknown)
    if must_replay(ledger, markers, new):
        markers = read_markers(store, layout, markers, wanted(ledger, markers), pace)
        history = replay(markers, new, ledger, lost=loaded.base.rebuild is not None)
    else:
        lines = {channel: (i, *ledger.behind.get(channel, ())) for channel, i in ledger.current.items()}
        ids = {release_id for line in lines.values() for release_id in line if release_id in markers.listed}
        markers = read_markers(store, layout, markers, ids, pace)
        read = {channel: tuple(markers.valid[i] for i in line if i in markers.valid) for channel, line in lines.items()}
        # Without its newest release a channel is unknown, and stays in the ledger as it is.
        known = {channel: line for channel, line in read.items() if line and line[0].id == ledger.current[channel]}
        placed = [each for line in known.values() for each in line if is_unplaced(ledger, each.id)]
        history = fold(History(known, ledger.retired, ledger.owed), new, placed)
    order = find_order(ledger, history.current, new)
    if order.sure_since is not None:
        history = not_before(history, order.sure_since)
    history = replace(history, owed=history.owed | loaded.base.doubtful)
    lost = _lost_channels(history, ledger, markers)
    left = {channel: line for channel, line in history.lines.items() if channel not in lost}
    stops = tuple(_stop_for_lost(layout, channel, release_id) for channel, release_id in lost.items())
    return FoldedLog(replace(history, lines=left), markers, stops, order)


def kept_releases(history: History, count: int, folded: Mapping[str, Folded]) -> list[str]:
    """Ids of the last ``count`` releases before each channel's current ones."""
    order: dict[str, list[tuple[datetime, str]]] = {channel: [] for channel in history.lines}
    for release_id, each in folded.items():
        line = history.lines.get(each.channel)
        if line is not None and (each.at, release_id) < line[-1].order:
            order[each.channel].append((each.at, release_id))
    return [release_id for ids in order.values() for _, release_id in sorted(ids, reverse=True)[:count]]


def all_folded(ledger: Ledger, markers: Markers) -> dict[str, Folded]:
    """Every valid marker in the bucket: those that the ledger knows, and those that the run has read."""
    folded = {}
    for release_id, each in ledger.folded.items():
        if release_id in markers.listed:
            placed = markers.placed.get(release_id)
            folded[release_id] = replace(each, placed=placed) if placed is not None and placed >= each.at else each
    for published in markers.valid.values():
        listed = markers.listed[published.id]
        modified = None if listed == published.at else listed
        folded[published.id] = Folded(published.at, published.release.channel, modified, published.placed_at)
    return folded


def _lost_channels(history: History, ledger: Ledger, markers: Markers) -> dict[str, str]:
    """Channel -> id of its current release, where somebody removed that release's marker from the bucket.

    What is current in such a channel is unknown: an older marker does not become current instead.
    """
    lost = {}
    for channel, release_id in ledger.current.items():
        found = history.current.get(channel)
        folded = ledger.folded.get(release_id) or ledger.gone.get(release_id)
        if found is None:
            newer = False
        elif folded is None:
            newer = is_unseen(ledger, found.id)
        else:
            newer = found.order >= (folded.at, release_id)
        if not newer and (found is not None or release_id not in markers.invalid):
            lost[channel] = release_id
    for channel, ids in ledger.behind.items():
        placed = [each.order for each in history.lines.get(channel, ()) if each.placed_at is not None]
        for release_id in ids:
            folded = ledger.folded.get(release_id) or ledger.gone.get(release_id)
            over = folded is not None and any(order > (folded.at, release_id) for order in placed)
            if release_id not in markers.listed and not over:
                lost.setdefault(channel, release_id)
    return lost


def _stop_for_lost(layout: Layout, channel: str, release_id: str) -> Stop:
    message = (
        f"{layout.marker_key(release_id)}, the marker of channel {channel!r}'s current release, is gone: nothing is "
        "deleted until that channel has a new release. Publish one, or put the marker back"
    )
    return Stop(Reason.MISSING_MARKER, message)
