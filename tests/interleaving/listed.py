"""A full listing that is cut between two ranges, with an upload in between that relies on an orphan in one of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.interleaving import cast
from tests.interleaving.cases import AT_ONCE, CLEANER, OTHER_CLEANER, A, B, C, case, release, uploader
from tests.interleaving.explore import PAGE
from tests.interleaving.needs import read_ledger
from tests.interleaving.world import World
from tests.small_pieces import small_pieces

if TYPE_CHECKING:
    from release_log.policy_settings import Policy

DAY = 86_400


def listed_up_to(key: str, policy: Policy) -> World:
    """B is current, A and C are orphans, and a listing has come to one of these keys."""
    world = World()
    for orphan in (A, C):
        world.put(orphan, b"")
    world.advance(DAY)
    release(world, [B, PAGE], "r0")
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
