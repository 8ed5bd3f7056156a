"""Fold releases into the state of every asset. Pure: the same markers give the same state, in one step or several."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cleaner_lambda.ledger import Retired
from release_log.tags import Mark, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from release_log.marker import Release


@dataclass(frozen=True, slots=True)
class Published:
    """A release, or the end of a channel, and its marker.

    ``at`` is the marker's instant: S3's ``LastModified`` when it was first seen.
    """

    id: str
    at: datetime
    release: Release

    @property
    def order(self) -> tuple[datetime, str]:
        """Markers are ordered by S3's clock, then by key."""
        return (self.at, self.id)


@dataclass(frozen=True, slots=True)
class History:
    """What is current and what is retired after some releases.

    Attributes:
        current: Channel -> its current release, or its end.
        retired: Key -> retired asset; never a key of a current release.
        owed: Keys whose tags have to be checked: their asset is live again and had a tag, or its tags are unknown.
        turned: Logical path -> when it last entered or left the current releases, as far as these releases say.
        channels: Id -> channel of each release that is known, for the end of a channel.
    """

    current: Mapping[str, Published] = field(default_factory=dict)
    retired: Mapping[str, Retired] = field(default_factory=dict)
    owed: frozenset[str] = frozenset()
    turned: Mapping[str, datetime] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)

    def live_keys(self) -> set[str]:
        """Every key of a current release."""
        return set().union(*(published.release.keys for published in self.current.values()))

    def live_paths(self) -> set[str]:
        """Every logical path of a current release."""
        return {logical for published in self.current.values() for logical in published.release.assets}


def newest(releases: Iterable[Published]) -> dict[str, Published]:
    """Channel -> its newest release: the current one, or the end of the channel."""
    return {each.release.channel: each for each in sorted(releases, key=lambda each: each.order)}


def fold(history: History, releases: Iterable[Published], sure_since: datetime | None = None) -> History:
    """The history after some more releases, each newer than all releases in it.

    A retired asset's instant is when it entered its present state: it left the current releases, or its logical path
    did (`State.REMOVED`), or its logical path came back with another key (`State.SUPERSEDED` again).

    The end of a channel is a release without assets. After it, every asset that last left with a release of this
    channel is removed, whatever logical paths other channels have.

    Args:
        history: What is known before them.
        releases: The releases.
        sure_since: Until then their order was unknown; see `not_before`.
    """
    some = sorted(releases, key=lambda each: each.order)
    channels = {**history.channels, **{each.id: each.release.channel for each in some}}
    history = replace(history, channels=channels)
    unsure = sure_since
    for published in some:
        if unsure is not None and published.at >= unsure:
            history, unsure = not_before(history, unsure), None
        history = _publish(history, published)
    return history


def fold_late(history: History, releases: Iterable[Published], at: datetime) -> History:
    """The history after some releases that are older than what is in it, as if they had come and gone at ``at``.

    A release that is the newest of its channel becomes current. What the others name is retired late, and never early.
    """
    some = sorted(releases, key=lambda each: each.order)
    history = replace(history, channels={**history.channels, **{each.id: each.release.channel for each in some}})
    for published in some:
        current = history.current.get(published.release.channel)
        if published.release.ended and current is not None and current.order > published.order:
            continue  # the channel had come back
        history = _publish(history, published, at)
        if current is not None and current.order > published.order:
            history = _publish(history, current, at)
    return history


def _publish(history: History, published: Published, at: datetime | None = None) -> History:
    at = at or published.at
    channel = published.release.channel
    previous = history.current.get(channel)
    after = replace(history, current={**history.current, channel: published})
    keys, paths = after.live_keys(), after.live_paths()
    turned = dict.fromkeys(paths ^ history.live_paths(), at)

    revived = history.retired.keys() & keys
    left = {key: entry for key, entry in history.retired.items() if key not in revived}
    if published.release.ended:
        left = {
            key: replace(entry, ended=True) if history.channels.get(entry.release) == channel else entry
            for key, entry in left.items()
        }
    retired = {key: restate(entry, paths, at) for key, entry in left.items()}
    if previous is not None:
        for logical, asset in previous.release.assets.items():
            if asset.key not in keys:
                ended = published.release.ended
                mark = Mark(_state(logical, paths, ended=ended), at)
                retired[asset.key] = Retired(logical, mark, asset.size, previous.id, ended=ended)
    tagged_again = {key for key in revived if history.retired[key].tagged is not None}
    return replace(
        after,
        retired=retired,
        owed=history.owed | tagged_again,
        turned={**history.turned, **turned},
    )


def restate(entry: Retired, paths: set[str], at: datetime) -> Retired:
    """A retired asset after the current logical paths became ``paths`` at some instant.

    That instant may lie before an orphan's, which has a state only from the listing on that found it.
    """
    state = _state(entry.logical, paths, ended=entry.ended)
    return entry if state == entry.mark.state else replace(entry, mark=Mark(state, max(at, entry.mark.since)))


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
    return replace(entry, mark=Mark(_state(entry.logical, paths, ended=False), since))


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
    return replace(entry, mark=Mark(State.REMOVED, removed), ended=True)


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
    mark = Mark(_state(entry.logical, paths, ended=False), sure_since)
    return replace(entry, mark=mark, ended=False, maybe_ended=entry.ended or entry.maybe_ended)


def _state(logical: str, paths: set[str], *, ended: bool) -> State:
    return State.SUPERSEDED if logical in paths and not ended else State.REMOVED
