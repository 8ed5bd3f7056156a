"""Fold releases into the state of every asset. Pure: the same markers give the same state, in one step or several."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cleaner_lambda.changes import Change, Part, state_of
from cleaner_lambda.dating import date_again
from cleaner_lambda.ledger import Retired
from cleaner_lambda.live import Live, paths_of
from release_log.layout import Layout
from release_log.marker import ROLLBACK_OF
from release_log.tags import Mark

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from release_log.marker import Release


@dataclass(frozen=True, slots=True)
class Published:
    """A release, or the end of a channel, and its marker.

    Attributes:
        id: The release's id.
        at: The marker's instant: S3's ``LastModified`` when it was first seen.
        release: What the marker says.
        placed: When its pages were in place, by the file that says so; None if there is none.
    """

    id: str
    at: datetime
    release: Release
    placed: datetime | None = None

    @property
    def order(self) -> tuple[datetime, str]:
        """Markers are ordered by S3's clock, then by key."""
        return (self.at, self.id)

    @property
    def placed_at(self) -> datetime | None:
        """From when on it supersedes the releases before it; None: not yet.

        A file that is older than its marker is none.
        """
        if not self.release.places_pages:
            return self.at
        return self.placed if self.placed is not None and self.placed >= self.at else None


Line = tuple[Published, ...]
"""The current releases of a channel, the newest first: from the newest one on that is in place."""


@dataclass(frozen=True, slots=True)
class History:
    """What is current and what is retired after some releases.

    Attributes:
        lines: Channel -> its current releases, or its end; never empty.
        retired: Key -> retired asset; never a key of a current release.
        owed: Keys whose tags have to be checked: their asset is live again and had a tag, or its tags are unknown.
        turned: Logical path -> when it last entered or left the current releases, as far as these releases say.
        channels: Id -> channel of each release that is known, for the end of a channel.
        changes: What these releases changed, in their order.
        left_behind: Ids of the releases that left while one of their pages may lie in place under a key that is current
            still, or again: no release that came then has put its own there. So nothing that retired tells of it.
        pages: Key -> retired page that is not in ``retired``, as the run has read only a part of what is retired.
    """

    lines: Mapping[str, Line] = field(default_factory=dict)
    retired: Mapping[str, Retired] = field(default_factory=dict)
    owed: frozenset[str] = frozenset()
    turned: Mapping[str, datetime] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    left_behind: frozenset[str] = frozenset()
    pages: Mapping[str, Retired] = field(default_factory=dict)

    @property
    def current(self) -> dict[str, Published]:
        """Channel -> its newest release."""
        return {channel: line[0] for channel, line in self.lines.items()}

    @property
    def releases(self) -> list[Published]:
        """Every current release."""
        return [published for line in self.lines.values() for published in line]

    def not_in_place(self) -> dict[str, datetime]:
        """Id of each newest release whose pages are not all in place, as far as its upload said -> its instant."""
        return {each.id: each.at for each in self.current.values() if each.placed_at is None}

    def live_keys(self) -> set[str]:
        """Every key of a current release."""
        return set().union(*(published.release.all_keys for published in self.releases))

    def expected_keys(self) -> set[str]:
        """Every key under which there must be an object: a page need not be in place before its release is."""
        releases = self.releases
        return set().union(
            *(each.release.objects.keys() for each in releases),
            *(each.release.keys for each in releases if each.placed_at is not None),
        )

    def live_paths(self) -> set[str]:
        """Every logical path of a current release."""
        return {logical for published in self.releases for logical in paths_of(published.release)}


def newest(releases: Iterable[Published]) -> dict[str, Published]:
    """Channel -> its newest release: the current one, or the end of the channel."""
    return {each.release.channel: each for each in sorted(releases, key=lambda each: each.order)}


def fold(
    history: History,
    releases: Iterable[Published],
    placed: Iterable[Published] = (),
    sure_since: datetime | None = None,
) -> History:
    """The history after some more events, each newer than all in it.

    A retired asset's instant is when it entered its present state: it left the current releases, or its logical path
    did (`State.REMOVED`), or its logical path came back with another key (`State.SUPERSEDED` again).

    The end of a channel is a release without assets. After it, every asset that last left with a release of this
    channel is removed, whatever logical paths other channels have.

    Args:
        history: What is known before them.
        releases: The releases with new markers.
        placed: The releases of the history that are newly in place.
        sure_since: Until then the order of the releases was unknown; see `not_before`.
    """
    new = list(releases)
    history = replace(history, channels={**history.channels, **{each.id: each.release.channel for each in new}})
    events = [(each.at, 0, each.id, each) for each in new]
    events += [
        (at, 1, each.id, each)
        for each in (*new, *placed)
        if each.release.places_pages and (at := each.placed_at) is not None
    ]
    steps, unsure = _Steps(history), sure_since
    for at, is_placed, _, each in sorted(events, key=lambda event: event[:3]):
        if unsure is not None and at >= unsure:
            steps, unsure = _Steps(not_before(steps.history(), unsure)), None
        line = steps.lines.get(each.release.channel, ())
        new_line = (each, *line) if each.release.places_pages else (each,)
        line = _from(each, line) if is_placed else new_line
        steps.take(each.release.channel, line, at)
    return steps.history()


