"""Two sites, one inside the other's prefix, which know each other by their release logs alone.

The real uploaders and the real cleaners of both. The inner site's keys are ``assets/in/…``; the outer site publishes
some of them too.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from cleaner_lambda import decision, survey
from cleaner_lambda.history import _Steps
from release_log.marker_order import TOLERANCE
from tests.few_markers import few_markers
from tests.interleaving import cast
from tests.interleaving.actor import Actor
from tests.interleaving.cases import AT_ONCE, OLD_ID, release
from tests.interleaving.exhaustive import Case, every_schedule
from tests.interleaving.explore import PAGE, judged
from tests.interleaving.placing import NOTHING_IS_DUE, PAGES_STAY
from tests.interleaving.world import INNER, LAYOUT, World
from tests.small_parts import small_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from release_log.layout import Layout
    from release_log.policy_settings import Policy

OLD, NEW = (f"{INNER.prefix}ui-{n}{n}f9c2ab.js" for n in "12")
OUTSIDE = f"{LAYOUT.prefix}app-11f9c2ab.js"
SITES = (LAYOUT, INNER)


def two_sites() -> World:
    """The bucket of both."""
    return World(layouts=SITES)


def _release(world: World, layout: Layout, keys: Sequence[str], name: str) -> None:
    """A release without interruption; it takes a second."""
    cast.publish_alone(world, keys, name, layout.markers, layout=layout)
    world.advance(1)


def outer_has_retired(policy: Policy) -> World:
    """The outer site retired an asset in a folder where no other site is yet; it is due."""
    world = two_sites()
    release(world, [OLD, PAGE], "r0")
    cast.clean_alone(world, policy)
    release(world, [PAGE], "r1")
    world.advance(10)
    return world


def inner_has_retired(policy: Policy) -> World:
    """The inner site retired an asset, which is due."""
    world = two_sites()
    _release(world, INNER, [OLD], "r0")
    cast.clean_alone(world, policy, layout=INNER)
    _release(world, INNER, [NEW], "r1")
    world.advance(10)
    return world


def both(policy: Policy) -> World:
    """The same, and the outer site, which published the asset too, has retired it as well."""
    world = two_sites()
    release(world, [OLD, PAGE], "o0")
    cast.clean_alone(world, policy)
    release(world, [PAGE, OUTSIDE], "o1")
    _release(world, INNER, [OLD], "r0")
    cast.clean_alone(world, policy, layout=INNER)
    _release(world, INNER, [NEW], "r1")
    world.advance(10)
    return world


def _actor(name: str, work: Callable[[Actor], Any]) -> Callable[[World], Actor]:
    return lambda world: Actor(name, world, work)


def _cleaner(name: str, layout: Layout) -> Callable[[World], Actor]:
    return lambda world: cast.cleaner(world, name, cast.cleaning(AT_ONCE, layout=layout))


def _case(name: str, begin: Callable[[Policy], World], *who: Callable[[World], Actor]) -> Case:
    return Case(name, AT_ONCE, partial(begin, AT_ONCE), who)


INNER_UPLOAD = _actor("I", cast.upload([OLD], "default", "inner", layout=INNER))
OUTER_UPLOAD = _actor("O", cast.upload([OLD, PAGE], "default", "outer"))
OUTER_AHEAD = _actor("O", cast.upload([OLD, PAGE], "default", "outer", ahead=True))
OUTER_CLEANER, INNER_CLEANER = _cleaner("C", LAYOUT), _cleaner("D", INNER)

LONG = (
    _case("both cleaners", both, OUTER_CLEANER, INNER_CLEANER),
    _case("an upload of the outer site, and its cleaner", both, OUTER_UPLOAD, OUTER_CLEANER),
)
"""As `tests.interleaving.cases.LONG`."""

A_SITE_APPEARS_INSIDE = _case("a site appears inside", outer_has_retired, INNER_UPLOAD, OUTER_CLEANER)
THE_SITE_AROUND_TAKES_OVER = _case("the site around takes over", inner_has_retired, OUTER_UPLOAD, INNER_CLEANER)
CASES = (
    A_SITE_APPEARS_INSIDE,
    THE_SITE_AROUND_TAKES_OVER,
    _case("the site around looks ahead, and takes over", inner_has_retired, OUTER_AHEAD, INNER_CLEANER),
    *LONG,
)
"""The tests play every schedule of these cases."""

THREE = (
    _case("both cleaners, and an upload of the outer site", both, OUTER_CLEANER, INNER_CLEANER, OUTER_UPLOAD),
    _case("both cleaners, and an upload of the inner site", both, OUTER_CLEANER, INNER_CLEANER, INNER_UPLOAD),
    _case("both uploads, and the inner cleaner", inner_has_retired, INNER_UPLOAD, OUTER_UPLOAD, INNER_CLEANER),
    _case("both uploads, and the outer cleaner", outer_has_retired, INNER_UPLOAD, OUTER_UPLOAD, OUTER_CLEANER),
)
"""The tests play every schedule of these cases with a few preemptions."""


def keys_of_both_in_the_history() -> None:
    """The outer site's history holds keys of the inner one, because nothing leaves them out; the last check does."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (decision, survey):
            patch.setattr(module, "without_inner", lambda history, _inner: history)
        every_schedule(A_SITE_APPEARS_INSIDE)


