"""A bucket in memory that several actors share, and that stops each of them at every request.

The actors run the product's own code, each in a greenlet. A request hands control to whoever schedules (`Actor.step`);
when it is resumed, its effect happens at once and as a whole, as on S3: strongly consistent, with conditional writes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from release_log.layout import Layout
from release_log.marker import decode
from tests.interleaving.actor import EPOCH, Actor, BrokenPromiseError, Crash, Op, Verdict, pause

if TYPE_CHECKING:
    from collections.abc import Callable

    from release_log.marker import Release

PREFIX = "assets/"
LAYOUT = Layout(PREFIX)

LATE_SECONDS = 60
"""The longest time that an abandoned request may still be under way."""

INVOCATION_SECONDS = 900
"""The longest life of a cleaner."""


REPEAT = object()
"""In place of an answer: the port asks again."""


class Errors(NamedTuple):
    """How a port's requests fail: without an answer, with a 5xx, with a refusal."""

    unanswered: Exception
    server: Exception
    refused: Exception


@dataclass(slots=True)
class Stored:
    """One object."""

    body: bytes
    at: datetime
    size: int
    tags: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        return hashlib.md5(self.body, usedforsecurity=False).hexdigest()


@dataclass(frozen=True, eq=False)
class Late:
    """A request under way: the latest instant of its execution, its actor, what it touches, and its effect."""

    until: datetime
    actor: Actor
    op: Op
    effect: Callable[[], Any]


