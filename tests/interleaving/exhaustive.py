"""All schedules of small cases, and all mishaps of their requests."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.interleaving.actor import Op, Verdict
from tests.interleaving.explore import judged
from tests.interleaving.verdict import settle
from tests.interleaving.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from release_log.policy_settings import Policy
    from tests.interleaving.actor import Actor
    from tests.interleaving.world import World

Stack = list[tuple[list[str], dict[str, Op], int | None]]
"""A schedule to try: its prefix, the sleeping actors after it, and the preemptions left."""


ARRIVES = "a late request arrives"
"""Stands among the names of the actors for the oldest of the requests that are under way."""


@dataclass(frozen=True, slots=True)
class Mishap:
    """What goes wrong with one request.

    Attributes:
        who: The name of the actor that makes it.
        number: Its number, from 1, among those of that actor's requests that it can befall.
        verdict: Its fate, which only a write can have; None: the actor dies after it, which is its first request, a
            write or a wait: who dies after any other read leaves the same world as who dies before it.
        kind: The kind of the request; empty: any.
    """

    who: str
    number: int
    verdict: Verdict | None = None
    kind: str = ""


@dataclass(frozen=True)
class Case:
    """A world and its actors; each schedule has its own.

    Attributes:
        name: The case's name.
        policy: The settings.
        begin: Makes the world with its history.
        who: Each makes an actor in a world.
        strict: Nothing fails here, so no asset goes while a current one bears our tag.
    """

    name: str
    policy: Policy
    begin: Callable[[], World]
    who: tuple[Callable[[World], Actor], ...]
    strict: bool = False

    def enter(self, world: World) -> World:
        """Put the actors into a world, and return it."""
        world.actors = [make(world) for make in self.who]
        return world


def every_schedule(
    case: Case,
    *,
    mishap: Mishap | None = None,
    preemptions: int | None = None,
    settled: set[object] | None = None,
) -> int:
    """Play every schedule of a case that differs in more than the order of independent requests.

    Which those are is told by sleep sets (Godefroid, "Partial-Order Methods for the Verification of Concurrent
    Systems", 1996): a request that was tried first at some point need not be tried again after requests that it does
    not depend on. A request that S3 executes late arrives at every point.

    Args:
        case: The case.
        mishap: What goes wrong.
        preemptions: How often an actor that could go on is interrupted, at most; None for no limit. With a limit every
            order counts, sleep sets would hide some. A late request's arrival interrupts nobody.
        settled: The ends from which `settle` has been seen to go well; many schedules end alike.

    Returns:
        The number of schedules; with a mishap, of those in which it happens.

    Raises:
        FoundError: The promise is broken.
    """
    count = 0
    settled = set() if settled is None else settled
    stack: Stack = [([], {}, preemptions)]
    begun = case.begin()
    while stack:
        prefix, asleep, left = stack.pop()
        world = case.enter(begun.copy())
        for site in world.sites:
            Watch(site, case.policy, strict=case.strict and mishap is None)
        play = _Play(world, mishap)
        with judged(world, f"{case.name}, {mishap or 'no mishap'}"):
            if play.follow(prefix, asleep, left, stack):
                count += mishap is None or play.met
                end = world.state()
                if end not in settled:
                    settle(world, case.policy)
                    settled.add(end)
    return count


def every_crash(case: Case, who: str, preemptions: int | None = None) -> int:
    """Play every schedule of a case once for each request of an actor that changes something: the actor dies after it.

    Returns:
        The number of requests after which it can die; see `Mishap`.

    Raises:
        FoundError: The promise is broken.
    """
    return every_mishap(case, who, None, preemptions=preemptions)


def every_mishap(case: Case, who: str, verdict: Verdict | None, kind: str = "", preemptions: int | None = None) -> int:
    """Play every schedule of a case once for each request of an actor, which goes wrong in one way.

    Returns:
        The number of requests that can go wrong.

    Raises:
        FoundError: The promise is broken.
    """
    settled: set[object] = set()
    for number in itertools.count(1):
        mishap = Mishap(who, number, verdict, kind)
        if not every_schedule(case, mishap=mishap, preemptions=preemptions, settled=settled):
            return number - 1
    raise AssertionError


class _Play:
    """One play of a case.

    Attributes:
        met: Whether the mishap has happened.
    """

    def __init__(self, world: World, mishap: Mishap | None) -> None:
        self.met = False
        self._world = world
        self._mishap = mishap
        self._number = 0
        self._actors = {actor.name: actor for actor in world.actors}

    def follow(self, prefix: Sequence[str], asleep: dict[str, Op], left: int | None, stack: Stack) -> bool:
        """Replay a prefix, then go on with the first actor that is awake; the other ways on go on the stack.

        Returns:
            Whether it came to the end; if not, other schedules have tried every way on.
        """
        path: list[str] = []
        for actor in self._world.actors:
            actor.start()
        for name in prefix:
            self._advance(name)
            path.append(name)
        while ready := self._ready():
            if left is not None:
                before = next((name for name in reversed(path) if name != ARRIVES), None)
                last = before if before in ready else None
                names = [last, *(name for name in ready if name != last)] if last else list(ready)
                for name in names[1:]:
                    cost = int(last is not None and name != ARRIVES)
                    if cost <= left:
                        stack.append(([*path, name], {}, left - cost))
                self._advance(names[0])
                path.append(names[0])
                continue
            awake = [name for name in ready if name not in asleep]
            if not awake:
                return False
            first, *others = awake
            tried = dict(asleep)
            tried[first] = ready[first]
            for name in others:
                still = {each: op for each, op in tried.items() if not op.depends_on(ready[name])}
                stack.append(([*path, name], still, None))
                tried[name] = ready[name]
            asleep = {name: op for name, op in asleep.items() if not op.depends_on(ready[first])}
            self._advance(first)
            path.append(first)
        return True

    def _ready(self) -> dict[str, Op]:
        """Who can go on, and with which request. An actor that sleeps can, once all the others have ended or sleep."""
        ready = {
            name: actor.pending
            for name, actor in self._actors.items()
            if actor.state == "running" and actor.pending and actor.may_go()
        }
        busy = {name: op for name, op in ready.items() if op.kind != "sleep"}
        ready = busy or ready
        if self._world.late:
            ready[ARRIVES] = self._world.late[0].op
        return ready

    def _advance(self, name: str) -> None:
        if name == ARRIVES:
            self._world.arrive(self._world.late[0])
            self._world.check()
            return
        actor = self._actors[name]
        mishap = self._mishap
        meets = mishap is not None and mishap.who == name and self._is_of(mishap, actor)
        actor.step(mishap.verdict or Verdict.DONE if mishap is not None and meets else Verdict.DONE)
        if meets:
            self.met = True
            if mishap is not None and mishap.verdict is None:
                actor.crash()

    def _is_of(self, mishap: Mishap, actor: Actor) -> bool:
        """Count a request, and say whether the mishap befalls it."""
        op = actor.pending
        if op is None or (mishap.kind and op.kind != mishap.kind):
            return False
        may_die = mishap.verdict is None and (op.kind in {"sleep", "time"} or not actor.requests)
        if not (op.writes or may_die):
            return False
        self._number += 1
        return self._number == mishap.number
