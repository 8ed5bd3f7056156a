"""Small cases; the tests play every schedule of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from cleaner_lambda import ledger_document as ledgers
from cleaner_lambda.ledger import Retired
from release_log.marker_order import TOLERANCE
from release_log.policy_settings import Policy
from release_log.tags import Mark, State
from tests.interleaving import cast
from tests.interleaving.actor import Actor, BrokenPromiseError, Verdict
from tests.interleaving.exhaustive import Case
from tests.interleaving.explore import PAGE, VERSIONS, FoundError, judged
from tests.interleaving.needs import read_ledger
from tests.interleaving.ports import PagesFirstPort
from tests.interleaving.verdict import settle
from tests.interleaving.watch import Watch
from tests.interleaving.world import LAYOUT, World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

A, B, C = VERSIONS["app"]
AT_ONCE = Policy(version_limit=0, version_ttl=0, removed_ttl=0, grace=0)
"""Retired assets are due at once."""

SOON = Policy(version_limit=0, version_ttl=0, removed_ttl=3600, grace=0)
"""Superseded assets are due at once."""

SOONER = Policy(version_limit=0, version_ttl=600, removed_ttl=3600, grace=0)
"""Superseded assets are due sooner than removed ones."""

LATER = Policy(version_limit=0, version_ttl=3600, removed_ttl=60, grace=0)
"""Removed assets are due after a minute."""

IDLE = replace(AT_ONCE, site_ttl=21_600)
"""A site ends when it has had no release for a few hours."""

KEEPING = Policy(version_limit=0, version_ttl=0, removed_ttl=0, grace=0, keep_releases=1)
"""The same, but for those of the release before."""

STAGED_ID = "20261123T110000Z-staged"

OLD_ID = "20261123T120000Z-r0"
"""The release of `superseded` that has A."""

OLD_MARKER = LAYOUT.marker_key(OLD_ID)


def release(
    world: World,
    keys: Sequence[str],
    name: str,
    folder: str = LAYOUT.markers,
    channel: str = "default",
    *,
    stored: bool = True,
) -> None:
    """Publish a release without interruption; it takes a second."""
    cast.publish_alone(world, keys, name, folder, channel, stored=stored)
    world.advance(1)


def superseded(policy: Policy) -> World:
    """A is superseded by B and due, but not deleted yet; the ledger exists."""
    world = World()
    release(world, [A, PAGE], "r0")
    cast.clean_alone(world, policy)
    release(world, [B, PAGE], "r1")
    world.advance(10)
    return world


def pinned(policy: Policy) -> World:
    """The same, and the release with A is pinned."""
    world = superseded(policy)
    world.put(LAYOUT.pin_key(OLD_ID), world.objects[LAYOUT.marker_key(OLD_ID)].body)
    world.site.pinned[OLD_ID] = frozenset(world.site.releases[OLD_ID][1].objects)
    return world


def wrong_ledger(policy: Policy) -> World:
    """Cleaned; and the ledger says of the page, which is live, that it was removed long ago."""
    world = superseded(policy)
    cast.clean_alone(world, policy)
    ledger = read_ledger(world.site)
    assert ledger is not None
    wrong = Retired(PAGE, Mark(State.REMOVED, world.now - timedelta(days=9)), 1, OLD_ID)
    world.put(LAYOUT.ledger, ledgers.encode(replace(ledger, retired={**ledger.retired, PAGE: wrong})))
    return world


def elsewhere(policy: Policy) -> World:
    """A is superseded by B in another channel, which has the newest markers: they name the headers of A."""
    world = World()
    release(world, [C], "r0")
    release(world, [A, PAGE], "r1", channel="other")
    cast.clean_alone(world, policy)
    release(world, [B, PAGE], "r2", channel="other")
    world.advance(10)
    return world


def removed_page(policy: Policy) -> World:
    """The page is removed and due, but not deleted yet."""
    world = World()
    release(world, [A, PAGE], "r0")
    cast.clean_alone(world, policy)
    release(world, [A], "r1")
    world.advance(10)
    return world


def staged(policy: Policy) -> World:
    """The same, and a release with A is staged."""
    world = World()
    release(world, [A, PAGE], "r0")
    cast.clean_alone(world, policy)
    release(world, [A, PAGE], STAGED_ID, LAYOUT.staged)
    release(world, [B, PAGE], "r1")
    world.advance(10)
    return world


def expired(policy: Policy) -> World:
    """The same, after the staged release has expired."""
    world = staged(policy)
    world.advance(policy.staged_ttl + 2)
    return world


def returned(policy: Policy) -> World:
    """A is current again and still has its tag; the page is removed, and due."""
    world = World()
    for keys, name in (([A, PAGE], "r0"), ([B], "r1")):
        release(world, keys, name)
        cast.clean_alone(world, policy)
    release(world, [A], "r2")
    world.advance(policy.removed_ttl)
    return world


def lost_and_copied(policy: Policy, *, stored: bool = True) -> World:
    """B is current; the ledger is lost, and somebody has copied the marker of the release before, which has A."""
    world = World()
    release(world, [A, PAGE], "r0", stored=stored)
    world.advance(TOLERANCE.total_seconds())
    release(world, [B, PAGE], "r1", stored=stored)
    cast.clean_alone(world, policy)
    world.advance(10)
    world.delete(LAYOUT.ledger)
    world.rewrite(LAYOUT.marker_key(OLD_ID), world.objects[LAYOUT.marker_key(OLD_ID)])
    world.advance(10)
    return world


def doubt_that_ended(policy: Policy) -> World:
    """The same without stored pages, and an hour after the rebuild a new release ends the doubt: B was current."""
    world = lost_and_copied(policy, stored=False)
    cast.clean_alone(world, policy)
    world.advance(policy.version_ttl + 10)
    release(world, [C, PAGE], "r2", stored=False)
    return world


def doubt_and_cut_off(policy: Policy) -> World:
    """B is current, though an end of the channel before it counts as newer: the ledger was lost, and the end copied.

    A new release of the channel is cut off before it is in place. No page in place shows what visitors get.
    """
    world = World()
    end = LAYOUT.marker_key("20261123T120000Z-end")
    world.put(end, cast.end_body("default", world))
    world.advance(TOLERANCE.total_seconds() + 1)
    release(world, [B], "back")
    world.advance(10)
    world.rewrite(end, world.objects[end])
    cast.clean_alone(world, policy)
    world.advance(10)
    cast.publish_alone(world, [A], "r2", placed=False)
    world.advance(10)
    return world


def doubtful_end(policy: Policy) -> World:
    """A channel that came back seemed to have ended once more: the ledger was lost, and its old end copied.

    A new release of the channel ended the doubt. B left with it, and A of another channel supersedes it.
    """
    world = World()
    end = LAYOUT.marker_key("20261123T120000Z-end")
    world.put(end, cast.end_body("default", world))
    world.advance(TOLERANCE.total_seconds() + 1)
    release(world, [B, PAGE], "back")
    release(world, [A], "live", channel="other")
    world.advance(10)
    world.rewrite(end, world.objects[end])
    cast.clean_alone(world, policy)
    world.advance(10)
    release(world, [PAGE], "r2")
    world.advance(policy.removed_ttl + 10)
    return world


def end_and_wrong_clock(policy: Policy) -> World:
    """A channel ended, and came back from a machine whose clock is an hour behind: that seems to have come before.

    Another release ended the doubt. B was removed with the end; A of another channel has its path.
    """
    world = World()
    release(world, [B], "r0")
    release(world, [A], "live", channel="other")
    cast.clean_alone(world, policy)
    world.advance(10)
    world.put(LAYOUT.marker_key("20261123T120012Z-end"), cast.end_body("default", world))
    world.advance(10)
    now, world.time = world.time, world.time - timedelta(hours=1)
    body = cast.body([C], "default", "behind", world)
    world.time = now
    world.put(LAYOUT.marker_key("20261123T110022Z-behind"), body)
    cast.clean_alone(world, policy)
    world.advance(10)
    release(world, [C], "r2")
    world.advance(10)
    return world


def ended(policy: Policy) -> World:
    """The channel of A and B has ended: they are due, but not deleted yet."""
    world = superseded(policy)
    world.put(LAYOUT.marker_key("20261123T120012Z-end"), cast.end_body("default", world))
    world.advance(10)
    return world


def over(policy: Policy) -> World:
    """The site has ended, and its assets are gone; its release log is not."""
    world = ended(policy)
    for _ in range(2):  # the page goes before what it asks for
        cast.clean_alone(world, policy)
        world.advance(10)
    return world


def over_and_in_place(policy: Policy) -> World:
    """The same, and a release has just been in place whose marker somebody deleted by hand."""
    world = over(policy)
    world.put(LAYOUT.placed_key("20261123T120100Z-gone"), b"{}")
    return world


def idle(policy: Policy) -> World:
    """A is superseded by B and gone; since then the site had no release for so long that it ends."""
    world = superseded(policy)
    world.site.lives = timedelta(seconds=policy.site_ttl)
    cast.clean_alone(world, policy)
    world.advance(policy.site_ttl + 60)
    return world


def only_the_ledger(policy: Policy) -> World:
    """The same, and nothing is left but the ledger, which may go."""
    world = over(policy)
    cast.clean_alone(world, policy)
    world.advance(1000)
    return world


def vanished(policy: Policy) -> World:
    """A is current in one channel, whose marker is gone. Another one had it too, and has B now."""
    world = World()
    release(world, [A, PAGE], "r0")
    release(world, [A], "r1", channel="other")
    cast.clean_alone(world, policy)
    world.vanish(OLD_MARKER)
    release(world, [B], "r2", channel="other")
    world.advance(10)
    return world


def vanished_for_days(policy: Policy) -> World:
    """C is current in a channel whose marker is gone, and no other marker names it; a listing is due."""
    world = World()
    release(world, [C, PAGE], "r0")
    release(world, [A], "r1", channel="other")
    cast.clean_alone(world, policy)
    world.vanish(OLD_MARKER)
    world.advance(90_000)
    return world


def vanished_and_ended(policy: Policy) -> World:
    """The same, and the channel has just ended: C is a removed asset, and no marker says so."""
    world = vanished_for_days(policy)
    world.put(LAYOUT.marker_key("20261124T130012Z-end"), cast.end_body("default", world))
    world.advance(10)
    return world


def vanished_ended_and_back(policy: Policy) -> World:
    """The same, and then it came back with a release without C."""
    world = vanished_and_ended(policy)
    release(world, [PAGE], "back")
    return world


def found_and_ended(policy: Policy) -> World:
    """An orphan was found that a marker had named which is gone; then the channel of that one ended."""
    world = World()
    release(world, [C], "r0")
    release(world, [A], "r1", channel="other")
    cast.clean_alone(world, policy)
    world.vanish(OLD_MARKER)
    world.advance(90_000)
    release(world, [B], "r2")
    cast.clean_alone(world, policy)
    world.advance(60)
    world.put(LAYOUT.marker_key("20261124T130112Z-end"), cast.end_body("default", world))
    world.advance(600)
    return world


def vanished_and_ended_at_once(policy: Policy) -> World:
    """As `vanished`, and A's channel has ended before a run comes: A, which another channel had too, is removed."""
    world = vanished(policy)
    world.put(LAYOUT.marker_key("20261123T120012Z-end"), cast.end_body("default", world))
    world.advance(10)
    return world