def old_page_of_the_site_around() -> None:
    """A page that the outer site's newest release names was replaced by hand by the one before, which asks for OLD.

    The outer site's cleaner has seen it; the inner one may not look at the other site's pages. Days pass.
    """
    world = two_sites()
    release(world, [OLD, PAGE], "r0")
    cast.clean_alone(world, PAGES_STAY)
    release(world, [OUTSIDE, PAGE], "r1")
    world.put(PAGE, f"page:{OLD}".encode())
    _clean_inside_for_days(world, "an old page of the site around", cleans_around=True)


def copied_marker_of_the_site_around() -> None:
    """Of the outer site's releases, which its cleaner has not seen, the older one's marker is copied; days pass."""
    world = two_sites()
    release(world, [OUTSIDE], "r0")
    world.advance(TOLERANCE.total_seconds())
    release(world, [OLD], "r1")
    first = LAYOUT.marker_key("20261123T120000Z-r0")
    world.rewrite(first, world.objects[first])
    world.rewrite(LAYOUT.placed_key("20261123T120000Z-r0"), world.objects[LAYOUT.placed_key("20261123T120000Z-r0")])
    _clean_inside_for_days(world, "a marker of the site around that was copied")


def copied_marker_of_an_older_page_around() -> None:
    """The outer site's newest release has no page, and the one before, whose page is in place, asks for OLD.

    Its cleaner has seen none of them, and the marker of a still older one, which had the page too, is copied; days
    pass.
    """
    world = two_sites()
    release(world, [OUTSIDE, PAGE], "r0", stored=False)
    world.advance(TOLERANCE.total_seconds())
    release(world, [OLD, PAGE], "r1")
    release(world, [OUTSIDE], "r2")
    first = LAYOUT.marker_key("20261123T120000Z-r0")
    world.rewrite(first, world.objects[first])
    _clean_inside_for_days(world, "an older page of the site around, whose marker was copied")


def release_around_that_is_not_in_place() -> None:
    """The outer site's newest release is not in place, so that the one before, which has OLD, is current; days pass."""
    world = two_sites()
    release(world, [OLD], "r0")
    cast.publish_alone(world, [OUTSIDE], "r1", placed=False)
    _clean_inside_for_days(world, "a release of the site around that is not in place")


def _clean_inside_for_days(
    world: World, name: str, policy: Policy = PAGES_STAY, *, cleans_around: bool = False
) -> None:
    with judged(world, name):
        _release(world, INNER, [NEW], "i0")
        for seconds in (1, 90_000, 10, 3600):
            if cleans_around:
                cast.clean_alone(world, policy)
            cast.clean_alone(world, policy, layout=INNER)
            world.check()
            world.advance(seconds)


def page_of_the_site_around(*, seen: bool, stored: bool = True) -> None:
    """The outer site's newest release has no page; the one that is in place asks for an asset inside; days pass.

    Args:
        seen: A run of the outer site's cleaner has seen that.
        stored: The page has a stored version.
    """
    world = two_sites()
    release(world, [OLD, PAGE], "r0", stored=stored)
    release(world, [OUTSIDE], "r1", stored=stored)
    if seen:
        cast.clean_alone(world, PAGES_STAY)
    _clean_inside_for_days(world, "a page of the site around that no release names any more")


