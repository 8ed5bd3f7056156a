"""Bring the ledger's history up to date with the markers in the bucket.

As a rule the run reads the current markers and one new one. When the ledger is rebuilt, or when a marker came that is
older than one already folded in, it replays the history (`cleaner_lambda.replay`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cleaner_lambda.changes import restate
from cleaner_lambda.ending import doubt_orphans, ends_without_marker, has_ended, may_be_of_an_end
from cleaner_lambda.history import History, fold, not_before
from cleaner_lambda.ledger import Folded
from cleaner_lambda.lost import find_lost, hold_doubtful, lines_with_lost, stand_ins, stops_for_lost, without_marker
from cleaner_lambda.markers import Markers, read_markers
from cleaner_lambda.order import Order, find_order, instants, placed_instants
from cleaner_lambda.pace import Pace
from cleaner_lambda.replay import is_unplaced, must_replay, replay, rewritten, told_again, wanted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from cleaner_lambda.history import Line, Published
    from cleaner_lambda.ledger import Ledger
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.plan import Stop
    from cleaner_lambda.port import S3Port
    from release_log.layout import Layout


@dataclass(frozen=True, slots=True)
class FoldedLog:
    """The release log with every listed marker folded in.

    Attributes:
        history: What is current and what is retired.
        markers: The markers, with those that were read.
        lost: Channel -> id of its current release, whose marker is gone; see `cleaner_lambda.lost`.
        in_doubt: Retired keys that such a release may name.
        stops: Why nothing may be deleted, or nothing of a channel.
        order: What is known of the order of the markers.
        lines: Channel of `lost` -> its line, with that release; see `cleaner_lambda.lost.lines_with_lost`.
        ends: Id -> each end that this run makes, and for which there is no marker; see `cleaner_lambda.idle`.
        waits: Whether nothing was folded in, as a marker that counts cannot be read.
    """

    history: History
    markers: Markers
    lost: Mapping[str, str] = field(default_factory=dict)
    in_doubt: frozenset[str] = frozenset()
    stops: tuple[Stop, ...] = ()
    order: Order = field(default_factory=Order)
    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ends: Mapping[str, Folded] = field(default_factory=dict)
    waits: bool = False


def fold_log(store: S3Port, layout: Layout, loaded: Loaded, pace: Pace | None = None) -> FoldedLog:
    """Fold in the markers that the ledger does not know.

    Raises:
        ConflictError: A listed marker is gone.
        WholeNeededError: It takes all retired assets, which were not read.
    """
    ledger, listed = loaded.ledger, loaded.look.markers
    markers = Markers(listed, instants(ledger, listed), {**placed_instants(ledger, loaded.look.placed), **loaded.late})
    markers = replace(markers, sizes=loaded.look.sizes).having(loaded.read)
    unknown = listed.keys() - ledger.folded.keys()
    markers = read_markers(store, layout, markers, unknown, pace)
    new = markers.of(unknown)
    ends = ends_without_marker(ledger, layout, listed, new)
    lines, replays = ledger.lines, must_replay(ledger, markers, new)
    loaded.need_whole(because=replays and not loaded.begins_rebuild)
    ids = {release_id for line in lines.values() for release_id in line if release_id in markers.listed}
    needed = wanted(ledger, markers) if replays else ids
    markers = read_markers(store, layout, markers, needed, pace)
    if not markers.invalid.keys().isdisjoint(needed & ledger.folded.keys()):
        return _as_it_was(loaded, layout, markers, ends)
    if replays:
        order = find_order(ledger, [*markers.of(markers.listed), *ends], new)
        gone = [*ends, *loaded.ends, *stand_ins(ledger, layout, listed)]
        history = replay(markers, new, ledger, gone, order.sure_since, lost=ledger.has_only_begun)
    else:
        read = {each.id: each for each in (*markers.of(ids), *ends)}
        # What is left of a channel's line retires with the next release; until then its newest one is missed below.
        found = {channel: tuple(read[i] for i in line if i in read) for channel, line in lines.items()}
        known = {channel: line for channel, line in found.items() if line}
        placed = [each for line in known.values() for each in line if is_unplaced(ledger, each.id)]
        order = find_order(ledger, [each for line in known.values() for each in line], new)
        history = fold(_known(known, ledger), [*new, *loaded.ends], placed, order.sure_since)
    if order.sure_since is not None:
        history = not_before(history, order.sure_since)
    history = replace(history, owed=history.owed | loaded.base.doubtful, pages=loaded.pages)
    lost = find_lost(history, ledger, markers)
    history, in_doubt = hold_doubtful(history, ledger, markers, lost)
    history = doubt_orphans(history, ledger, markers)
    # It dates anew what is in none of the changes.
    doubtful = bool(lost or ledger.in_doubt or without_marker(ledger, markers.listed))
    history = _with_owed(history, loaded, markers, because=doubtful, order=order)
    if loaded.light and ledger.rebuilding is not None:
        history = told_again(history, replayed=replays)
    stops = (*markers.stops, *order.stops, *stops_for_lost(layout, lost))
    lines_with = lines_with_lost(history, ledger, listed, lost)
    made = {each.id: Folded(each.at, each.release.channel, ended=True, placed=each.at) for each in loaded.ends}
    if lost:
        history = replace(history, lines={c: line for c, line in history.lines.items() if c not in lost})
    return FoldedLog(history, markers, lost, in_doubt, stops, order, lines_with, made)


def _as_it_was(loaded: Loaded, layout: Layout, markers: Markers, ends: Sequence[Published]) -> FoldedLog:
    """The state that the ledger has: without a marker that counts, whatever is new would mean something else.

    The first run that can read that marker folds it in, with the same instants.
    """
    ledger = loaded.ledger
    same = ledger.folded.keys() - rewritten(ledger, markers.listed)
    valid = {i: replace(each, placed=ledger.folded[i].placed) for i, each in markers.valid.items() if i in same}
    markers = replace(markers, valid=valid, placed=placed_instants(ledger, {}))
    known = {each.id: each for each in (*stand_ins(ledger, layout, markers.valid), *ends)} | valid
    lines = {channel: tuple(known[i] for i in line if i in known) for channel, line in ledger.lines.items()}
    channels = {release_id: each.channel for release_id, each in ledger.seen.items()}
    history = History(
        {channel: line for channel, line in lines.items() if line},
        ledger.retired,
        ledger.owed | loaded.base.doubtful,
        channels=channels,
        pages=loaded.pages,
    )
    order = Order(ledger.doubts, ledger.after_doubt, ledger.sure_since)
    stops = (*markers.stops, *order.stops)
    return FoldedLog(history, markers, in_doubt=ledger.in_doubt, stops=stops, order=order, waits=True)


def turned_since_the_cut(
    store: S3Port, layout: Layout, loaded: Loaded, folded: FoldedLog, pace: Pace
) -> tuple[Mapping[str, datetime] | None, tuple[Stop, ...]]:
    """Logical path -> when it last entered or left the current releases, since the ledger's cut.

    None if a marker cannot be read that tells of it; and what the run says of such markers.
    """
    ledger = loaded.ledger
    # A replay is bounded, and the time that a run keeps in reserve is enough for one.
    reading, needed = Pace(pace.mapper, sleep=pace.sleep), wanted(ledger, folded.markers)
    markers = read_markers(store, layout, folded.markers, needed, reading)
    unread = markers.invalid.keys() & needed & ledger.folded.keys()
    if unread:
        return None, markers.stops_of(unread)
    gone = [*ends_without_marker(ledger, layout, markers.listed, ()), *stand_ins(ledger, layout, markers.listed)]
    return replay(markers, [], replace(ledger, retired={}), gone, folded.order.sure_since, lost=True).turned, ()


def _with_owed(history: History, loaded: Loaded, markers: Markers, order: Order, *, because: bool) -> History:
    """The history of a run that read no retired asset, if new releases are all that it folds in.

    Whether an asset that lives again has a tag, only its entry says. So its tags are looked at; also while orphans
    wait, as these have none.
    """
    ledger, doubt = loaded.ledger, bool(order.doubts) or order.sure_since != loaded.ledger.sure_since
    ended = any(change.ended for change in history.changes)
    if loaded.begins_rebuild and ended:  # what ended, the changes say, but for orphans of which nobody knows that
        channels = {history.channels.get(i, "") for change in history.changes for i in change.ended}
        ended = may_be_of_an_end(ledger, history, markers, channels)
    ended = ended or has_ended(history)
    loaded.need_whole(because=because or doubt or bool(ledger.doubts) or ended)
    waiting = ledger.waiting.number or (ledger.cursor is not None and ledger.cursor.waiting.number)
    reads_all = ledger.rebuilding is not None and ledger.rebuilding.has_read_none
    if not (loaded.light or waiting) or loaded.begins_rebuild or reads_all:
        return history  # a rebuild reads the tags of all that lives
    live = frozenset[str]().union(*(change.live for change in history.changes))
    # What is new has none. Where a marker wrongly says so, an old tag stays until the asset retires again.
    new = frozenset[str]().union(*(each.release.new for i, each in markers.valid.items() if i not in ledger.seen))
    # Also of one that has retired again since: its new entry knows of no tag.
    return replace(history, owed=history.owed | ((live - new) & (history.live_keys() | history.retired.keys())))


def _known(lines: Mapping[str, Line], ledger: Ledger) -> History:
    """The history as the ledger has it, with the releases that are current."""
    channels = {release_id: each.channel for release_id, each in ledger.seen.items()}
    history = History(lines, ledger.retired, ledger.owed, channels=channels)
    if not ledger.in_doubt:
        return history
    # The marker that was gone is back, and may name them.
    back, paths = ledger.in_doubt & history.live_keys() & ledger.retired.keys(), history.live_paths()
    retired = {
        key: restate(entry, entry.mark.since, current=entry.logical in paths) if key in ledger.in_doubt else entry
        for key, entry in ledger.retired.items()
        if key not in back
    }
    tagged = {key for key in back if ledger.retired[key].may_have_tag}
    return replace(history, retired=retired, owed=history.owed | tagged)


def kept_releases(history: History, count: int, folded: Mapping[str, Folded]) -> list[str]:
    """Ids of the last ``count`` releases before each channel's current ones, and after the channel's last end."""
    order: dict[str, list[tuple[datetime, str]]] = {channel: [] for channel in history.lines}
    for release_id, each in folded.items():
        line = history.lines.get(each.channel)
        if line is not None and not line[0].release.ended and (each.at, release_id) < line[-1].order:
            order[each.channel].append((each.at, release_id))
    kept = []
    for ids in order.values():
        for _, release_id in sorted(ids, reverse=True)[:count]:
            if folded[release_id].ended:
                break
            kept.append(release_id)
    return kept


def all_folded(ledger: Ledger, markers: Markers) -> dict[str, Folded]:
    """Every valid marker in the bucket: those that the ledger knows, and those that the run has read."""
    folded = {}
    for release_id, each in ledger.folded.items():
        if release_id in markers.listed:
            placed = markers.placed.get(release_id)
            is_news = placed is not None and placed >= each.at and placed != each.placed
            folded[release_id] = replace(each, placed=placed) if is_news else each
    for published in markers.valid.values():
        listed = markers.listed[published.id]
        modified, release = None if listed == published.at else listed, published.release
        folded[published.id] = Folded(published.at, release.channel, modified, release.ended, published.placed_at)
    return folded
