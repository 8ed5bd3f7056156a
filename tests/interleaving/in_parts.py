"""More releases than a run reads at once: what the parts must know of one another, and what waits for the last one."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda import decision
from cleaner_lambda.job import Job
from cleaner_lambda.look import Look, take_look, take_second_look
from cleaner_lambda.pace import Pace
from cleaner_lambda.run import clean
from release_log.policy_settings import Policy
from tests.few_markers import few_markers
from tests.interleaving import cast, nested
from tests.interleaving.actor import Verdict
from tests.interleaving.cases import AT_ONCE, BACK, A, B, C, go_on, release, superseded
from tests.interleaving.explore import PAGE, judged
from tests.interleaving.ports import CleanerPort
from tests.interleaving.verdict import settle
from tests.interleaving.watch import Watch
from tests.interleaving.world import INNER, LAYOUT, World
from tests.small_parts import small_parts

if TYPE_CHECKING:
    from cleaner_lambda.port import S3Port
    from release_log.layout import Layout

DAY = 86_400


def _runs(world: World, policy: Policy, count: int, seconds: float) -> None:
    """Some runs that take in one release at a time, some time apart."""
    for _ in range(count):
        cast.clean_alone(world, policy)
        world.check()
        world.advance(seconds)
        world.check()


def _publish(world: World, **builds: list[str]) -> None:
    """Releases of an older uploader, by name, one after the other."""
    for name, keys in builds.items():
        cast.publish_alone(world, keys, name, stored=False)
        world.advance(100)


def copied() -> None:
    """The ledger is lost, and the marker of the first of three releases was copied: it counts as the newest."""
    world = World()
    Watch(world.site, AT_ONCE)
    _publish(world, r0=[A], r1=[B], r2=[C])
    first = next(key for key in sorted(world.objects) if key.startswith(LAYOUT.markers))
    world.rewrite(first, world.objects[first])
    world.advance(100)
    with small_parts(1), judged(world, "a marker that was copied, among more than a run reads"):
        _runs(world, AT_ONCE, 3, DAY)
        settle(world, AT_ONCE)


def copied_and_ahead() -> None:
    """The same, and a build machine's clock was ahead: its release, which was copied too, seems to be the newest."""
    world = World()
    Watch(world.site, AT_ONCE)
    _publish(world, **{f"{world.now + timedelta(days=2):%Y%m%dT%H%M%SZ}-ahead": [C]}, r1=[A], r2=[B])
    second, _, ahead = (key for key in sorted(world.objects) if key.startswith(LAYOUT.markers))
    for key in (second, ahead):
        world.rewrite(key, world.objects[key])
        world.advance(100)
    with small_parts(1), judged(world, "a doubt about releases, and more of them"):
        _runs(world, AT_ONCE, 3, DAY)
        settle(world, AT_ONCE)


def not_all_taken_in() -> None:
    """A is due by what is taken in; the last release, which a run has no time for, has it again.

    The second look compares the markers with those of the first one; here it does not.
    """
    world = superseded(AT_ONCE)
    release(world, [C], "r2")
    release(world, [A], "r3")
    has_time = itertools.chain([False], itertools.repeat(True))

    def look_again(store: S3Port, layout: Layout, policy: Policy, now: object, first: Look, pace: Pace) -> Look:
        markers = take_look(store, layout, policy, now, pace).markers  # type: ignore[arg-type]
        return take_second_look(store, layout, policy, now, replace(first, markers=markers), pace)  # type: ignore[arg-type]

    with small_parts(1), pytest.MonkeyPatch.context() as patch, judged(world, "a run that has no time for a release"):
        patch.setattr(decision, "take_second_look", look_again)
        world.actor = None
        clean(
            CleanerPort(world, None, LAYOUT),
            Job(prefix=LAYOUT.prefix, policy=AT_ONCE, run="run"),
            Pace(has_time=partial(next, has_time), sleep=world.sleep),
        )
        world.check()


def late_deletion() -> None:
    """A deletion is not answered, another run writes the ledger, two releases come, and an upload needs the asset."""
    world = superseded(AT_ONCE)
    Watch(world.site, AT_ONCE)
    first, other = (cast.cleaner(world, name, cast.cleaning(AT_ONCE)) for name in "CD")
    upload = BACK(world)
    world.actors = [first, other, upload]
    with small_parts(1), judged(world, "a late deletion, and more releases than a run reads"):
        go_on(first, "delete")
        first.step(Verdict.LATE)
        go_on(upload, "list")
        go_on(other, "")
        world.actor = None
        release(world, [B, PAGE], "r5")
        release(world, [C, PAGE], "r6")
        go_on(first, "put")  # the conflict
        first.step()
        go_on(first, "put")  # a part
        first.step()
        go_on(upload, "")
        first.crash()
        while world.late:
            world.arrive(world.late[-1])
            world.check()
        settle(world, AT_ONCE)


def rebuilt() -> None:
    """A rebuild in parts begins with the checkpoint, and with the markers after its cut."""
    policy = Policy(version_limit=9, version_ttl=0, removed_ttl=1000, grace=0)
    world = World()
    Watch(world.site, policy)
    with few_markers(keep=3):
        for number, keys in enumerate(([A, PAGE], [B], [A, PAGE], [C], [B])):
            release(world, keys, f"r{number}")
            cast.clean_alone(world, policy)
            world.advance(300)
        world.delete(LAYOUT.ledger)
        with small_parts(1), judged(world, "a rebuild in parts"):
            settle(world, policy)


def around() -> None:
    """Of a site around, no run has taken in any release; the newest one names what the inner site has retired."""
    world = nested.inner_has_retired(AT_ONCE)
    for number, keys in enumerate(([nested.OUTSIDE], [nested.OLD, nested.OUTSIDE])):
        cast.publish_alone(world, keys, f"around{number}")
        world.advance(1)
    with small_parts(1), judged(world, "a site around with more releases than a run reads"):
        for _ in range(2):
            cast.clean_alone(world, AT_ONCE, layout=INNER)
            world.check()
            world.advance(DAY + 1)