def vanished_and_replaced(policy: Policy) -> World:
    """As `vanished`; an hour later the channel has a new release: until then A was current."""
    world = vanished(policy)
    cast.clean_alone(world, policy)
    world.advance(policy.version_ttl + 10)
    release(world, [C, PAGE], "r3")
    return world


def end_vanished(policy: Policy) -> World:
    """A channel has ended, a run has seen it, and the marker that says so is gone; older ones are left."""
    world = ended(policy)
    cast.clean_alone(world, replace(policy, removed_ttl=3600))
    world.vanish(LAYOUT.marker_key("20261123T120012Z-end"))
    return world


def uploader(work: Callable[[Actor], Any], *, skew: int = 0, name: str = "U") -> Callable[[World], Actor]:
    return lambda world: Actor(name, world, work, skew=skew)


def cleaner_of(policy: Policy, name: str = "C") -> Callable[[World], Actor]:
    return lambda world: cast.cleaner(world, name, cast.cleaning(policy))


def _hours(world: World) -> Actor:
    """Two long waits, together longer than an intent holds; no single request takes so long."""

    def work(actor: Actor) -> None:
        for _ in range(2):
            actor.world.sleep(10_850, "time")

    def nobody_writes_a_marker() -> bool:
        return not any(
            a.pending and a.pending.key.startswith(LAYOUT.markers) and a.pending.writes for a in world.actors
        )

    return Actor("T", world, work, may_go=nobody_writes_a_marker)


