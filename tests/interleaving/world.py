"""A bucket in memory that several actors share, and that stops each of them at every request.

The actors run the product's own code, each in a greenlet. A request hands control to whoever schedules (`Actor.step`);
when it is resumed, its effect happens at once and as a whole, as on S3: strongly consistent, with conditional writes.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from cleaner_lambda.port import Listed
from release_log.layout import Layout
from tests.interleaving.actor import EPOCH, Actor, BrokenPromiseError, Crash, Op, Verdict, pause
from tests.interleaving.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PREFIX = "assets/"
LAYOUT = Layout(PREFIX)

INNER = Layout(f"{PREFIX}in/")
"""A site inside the other one's prefix."""

LATE_SECONDS = 60
"""The longest time that an abandoned request may still be under way."""

INVOCATION_SECONDS = 900
"""The longest life of a cleaner."""


LAST = "\U0010ffff"
"""After any character of a key."""

REPEAT = object()
"""In place of an answer: the port asks again."""


class Errors(NamedTuple):
    """How a port's requests fail: without an answer, with a 5xx, with a refusal."""

    unanswered: Exception
    server: Exception
    refused: Exception


@dataclass(frozen=True, slots=True)
class Stored:
    """One object, which the copies of a world share."""

    body: bytes
    at: datetime
    size: int
    tags: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    etag: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "etag", _etag(self.body))


@lru_cache(maxsize=1000)
def _etag(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


@dataclass(frozen=True, eq=False)
class Late:
    """A request under way: the latest instant of its execution, its actor, what it touches, and its effect."""

    until: datetime
    actor: Actor
    op: Op
    effect: Callable[[], Any]


class World:
    """The bucket, its clock, its sites, and the promise.

    Attributes:
        sites: The sites in the bucket; each lies around those that come after it.
        time: The time.
        page: The number of keys in a page of a listing.
        asked_for: Key of each page in place -> the assets that a visitor's browser asks for.
        copied: Keys of the files that somebody has copied onto themselves, so that ``LastModified`` is another.
        late: Requests under way.
        denies: Whether S3 refuses what a cleaner asks of an object, for now; but to list it.
        denied: Whether it ever was so, for any.
        trace: A record of the requests, for people.
        runs_alone: The number of runs that nobody schedules; their ids are the same in every schedule of a case.
    """

    def __init__(self, page: int = 1000, layouts: Sequence[Layout] = (LAYOUT,)) -> None:
        self.sites = tuple(Site(self, layout) for layout in layouts)
        self.time = EPOCH
        self.page = page
        self.objects: dict[str, Stored] = {}
        self._keys: list[str] = []
        self._listed: dict[str, tuple[Stored, Listed]] = {}
        self.asked_for: dict[str, frozenset[str]] = {}
        self._changed = True
        self.copied: set[str] = set()
        self.late: list[Late] = []
        self.denies: Callable[[str], bool] | None = None
        self.denied = False
        self.actors: list[Actor] = []
        self.actor: Actor | None = None
        self.trace: list[str] = []
        self.runs_alone = 0

    @property
    def site(self) -> Site:
        """The site around all others."""
        return self.sites[0]

    def site_of(self, layout: Layout) -> Site:
        """The site with this layout."""
        return next(site for site in self.sites if site.layout == layout)

    def copy(self) -> World:
        """A world of its own with the same bucket and clock, before any actor has come."""
        assert not self.actors
        assert not self.late
        other = World(self.page)
        other.sites = tuple(site.copy(other) for site in self.sites)
        other.time = self.time
        other.objects = dict(self.objects)
        other._keys, other.asked_for = list(self._keys), dict(self.asked_for)
        other.copied, other.trace, other.runs_alone = set(self.copied), list(self.trace), self.runs_alone
        return other

    # The clock

    @property
    def now(self) -> datetime:
        """S3's clock, in whole seconds, as its answers have it."""
        return self.time.replace(microsecond=0) if self.time.microsecond else self.time

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
        if verdict in (Verdict.LATE, Verdict.AGAIN, Verdict.UNKNOWN):
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
        self._store(key, stored)
        for site in self.sites:
            site.note_written(key, stored)
        return stored

    def rewrite(self, key: str, stored: Stored) -> None:
        """Write again what somebody has read under this key: nothing but its ``LastModified`` is new.

        If the file was deleted meanwhile, it comes back.
        """
        self._store(key, replace(stored, at=self.now))
        self.copied.add(key)
        for site in self.sites:
            site.note_rewritten(key, stored)

    def delete(self, key: str) -> None:
        """Delete an object, if it exists."""
        if key in self.objects:
            for site in self.sites:
                site.on_delete(self.actor, key)
            del self.objects[key], self._keys[bisect_left(self._keys, key)]
            self.asked_for.pop(key, None)
            self._changed = True
            for site in self.sites:
                site.note_deleted(key)

    def vanish(self, key: str) -> None:
        """Delete a marker, as no run of the cleaner does it."""
        if key in self.objects:
            self.delete(key)
            for site in self.sites:
                site.note_vanished(key)

    def names(self, prefix: str, after: str = "", limit: int | None = None) -> list[str]:
        """One page of a listing."""
        start = bisect_right(self._keys, after) if after >= prefix else bisect_left(self._keys, prefix)
        end = bisect_left(self._keys, f"{prefix}{LAST}", start)
        return self._keys[start : min(end, start + (self.page if limit is None else limit))]

    def listed(self, key: str) -> Listed:
        """An object in a listing, made once for each object."""
        stored, (of, listed) = self.objects[key], self._listed.get(key, (None, None))
        if listed is None or of is not stored:
            listed = Listed(key, stored.size, stored.at, stored.etag)
            self._listed[key] = stored, listed
        return listed

    def _store(self, key: str, stored: Stored) -> None:
        if key not in self.objects:
            insort(self._keys, key)
        self.objects[key] = stored
        self.asked_for.pop(key, None)
        if stored.body[:5] == b"page:" and LAYOUT.owns(key):
            self.asked_for[key] = frozenset(filter(None, stored.body[5:].decode().split(",")))
        self._changed = True

    def state(self) -> tuple[object, ...]:
        """The state that decides all later events, once every actor has ended and no request is under way."""
        assert not self.late
        objects = frozenset(
            (key, each.body, each.at, each.size, frozenset(each.tags.items()), frozenset(each.metadata.items()))
            for key, each in self.objects.items()
        )
        return self.time, objects, *(site.state() for site in self.sites)

    def refuses(self, key: str) -> bool:
        """Whether S3 refuses what a cleaner asks of an object."""
        refused = self.denies is not None and self.denies(key)
        self.denied |= refused
        return refused

    # The promise

    def check(self) -> None:
        """The promise, which must hold after each step."""
        there = self.objects.keys()
        changed, self._changed = self._changed, False
        for site in self.sites if changed else ():
            site.check()
        for page, assets in list(self.asked_for.items()) if changed else ():
            missing = assets - there
            for site in self.sites if missing else ():
                if site.gave_up(page):
                    missing = frozenset()
                elif page in site.by_hand:  # a site inside cannot see it, whether or not that site is still there later
                    self.asked_for[page] -= {key for key in missing if not site.owns(key)}
                    missing &= self.asked_for[page]
            if missing:
                msg = f"{page} is in place, and asks for {sorted(missing)}, which is gone"
                raise BrokenPromiseError(msg)
        for actor in self.actors:
            if not actor.relies_on <= there and self.now <= actor.until:
                msg = f"{actor.name} relies on {sorted(actor.relies_on - there)}, and it is gone"
                raise BrokenPromiseError(msg)
