"""A second model of current, superseded, removed and due assets: slow, short, and easy to check by eye.

Nothing here is carried from one step to the next. `steps` lists what was current after each release of the whole
history, as full sets; every question about a key is answered by walking that list from its start. There is no ledger,
no delta and no order of the runs: only the releases that are in the bucket now, whenever they came to be known.

It shares no code with `cleaner_lambda`, and must not.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from release_log.fingerprints import split
from release_log.tags import State

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from release_log.policy_settings import Policy


@dataclass(frozen=True, slots=True)
class Release:
    """A release marker in the bucket.

    Attributes:
        id: The release's id.
        at: S3's ``LastModified``.
        channel: The release's channel.
        assets: Logical path -> key, also of the stored pages.
        ended: Whether it has no assets, but says that its channel has ended.
        stored: Whether its pages are put in place after its marker.
        placed: When they were; None: not yet.
    """

    id: str
    at: datetime
    channel: str
    assets: Mapping[str, str]
    ended: bool = False
    stored: bool = False
    placed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """The complete state of a site at one instant.

    Attributes:
        releases: Every release, in any order.
        present: The keys of all objects.
        protected: Key of an intent or a staged release -> the end of its protection.
        pinned: The keys of the pinned releases.
        orphans: Key of an orphan -> when a full listing found it.
        sure_since: Before this instant it was unknown what was current, so nothing counts as retired before it, nor any
            channel as ended.
    """

    releases: Sequence[Release]
    present: Collection[str]
    protected: Mapping[str, datetime] = field(default_factory=dict)
    pinned: Collection[str] = ()
    orphans: Mapping[str, datetime] = field(default_factory=dict)
    sure_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """The current releases from one instant on, the oldest first."""

    at: datetime
    current: Sequence[Release]

    def has_ended(self, channel: str, sure_since: datetime | None) -> bool:
        """Whether a channel has ended, as far as the order of the releases was known."""
        ends = [each.at for each in self.current if each.channel == channel and each.ended]
        return any(sure_since is None or at >= sure_since for at in ends)

    @property
    def keys(self) -> set[str]:
        """Every key of a current release."""
        return {key for release in self.current for key in release.assets.values()}

    @property
    def paths(self) -> set[str]:
        """Every logical path of a current release."""
        return {logical for release in self.current for logical in release.assets}


@dataclass(frozen=True, slots=True)
class Retired:
    """An asset that is not current.

    Attributes:
        state: Whether its logical path is current with another key.
        since: When it entered this state.
        logical: Its logical path.
        release: The release that it left with; empty for an orphan.
    """

    state: State
    since: datetime
    logical: str
    release: str


def steps(releases: Sequence[Release]) -> list[Step]:
    """The current releases after each marker, and after the pages of each release were in place.

    Current are a channel's releases from the newest one on that is in place.
    """
    ordered = sorted(releases, key=lambda release: (release.at, release.id))
    events = [(release.at, 0, release.id) for release in ordered]
    events += [
        (release.placed, 1, release.id)
        for release in ordered
        if release.stored and release.placed is not None and release.placed >= release.at
    ]
    found = []
    for event in sorted(events):
        there = [each for each in ordered if (each.at, 0, each.id) <= event]
        placed = [
            each
            for each in there
            if not each.stored
            or (each.placed is not None and each.at <= each.placed and (each.placed, 1, each.id) <= event)
        ]
        current = [
            each
            for each in there
            if not any(other.channel == each.channel and (other.at, other.id) > (each.at, each.id) for other in placed)
        ]
        found.append(Step(event[0], current))
    return found


def retired(site: Site) -> dict[str, Retired]:
    """Every existing asset that is not current, and that a release names or a listing found."""
    history = steps(site.releases)
    named = {key for release in site.releases for key in release.assets.values()}
    current = history[-1].keys if history else set()
    assets = {key: _left(key, history, site.sure_since) for key in named - current if key in site.present}
    orphans = {key: orphan(key, at, history) for key, at in site.orphans.items() if key not in named}
    found = assets | {key: asset for key, asset in orphans.items() if key in site.present}
    if site.sure_since is None:
        return found
    return {key: replace(asset, since=max(asset.since, site.sure_since)) for key, asset in found.items()}


def last_step(key: str, history: Sequence[Step]) -> int:
    """The number of the last step in which a key was current."""
    return max(number for number, step in enumerate(history) if key in step.keys)


def _left(key: str, history: list[Step], sure_since: datetime | None) -> Retired:
    last = last_step(key, history)
    before, after = history[last], history[last + 1]
    release = [each for each in before.current if each not in after.current and key in each.assets.values()][-1]
    return _left_with(release, key, history[last + 1 :], sure_since)


def _left_with(release: Release, key: str, later: Sequence[Step], sure_since: datetime | None) -> Retired:
    *_, logical = (logical for logical, its_key in release.assets.items() if its_key == key)
    over = [number for number, step in enumerate(later) if step.has_ended(release.channel, sure_since)]
    # After the end of its channel an asset is removed, whatever logical paths other channels have.
    walk = [(step.at, set() if over and number >= over[0] else step.paths) for number, step in enumerate(later)]
    state, since = _state(logical, walk)
    return Retired(state, since, logical, release.id)


def may_have_left(site: Site, key: str) -> list[Retired]:
    """What a retired asset is, if it left with one or another of the releases that left in the same second."""
    history = steps(site.releases)
    last = last_step(key, history)
    past, at = history[: last + 1], history[last + 1].at
    second = [step for step in past if step.at == at]
    there = itertools.chain.from_iterable(step.current for step in past[-len(second) - 1 :])
    releases = [each for each in there if key in each.assets.values()]
    found = [_left_with(each, key, history[last + 1 :], site.sure_since) for each in releases]
    return [replace(each, since=max(each.since, site.sure_since or each.since)) for each in found]


def orphan(key: str, found: datetime, history: list[Step]) -> Retired:
    """The state of an orphan that a listing found at an instant."""
    logical = split(key).logical
    paths_when_found = [set(), *(step.paths for step in history if step.at <= found)][-1]
    later = [(step.at, step.paths) for step in history if step.at > found]
    state, since = _state(logical, [(found, paths_when_found), *later])
    return Retired(state, since, logical, "")


def _state(logical: str, walk: list[tuple[datetime, set[str]]]) -> tuple[State, datetime]:
    """The state at the end of a walk through instants and their current logical paths, and when it was entered."""
    states = [(State.SUPERSEDED if logical in paths else State.REMOVED, at) for at, paths in walk]
    state, since = states[-1]
    for earlier, at in reversed(states):
        if earlier is not state:
            break
        since = at
    return state, since


def protected(site: Site, now: datetime) -> set[str]:
    """The keys of intents and staged releases that have not expired."""
    return {key for key, until in site.protected.items() if now < until}


def kept(site: Site, policy: Policy) -> set[str]:
    """The keys of the last ``keep_releases`` releases before each channel's current one."""
    keys: set[str] = set()
    for channel in {release.channel for release in site.releases}:
        line = sorted((each for each in site.releases if each.channel == channel), key=lambda each: (each.at, each.id))
        current = steps(site.releases)[-1].current
        earlier = [] if line[-1].ended else [each for each in line if each not in current][::-1][: policy.keep_releases]
        since_the_end = itertools.takewhile(lambda each: not each.ended, earlier)
        keys |= {key for each in since_the_end for key in each.assets.values()}
    return keys