def _ten_seconds(world: World) -> Actor:
    return Actor("T", world, lambda actor: actor.world.sleep(10, "time"))


def case(name: str, begin: Callable[[Policy], World], *who: Callable[[World], Actor], policy: Policy = AT_ONCE) -> Case:
    """A world with its actors."""

    return Case(name, policy, partial(begin, policy), who)


BACK = uploader(cast.upload([A, PAGE], "default", "back"))
AHEAD = uploader(cast.upload([A, PAGE], "default", "back"), skew=86_400)
EARLY = uploader(cast.upload([A, PAGE], "default", "back", ahead=True))
PAGES_FIRST = uploader(cast.upload([A, PAGE], "default", "back", ahead=True, port=PagesFirstPort))
ROLL_OUT = uploader(cast.roll_out([A, PAGE], "default", "back", succeeds=True))
FAILED_ROLL_OUT = uploader(cast.roll_out([A, PAGE], "default", "back", succeeds=False))
NEXT = uploader(cast.upload([C, PAGE], "default", "next"), name="V")
ACTIVATION = uploader(cast.activation(lambda: STAGED_ID))
PIN = uploader(cast.pinning(OLD_ID))
ROLL_BACK = uploader(cast.rolling_back(OLD_ID))
CLEANER = cleaner_of(AT_ONCE)
OTHER_CLEANER = cleaner_of(AT_ONCE, "D")
KEPT = case("a release that is kept", superseded, cleaner_of(KEEPING), policy=KEEPING)


