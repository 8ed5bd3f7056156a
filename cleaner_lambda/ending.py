"""The end of a channel, and of a site: which files of the release log are no longer needed. Pure.

A channel has ended if its newest marker says so; a site, if all of its channels have. The assets go first, as removed
ones. Then the markers go, and the one that says ``ended`` is the last of its channel: without it, an older one would
be current again. The ledger knows that the channel has ended, so that it does not miss that last marker. At last the
ledger itself goes, when it is certain that no request is under way that it may still announce.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from cleaner_lambda.cut import current_at_cut, is_cut_off
from cleaner_lambda.history import Published
from release_log.ledger_file import HOLDS
from release_log.marker import Release
from release_log.tags import Mark

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from cleaner_lambda.history import History
    from cleaner_lambda.ledger import Folded, Ledger
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.markers import Markers
    from release_log.layout import Layout


class EndedLog(NamedTuple):
    """Ids of markers that channels which have ended no longer need.

    Attributes:
        first: The releases.
        last: The markers that say so: only after all releases of their channels.
    """

    first: frozenset[str] = frozenset()
    last: frozenset[str] = frozenset()


def has_ended(history: History) -> bool:
    """Whether the whole site has ended."""
    return bool(history.lines) and all(line[0].release.ended for line in history.lines.values())


def ends_without_marker(
    ledger: Ledger, layout: Layout, listed: Collection[str], new: Iterable[Published]
) -> list[Published]:
    """The ends without a marker, while older markers of their channels exist, or do again: none is current again.

    Their markers are gone, or there never was one (`cleaner_lambda.idle`).

    Args:
        ledger: The ledger.
        layout: The site.
        listed: Ids of the markers in the bucket.
        new: The releases whose markers the ledger has not folded in. One that no run has seen came after an end of its
            second whose marker is gone already, whatever their ids say.
    """
    seen = ledger.seen
    back = {(each.release.channel, each.at) for each in new if each.id not in seen}
    left = {each.channel for release_id, each in seen.items() if release_id in listed}
    return [
        end_of(layout, each.channel, release_id, each.at)
        for release_id, each in seen.items()
        if each.ended and each.channel in left and release_id not in listed and (each.channel, each.at) not in back
    ]


def end_of(layout: Layout, channel: str, release_id: str, at: datetime) -> Published:
    """The end of a channel, for which there is no marker."""
    return Published(release_id, at, Release("", channel, at, layout.prefix, {}, {}, ended=True))


def ended_log(
    ledger: Ledger,
    history: History,
    folded: Mapping[str, Folded],
    *,
    nothing_left: bool,
    elsewhere: Collection[str] = frozenset(),
) -> EndedLog:
    """Find the markers of channels that have ended, and of whose assets none is left.

    A rebuild must date every other asset as before. So each of these assets retired after the end, by a marker that is
    still there; or the end is up to the ledger's cut, and the checkpoint dates what retired before.

    Args:
        ledger: The ledger, which must know of the end already: a run that dies on the way leaves it as it is.
        history: What is current now, and every retired asset.
        folded: Id -> every marker in the bucket.
        nothing_left: Whether a listing found no asset that is or may become the cleaner's.
        elsewhere: Ids of the releases with which other assets retired, which the run has not read.
    """
    named = {entry.release for entry in history.retired.values()}.union(elsewhere) - {""}
    oldest = min(((folded[i].at, i) for i in named & folded.keys()), default=None)
    dated = named <= folded.keys()
    theirs = {folded[i].channel for i in named & folded.keys()}
    channels, ends = {}, ledger.ends
    for channel, published in history.current.items():
        if channel not in ends or ledger.current[channel] != published.id or channel in theirs:
            continue
        is_cut_off = ledger.cut is not None and published.order <= ledger.cut
        if is_cut_off or (dated and (oldest is None or published.order < oldest)):
            channels[channel] = published.id
    first = frozenset(i for i, each in folded.items() if channels.get(each.channel, i) != i)
    if has_ended(history) and not nothing_left:
        return EndedLog(first)
    return EndedLog(first, frozenset(i for i in channels.values() if i in folded))


def markers_are_gone(loaded: Loaded) -> bool:
    """Whether the site has ended, and none of its markers is left."""
    ledger = loaded.ledger
    return bool(ledger.gone) and not (ledger.current or ledger.folded or loaded.look.markers)


def may_be_of_an_end(
    ledger: Ledger, history: History, markers: Markers, channels: Collection[str] | None = None
) -> bool:
    """Whether a channel has ended after a release there whose marker is gone: nobody knows which assets that one named.

    Of what retired up to the cut the ledger or the checkpoint knows that, unless it was current then.

    Args:
        ledger: The ledger before the run.
        history: The history with all listed markers.
        markers: The markers.
        channels: The channels that are asked about; None for all.
    """
    read = (*markers.valid.values(), *history.current.values())
    ends = {(each.release.channel, each.order) for each in read if each.release.ended}
    ends |= {(each.channel, (each.at, i)) for i, each in ledger.seen.items() if each.ended}
    last = dict(sorted(ends))
    then = current_at_cut(ledger)
    gone = ((i, each) for i, each in ledger.seen.items() if i not in markers.listed and not each.ended)
    return any(
        each.channel in last
        and (each.at, i) < last[each.channel]
        and (channels is None or each.channel in channels)
        and (i in then or not is_cut_off(ledger, i, each.at))
        for i, each in gone
    )


def doubt_orphans(history: History, ledger: Ledger, markers: Markers) -> History:
    """The history after an end that a channel has now: an orphan may have been of it, if a marker there is gone.

    Then it was removed with that end. It is nothing to a channel that ended before, whose markers the cleaner has
    deleted: where previews end each day, no orphan would ever fall due.
    """
    ends = [change.at for change in history.changes if change.ended]
    channels = {history.channels.get(i, "") for change in history.changes for i in change.ended}
    if not ends or not may_be_of_an_end(ledger, history, markers, channels):
        return history
    at = max(ends)
    orphans = {key: each for key, each in history.retired.items() if not each.release and each.mark.since <= at}
    doubtful = {key: replace(each.dated(Mark(each.mark.state, at)), maybe_ended=True) for key, each in orphans.items()}
    return replace(history, retired={**history.retired, **doubtful})


def is_over(loaded: Loaded) -> bool:
    """Whether the ledger may go, unless an asset is left.

    Its last write must be older than any request that it may have announced, or that may write it.
    """
    base, look, ledger = loaded.base, loaded.look, loaded.ledger
    known = ledger.current or ledger.folded or ledger.retired or ledger.owed or ledger.tags_read_to is not None
    announced = ledger.deleting is not None or ledger.tagging or base.leftover
    named = look.markers or look.placed or look.protections.by_key or look.protections.expired or look.pins.by_id
    if base.written is None or known or announced or named or loaded.stops:
        return False
    return loaded.now >= base.written + HOLDS