def page_of_an_ended_channel_around() -> None:
    """The page in place is of a channel of the outer site that has ended, as the one that names it now was cut off.

    All that it asks for is the inner site's, so nothing of the ended channel is left to the outer site's cleaner. Days
    pass.
    """
    world = two_sites()
    release(world, [OLD, PAGE], "r0", stored=False)
    cast.publish_alone(world, [OUTSIDE, PAGE], "cut-off", channel="other", placed=False)
    cast.clean_alone(world, PAGES_STAY)
    world.advance(1)
    world.put(LAYOUT.marker_key(f"{world.now:%Y%m%dT%H%M%SZ}-end"), cast.end_body("default", world))
    _clean_inside_for_days(world, "a page of an ended channel of the site around", cleans_around=True)


def page_of_another_channel_around(*, placed: bool = True) -> None:
    """The page in place is not of the outer site's release that names it, but of one in another channel.

    That one has left, as its channel has a release without a page. It was put there late: when the outer site's cleaner
    looked, there was none. Days pass.

    Args:
        placed: The one that names it was in place, and is older; else it is newer, and was cut off.
    """
    world = two_sites()
    if placed:
        release(world, [OUTSIDE, PAGE], "r0", channel="other")
    release(world, [OLD, PAGE], "r1")
    late = world.objects[PAGE]
    world.delete(PAGE)
    if not placed:
        cast.publish_alone(world, [OUTSIDE, PAGE], "cut-off", channel="other", placed=False)
        world.advance(1)
    cast.clean_alone(world, NOTHING_IS_DUE)
    release(world, [OUTSIDE], "r2")
    cast.clean_alone(world, NOTHING_IS_DUE)
    world.put(PAGE, late.body, metadata=late.metadata)
    _clean_inside_for_days(world, "a page of the site around that an older release names")


def page_left_behind_around(*, rolls_back: bool, lost: bool = False) -> None:
    """A release of the outer site has left, and its page, which is not stored, is in place under a key that stays.

    The outer site's cleaner has seen that, but nothing was due. Days pass.

    Args:
        rolls_back: It left with a roll-back to a release that stores no page; else with one that has none, and another
            channel has the key.
        lost: The outer site's ledger is lost then. It is rebuilt, and its cut is after all of that; but after a
            roll-back no run has rebuilt it yet.
    """
    world = two_sites()
    release(world, [OUTSIDE, PAGE], "r0", channel="default" if rolls_back else "other", stored=False)
    release(world, [OLD, PAGE], "r1", stored=False)
    cast.clean_alone(world, NOTHING_IS_DUE)
    if rolls_back:
        back = Actor("V", world, cast.rolling_back(OLD_ID))
        back.start()
        while back.state == "running":
            back.step()
    else:
        release(world, [OUTSIDE], "r2")
    cast.clean_alone(world, NOTHING_IS_DUE)
    if lost:
        with few_markers(9):
            world.advance(10)
            cast.clean_alone(world, NOTHING_IS_DUE)
        world.delete(LAYOUT.ledger)
        if not rolls_back:
            cast.clean_alone(world, NOTHING_IS_DUE)
    _clean_inside_for_days(world, "a page of the site around that nothing retired tells of")


def page_named_again_around(*, in_parts: bool) -> None:
    """A page of the outer site has left, and is in place still; a release names it that was cut off before its own was.

    So nothing is retired any more that tells of it, and the outer site's cleaner deletes nothing. Days pass.

    Args:
        in_parts: A run takes in one release at a time.
    """
    world = two_sites()
    release(world, [OLD, PAGE], "r0", channel="other", stored=False)
    release(world, [OUTSIDE], "r1", channel="other")
    cast.publish_alone(world, [OUTSIDE, PAGE], "cut-off", placed=False)
    with small_parts(1) if in_parts else nullcontext():
        world.advance(1)
        release(world, [OUTSIDE], "r2", channel="other")
        cast.clean_alone(world, NOTHING_IS_DUE)
    _clean_inside_for_days(world, "a page of the site around that a release names again")


def page_around_below_one_that_was_never_there() -> None:
    """The page in place is of an old release of the outer site, which stores none, and asks for an asset inside.

    A newer release names the page, and left before it was in place; it is kept, and so the page is. The outer site has
    a cleaner of an older version, which does not look at a page that is named again. Days pass.
    """
    world = two_sites()
    policy = replace(PAGES_STAY, keep_releases=1)
    release(world, [OLD, PAGE], "r0", stored=False)
    release(world, [OUTSIDE], "r1")
    cast.publish_alone(world, [OUTSIDE, PAGE], "cut-off", placed=False)
    release(world, [OUTSIDE], "r2")
    with patch.object(_Steps, "_named_again", lambda *_: set()):
        _clean_inside_for_days(
            world, "a page of the site around that a newer release names", policy, cleans_around=True
        )