BACK_AND_CLEANER = case("an upload brings back what is being deleted", superseded, BACK, CLEANER)
ASSET_AND_CLEANER = case(
    "an upload without a page brings back what is being deleted",
    superseded,
    uploader(cast.upload([A], "default", "back")),
    CLEANER,
)
"""No page in place shows what is needed."""
ELSEWHERE_AND_CLEANER = case(
    "an upload without a page brings back what another channel had",
    elsewhere,
    uploader(cast.upload([A], "default", "back")),
    CLEANER,
)
ROLL_BACK_AND_CLEANER = case("a roll-back to what is being deleted", superseded, ROLL_BACK, CLEANER)
FAILED_ROLL_OUT_AND_CLEANER = case(
    "a roll-out that fails, of what is being deleted", superseded, FAILED_ROLL_OUT, CLEANER
)
PAGE_AND_CLEANER = case("an upload brings back a page that is being deleted", removed_page, BACK, CLEANER)
NEXT_AND_CLEANER = case("a new version, while the one before it is being deleted", superseded, NEXT, CLEANER)
ROLL_OUT_AND_CLEANER = case("a roll-out of what is being deleted", superseded, ROLL_OUT, CLEANER)
OLD_STAGED = case("an activation of what was staged too long ago", expired, ACTIVATION, CLEANER)
PIN_AND_CLEANER = case("a pin of what is being deleted", superseded, PIN, CLEANER)
TWO_ACTORS = (
    BACK_AND_CLEANER,
    ASSET_AND_CLEANER,
    ELSEWHERE_AND_CLEANER,
    PAGE_AND_CLEANER,
    NEXT_AND_CLEANER,
    case("an upload that looks ahead brings back what is being deleted", elsewhere, EARLY, CLEANER),
    case("an upload that looks ahead brings back a page that is being deleted", removed_page, EARLY, CLEANER),
    case("an upload that looks ahead, and at its pages too, brings one back", removed_page, PAGES_FIRST, CLEANER),
    ROLL_OUT_AND_CLEANER,
    OLD_STAGED,
    PIN_AND_CLEANER,
    case("a pin that ends again at once", superseded, uploader(cast.pinning(OLD_ID, then_unpin=True)), CLEANER),
    ROLL_BACK_AND_CLEANER,
    case("a roll-back and a new version at once", superseded, ROLL_BACK, NEXT),
    case("a pin and a roll-back of one release", superseded, PIN, uploader(ROLL_BACK(World()).work, name="V")),
    FAILED_ROLL_OUT_AND_CLEANER,
    case("an activation, while others are deleted", staged, ACTIVATION, CLEANER),
    case("two activations of one release", staged, ACTIVATION, uploader(cast.activation(lambda: STAGED_ID), name="V")),
    case("two uploads of one build under one name", superseded, BACK, uploader(BACK(World()).work, name="V")),
    case("a new version and an old one at once", superseded, BACK, NEXT),
)
"""The tests play every schedule of these cases."""

