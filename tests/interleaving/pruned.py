"""A release log whose old markers are deleted: what a rebuild, or a replay, makes of the rest."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from cleaner_lambda.plan import Reason
from release_log.policy_settings import Policy
from tests.few_markers import few_markers
from tests.interleaving import cast
from tests.interleaving.actor import Actor, BrokenPromiseError
from tests.interleaving.cases import KEEPING, OLD_MARKER, A, B, C, go_on, release
from tests.interleaving.explore import PAGE, judged
from tests.interleaving.verdict import settle
from tests.interleaving.watch import Watch
from tests.interleaving.world import LAYOUT, World

if TYPE_CHECKING:
    from collections.abc import Iterable

POLICY = Policy(version_limit=9, version_ttl=0, removed_ttl=1000, grace=0)
"""What is removed is due after a while."""


def _releases() -> World:
    """The page goes with the second release, comes back with the third, and goes again with the fourth."""
    world = World()
    for number, keys in enumerate(([A, PAGE], [B], [A, PAGE], [C], [B])):
        release(world, keys, f"r{number}")
        cast.clean_alone(world, POLICY)
        world.advance(300)
    world.delete(PAGE)  # while it is in place, its release's marker stays
    return world


def _markers(world: World) -> list[str]:
    return [key for key in sorted(world.objects) if key.startswith(LAYOUT.markers) and LAYOUT.placed_id(key) is None]


def _cleaner(world: World) -> Actor:
    Watch(world.site, POLICY)
    cleaner = cast.cleaner(world, "C", cast.cleaning(POLICY))
    world.actors = [cleaner]
    cleaner.start()
    return cleaner


def _judge(world: World, which: str) -> None:
    """Nothing goes early, everything goes, and tags equal states, as if no marker had been deleted."""
    with judged(world, which):
        cleaner = _cleaner(world)
        while cleaner.state == "running":
            cleaner.step()
        settle(world, POLICY)


def _crash_after(world: World, requests: int) -> bool:
    """Let a cleaner die after so many requests; returns whether it had ended before."""
    cleaner = _cleaner(world)
    for _ in range(requests):
        if cleaner.state == "running":
            cleaner.step()
    ended = cleaner.state != "running"
    cleaner.crash()
    return ended


def lost_ledger() -> None:
    """The markers of an old page are deleted, and then the ledger is lost."""
    world = _releases()
    with few_markers():
        cast.clean_alone(world, POLICY)
        assert len(_markers(world)) == 1
        world.delete(LAYOUT.ledger)
        _judge(world, "a lost ledger, and old markers that were deleted")


def crash_while_pruning() -> None:
    """A run dies after any of its requests, and then the ledger is lost."""
    requests, ended = 0, False
    while not ended:
        world = _releases()
        with few_markers():
            ended = _crash_after(world, requests)
            world.delete(LAYOUT.ledger)
            _judge(world, f"a run that dies after {requests} requests, and a lost ledger")
        requests += 1


def crash_while_rebuilding() -> None:
    """A rebuild dies after any of its requests; what retired after the cut is in older markers alone."""
    requests, ended = 0, False
    while not ended:
        world = _releases()
        with few_markers(keep=3):
            release(world, [A], "r5")
            cast.clean_alone(world, POLICY)  # the cut is at the release before
            release(world, [C, PAGE], "r6")  # C has a tag
            world.delete(LAYOUT.ledger)
            ended = _crash_after(world, requests)
            _judge(world, f"a rebuild that dies after {requests} requests")
        requests += 1


def copied_after_a_crash() -> None:
    """A run dies after it deleted markers; some older ones are left, and somebody copies them: a replay reads them."""
    world = _releases()
    kept = _markers(world)[:2]
    pins = [key.replace(LAYOUT.markers, LAYOUT.pins) for key in kept]
    for key, pin in zip(kept, pins, strict=True):
        world.put(pin, world.objects[key].body)
    with few_markers():
        cleaner = _cleaner(world)
        while len(_markers(world)) > len(kept) + 1:
            cleaner.step()
        cleaner.crash()
        for key, pin in zip(kept, pins, strict=True):
            world.delete(pin)
            world.rewrite(key, world.objects[key])
        world.advance(60)
        _judge(world, "markers that are copied after others were deleted")


def late_marker() -> None:
    """A marker turns up that is older than the cut; once more after the ledger was lost."""
    world = _releases()
    with few_markers(keep=2):
        cast.clean_alone(world, POLICY)
        now, world.time = world.time, world.time - timedelta(seconds=400)  # between the last two releases
        release(world, [A, PAGE], "late")
        world.time = now
        for lost in (False, True):
            if lost:
                world.delete(LAYOUT.ledger)
            with judged(world, "a marker that turns up late"):
                for _ in range(3):
                    report = cast.clean_alone(world, POLICY)
                    if report.current != world.site.current():
                        msg = f"{world.site.current()} is current, and the cleaner says {report.current}"
                        raise BrokenPromiseError(msg)
                    world.advance(POLICY.removed_ttl - 1)
                    world.check()


def end_behind_a_release_that_stays() -> None:
    """A pinned release, the end of its channel, and a new one; old markers are deleted, and then the pin."""
    policy, world = Policy(version_limit=0, version_ttl=0, removed_ttl=0, grace=0, keep_releases=1), World()
    release(world, [A], "r0")
    pin = LAYOUT.pin_key("20261123T120000Z-r0")
    world.put(pin, world.objects[LAYOUT.marker_key("20261123T120000Z-r0")].body)
    world.put(LAYOUT.marker_key("20261123T120001Z-end"), cast.end_body("default", world))
    release(world, [B], "r2")
    with few_markers(), judged(world, "an end whose marker is old"):
        for _ in range(3):
            cast.clean_alone(world, policy)
            world.advance(10)
        world.delete(pin)
        settle(world, policy)


def marker_of_a_kept_release() -> None:
    """A release that ``keep_releases`` keeps; old markers are deleted."""
    world = World()
    release(world, [A], "r0")
    release(world, [B], "r1")
    with few_markers(), judged(world, "a kept release whose marker is old"):
        for _ in range(3):
            cast.clean_alone(world, KEEPING)
            world.advance(10)
        if A not in world.objects:
            msg = f"{A} is gone, of the release before"
            raise BrokenPromiseError(msg)


def page_put_back_of_a_pruned_release() -> None:
    """Somebody puts a page back by hand whose release has lost its marker, as it was old; what it had falls due."""
    policy, world = Policy(version_limit=0, version_ttl=43_200, removed_ttl=43_200, grace=0), World()
    with few_markers(), judged(world, "a page whose release has no marker any more"):
        for number, keys in enumerate(([A, PAGE], [B, PAGE], [C], [C])):
            release(world, keys, f"r{number}")
            world.advance(10)
            cast.clean_alone(world, policy)
        assert OLD_MARKER not in world.objects
        world.put(PAGE, f"page:{A}".encode())
        for _ in range(2):
            world.advance(policy.version_ttl)
            cast.clean_alone(world, policy)
            world.check()


def page_of_a_pruned_release(waits: Iterable[float] = (10, 10, 43_200)) -> None:
    """An upload dies that has put its page in place; the next release has no page; old markers are deleted.

    Args:
        waits: The seconds before each run.
    """
    policy, world = Policy(version_limit=0, version_ttl=43_200, removed_ttl=90_000, grace=0), World()
    release(world, [A, PAGE], "r0")
    dead = Actor("U", world, cast.upload([B, PAGE], "default", "r1"))
    with few_markers(), judged(world, "a page of a release whose marker is old"):
        go_on(dead, f"put {PAGE}")
        dead.step()
        dead.crash()
        release(world, [C], "r2")
        for seconds in waits:
            world.advance(seconds)
            report = cast.clean_alone(world, policy)
            world.check()
            for stop in report.plan.stops:
                if stop.reason is Reason.UNKNOWN_PAGE:
                    raise BrokenPromiseError(stop.message)
