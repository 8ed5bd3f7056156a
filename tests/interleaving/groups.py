"""A large site is swept in groups, here of one logical path each: what a group must know of the others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cleaner_lambda.head import decode
from release_log.ledger_file import HEAD_FORMAT
from release_log.policy_settings import Policy
from tests.few_orphans import packing, unasked
from tests.interleaving import cast
from tests.interleaving.actor import Actor, BrokenPromiseError, Verdict
from tests.interleaving.cases import A, B, C, cleaner_of, go_on, release, uploader
from tests.interleaving.exhaustive import Case, every_crash, every_schedule
from tests.interleaving.explore import PAGE, VERSIONS, judged
from tests.interleaving.verdict import settle
from tests.interleaving.watch import Watch
from tests.interleaving.world import LAYOUT, World
from tests.ledger_formats import NONE, writing

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = 86_400
LIB, LIB_2, LIB_3, *_ = VERSIONS["lib"]


def _groups(world: World) -> int:
    """How many segments with an asset the head names."""
    return sum(each.name is not None for each in decode(world.objects[LAYOUT.ledger].body).index.segments)


def _retired_in_two_groups(
    policy: Policy, after: Sequence[str] = (B, LIB_2, PAGE), orphans: Sequence[str] = ()
) -> World:
    """An asset of each of two logical paths has retired, has its tag, and may be due with the next sweep."""
    world = World()
    with writing(HEAD_FORMAT, small=NONE):
        release(world, [A, LIB, PAGE], "r0")
        cast.clean_alone(world, policy)
        for orphan in orphans:
            world.put(orphan, b"")
        release(world, after, "r1")
        for _ in range(2):
            cast.clean_alone(world, policy)
            world.advance(DAY + 1)
        assert _groups(world) > 1
    return world


TOMORROW = Policy(version_limit=0, version_ttl=DAY * 3 // 2, removed_ttl=60, grace=0)
"""What has retired falls due after the sweep that puts it into segments, and before the next one."""

SWEEP_AND_UPLOAD = Case(
    "a sweep in groups, and an upload",
    TOMORROW,
    lambda: _retired_in_two_groups(TOMORROW),
    (cleaner_of(TOMORROW), uploader(cast.upload([C, LIB, PAGE], "default", "back"))),
)
RETURN = Policy(version_limit=0, version_ttl=5 * DAY, removed_ttl=DAY * 3 // 2, grace=0)
"""A removed asset goes soon, and a superseded one stays."""

SWEEP_AND_RETURN = Case(
    "a sweep in groups, and a release in which a logical path is back",
    RETURN,
    lambda: _retired_in_two_groups(RETURN, [B, PAGE]),
    (cleaner_of(RETURN), uploader(cast.upload([B, LIB_2, PAGE], "default", "back"))),
)
TWO_SWEEPS = Case(
    "two sweeps in groups",
    TOMORROW,
    lambda: _retired_in_two_groups(TOMORROW),
    (cleaner_of(TOMORROW), cleaner_of(TOMORROW, "D")),
)

ADOPTING = replace(RETURN, orphan_tags=0)


def _with_an_orphan() -> World:
    """A removed asset, and an orphan of the same logical path, which waits until a run is told that it may go."""
    return _retired_in_two_groups(ADOPTING, [B, PAGE], orphans=[LIB_3])


def adopting(world: World) -> Actor:
    """A run that is told."""
    return cast.cleaner(world, "C", cast.cleaning(ADOPTING, adopt=True))


ADOPTION = Case(
    "an orphan that goes to a segment at once, and an upload that brings it back",
    ADOPTING,
    _with_an_orphan,
    (adopting, uploader(cast.upload([B, LIB_3, PAGE], "default", "back"))),
)


def sweeps() -> int:
    """A sweep beside an upload that brings back what is due in one of the groups; and every crash of it."""
    with writing(HEAD_FORMAT, small=NONE):
        return every_schedule(SWEEP_AND_UPLOAD, preemptions=1) + every_crash(SWEEP_AND_UPLOAD, "C", preemptions=0)


def path_is_back() -> int:
    """A sweep beside a release with which what was removed is superseded, and so stays for longer."""
    with writing(HEAD_FORMAT, small=NONE):
        return every_schedule(SWEEP_AND_RETURN, preemptions=1)


def adopted() -> None:
    """An orphan goes to a segment at once, beside an asset that a release supersedes which the same run takes in."""
    with writing(HEAD_FORMAT, small=NONE), unasked(0), packing(1):
        world = _with_an_orphan()
        with judged(world, "an orphan that goes to a segment at once"):
            Watch(world.site, ADOPTING)
            release(world, [B, LIB_2, PAGE], "r2")
            world.actors = [adopting(world)]
            go_on(world.actors[0], "")
            settle(world, ADOPTING)


def adoption(preemptions: int) -> int:
    """The same beside an upload that brings the orphan back; and every crash of the run."""
    with writing(HEAD_FORMAT, small=NONE), unasked(0), packing(1):
        return every_schedule(ADOPTION, preemptions=preemptions) + every_crash(ADOPTION, "C", preemptions=0)


def late_tag() -> None:
    """A tag is written late, so that a later run checks it: in its own group, and not before in another one."""
    world = _retired_in_two_groups(RETURN, [B, PAGE])
    with writing(HEAD_FORMAT, small=NONE), judged(world, "a tag that is written late"):
        Watch(world.site, RETURN)
        release(world, [B, LIB_2, PAGE], "r2")
        cleaner = cast.cleaner(world, "C", cast.cleaning(RETURN))
        world.actors = [cleaner]
        go_on(cleaner, "put_tags")
        cleaner.step(Verdict.LATE)
        go_on(cleaner, "")
        world.arrive(world.late[-1])
        world.advance(DAY + 1)
        cast.clean_alone(world, RETURN)
        if not world.objects[LIB].tags:
            msg = f"{LIB} is retired, and bears no tag"
            raise BrokenPromiseError(msg)
        settle(world, RETURN)


def two_sweeps() -> int:
    """Two sweeps at once."""
    with writing(HEAD_FORMAT, small=NONE):
        return every_schedule(TWO_SWEEPS, preemptions=1)


def page_in_another_group() -> None:
    """A page that was removed is in place still, and asks for an asset that is due: they are in different groups."""
    policy = Policy(version_limit=0, version_ttl=DAY * 3 // 2, removed_ttl=6 * DAY, grace=0)
    world = World()
    with writing(HEAD_FORMAT, small=NONE), judged(world, "a removed page in another group"):
        Watch(world.site, policy)
        release(world, [A, PAGE], "r0")
        cast.clean_alone(world, policy)
        release(world, [B], "r1")
        cast.clean_alone(world, policy)
        for _ in range(3):
            world.advance(DAY + 1)
            cast.clean_alone(world, policy)
        settle(world, policy)
