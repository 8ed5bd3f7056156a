"""A full listing in parts, with an upload in between that relies on an orphan in one of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from release_log.ledger_file import HEAD_FORMAT
from tests.interleaving import cast
from tests.interleaving.cases import AT_ONCE, CLEANER, OTHER_CLEANER, A, B, C, case, release, uploader
from tests.interleaving.exhaustive import Case, every_crash, every_schedule
from tests.interleaving.explore import PAGE
from tests.interleaving.needs import read_ledger
from tests.interleaving.world import World
from tests.ledger_formats import writing
from tests.small_pieces import handing_out, short_stretches, small_pieces

if TYPE_CHECKING:
    from release_log.policy_settings import Policy

DAY = 86_400


def listed_up_to(key: str, policy: Policy) -> World:
    """B is current, A and C are orphans, and a listing has come to one of these keys."""
    world = World()
    release(world, [B, PAGE], "r0")
    cast.clean_alone(world, policy)  # so it is no old bucket, of which the cleaner counts the orphans first
    for orphan in (A, C):
        world.put(orphan, b"")
    world.advance(DAY + 1)
    with small_pieces(1):
        cast.clean_alone(world, policy)
        while (found := read_ledger(world.site)) and found.cursor and found.cursor.left[0][0] < key:
            cast.clean_alone(world, policy)
    assert found is not None
    assert found.cursor is not None
    return world


FOUND = case(
    "an upload brings back an orphan that a listing has found, before it ends",
    partial(listed_up_to, A),
    uploader(cast.upload([A, PAGE], "default", "back")),
    CLEANER,
    policy=AT_ONCE,
)
NOT_FOUND = case(
    "an upload brings back an orphan that a listing has yet to find",
    partial(listed_up_to, B),
    uploader(cast.upload([C, PAGE], "default", "back")),
    CLEANER,
    OTHER_CLEANER,
    policy=AT_ONCE,
)


def listing_due(policy: Policy, *orphans: str) -> World:
    """B is current, and some others, or A, are orphans since the last listing."""
    world = World()
    release(world, [B, PAGE], "r0")
    cast.clean_alone(world, policy)
    for orphan in orphans or (A,):
        world.put(orphan, b"")
    world.advance(DAY + 1)
    return world


HANDED_OUT = case(
    "an upload brings back an orphan that a worker finds",
    listing_due,
    uploader(cast.upload([A, PAGE], "default", "back")),
    lambda world: cast.cleaner(world, "C", cast.cleaning(AT_ONCE, distributed=True)),
    policy=AT_ONCE,
)


def handed_out(preemptions: int) -> int:
    """Every schedule of a listing that is handed out at once; see `every_schedule`."""
    with writing(HEAD_FORMAT), handing_out(at_once=True):
        return every_schedule(HANDED_OUT, preemptions=preemptions)


IN_ONE_RUN = Case(
    "an upload brings back an orphan that a run finds in its second stretch, which deletes another one in its first",
    AT_ONCE,
    partial(listing_due, AT_ONCE, A, C),
    (uploader(cast.upload([C, PAGE], "default", "back")), CLEANER),
)


def in_stretches(preemptions: int) -> int:
    """Every schedule of a run that writes the ledger after each stretch of a listing, and every death of it."""
    with writing(HEAD_FORMAT), small_pieces(5), short_stretches():
        return every_schedule(IN_ONE_RUN, preemptions=preemptions) + every_crash(IN_ONE_RUN, "C", preemptions=0)