END = uploader(cast.ending("default"), name="E")
END_OF_THE_SITE = uploader(cast.ending(None), name="E")
END_AND_CLEANER = case("the end of a channel, while others are deleted", superseded, END, CLEANER)
END_AND_BACK = case("the end of a channel, and an upload", superseded, END, BACK)
END_AND_ROLL_BACK = case("the end of a channel, and a roll-back", superseded, END, ROLL_BACK)
END_AND_ACTIVATION = case("the end of a site, and an activation", staged, END_OF_THE_SITE, ACTIVATION)
ENDED_AND_BACK = case("an upload to a channel that has ended, while its assets are deleted", ended, BACK, CLEANER)
ENDED_AND_ROLL_BACK = case("a roll-back in a channel that has ended, likewise", ended, ROLL_BACK, CLEANER)
LOG_AND_BACK = case("an upload to a site that has ended, while its release log goes", over, BACK, CLEANER)
LOG_ALONE = case("the release log of a site that has ended goes", over, CLEANER)
LOG_AND_A_FILE = case("the same, and a release in place without a marker", over_and_in_place, CLEANER)
LOG_AND_TWO_CLEANERS = case("two cleaners remove the release log of a site", over, CLEANER, OTHER_CLEANER)
LEDGER_AND_BACK = case("an upload to a site that has ended, while its ledger goes", only_the_ledger, BACK, CLEANER)
CLEANER_AFTER_LONG = cleaner_of(IDLE)
IDLE_AND_BACK = case("an upload to a site that ends by itself", idle, BACK, CLEANER_AFTER_LONG, policy=IDLE)
IDLE_AND_ROLL_BACK = case("a roll-back on a site that ends by itself", idle, ROLL_BACK, CLEANER_AFTER_LONG, policy=IDLE)
IDLE_AND_TWO_CLEANERS = case(
    "two cleaners, and an upload to a site that ends by itself",
    idle,
    BACK,
    CLEANER_AFTER_LONG,
    cleaner_of(IDLE, "D"),
    policy=IDLE,
)
WITH_AN_END = (
    END_AND_CLEANER,
    END_AND_BACK,
    END_AND_ROLL_BACK,
    END_AND_ACTIVATION,
    ENDED_AND_BACK,
    ENDED_AND_ROLL_BACK,
    LOG_AND_BACK,
    LOG_AND_TWO_CLEANERS,
    LEDGER_AND_BACK,
    IDLE_AND_BACK,
    IDLE_AND_ROLL_BACK,
)
"""A channel or a site ends; the tests play every schedule of these cases."""

LONG = (
    ASSET_AND_CLEANER,
    ELSEWHERE_AND_CLEANER,
    NEXT_AND_CLEANER,
    ROLL_OUT_AND_CLEANER,
    ROLL_BACK_AND_CLEANER,
    FAILED_ROLL_OUT_AND_CLEANER,
    PAGE_AND_CLEANER,
    OLD_STAGED,
    *(case for case in TWO_ACTORS if case.name.endswith("at once") or "that looks ahead" in case.name),
    END_AND_CLEANER,
    END_AND_BACK,
    END_AND_ROLL_BACK,
    END_AND_ACTIVATION,
    ENDED_AND_BACK,
    ENDED_AND_ROLL_BACK,
    LOG_AND_BACK,
    LOG_AND_TWO_CLEANERS,
    IDLE_AND_BACK,
    IDLE_AND_ROLL_BACK,
)
"""Those of both with so many orders that they take more than a second."""

