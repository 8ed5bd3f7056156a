"""A round of chaos: the actions, a look after each, and the quiet time in which all that is due has to go."""

from __future__ import annotations

import random
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from tests.chaos.deeds import Deeds
from tests.chaos.due import Rules
from tests.chaos.log import PREFIX
from tests.chaos.model import Model
from tests.chaos.plan import CHANNELS, NAMES, Action, Kind, actions, write_build
from tests.chaos.promise import BrokenError
from tests.chaos.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

RATE = 0.03
LOOK_SECONDS = 0.5
QUIET = (7 * 3600, 26 * 3600, 26 * 3600, 902)
"""Intents and announcements are over; orphans are a day old, and found; and they are due.

Then so is what a page asked for that was replaced: a run sees that only when something is due.
"""

RUNS = 10
"""So many runs in a row have to be enough."""

PATIENCE_SECONDS = 60


def rules_of(seed: int) -> Rules:
    """The policy of a round."""
    chance = random.Random(f"rules {seed}")  # noqa: S311 (no secret)
    return Rules(chance.choice((0, 0, 1)), chance.randint(5, 9), chance.randint(6, 12), chance.randint(0, 2))


def play(seed: int, seconds: float, say: Callable[[str], None] = lambda _line: None) -> World:
    """Play a round; returns what was done.

    Raises:
        BrokenError: The promise is broken, or a setting, or something that no fault excuses has happened.
    """
    began = monotonic()
    with World(rules_of(seed), seed, RATE) as world:
        model = Model(world, world.rules, world.clock.now)
        say(f"seed {seed}: {world.rules}; deployed after {monotonic() - began:.0f} s")
        began = monotonic()
        try:
            deeds = Deeds(world, model)
            for action in actions(seed, seconds):
                if monotonic() - began > seconds:  # a slow machine does less of the plan
                    break
                _wait(world, model, action.wait)
                say(f"{monotonic() - began:6.1f} {_line(action)}")
                deeds.do(action)
                model.look()
                _check(world)
            _end(world, model, deeds)
        except BrokenError as error:
            msg = f"seed {seed}, after {monotonic() - began:.0f} s: {error}"
            raise BrokenError(msg) from error
        finally:
            world.counts["requests"] = world.requests()
            world.counts["keys checked"] = model.checked
            world.counts["assets that went"] = model.went
            world.counts["releases"] = len(model.log.markers())
            say(", ".join(f"{name}: {number}" for name, number in sorted(world.counts.items())))
    return world


def _wait(world: World, model: Model, seconds: float) -> None:
    """Wait, and look meanwhile."""
    until = monotonic() + seconds
    while (left := until - monotonic()) > 0:
        sleep(min(left, LOOK_SECONDS))
        world.reap()
        model.look()


def _check(world: World) -> None:
    if world.problems:
        raise BrokenError("\n".join(world.problems))


def _end(world: World, model: Model, deeds: Deeds) -> None:
    """No more faults: publish once more, and let the cleaner work until all that is due is gone."""
    world.heal()
    deeds.do(Action(Kind.NIGHT, seconds=QUIET[0]))
    for number, channel in enumerate(CHANNELS):
        folder = world.folder()
        write_build(folder, dict.fromkeys(NAMES[number:], number))
        started = world.start("upload", folder, f"--channel={channel}")
        if started.process.wait(120):
            msg = f"an upload without faults failed: {started.errors.read_text()}"
            raise BrokenError(msg)
        model.look()
    for seconds in QUIET:
        _clean(world, model)
        deeds.do(Action(Kind.NIGHT, seconds=seconds))
    _clean(world, model)
    overdue = model.overdue()
    if overdue:
        msg = f"due, and still there: {sorted(overdue)}"
        raise BrokenError(msg)
    _check(world)


def _clean(world: World, model: Model) -> None:
    """Run the cleaner until it has nothing to do now."""
    for _ in range(RUNS):
        answer = _ask(world)
        model.look()
        if answer["failed"] or answer["missing"] or answer["set_aside"]:
            msg = f"a run without faults says: {answer}"
            raise BrokenError(msg)
        if not (answer["delete"] or answer["tag"] or answer["untag"] or answer["pruned"] or answer["stopped_by"]):
            return
        sleep(0.5)  # for an event's run
    msg = f"after {RUNS} runs the cleaner is not done: {answer}"
    raise BrokenError(msg)


def _ask(world: World) -> dict[str, Any]:
    """Invoke the cleaner, again and again while events occupy it."""
    deadline = monotonic() + PATIENCE_SECONDS
    while (answer := world.ask({"site": PREFIX, "full": True})) is None:
        if monotonic() > deadline:
            msg = f"the cleaner does not answer: {dict(world.counts)}"
            raise BrokenError(msg)
        sleep(0.5)
    return answer


def _line(action: Action) -> str:
    more = f" {action.channel}" if action.versions else f" {action.seconds} s" if action.seconds else ""
    return f"{action.kind}{more}{'' if action.kill is None else f', killed after {action.kill:.1f} s'}"
