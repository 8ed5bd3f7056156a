"""One site in the bucket: what its release log says and has said, and the promise for it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from release_log import marker
from release_log.marker import Release
from tests.interleaving.actor import BrokenPromiseError
from tests.interleaving.needs import read_ledger

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from release_log.layout import Layout
    from tests.interleaving.actor import Actor
    from tests.interleaving.world import Stored, World


class Site:
    """A site.

    Attributes:
        world: The bucket that it is in.
        layout: Its keys.
        pinned: Id -> keys of every release that somebody has been told is pinned.
        unpinned: Ids of the releases that somebody has asked to unpin: they are nobody's to rely on any more.
        releases: Id -> when its marker was written, and what it says, for each marker in the bucket.
        published: The same for each marker that ever was there.
        placed: Id -> when its file was written that says that its pages are in place.
        pruned: Ids of the markers that a cleaner deleted: what they said of assets still counts.
        vanished: Ids of the markers that somebody deleted, who should not have: their releases are as current as ever.
        put_back: Ids of the markers that a copy brought back after they were deleted.
        doubtful: Whether that ever happened: then nobody knows every instant.
        staged: Key of each staged release -> what it says.
        by_hand: Key of each page that somebody has put in place by hand -> its content.
        by_hand_at: The instants at which somebody did.
        strange: Those that no release has, as long as a release says what belongs there.
        given_up: Those of which nobody knows what they ask for: strange ones after that, and others where the newest
            release has no stored page, so that no cleaner looks.
        lives: After how long a site without a new release ends by itself; None: never.
        by_itself: Ids of the ends that the ledger alone tells of.
        on_delete: Called before an object in the bucket is deleted.
    """

    def __init__(self, world: World, layout: Layout) -> None:
        self.world = world
        self.layout = layout
        self.releases: dict[str, tuple[datetime, Release]] = {}
        self.published: dict[str, tuple[datetime, Release]] = {}
        self.placed: dict[str, datetime] = {}
        self.pruned: set[str] = set()
        self.vanished: set[str] = set()
        self.put_back: set[str] = set()
        self.doubtful = False
        self.staged: dict[str, Release] = {}
        self.pinned: dict[str, frozenset[str]] = {}
        self.unpinned: set[str] = set()
        self.by_hand: dict[str, bytes] = {}
        self.by_hand_at: set[datetime] = set()
        self.strange: dict[str, bytes] = {}
        self.given_up: dict[str, bytes] = {}
        self.lives: timedelta | None = None
        self.by_itself: set[str] = set()
        self.on_delete: Callable[[Actor | None, str], None] = lambda _actor, _key: None
        self._current: frozenset[str] = frozenset()
        self._dirty = False

    def copy(self, world: World) -> Site:
        """The same site in another world."""
        other = Site(world, self.layout)
        other.releases, other.staged, other.pinned = dict(self.releases), dict(self.staged), dict(self.pinned)
        other.published, other.pruned, other.vanished = dict(self.published), set(self.pruned), set(self.vanished)
        other.unpinned, other.put_back, other.doubtful = set(self.unpinned), set(self.put_back), self.doubtful
        other.placed = dict(self.placed)
        other.by_hand, other.strange, other.given_up = dict(self.by_hand), dict(self.strange), dict(self.given_up)
        other.by_hand_at = set(self.by_hand_at)
        other.lives, other.by_itself = self.lives, set(self.by_itself)
        other._current, other._dirty = self._current, self._dirty
        return other

    def state(self) -> tuple[object, ...]:
        """What decides later events, beside the bucket."""
        written = frozenset((release_id, at) for release_id, (at, _) in self.published.items())
        return frozenset(self.pinned.items()), frozenset(self.unpinned), written, frozenset(self.vanished)

    def owns(self, key: str) -> bool:
        """Whether an asset is this site's: a key belongs to the innermost site with a release log."""
        return self.layout.owns(key) and not any(
            key.startswith(other.layout.prefix) and other.has_log()
            for other in self.world.sites
            if other is not self and other.layout.prefix.startswith(self.layout.prefix)
        )

    def has_log(self) -> bool:
        """Whether any file of its release log is in the bucket."""
        return any(key.startswith(self.layout.log) for key in self.world.objects)

    # What happens in the bucket

    def note_written(self, key: str, stored: Stored) -> None:
        """Take note of an object that somebody has stored."""
        placed = self.layout.placed_id(key)
        if placed in self.placed:
            # A cleaner deleted it as its marker was gone, and somebody who had read that marker writes it again.
            self.world.copied.add(key)
        elif placed is not None:
            self.placed[placed] = stored.at
            self._dirty = True
        elif key.startswith(self.layout.markers):
            release = marker.decode(stored.body, self.layout.prefix)
            release_id = self.layout.release_id(key)
            if release_id in self.published:  # It was deleted; to the cleaner, the file is as old as then.
                self.world.copied.add(key)
                if self.published[release_id][1].channel == release.channel:  # A late request of its upload.
                    self.note_rewritten(key, stored)
                    return
                self._set_apart(release_id)  # The end of another channel, in the same second.
            self._sort_end_before(stored.at, release.channel)
            self.releases[release_id] = self.published[release_id] = (stored.at, release)
            self._dirty = True
        elif key.startswith(self.layout.staged):
            self.staged[key] = marker.decode(stored.body, self.layout.prefix)
        elif key == self.layout.ledger and self.lives is not None:
            self._note_ends()

    def _sort_end_before(self, at: datetime, channel: str) -> None:
        """Give an end that is gone an id before that of a release of the same second, which nobody could compare."""
        for release_id in sorted(self.pruned):
            when, end = self.published[release_id]
            if end.ended and end.channel == channel and when == at:
                self._set_apart(release_id)

    def _set_apart(self, release_id: str) -> None:
        """Give a release that is gone an id of its own."""
        first = f"0-{release_id}"
        self.published[first] = self.published.pop(release_id)
        self.pruned = self.pruned - {release_id} | {first}
        if release_id in self.placed:
            self.placed[first] = self.placed.pop(release_id)

    def _note_ends(self) -> None:
        """Take note of the ends that the ledger alone tells of: a cleaner ended a site that had no release for long."""
        found = read_ledger(self)
        if found is None:
            return
        for channel, end in found.ends.items():
            release_id = found.current[channel]
            if release_id not in self.published:
                by = Release("", channel, end.at, self.layout.prefix, {}, {}, ended=True)
                self.published[release_id] = (end.at, by)
                self.by_itself.add(release_id)
                self.vanished.add(release_id)  # as after an end whose marker is gone
                self._dirty = True

    def _check_ends(self) -> None:
        """No release is ended before its time: a release comes after the end that it was published beside."""
        if self.lives is None:
            return
        for at, end in map(self.published.__getitem__, self.by_itself):
            for release_id, (published, release) in self.published.items():
                if release.channel == end.channel and timedelta(0) < at - published < self.lives:
                    msg = f"{release_id} was ended {at - published} after it was published"
                    raise BrokenPromiseError(msg)

    def note_rewritten(self, key: str, stored: Stored) -> None:
        """Take note of an object that somebody has copied onto itself, or put back."""
        if self.layout.placed_id(key) is not None:
            return
        if key.startswith(self.layout.markers):
            release_id = self.layout.release_id(key)
            if release_id not in self.releases:
                self.put_back.add(release_id)
            self.releases[release_id] = self.published[release_id]
            self.vanished.discard(release_id)
            self._dirty = True
        elif key.startswith(self.layout.staged):
            self.staged[key] = marker.decode(stored.body, self.layout.prefix)

    def note_deleted(self, key: str) -> None:
        """Take note of an object that is gone."""
        if key.startswith(self.layout.markers) and self.layout.placed_id(key) is None:
            self.releases.pop(self.layout.release_id(key), None)
        self.staged.pop(key, None)

    def note_vanished(self, key: str) -> None:
        """Take note of a marker that somebody deleted, as no run of the cleaner does it."""
        if key.startswith(self.layout.markers):
            self.vanished.add(self.layout.release_id(key))
            self.doubtful = True

    def note_by_hand(self, key: str, *, is_unknown: bool) -> None:
        """Take note of a page that somebody has put in place by hand."""
        self.by_hand[key] = self.world.objects[key].body
        self.by_hand_at.add(self.world.objects[key].at)
        if is_unknown:
            self.strange[key] = self.by_hand[key]

    def gave_up(self, key: str) -> bool:
        """Whether nobody knows what a page in place is.

        Its marker was deleted by hand, two sites have the page, or it is a strange one where no release has a page.
        """
        if self.given_up.get(key) == self.world.objects[key].body:
            return True
        names = [i for i, (_, release) in self.published.items() if key in release.keys]
        return any(i in self.vanished or not self.owns(key) for i in names)

    # The promise

    def newest(self) -> dict[str, str]:
        """Channel -> id of its newest marker, whether it is still there or not."""
        newest: dict[str, tuple[datetime, str]] = {}
        for release_id, (at, release) in self.published.items():
            newest[release.channel] = max(newest.get(release.channel, (at, release_id)), (at, release_id))
        return {channel: release_id for channel, (_, release_id) in newest.items()}

    def current(self) -> dict[str, str]:
        """Channel -> id of its current release; without the channels that have ended."""
        return {channel: i for channel, i in self.newest().items() if not self.published[i][1].ended}

    def lines(self) -> dict[str, list[str]]:
        """Channel -> ids of its current releases, the newest first: from the newest one on that is in place."""
        lines: dict[str, list[str]] = {}
        for channel, newest in self.current().items():
            line = [(at, i, each) for i, (at, each) in self.published.items() if each.channel == channel]
            left = {newest, *self.releases, *self.vanished}
            there = [(at, i) for at, i, each in line if i in left or each.ended]
            for at, release_id in sorted(there, reverse=True):
                release = self.published[release_id][1]
                if release.ended:
                    break
                lines.setdefault(channel, []).append(release_id)
                if not release.places_pages or (release_id in self.placed and self.placed[release_id] >= at):
                    break
        return lines

    def current_pages(self) -> set[str]:
        """The keys of the pages of the newest releases."""
        assets = (asset for i in self.current().values() for asset in self.published[i][1].assets.values())
        return {asset.key for asset in assets if not asset.fingerprinted}

    def _placed_pages(self) -> set[str]:
        """The keys of pages for which the newest release that names them says what belongs in place."""
        newest = {
            key: asset.stored is not None
            for _, i in sorted((self.published[i][0], i) for i in self.current().values())
            for asset in self.published[i][1].assets.values()
            for key in [asset.key]
        }
        return {key for key, stored in newest.items() if stored}

    def _line_pages(self) -> dict[str, bool]:
        """Key of each page of a current release -> whether the newest one that names it has its page stored."""
        ids = sorted((self.published[i][0], i) for line in self.lines().values() for i in line)
        assets = ((self.published[i][1], asset) for _, i in ids for asset in self.published[i][1].assets.values())
        return {asset.key: release.places_pages for release, asset in assets if not asset.fingerprinted}

    def current_keys(self) -> frozenset[str]:
        """Every object of a current release."""
        if self._dirty:
            releases = [self.published[release_id][1] for line in self.lines().values() for release_id in line]
            self._current = frozenset().union(*(release.objects for release in releases))
            self._dirty = False
        return self._current

    def check(self) -> None:
        """The promise, which must hold after each step."""
        self._check_ends()
        there = self.world.objects.keys()
        if self.by_hand:
            placed, current = self._placed_pages(), self._line_pages()
            for key in self.strange.keys() - placed:
                self.given_up[key] = self.strange.pop(key)
            self.given_up |= {key: body for key, body in self.by_hand.items() if current.get(key) is False}
        if not self.current_keys() <= there:
            msg = f"a current release of {self.layout.prefix} misses {sorted(self.current_keys() - there)}"
            raise BrokenPromiseError(msg)
        for release_id in self.pinned.keys() - self.unpinned:
            if not self.pinned[release_id] <= there:
                msg = f"{release_id} is pinned, and misses {sorted(self.pinned[release_id] - there)}"
                raise BrokenPromiseError(msg)
        left = {release.channel for i, (_, release) in self.releases.items() if i not in self.put_back}
        for channel, release_id in self.newest().items():
            if channel in left and release_id not in self.releases and release_id not in self.vanished:
                msg = f"{release_id} is gone, the newest marker of channel {channel}, of which older ones are left"
                raise BrokenPromiseError(msg)