END_VANISHED = case("a channel that has ended, and whose marker for that is gone", end_vanished, CLEANER)
VANISHED_FOR_DAYS = case("a current marker that is gone for days", vanished_for_days, CLEANER)
VANISHED_AND_REPLACED = case(
    "a marker that was gone, and a new release", vanished_and_replaced, cleaner_of(LATER), policy=LATER
)
VANISHED_AND_ENDED = case(
    "a marker that was gone, and the end of its channel", vanished_and_ended, cleaner_of(SOON), policy=SOON
)
VANISHED_ENDED_AND_BACK = case(
    "the same, and the channel is back", vanished_ended_and_back, cleaner_of(SOON), policy=SOON
)
FOUND_AND_ENDED = case(
    "an orphan that was found, and the end of its channel", found_and_ended, cleaner_of(SOONER), policy=SOONER
)
VANISHED_AND_ENDED_AT_ONCE = case(
    "a marker that was gone, and the end, before a run comes",
    vanished_and_ended_at_once,
    cleaner_of(SOON),
    policy=SOON,
)
NEXT_ELSEWHERE = uploader(cast.upload([C], "other", "next"), name="V")
VANISHED = case("a current marker that is gone, while others are deleted", vanished, CLEANER)
VANISHED_AND_NEXT = case("the same, and a new version in another channel", vanished, CLEANER, NEXT_ELSEWHERE)

COPY = uploader(cast.copying(lambda: OLD_MARKER), name="O")
MARKER_COPIED = case("an old marker is copied, while others are deleted", superseded, COPY, CLEANER)
MARKER_PUT_BACK = case(
    "an old marker is deleted and put back", superseded, uploader(cast.taking_away(OLD_MARKER), name="O"), CLEANER
)
LOST_AND_COPIED = case("a lost ledger, and an old marker that was copied", lost_and_copied, CLEANER, OTHER_CLEANER)
LOST_COPIED_AND_NEXT = case("the same, and a new version", lost_and_copied, CLEANER, NEXT)
DOUBT_THAT_ENDED = case("a doubt that ended a moment ago", doubt_that_ended, cleaner_of(LATER), policy=LATER)
END_AND_WRONG_CLOCK = case("an end, and a release by a wrong clock", end_and_wrong_clock, cleaner_of(SOON), policy=SOON)
DOUBT_AND_CUT_OFF = case("a doubt, and a release that is not in place", doubt_and_cut_off, CLEANER)
DOUBTFUL_END = case("a channel that seemed to have ended", doubtful_end, cleaner_of(LATER), policy=LATER)
"""Somebody sets instants anew."""

TWO_CLEANERS = case("two cleaners", superseded, CLEANER, OTHER_CLEANER)
TWO_CLEANERS_AND_AN_UPLOAD = case("two cleaners and an upload", superseded, OTHER_CLEANER, CLEANER, BACK)
"""The tests play every schedule of these cases with a few preemptions."""

TWINS = tuple((lambda world, n=n: cast.cleaner(world, n, cast.cleaning(AT_ONCE, run="one"))) for n in "CD")
ONE_RUN_ID = case("two cleaners that pass for one run, and an upload", superseded, *TWINS, BACK)

WRONG_CLOCK = case("an upload on a machine whose clock is a day ahead", superseded, AHEAD, CLEANER)
LISTED_AHEAD = case("an upload that looks ahead, and time that passes", elsewhere, EARLY, CLEANER, _ten_seconds)
SLOW_UPLOAD = case("an upload that takes longer than its intent holds", superseded, BACK, CLEANER, _hours)
WRONG_LEDGER = case("a ledger that calls a live asset removed", wrong_ledger, BACK, CLEANER)
INTENT_COPIED = case(
    "an upload whose intent is copied, and time that passes",
    removed_page,
    BACK,
    CLEANER,
    uploader(cast.copying(lambda: LAYOUT.pending_key("20261123T120012Z-back")), name="O"),
    _ten_seconds,
)
UNTAG_AND_DELETE = replace(
    case("a run that untags and deletes", returned, cleaner_of(LATER), policy=LATER), strict=True
)