def fold_late(history: History, releases: Iterable[Published], at: datetime) -> History:
    """The history after some releases that are older than what is in it, as if they had come and gone at ``at``.

    A release that is the newest of its channel becomes current. What the others name is retired late, and never early.
    """
    some = sorted(releases, key=lambda each: each.order)
    history = replace(history, channels={**history.channels, **{each.id: each.release.channel for each in some}})
    steps = _Steps(history)
    for published in some:
        channel = published.release.channel
        line = steps.lines.get(channel, ())
        if published.release.ended and line and line[0].order > published.order:
            continue  # the channel had come back
        after = sorted((published, *line), key=lambda each: each.order, reverse=True)
        placed = next((i for i, each in enumerate(after) if each.placed_at is not None), len(after))
        steps.take(channel, (published, *line), at)
        steps.take(channel, tuple(after[: placed + 1]), at)
    return steps.history()


def _from(placed: Published, line: Line) -> Line:
    """The line without what is older than a release that is in place."""
    ids = [each.id for each in line]
    return (*line[: ids.index(placed.id)], placed) if placed.id in ids else line


class _Steps:
    """A history, and the events that follow it one by one: each costs what its releases name, however much there is.

    Attributes:
        lines: As in `History`.
    """

    def __init__(self, history: History) -> None:
        self.lines = dict(history.lines)
        self._before = history
        self._live: Live | None = None
        self._part = Part({})
        self._owed, self._turned = set(history.owed), dict(history.turned)
        self._changes, self._left_behind = list(history.changes), set(history.left_behind)

    def history(self) -> History:
        """The history after these events."""
        if self._live is None:
            return self._before
        return replace(
            self._before,
            lines=self.lines,
            retired=self._part.entries,
            owed=frozenset(self._owed),
            turned=self._turned,
            changes=tuple(self._changes),
            left_behind=frozenset(self._left_behind),
        )

    def take(self, channel: str, line: Line, at: datetime) -> None:
        """Let other releases be the current ones of a channel from an instant on."""
        if self._live is None:
            self._live = Live({name: [each.release for each in some] for name, some in self.lines.items()})
            self._part = Part(dict(self._before.retired))
        live, stay = self._live, {each.id for each in line}
        leaving = [each for each in self.lines.get(channel, ()) if each.id not in stay]
        self.lines[channel] = line
        turned, ended = live.turn(channel, [each.release for each in line]), line[0].release.ended
        left: dict[str, Retired] = {}
        for each in reversed(leaving if turned.dead else ()):
            for logical, key, size in _assets(each.release):
                if key in turned.dead:
                    mark = Mark(state_of(current=logical in live.paths, ended=ended), at)
                    left[key] = Retired(logical, mark, size, each.id, ended=ended)
        channels = self._before.channels.items() if ended else ()
        over = frozenset(i for i, each in channels if each == channel)
        change = Change(at, live=turned.keys, ended=over, turned=turned.paths, left=left)
        there = put_in_place(line[-1].release) if leaving else set()
        self._left_behind |= {each.id for each in leaving if not (_pages(each.release) & live.keys.keys()) <= there}
        entries = self._part.entries
        self._left_behind |= self._named_again(change.live, line[-1])
        self._owed |= {key for key in entries.keys() & change.live if entries[key].may_have_tag}
        self._part.take_in(change)
        self._turned |= dict.fromkeys(change.turned, at)
        self._changes.append(change)

    def _named_again(self, live: Collection[str], last: Published) -> set[str]:
        """Ids of the releases with which pages left that are current again, and are not put in place: theirs may be."""
        there = set[str]() if last.placed_at is None else put_in_place(last.release)
        retired = (self._part.entries, self._before.pages)
        pages = ((key, some[key]) for some in retired for key in some.keys() & live if key not in there)
        return {entry.release for key, entry in pages if entry.release and entry.logical == key}


def _pages(release: Release) -> set[str]:
    return {asset.key for asset in release.assets.values() if not asset.fingerprinted}


def put_in_place(release: Release) -> set[str]:
    """The keys of the pages that a release that is in place has put there; a roll-back to an old one puts none."""
    return set() if ROLLBACK_OF in release.metadata and not release.places_pages else _pages(release)


def _assets(release: Release) -> Iterator[tuple[str, str, int]]:
    """Logical path, key and bytes of each of a release's assets and stored pages."""
    layout = Layout(release.prefix)
    for logical, asset in release.assets.items():
        yield logical, asset.key, asset.size
        if asset.stored is not None:
            yield layout.page_path(asset.key), layout.page_key(asset.stored), asset.size


def not_before(history: History, sure_since: datetime) -> History:
    """The history with no retired asset dated before an instant, as until then the order of the releases was unknown.

    Nor is it known what an end of a channel before it has ended: the releases may have come after it.
    """
    paths = history.live_paths()
    return replace(history, retired={k: date_again(entry, paths, sure_since) for k, entry in history.retired.items()})
