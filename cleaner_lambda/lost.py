"""A channel whose current marker is gone, deleted by hand or by a lifecycle rule. Pure.

Nobody knows any more which assets that release names. So the assets of this channel are held, and the rest of the site
goes on:

- What was retired while the marker was there is not of that release. But it stays too if its own release was one of
  this channel: whoever deleted the marker may have meant to go back to it.
- What retires or changes its state from now on, because another channel no longer names it or its logical path, may be
  of that release (`Ledger.in_doubt`). It stays until the channel has its marker back, a new release, or an end; and
  then its state counts from no earlier than that.
- What no release names may be of that release too, so no orphan is retired.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from cleaner_lambda.changes import restate
from cleaner_lambda.ending import may_be_of_an_end
from cleaner_lambda.history import Published
from cleaner_lambda.order import is_unseen
from cleaner_lambda.plan import Reason, Stop
from release_log.marker import FORMAT, Release
from release_log.tags import Mark

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from cleaner_lambda.history import History
    from cleaner_lambda.ledger import Ledger, Retired
    from cleaner_lambda.markers import Markers
    from release_log.layout import Layout


def find_lost(history: History, ledger: Ledger, markers: Markers) -> dict[str, str]:
    """Channel -> id of its current release, where that release's marker is gone, and no newer one came.

    An older marker does not become current instead. If the newest release is not in place yet, one of those behind it
    may be lost too, until a newer one is.

    Args:
        history: The history with all listed markers.
        ledger: The ledger.
        markers: The markers.
    """
    lost, ends = {}, ledger.ends  # which goes through all channels, so not for each of them
    for channel, release_id in ledger.current.items():
        if channel in ends:
            continue
        found = history.current.get(channel)
        folded = ledger.folded.get(release_id) or ledger.gone.get(release_id)
        if found is None:
            newer = False
        elif folded is None:
            newer = is_unseen(ledger, found.id)
        elif release_id in markers.listed:
            newer = found.order >= (folded.at, release_id)
        else:
            newer = _is_over(history, channel, (folded.at, release_id))
        if not newer and (found is not None or release_id not in markers.invalid):
            lost[channel] = release_id
    for channel, ids in ledger.behind.items():
        for release_id in ids:
            seen = ledger.seen.get(release_id)
            over = seen is not None and (seen.ended or _is_over(history, channel, (seen.at, release_id)))
            if release_id not in markers.listed and not over:
                lost.setdefault(channel, release_id)
    return lost


def _is_over(history: History, channel: str, order: tuple[datetime, str]) -> bool:
    """Whether a newer release of the channel is in place."""
    return any(each.order > order and each.placed_at is not None for each in history.lines.get(channel, ()))


def lines_with_lost(
    history: History, ledger: Ledger, listed: Collection[str], lost: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """Channel -> ids of its line, which holds a release without its marker.

    It lies among those of the history: behind newer ones that are not in place, or before an older one that came late,
    which stays current until a newer one is in place.
    """
    lines, seen, known = {}, ledger.seen, ledger.lines
    for channel in lost:
        before, line = known[channel], history.lines.get(channel, ())
        if not line or before[0] not in seen:
            continue
        orders = {each.id: each.order for each in line}
        gone = {i: (seen[i].at, i) for i in before if i not in listed and i in seen}
        orders |= {i: order for i, order in gone.items() if not _is_over(history, channel, order)}
        lines[channel] = tuple(sorted(orders, key=orders.__getitem__, reverse=True))
    return lines


def without_marker(ledger: Ledger, listed: Collection[str]) -> set[str]:
    """The channels of whose current releases, as the ledger has them, one has no marker any more."""
    there = {*listed, *(i for i, each in ledger.seen.items() if each.ended)}
    return {channel for channel, line in ledger.lines.items() if not set(line) <= there}


def stand_ins(ledger: Ledger, layout: Layout, listed: Collection[str]) -> list[Published]:
    """The current releases whose markers are gone, without what they name.

    In a replay nothing that they have superseded is current again.

    Args:
        ledger: The ledger.
        layout: The site.
        listed: Ids of the markers in the bucket.
    """
    seen = ledger.seen
    return [
        Published(i, each.at, Release("", each.channel, each.at, layout.prefix, {}, {}, format=FORMAT), each.placed)
        for i in chain.from_iterable(ledger.lines.values())
        if i not in listed and (each := seen.get(i)) is not None and not each.ended
    ]


def hold_doubtful(
    history: History, ledger: Ledger, markers: Markers, lost: Collection[str]
) -> tuple[History, frozenset[str]]:
    """Find the retired keys that a release may name whose marker is gone, and date those for which that is over.

    Args:
        history: The history with all listed markers.
        ledger: The ledger.
        markers: The markers.
        lost: The channels of `find_lost`.

    Returns:
        The history, and the keys that are in doubt from now on.
    """
    gone = without_marker(ledger, markers.listed)
    if not gone and not ledger.in_doubt:
        return history, frozenset()
    before = ledger.retired
    new = {key for key, each in history.retired.items() if key not in before or each.mark != before[key].mark}
    new = new if gone else set()
    doubtful = (ledger.in_doubt | new) & history.retired.keys()
    over = [history.lines[channel][-1] for channel in gone - set(lost) if channel in history.lines]
    ended = [each.placed_at or each.at for each in over]
    if ended:
        since, may_have_ended = max(ended), may_be_of_an_end(ledger, history, markers)
        # Its logical paths left with it, and nobody knows which those were: what none of the current ones has.
        paths = history.live_paths()
        turned = {path: at for path, at in history.turned.items() if path in paths and at > since}
        retired = {key: _after(entry, since, paths, turned) for key, entry in history.retired.items()}
        for key in doubtful:
            entry = retired[key]
            mark, maybe = Mark(entry.mark.state, max(entry.mark.since, since)), entry.maybe_ended or may_have_ended
            retired[key] = replace(entry.dated(mark), maybe_ended=maybe)
        history = replace(history, retired=retired)
    return history, frozenset(doubtful) if lost else frozenset()


def _after(entry: Retired, since: datetime, paths: Collection[str], turned: Mapping[str, datetime]) -> Retired:
    """A retired asset after a release whose marker is gone has left.

    Args:
        entry: The asset.
        since: When that release left.
        paths: The logical paths of the current releases.
        turned: Those that came after it had left. If it had one of them too, the path was none in between.
    """
    entry = restate(entry, since, current=entry.logical in paths)
    at = turned.get(entry.logical)
    return entry if at is None or entry.ended else entry.dated(Mark(entry.mark.state, max(entry.mark.since, at)))


def held_keys(history: History, lost: Collection[str], in_doubt: frozenset[str]) -> frozenset[str]:
    """The retired keys that stay because a channel's current marker is gone."""
    if not lost:
        return frozenset()
    # What an unknown release named may be of any channel.
    theirs = {None, *lost}
    channels = history.channels
    return in_doubt | {
        key for key, entry in history.retired.items() if entry.release and channels.get(entry.release) in theirs
    }


def stops_for_lost(layout: Layout, lost: Mapping[str, str]) -> tuple[Stop, ...]:
    """What the run says about these channels."""
    return tuple(_stop(layout, channel, release_id) for channel, release_id in sorted(lost.items()))


def _stop(layout: Layout, channel: str, release_id: str) -> Stop:
    message = (
        f"{layout.marker_key(release_id)}, the marker of channel {channel!r}'s current release, is gone: no asset of "
        "that channel, and no orphan, is deleted until you put the marker back, publish a release in that channel, or "
        f"end it (python -m uploader end --channel {channel})"
    )
    return Stop(Reason.MISSING_MARKER, message, channel=channel)