def play(case: Case, *steps: tuple[str, str, Verdict | None]) -> None:
    """Play one schedule: each actor up to its next request of a kind, which ends as said; None: a crash before it."""
    world = case.enter(case.begin())
    Watch(world.site, case.policy)
    actors = {actor.name: actor for actor in world.actors}
    with judged(world, case.name):
        for name, kind, verdict in steps:
            go_on(actors[name], kind)
            if actors[name].state == "running":
                actors[name].crash() if verdict is None else actors[name].step(verdict)
        while world.late:
            world.arrive(world.late[-1])
            world.check()
        settle(world, case.policy)


def go_on(actor: Actor, kind: str) -> None:
    """Up to the next request of a kind, or one such as ``put <key>``."""
    if actor.state == "new":
        actor.start()
    while actor.state == "running" and kind not in {str(actor.pending), getattr(actor.pending, "kind", None)}:
        actor.step()


TO_THE_END = ("", Verdict.DONE)


def late_deletion() -> None:
    """A deletion without an answer is repeated, and S3 executes it again after an upload restored the asset."""
    play(BACK_AND_CLEANER, ("C", "delete", Verdict.LATE), ("C", *TO_THE_END), ("U", *TO_THE_END))


def late_deletion_and_conflict() -> None:
    """The same; but another run writes the ledger, so the run starts over, and finds the upload's intent."""
    play(
        TWO_CLEANERS_AND_AN_UPLOAD,
        ("C", "delete", Verdict.LATE),
        ("U", "list", Verdict.DONE),
        ("D", *TO_THE_END),
        ("C", *TO_THE_END),
        ("U", *TO_THE_END),
    )


def deletion_after_5xx() -> None:
    """S3 answers a deletion with a 5xx, and executes it after an upload restored the asset."""
    play(BACK_AND_CLEANER, ("C", "delete", Verdict.UNKNOWN), ("C", *TO_THE_END), ("U", *TO_THE_END))


def late_deletion_of_the_ledger() -> None:
    """The ledger of a site that has ended is deleted late: the site is back, and another run is about to delete."""
    world = only_the_ledger(AT_ONCE)
    first, other = (cast.cleaner(world, name, cast.cleaning(AT_ONCE)) for name in "CD")
    upload = BACK(world)
    world.actors = [first, other, upload]
    Watch(world.site, AT_ONCE)
    with judged(world, "a late deletion of the ledger"):
        go_on(first, "delete")
        world.actor = None
        release(world, [A, PAGE], "r5")
        cast.clean_alone(world, AT_ONCE)
        cast.clean_alone(world, AT_ONCE)
        release(world, [B, PAGE], "r6")
        world.advance(10)
        go_on(other, "delete")
        first.step()
        go_on(upload, "put")
        for actor in (other, upload):
            go_on(actor, "")
        settle(world, AT_ONCE)


def cut_off_after_the_end() -> None:
    """A site ended by itself; the upload that brings it back dies after its marker, before its pages are in place."""
    placed = f"create {LAYOUT.placed_key('20261123T180112Z-back')}"
    play(IDLE_AND_BACK, ("C", *TO_THE_END), ("U", placed, None))


def page_after_the_last_marker() -> None:
    """A site has ended, and its last marker goes; meanwhile a roll-out begins that fails, and leaves a stored page."""
    failed = uploader(cast.roll_out([PAGE], "default", "late", succeeds=False))
    late = case("a stored page of a site that has ended", over, failed, CLEANER)
    play(late, ("C", "delete", Verdict.DONE), ("U", *TO_THE_END), ("C", *TO_THE_END))


def late_tags() -> None:
    """A tag is written without an answer, and S3 executes that after an upload made the asset current again."""
    only_tags = case("a run that only tags", superseded, cleaner_of(LATER), BACK, cleaner_of(LATER, "D"), policy=LATER)
    play(only_tags, ("C", "put_tags", Verdict.LATE), ("C", *TO_THE_END), ("U", *TO_THE_END), ("D", *TO_THE_END))