class World:
    """The bucket, its clock, and the promise.

    Attributes:
        time: The time.
        page: The number of keys in a page of a listing.
        pinned: Id -> keys of every release that somebody has been told is pinned.
        unpinned: Ids of the releases that somebody has asked to unpin: they are nobody's to rely on any more.
        releases: Id -> when its marker was written, and what it says, for each marker in the bucket.
        published: The same for each marker that ever was there.
        pruned: Ids of the markers that a cleaner deleted: what they said of assets still counts.
        vanished: Ids of the markers that somebody deleted, who should not have: their releases are as current as ever.
        doubtful: Whether that ever happened: then nobody knows every instant.
        copied: Keys of the files that somebody has copied onto themselves, so that ``LastModified`` is another.
        put_back: Ids of the markers that a copy brought back after they were deleted.
        late: Requests under way.
        trace: A record of the requests, for people.
        runs_alone: The number of runs that nobody schedules; their ids are the same in every schedule of a case.
    """

    def __init__(self, page: int = 1000) -> None:
        self.time = EPOCH
        self.page = page
        self.objects: dict[str, Stored] = {}
        self.releases: dict[str, tuple[datetime, Release]] = {}
        self.published: dict[str, tuple[datetime, Release]] = {}
        self.pruned: set[str] = set()
        self.vanished: set[str] = set()
        self.doubtful = False
        self.copied: set[str] = set()
        self.put_back: set[str] = set()
        self.staged: dict[str, Release] = {}
        self.pinned: dict[str, frozenset[str]] = {}
        self.unpinned: set[str] = set()
        self.late: list[Late] = []
        self.actors: list[Actor] = []
        self.actor: Actor | None = None
        self.trace: list[str] = []
        self.runs_alone = 0
        self.on_delete: Callable[[Actor | None, str], None] = lambda _actor, _key: None
        self._current: frozenset[str] = frozenset()
        self._dirty = False

    def copy(self) -> World:
        """A world of its own with the same bucket and clock, before any actor has come."""
        assert not self.actors
        assert not self.late
        other = type(self)(self.page)
        other.time = self.time
        other.objects = {
            key: replace(each, tags=dict(each.tags), metadata=dict(each.metadata)) for key, each in self.objects.items()
        }
        other.releases, other.staged, other.pinned = dict(self.releases), dict(self.staged), dict(self.pinned)
        other.published, other.copied, other.pruned = dict(self.published), set(self.copied), set(self.pruned)
        other.vanished, other.put_back = set(self.vanished), set(self.put_back)
        other.doubtful = self.doubtful
        other.unpinned, other.trace = set(self.unpinned), list(self.trace)
        other.runs_alone = self.runs_alone
        other._current, other._dirty = self._current, self._dirty  # noqa: SLF001 (another of this class)
        return other

    # The clock

    @property
    def now(self) -> datetime:
        """S3's clock, in whole seconds, as its answers have it."""
        return self.time.replace(microsecond=0)

    def advance(self, seconds: float) -> None:
        """Let time pass: requests under way arrive, and actors that have lived too long die."""
        self.time += timedelta(seconds=seconds)
        for late in [each for each in self.late if each.until <= self.now]:
            self.arrive(late)
        for actor in self.actors:
            if actor.state == "running" and actor.requests and (self.now - actor.started).total_seconds() > actor.lives:
                self.trace.append(f"{actor.name}: its time is over")
                actor.crash()

    # Requests

    def arrive(self, late: Late) -> None:
        """Execute a late request for the actor that made it, not for the running one."""
        self.late.remove(late)
        runs, self.actor = self.actor, late.actor
        late.effect()
        self.actor = runs

    def request(self, op: Op, effect: Callable[[], Any], errors: Errors) -> Any:  # noqa: ANN401 (the effect's)
        """Make a request for the running actor.

        Returns:
            The effect's result; `REPEAT` if the port is to ask again.
        """
        actor = self.actor
        if actor is None:
            return effect()
        if actor.state == "crashed":
            raise Crash
        actor.pending = op
        pause()
        if actor.state == "crashed":
            raise Crash
        actor.pending = None
        return self._answer(actor, actor.verdict, op, effect, errors)

    def _answer(self, actor: Actor, verdict: Verdict, op: Op, effect: Callable[[], Any], errors: Errors) -> Any:  # noqa: ANN401
        self.trace.append(f"{actor.name}: {op}{'' if verdict is Verdict.DONE else f' ({verdict.value})'}")
        if verdict is Verdict.FAILED:
            raise errors.refused
        if verdict in {Verdict.LATE, Verdict.AGAIN, Verdict.UNKNOWN}:
            self.send_late(actor, op, effect)
        if verdict is Verdict.LATE or (verdict is Verdict.AGAIN and op.once):
            raise errors.unanswered
        if verdict is Verdict.UNKNOWN:
            raise errors.server
        if verdict is Verdict.REPEAT:
            return REPEAT
        actor.answered_at = self.now
        if verdict is Verdict.PART and op.part is not None:
            return op.part()
        if verdict is Verdict.LOST:
            effect()
        return effect()

    def send_late(self, actor: Actor, op: Op, effect: Callable[[], Any]) -> None:
        """Let a request arrive later, within `LATE_SECONDS`."""
        self.late.append(Late(self.now + timedelta(seconds=LATE_SECONDS), actor, op, effect))

    def sleep(self, seconds: float, kind: str = "sleep") -> None:
        """Let the running actor wait: a ``sleep`` until the others have nothing to do, ``time`` for any step."""
        actor = self.actor
        if actor is None:
            self.advance(seconds)
            return
        if actor.state == "crashed":
            raise Crash
        until = self.time + timedelta(seconds=seconds)
        actor.pending = Op(kind)
        pause()
        if actor.state == "crashed":
            raise Crash
        actor.pending = None
        if self.time < until:
            self.advance((until - self.time).total_seconds())
        self.actor = actor
        if actor.state == "crashed":
            raise Crash

    # Effects

    def put(self, key: str, body: bytes, *, size: int | None = None, metadata: dict[str, str] | None = None) -> Stored:
        """Store an object; it replaces the old one and its tags."""
        stored = Stored(body, self.now, len(body) if size is None else size, {}, metadata or {})
        self.objects[key] = stored
        if key.startswith(LAYOUT.markers):
            release_id = LAYOUT.release_id(key)
            self.releases[release_id] = self.published[release_id] = (self.now, decode(body, PREFIX))
            self._dirty = True
        elif key.startswith(LAYOUT.staged):
            self.staged[key] = decode(body, PREFIX)
        return stored

    def rewrite(self, key: str, stored: Stored) -> None:
        """Write again what somebody has read under this key: nothing but its ``LastModified`` is new.

        If the file was deleted meanwhile, it comes back.
        """
        self.objects[key] = replace(stored, at=self.now)
        self.copied.add(key)
        if key.startswith(LAYOUT.markers):
            release_id = LAYOUT.release_id(key)
            if release_id not in self.releases:
                self.put_back.add(release_id)
            self.releases[release_id] = self.published[release_id]
            self.vanished.discard(release_id)
            self._dirty = True
        elif key.startswith(LAYOUT.staged):
            self.staged[key] = decode(stored.body, PREFIX)

    def delete(self, key: str) -> None:
        """Delete an object, if it exists."""
        if key in self.objects:
            self.on_delete(self.actor, key)
            del self.objects[key]
            self.releases.pop(key[len(LAYOUT.markers) : -len(".json")], None) if key.startswith(
                LAYOUT.markers
            ) else None
            self.staged.pop(key, None)

    def vanish(self, key: str) -> None:
        """Delete a marker, as no run of the cleaner does it."""
        if key in self.objects:
            self.delete(key)
            self.vanished.add(LAYOUT.release_id(key))
            self.doubtful = True

    def names(self, prefix: str, after: str = "", limit: int | None = None) -> list[str]:
        """One page of a listing."""
        found = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        return found[: self.page if limit is None else limit]

    def state(self) -> tuple[object, ...]:
        """The state that decides all later events, once every actor has ended and no request is under way."""
        assert not self.late
        objects = frozenset(
            (key, each.body, each.at, each.size, frozenset(each.tags.items()), frozenset(each.metadata.items()))
            for key, each in self.objects.items()
        )
        written = frozenset((release_id, at) for release_id, (at, _) in self.published.items())
        pins = frozenset(self.pinned.items()), frozenset(self.unpinned)
        return self.time, objects, *pins, written, frozenset(self.vanished)

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

    def current_keys(self) -> frozenset[str]:
        """Every key of a current release."""
        if self._dirty:
            releases = [self.published[release_id][1] for release_id in self.current().values()]
            self._current = frozenset().union(*(release.keys for release in releases))
            self._dirty = False
        return self._current

    def check(self) -> None:
        """The promise, which must hold after each step."""
        there = self.objects.keys()
        if not self.current_keys() <= there:
            msg = f"a current release misses {sorted(self.current_keys() - there)}"
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
        for actor in self.actors:
            if not actor.relies_on <= there and self.now <= actor.until:
                msg = f"{actor.name} relies on {sorted(actor.relies_on - there)}, and it is gone"
                raise BrokenPromiseError(msg)
