"""Fold releases into the state of every asset. Pure: the same markers give the same state, in one step or several."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cleaner_lambda.changes import Change, merge, state_of
from cleaner_lambda.ledger import Retired
from release_log.layout import Layout
from release_log.marker import ROLLBACK_OF
from release_log.tags import Mark, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
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
            still: no release that came then has put its own there. So nothing that retired tells of it.
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
        return {logical for published in self.releases for logical in _paths(published.release)}


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
    unsure = sure_since
    for at, is_placed, _, each in sorted(events, key=lambda event: event[:3]):
        if unsure is not None and at >= unsure:
            history, unsure = not_before(history, unsure), None
        line = history.lines.get(each.release.channel, ())
        new_line = (each, *line) if each.release.places_pages else (each,)
        line = _from(each, line) if is_placed else new_line
        history = _with_line(history, each.release.channel, line, at)
    return history


def fold_late(history: History, releases: Iterable[Published], at: datetime) -> History:
    """The history after some releases that are older than what is in it, as if they had come and gone at ``at``.

    A release that is the newest of its channel becomes current. What the others name is retired late, and never early.
    """
    some = sorted(releases, key=lambda each: each.order)
    history = replace(history, channels={**history.channels, **{each.id: each.release.channel for each in some}})
    for published in some:
        channel = published.release.channel
        line = history.lines.get(channel, ())
        if published.release.ended and line and line[0].order > published.order:
            continue  # the channel had come back
        after = sorted((published, *line), key=lambda each: each.order, reverse=True)
        placed = next((i for i, each in enumerate(after) if each.placed_at is not None), len(after))
        history = _with_line(history, channel, (published, *line), at)
        history = _with_line(history, channel, tuple(after[: placed + 1]), at)
    return history


def _from(placed: Published, line: Line) -> Line:
    """The line without what is older than a release that is in place."""
    ids = [each.id for each in line]
    return (*line[: ids.index(placed.id)], placed) if placed.id in ids else line


def _with_line(history: History, channel: str, line: Line, at: datetime) -> History:
    leaving = [each for each in history.lines.get(channel, ()) if each.id not in {stays.id for stays in line}]
    after = replace(history, lines={**history.lines, channel: line})
    ended = line[0].release.ended
    keys, paths = after.live_keys(), after.live_paths()
    left: dict[str, Retired] = {}
    for each in reversed(leaving):
        for logical, key, size in _assets(each.release):
            if key not in keys:
                mark = Mark(state_of(current=logical in paths, ended=ended), at)
                left[key] = Retired(logical, mark, size, each.id, ended=ended)
    change = Change(
        at,
        live=frozenset(keys - history.live_keys()),
        ended=frozenset(i for i, each in history.channels.items() if each == channel) if ended else frozenset(),
        turned={path: path in paths for path in paths ^ history.live_paths()},
        left=left,
    )
    lying = {each.id for each in leaving if not (_pages(each.release) & keys) <= put_in_place(line[-1].release)}
    tagged_again = {key for key in history.retired.keys() & change.live if history.retired[key].may_have_tag}
    return replace(
        after,
        retired=merge(history.retired, [change]),
        owed=history.owed | tagged_again,
        turned={**history.turned, **dict.fromkeys(change.turned, at)},
        changes=(*history.changes, change),
        left_behind=history.left_behind | lying,
    )


def _pages(release: Release) -> set[str]:
    return {asset.key for asset in release.assets.values() if not asset.fingerprinted}


def put_in_place(release: Release) -> set[str]:
    """The keys of the pages that a release that is in place has put there; a roll-back to an old one puts none."""
    return set() if ROLLBACK_OF in release.metadata and not release.places_pages else _pages(release)


def _paths(release: Release) -> Iterator[str]:
    """The logical paths of a release: a page has another one for its stored versions."""
    layout = Layout(release.prefix)
    yield from release.assets
    for key in release.pages:
        yield layout.page_path(key)


def _assets(release: Release) -> Iterator[tuple[str, str, int]]:
    """Logical path, key and bytes of each of a release's assets and stored pages."""
    layout = Layout(release.prefix)
    for logical, asset in release.assets.items():
        yield logical, asset.key, asset.size
        if asset.stored is not None:
            yield layout.page_path(asset.key), layout.page_key(asset.stored), asset.size


def redate(entry: Retired, paths: set[str], turned: Mapping[str, datetime]) -> Retired:
    """A retired asset that no release dates, after a replay.

    Its state counts from when it was found, or from when its path entered or left the current releases.

    Args:
        entry: The asset as a listing found it, or as the ledger or its tag has it.
        paths: The logical paths of the current releases.
        turned: As in `History`, from the first release on.
    """
    if entry.ended:
        return entry
    since = max(entry.mark.since, turned.get(entry.logical, entry.mark.since))
    return entry.dated(Mark(state_of(current=entry.logical in paths, ended=False), since))


def end(entry: Retired, at: datetime, paths: set[str], turned: Mapping[str, datetime]) -> Retired:
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


def not_before(history: History, sure_since: datetime) -> History:
    """The history with no retired asset dated before an instant, as until then the order of the releases was unknown.

    Nor is it known what an end of a channel before it has ended: the releases may have come after it.
    """
    paths = history.live_paths()
    return replace(history, retired={k: date_again(entry, paths, sure_since) for k, entry in history.retired.items()})


def date_again(entry: Retired, paths: set[str], sure_since: datetime) -> Retired:
    """A retired asset of `not_before`, whose current logical paths are ``paths``."""
    if entry.mark.since >= sure_since:
        return entry
    mark = Mark(state_of(current=entry.logical in paths, ended=False), sure_since)
    return replace(entry.dated(mark), ended=False, maybe_ended=entry.ended or entry.maybe_ended)