def pins_cut_short() -> None:
    """Both listings of the pins are cut short before their first entry."""
    pins = f"list {LAYOUT.pins}"
    pinned_and_due = case("a pinned asset that would be due", pinned, CLEANER)
    play(
        pinned_and_due,
        ("C", pins, Verdict.REPEAT),
        ("C", f"put {LAYOUT.ledger}", Verdict.DONE),
        ("C", pins, Verdict.REPEAT),
        ("C", *TO_THE_END),
    )


def late_unpin() -> None:
    """The deletion of a pin is repeated, and S3 executes it again when the release has been pinned anew."""
    again = case("a release that is pinned again", superseded, uploader(cast.pinning_again(OLD_ID)))
    play(again, ("U", f"delete {LAYOUT.pin_key(OLD_ID)}", Verdict.AGAIN), ("U", *TO_THE_END))


def late_marker() -> None:
    """The marker of an abandoned upload is stored after the cleaner has run."""
    marker = f"create {LAYOUT.marker_key('20261123T120012Z-back')}"
    play(BACK_AND_CLEANER, ("U", marker, Verdict.LATE), ("U", *TO_THE_END), ("C", *TO_THE_END))


def dropped_while_activated() -> None:
    """A staged release is dropped when its activation has read it, and is about to look at the site."""
    dropping = uploader(cast.dropping(lambda: STAGED_ID), name="V")
    both = case("an activation of what is dropped meanwhile", staged, ACTIVATION, dropping)
    world = both.enter(both.begin())
    upload, drop = world.actors
    with judged(world, both.name):
        go_on(upload, "list")
        for actor in (drop, upload):
            go_on(actor, "to the end")
        if drop.result is None and LAYOUT.marker_key(STAGED_ID) in world.objects:
            msg = f"{STAGED_ID} was dropped, and is current"
            raise BrokenPromiseError(msg)
        settle(world, both.policy)


def suspended_at_the_marker() -> None:
    """A machine sleeps within the PUT of its marker until its intent has expired, and a cleaner deletes an asset.

    The release that becomes current then lacks it. Nothing can prevent that; but when the upload ends, it is whole.
    """
    world = BACK_AND_CLEANER.enter(BACK_AND_CLEANER.begin())
    upload, cleaner = world.actors
    upload.start()
    while not str(upload.pending).startswith(f"create {LAYOUT.markers}"):
        upload.step()
    world.advance(Policy().pending_ttl + 2)
    cleaner.start()
    while cleaner.state == "running":
        cleaner.step()
    check, world.check = world.check, lambda: None  # type: ignore[method-assign]
    with judged(world, "an upload whose machine sleeps"):
        while upload.state == "running":
            upload.step()
        check()


def crash_after_tagging() -> None:
    """A run dies after it has tagged, and before the ledger says so; then the asset comes back."""
    only_tags = case("a run that only tags", superseded, cleaner_of(LATER), BACK, policy=LATER)
    play(only_tags, ("C", "put_tags", Verdict.DONE), ("C", f"put {LAYOUT.ledger}", None), ("U", *TO_THE_END))


def same_second() -> None:
    """Two uploads, one after the other, within one second; the first one's machine is a day ahead."""
    _in_turn("two uploads within one second", skew=86_400)


def same_second_listed_early(skew: int = 86_400) -> None:
    """The same; the second one has listed the site before the first one began.

    Args:
        skew: By how much the first one's machine is ahead, in seconds. If it is behind, that early listing is all that
            the second one knows of its marker.
    """
    _in_turn("two uploads within one second, and an early listing", skew=skew, early=True)


def _in_turn(name: str, *, skew: int, early: bool = False) -> None:
    first = uploader(cast.upload([A, PAGE], "default", "first"), skew=skew)
    then = uploader(cast.upload([C, PAGE], "default", "then", ahead=early), name="V")
    in_turn = case(name, superseded, first, then)
    world = in_turn.enter(in_turn.begin())
    if early:
        go_on(world.actors[1], "create")
    for actor in world.actors:
        go_on(actor, "")
    if not world.site.current()["default"].endswith("-then"):
        msg = f"{in_turn.name}: the one that came last is not current"
        raise FoundError(msg)