def due(site: Site, policy: Policy, now: datetime) -> set[str]:
    """The keys that the policy deletes at an instant."""
    assets, safe = retired(site), protected(site, now)
    rankable = {key: asset for key, asset in assets.items() if asset.state is State.SUPERSEDED and key not in safe}

    def rank(key: str) -> int:
        siblings = {other: asset for other, asset in rankable.items() if asset.logical == rankable[key].logical}

        def order(each: str) -> tuple[bool, datetime, str, str]:
            asset = siblings[each]
            return (asset.release != "", asset.since, asset.release, each)

        return sorted(siblings, key=order, reverse=True).index(key)

    def over(key: str, asset: Retired) -> bool:
        age = now - asset.since
        if age < timedelta(seconds=policy.grace):
            return False
        if asset.state is State.REMOVED:
            return age >= timedelta(seconds=policy.removed_ttl)
        return rank(key) >= policy.version_limit and age >= timedelta(seconds=policy.version_ttl)

    stay = safe | kept(site, policy) | set(site.pinned)
    return {key for key, asset in assets.items() if key not in stay and over(key, asset)}


def strays(site: Site, uploaded: Mapping[str, datetime], now: datetime) -> set[str]:
    """The orphans that a full listing retires: fingerprinted, a day old, and nobody's.

    Args:
        site: The site.
        uploaded: Key of every asset that is there -> its ``LastModified``.
        now: When the listing is made.
    """
    named = {key for release in site.releases for key in release.assets.values()}
    old = {key for key, at in uploaded.items() if now - at >= timedelta(hours=24)}
    nobodys = old - named - protected(site, now) - set(site.pinned)
    return {key for key in nobodys if site.releases and split(key).fingerprint is not None}
