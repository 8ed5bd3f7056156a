"""End a channel, or all channels of a site: a marker that says so, after which none of its releases is current.

No asset is deleted here. The cleaner treats the channel's assets as removed ones, and deletes them when they are due.
Where the channel's pages are in place under keys that another channel has too, the other channel's come back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from release_log.marker import Release
from uploader.about import VERSION, WRITER
from uploader.clocks import Clocks
from uploader.errors import StoppedError, UploaderError
from uploader.history.body import body_of
from uploader.history.current import find_current, read_ledger
from uploader.history.order import newest_first
from uploader.history.release import Unreadable, read_releases
from uploader.protocol.belongs import differs
from uploader.protocol.intent import TRIES, busy_error, intent, withdraw
from uploader.protocol.write_if_whole import finish_placing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from release_log.layout import Layout
    from uploader.history.current import Current
    from uploader.history.release import LoggedRelease
    from uploader.protocol.belongs import PagePlaced
    from uploader.s3.port import BucketPort, ReaderPort

_NAME = "end"
"""The name of the release that an end's marker stands for."""


@dataclass(frozen=True, slots=True)
class ToEnd:
    """What `end` would do.

    Attributes:
        channels: The channels that are not over yet.
        already: The channels that were asked for, and have ended before.
        staged: Ids of their staged releases.
        pending: Ids of the uploads to them that are under way, or died: each brings its channel back when it ends.
        pinned: Ids of their pinned releases: these keep their assets.
        instead: The current releases of other channels that have a page under a key of theirs.
    """

    channels: tuple[str, ...]
    already: tuple[str, ...]
    staged: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    pinned: tuple[str, ...] = ()
    instead: tuple[LoggedRelease, ...] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """What `end` did, or would do.

    Attributes:
        asked: What it was asked to do.
        markers: Channel -> id of the marker that says that it has ended; empty under a dry run.
        placed: The pages of other channels that were put in place again.
    """

    asked: ToEnd
    markers: Mapping[str, str] = field(default_factory=dict)
    placed: tuple[PagePlaced, ...] = ()


def find_end(bucket: ReaderPort, layout: Layout, channel: str | None) -> ToEnd:
    """Find out what is to be ended. Only reads.

    Args:
        bucket: The site's bucket.
        layout: The site.
        channel: The channel; None: every channel of the site.

    Raises:
        UploaderError: There is no such channel; or a marker cannot be read, so that not every channel is known.
    """
    log = bucket.written(layout.log)
    current = find_current(bucket, layout, log, read_ledger(bucket, layout)[0])
    if channel is None and current.unreadable:
        raise UploaderError(current.unreadable[0].complaint())
    alive = {*current.releases, *current.lost}
    known = alive | current.ended.keys()
    if not known or (channel is not None and channel not in known):
        raise _unknown(layout, channel, alive, current.ended.keys())
    wanted = known if channel is None else {channel}
    ended = alive & wanted
    instead = _instead(current, ended)
    if not ended:
        return ToEnd((), tuple(sorted(wanted)), instead=instead)
    found: dict[str, list[str]] = {}
    for folder in (layout.staged, layout.pending, layout.pins):
        each_of = read_releases(bucket, layout, newest_first(log, folder))
        readable = [each for each in each_of if not isinstance(each, Unreadable)]
        found[folder] = [each.id for each in readable if each.release.channel in ended and not each.release.ended]
    return ToEnd(
        tuple(sorted(ended)),
        tuple(sorted(wanted - ended)),
        tuple(found[layout.staged]),
        tuple(found[layout.pending]),
        tuple(found[layout.pins]),
        instead,
    )


def end(bucket: BucketPort, layout: Layout, asked: ToEnd, *, clocks: Clocks | None = None) -> Ended:
    """End the channels.

    Their staged releases are dropped first, so that none of them keeps its assets, or is activated later. If this is
    interrupted, it can be repeated.

    Raises:
        UploaderError: S3 refused, or did not answer.
        StoppedError: It was interrupted when a channel had ended already, and not all was done.
    """
    clocks = clocks or Clocks()
    for release_id in asked.staged:
        withdraw(bucket, layout.staged_key(release_id))
    markers: dict[str, str] = {}
    placed: list[PagePlaced] = []
    left = len(asked.channels) + len(asked.instead)
    try:
        for channel in asked.channels:
            markers[channel] = _write_end(bucket, layout, channel, clocks)
            left -= 1
        for each in asked.instead:
            if _is_replaced(bucket, layout, each):
                placed += finish_placing(bucket, layout, each, clocks)
            left -= 1
    except UploaderError as error:
        if not markers:
            raise
        msg = f"{_so_far(markers)} ({error}): run the same command again"
        raise UploaderError(msg) from error
    except KeyboardInterrupt as error:
        is_done = isinstance(error, StoppedError) and error.done  # what was under way
        ended = asked.channels[: len(markers) + is_done]
        if not ended or left == is_done or (isinstance(error, StoppedError) and not is_done):
            raise
        msg = f"{_so_far(ended)}: run the same command again"
        raise StoppedError(msg) from error
    return Ended(asked, markers, tuple(placed))


def _so_far(ended: Iterable[str]) -> str:
    return f"ended channel {', '.join(ended)}, but not all is done"


def _is_replaced(bucket: BucketPort, layout: Layout, logged: LoggedRelease) -> bool:
    """Whether other pages than the release's are in place."""
    pages = logged.release.pages
    _, there = bucket.look_at_pages(layout, sorted(pages))
    return any(differs(page, there.get(key)) for key, page in pages.items())


def _instead(current: Current, ended: Collection[str]) -> tuple[LoggedRelease, ...]:
    """See `ToEnd.instead`. When all of the channels have ended before, nobody knows which pages they had."""
    gone = frozenset().union(*(each.release.pages for channel, each in current.releases.items() if channel in ended))
    others = (each for channel, each in current.releases.items() if channel not in ended and each.release.pages)
    return tuple(each for each in others if not ended or not gone.isdisjoint(each.release.pages))


def _write_end(bucket: BucketPort, layout: Layout, channel: str, clocks: Clocks) -> str:
    """Write the marker, under an intent that names no asset: as every marker, it gets its own id and its own second."""

    def body(at: datetime) -> bytes:
        writer = {"name": WRITER, "version": VERSION}
        return body_of(Release(_NAME, channel, at, layout.prefix, writer, {}, ended=True))

    taken = 0
    while taken < TRIES:
        with intent(bucket, layout, _NAME, body, frozenset(), clocks) as held:
            if not held.is_taken(layout):
                held.wait_for_its_turn(layout, clocks)
                if held.is_too_old(clocks):
                    continue
                if held.write(bucket, layout.marker_key(held.id), body(held.at), clocks):
                    return held.id
        taken += 1
        clocks.sleep(1)
    raise busy_error(_NAME)


def _unknown(layout: Layout, channel: str | None, alive: Collection[str], ended: Collection[str]) -> UploaderError:
    """The error for a channel that does not exist; it lists those that do."""
    there = [*sorted(alive), *(f"{each} (ended)" for each in sorted(ended))]
    what = f"no channel {channel!r}" if channel is not None else "no channel"
    known = f"its channels are {', '.join(there)}" if there else "nothing was published there yet"
    return UploaderError(f"there is {what} at prefix {layout.prefix!r}: {known}")
