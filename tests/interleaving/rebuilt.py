"""A large site's ledger is lost, and rebuilt in groups, here of one logical path each; others come between two."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from cleaner_lambda.head import decode
from release_log.ledger_file import FORMAT, HEAD_FORMAT
from release_log.policy_settings import Policy
from tests.few_markers import few_markers
from tests.interleaving import cast
from tests.interleaving.actor import Actor, BrokenPromiseError
from tests.interleaving.cases import A, B, C, cleaner_of, go_on, release, uploader
from tests.interleaving.exhaustive import Case, every_crash, every_schedule
from tests.interleaving.explore import PAGE, VERSIONS, judged
from tests.interleaving.upgrading import FirstCleanerPort
from tests.interleaving.verdict import settle
from tests.interleaving.watch import Watch
from tests.interleaving.world import LAYOUT, World
from tests.ledger_formats import NONE, writing
from tests.small_parts import small_parts

if TYPE_CHECKING:
    from cleaner_lambda.port import Blob
    from cleaner_lambda.rebuilding import Rebuilding

DAY = 86_400
LIB, LIB_2, *_ = VERSIONS["lib"]
POLICY = Policy(version_limit=0, version_ttl=DAY, removed_ttl=2 * DAY, grace=0)


def rebuilding(world: World) -> Rebuilding | None:
    """How far the rebuild is."""
    return decode(world.objects[LAYOUT.ledger].body).ledger.rebuilding


def lost(policy: Policy = POLICY, *, more: bool = True) -> World:
    """Two assets of one logical path have retired, and one of another; the checkpoint knows of some of that.

    Args:
        policy: The settings.
        more: Whether a release came after the checkpoint, with which one of them lives again, and a path is removed.
    """
    world = World()
    with writing(HEAD_FORMAT, small=NONE):
        with few_markers(keep=9):
            for number, keys in enumerate(([A, LIB, PAGE], [B, LIB_2, PAGE])):
                release(world, keys, f"r{number}")
                cast.clean_alone(world, policy)
                world.advance(10)
            cast.clean_alone(world, policy)
            world.advance(DAY // 2 + 1)
            cast.clean_alone(world, policy)
        if more:
            release(world, [A, PAGE], "r2")
            cast.clean_alone(world, policy)
        world.advance(DAY * 3 // 2)
        world.delete(LAYOUT.ledger)
    assert decode(world.objects[LAYOUT.checkpoint].body).ledger.cut is not None
    return world


AND_UPLOAD = Case(
    "a lost ledger of a large site, and an upload",
    POLICY,
    lost,
    (cleaner_of(POLICY), uploader(cast.upload([B, LIB, PAGE], "default", "back"))),
)
TWO_RUNS = Case(
    "a lost ledger of a large site, and two runs",
    POLICY,
    partial(lost, more=False),
    (cleaner_of(POLICY), cleaner_of(POLICY, "D")),
)


def _lost_all(policy: Policy = POLICY) -> World:
    """Nothing is left of what the cleaner has written, but all markers are."""
    world = lost(policy)
    for key in [key for key in world.objects if key.startswith((LAYOUT.ledger_files, LAYOUT.checkpoint))]:
        world.delete(key)
    return world


WITHOUT_A_CHECKPOINT = Case(
    "a large site's lost ledger and checkpoint, and an upload",
    POLICY,
    _lost_all,
    (cleaner_of(POLICY), uploader(cast.upload([B, LIB, PAGE], "default", "back"))),
)


def without_a_checkpoint(preemptions: int) -> int:
    """The same with no checkpoint either: it begins with nothing, and is made in groups all the same."""
    with writing(HEAD_FORMAT, small=NONE), small_parts(1):
        found = every_schedule(WITHOUT_A_CHECKPOINT, preemptions=preemptions)
        return found + every_crash(WITHOUT_A_CHECKPOINT, "C", preemptions=0)


def uploads(preemptions: int) -> int:
    """An upload beside the rebuild brings back what is due by then; and every crash of it."""
    with writing(HEAD_FORMAT, small=NONE):
        return every_schedule(AND_UPLOAD, preemptions=preemptions) + every_crash(AND_UPLOAD, "C", preemptions=0)


def two_runs(preemptions: int) -> int:
    """Two runs rebuild it at once."""
    with writing(HEAD_FORMAT, small=NONE):
        return every_schedule(TWO_RUNS, preemptions=preemptions)


def between_two_groups() -> None:
    """After each write of the head: a release, an upload that has begun, and a second run."""
    after = 1
    while _between(after):
        after += 1
    assert after > 4, "there are several groups"


def _between(writes: int) -> bool:
    """Whether the rebuild wrote the head so often."""
    world = lost()
    with writing(HEAD_FORMAT, small=NONE), judged(world, f"a rebuild, and others after its write {writes}"):
        Watch(world.site, POLICY)
        first, other, last = (cast.cleaner(world, name, cast.cleaning(POLICY)) for name in "CDE")
        upload = Actor("U", world, cast.upload([B, LIB, PAGE], "default", "back"))
        world.actors = [first, other, last, upload]
        for _ in range(writes):
            go_on(first, f"put {LAYOUT.ledger}")
            if first.state != "running":
                return False
            first.step()
        world.actor = None
        release(world, [C, LIB_2, PAGE], "r3")
        go_on(upload, f"create {LAYOUT.markers}")
        go_on(other, "")
        go_on(first, "")
        go_on(upload, "")
        world.advance(61)
        go_on(last, "")  # it sweeps
        settle(world, POLICY)
    return True


def instants() -> None:
    """The first run after the rebuild deletes what is due, and no more: a path was removed after the checkpoint."""
    world = lost()
    with writing(HEAD_FORMAT, small=NONE), judged(world, "the run after a rebuild"):
        Watch(world.site, POLICY)
        world.actors = [cast.cleaner(world, name, cast.cleaning(POLICY)) for name in "CD"]
        for actor in world.actors:
            go_on(actor, "")
            world.advance(61)
        settle(world, POLICY)


def orphan() -> None:
    """Only its tag says since when it is one: it goes when that is long enough ago."""
    world = World()
    with writing(HEAD_FORMAT, small=NONE), judged(world, "an orphan, and a lost ledger of a large site"):
        with few_markers(keep=9):
            for number, keys in enumerate(([A, PAGE], [B, PAGE])):
                release(world, keys, f"r{number}")
                cast.clean_alone(world, POLICY)
                world.advance(10)
            cast.clean_alone(world, POLICY)
        world.put(LIB, b"")
        for _ in range(2):
            world.advance(DAY + 1)
            cast.clean_alone(world, POLICY)
        world.delete(LAYOUT.ledger)
        cast.clean_alone(world, POLICY)
        world.advance(DAY + 1)
        cast.clean_alone(world, POLICY)
        if LIB in world.objects:
            msg = f"{LIB} was due, and is still there"
            raise BrokenPromiseError(msg)
        settle(world, POLICY)


class FirstPort(FirstCleanerPort):
    """That of a version which knows neither heads nor checkpoints."""

    def get(self, key: str) -> Blob | None:
        return None if key == self.layout.checkpoint else super().get(key)


def first_version() -> None:
    """A run of the first version is under way, and rebuilds the ledger over a head that was rebuilt a minute ago."""
    with writing(HEAD_FORMAT, noted=True, small=NONE):
        world = lost(more=False)
        newer = cast.cleaner(world, "N", cast.cleaning(POLICY))
        newest = cast.cleaner(world, "M", cast.cleaning(POLICY))
        older = cast.cleaner(world, "C", cast.cleaning(POLICY, port=FirstPort))
        upload = Actor("U", world, cast.upload([A, PAGE], "default", "back"))
        with judged(world, "a rebuild beside a version that knows no heads"):
            world.actors = [newer, newest, older, upload]
            Watch(world.site, POLICY)
            go_on(newer, "")
            world.advance(61)
            go_on(newest, f"delete {A}")
            with writing(FORMAT):
                go_on(older, "")
            go_on(upload, f"create {LAYOUT.markers}")
            for actor in (newest, upload):
                go_on(actor, "")
            settle(world, POLICY)
