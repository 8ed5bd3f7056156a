"""Pages: releases that are put in place beside one another, and somebody who puts pages in place by hand."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from release_log.marker import decode, encode
from release_log.policy_settings import Policy
from tests.fake_uploader_s3 import stored_with
from tests.few_markers import few_markers
from tests.interleaving import cast
from tests.interleaving.actor import Actor, BrokenPromiseError, Verdict
from tests.interleaving.cases import (
    BACK,
    CLEANER,
    LATER,
    NEXT,
    OLD_ID,
    TO_THE_END,
    A,
    B,
    C,
    case,
    cleaner_of,
    go_on,
    play,
    release,
    superseded,
    uploader,
)
from tests.interleaving.explore import PAGE, VERSIONS, judged
from tests.interleaving.keeper import putting
from tests.interleaving.needs import read_ledger
from tests.interleaving.ports import AtOncePort, EtagsPort
from tests.interleaving.verdict import KEEPER, check_pages, settle
from tests.interleaving.world import LAYOUT, World
from tests.older_ledger import as_older
from uploader.errors import NotPlacedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from release_log.tags import Mark
    from tests.interleaving.exhaustive import Case

LIB = VERSIONS["lib"][0]

PAGES_STAY = Policy(version_limit=0, version_ttl=0, removed_ttl=3600, grace=0)
"""A removed page stays for longer than what it asks for."""

NOTHING_IS_DUE = replace(PAGES_STAY, version_ttl=3600)
"""Nothing is due yet, so that nobody has looked at the pages."""


AS_IT_WAS = "as it was"
"""What a page held when it was an asset."""

AS_THEIRS = "as theirs is"
"""What another upload has under its name, also as an asset."""


def _keeper(body: bytes) -> Callable[[World], Actor]:
    return lambda world: Actor(KEEPER, world, putting(PAGE, body))


def _left_behind(policy: Policy) -> World:
    """The page is removed, and still in place; what it asks for is superseded, and due."""
    world = World()
    release(world, [A, PAGE], "r0")
    cast.clean_alone(world, policy)
    release(world, [B], "r1")
    world.advance(10)
    return world


def _other_channel(policy: Policy) -> World:
    """Two channels that share a page."""
    world = World()
    release(world, [A, PAGE], "r0")
    release(world, [A, PAGE], "r1", channel="other")
    cast.clean_alone(world, policy)
    world.advance(10)
    return world


def _was_an_asset(policy: Policy, *before: str, etag: str | None = None) -> World:
    """The page was an asset until now, and its object is in place; A is superseded by B, and due.

    So it is if the content changed of a file whose name has a fingerprint, or looks like it: the next release has it as
    a page.

    Args:
        policy: The settings.
        before: What else the release before named.
        etag: The object's ETag, if the marker notes it.
    """
    world = World()
    release(world, [A, *before], "r")
    cast.clean_alone(world, policy)
    cast.put_assets(world, [B])
    world.put(PAGE, AS_IT_WAS.encode(), size=1, metadata={"headers": "0" * 12, "digest": "0" * 64})
    own = decode(cast.body([B, PAGE], "default", "r0", world), LAYOUT.prefix)
    page = own.assets[PAGE]._replace(size=1, fingerprinted=True, stored=None, digest=None, etag=etag)
    release_id = f"{world.now:%Y%m%dT%H%M%SZ}-r0"
    world.put(LAYOUT.marker_key(release_id), encode(replace(own, assets={**own.assets, PAGE: page})))
    world.put(LAYOUT.placed_key(release_id), b"{}")
    world.advance(10)
    return world


def _was_a_known_asset(policy: Policy) -> World:
    """The same, and the marker notes the ETag of that object."""
    return _was_an_asset(policy, etag=hashlib.md5(AS_IT_WAS.encode(), usedforsecurity=False).hexdigest())


def _was_a_page(policy: Policy) -> World:
    """The same, and before that it was a page, whose stored version is due."""
    return _was_an_asset(policy, PAGE)


def _without_the_page(policy: Policy) -> World:
    """A is current, without a page."""
    world = World()
    release(world, [A], "r0")
    cast.clean_alone(world, policy)
    world.advance(10)
    return world


def _sent_as_an_asset(policy: Policy) -> World:
    """The page is an asset of the current release, as the upload has sent it."""
    world = World()
    sent = cast.upload([B, PAGE], "default", "r0", as_it_was=AS_IT_WAS, port=EtagsPort)
    sent(Actor("F", world, sent))
    cast.clean_alone(world, policy)
    world.advance(10)
    return world


def _elsewhere_in_place(policy: Policy) -> World:
    """Two channels; the page in place is the other one's."""
    world = World()
    release(world, [C], "r0")
    release(world, [A, PAGE], "r1", channel="other")
    cast.clean_alone(world, policy)
    world.advance(10)
    return world


def _rolled_forward(policy: Policy) -> World:
    """A is current; nothing is due."""
    world = World()
    release(world, [A, PAGE], "r0")
    cast.clean_alone(world, policy)
    world.advance(10)
    return world


OTHER = uploader(cast.upload([C, PAGE], "other", "other"), name="V")
NEW = uploader(cast.upload([B, PAGE], "default", "new"))

CUT_OFF = case("a new version that is cut off, and a cleaner", superseded, NEXT, CLEANER)
TWO_NEW = case("two new versions at once", superseded, BACK, NEXT)
TWO_CHANNELS = case("two channels with one page", _other_channel, NEW, OTHER)
LEFT_BEHIND = case("a page that no release names any more", _left_behind, cleaner_of(PAGES_STAY), policy=PAGES_STAY)
WAS_AN_ASSET = case("a page that was an asset until now, and a cleaner", _was_an_asset, NEXT, CLEANER)
STAYED = case(
    "a page whose name was taken for a fingerprint, and a cleaner",
    _was_a_page,
    uploader(cast.upload([A, PAGE], "default", "stayed", stayed=True)),
    CLEANER,
)
AT_ONCE_WITH_OLDER = case(
    "a page that was an asset until now, and an upload that has it as it was",
    _was_an_asset,
    uploader(cast.upload([B, PAGE], "default", "older", as_it_was=AS_IT_WAS)),
    uploader(cast.upload([C, PAGE], "default", "next", noted=True), name="V"),
)
EARLY_WITH_OLDER = case(
    "the same, and it looks ahead",
    _was_a_known_asset,
    uploader(cast.upload([B, PAGE], "default", "older", ahead=True, as_it_was=AS_IT_WAS)),
    uploader(cast.upload([C, PAGE], "default", "next", noted=True), name="V", skew=-3600),
)
EARLY_AND_NEW = case(
    "two uploads of a new file of one name, and one of them looks ahead",
    _without_the_page,
    uploader(cast.upload([B, PAGE], "default", "early", ahead=True, as_it_was=AS_IT_WAS, port=EtagsPort)),
    uploader(cast.upload([C, PAGE], "default", "other", as_it_was=AS_THEIRS, port=EtagsPort), name="V", skew=3600),
)
AFTER_THE_LOOK = tuple(
    case(
        f"two uploads of a new file of one name, and one of them {how}",
        _without_the_page,
        uploader(cast.upload([B, PAGE], "default", "slow", stage=stage, as_it_was=AS_IT_WAS, port=AtOncePort)),
        uploader(cast.upload([C, PAGE], "default", "other", as_it_was=AS_THEIRS, port=AtOncePort), name="V"),
    )
    for how, stage in (("dies", False), ("is staged", True))
)
AFTER_AN_ATTEMPT = case(
    "two uploads of a new file of one name, and an attempt that died",
    _without_the_page,
    *(
        uploader(cast.upload([B, PAGE], "default", name, as_it_was=AS_IT_WAS, port=EtagsPort), name=who)
        for who, name in (("X", "attempt"), ("U", "then"))
    ),
    uploader(cast.upload([C, PAGE], "default", "other", as_it_was=AS_THEIRS, port=EtagsPort), name="V"),
)
_WITH_THE_ASSET = uploader(cast.upload([B, PAGE], "default", "older", as_it_was=AS_IT_WAS, port=EtagsPort))
_WITH_A_PAGE = {
    channel: uploader(cast.upload([C, PAGE], channel, "next", noted=True, port=EtagsPort), name="V")
    for channel in ("default", "other")
}
ROLL_BACK_ACROSS = case(
    "a page where a roll-back in another channel brings back an asset",
    _sent_as_an_asset,
    uploader(cast.rolling_back(OLD_ID)),
    _WITH_A_PAGE["other"],
)
UNDER_WAY = tuple(
    case(f"a page under way in channel {channel}, where an upload has an asset", _sent_as_an_asset, _WITH_THE_ASSET, v)
    for channel, v in _WITH_A_PAGE.items()
)
BOTH_NEW = tuple(
    case(
        f"two uploads of a new file of one name, and one of them to channel {channel}",
        _without_the_page,
        _WITH_THE_ASSET,
        uploader(cast.upload([C, PAGE], channel, "other", as_it_was=AS_THEIRS, port=EtagsPort), name="V"),
    )
    for channel in ("default", "other")
)
UNKNOWN_PAGE = case("a page that no release has, and a cleaner", superseded, _keeper(f"page:{A},".encode()), CLEANER)


def old_page_at_the_second_look() -> None:
    """Somebody puts an old page back in place, after the run has said what it deletes."""
    old = case("an old page that is put back", superseded, _keeper(f"page:{A}".encode()), CLEANER)
    play(old, ("C", "put", Verdict.DONE), (KEEPER, *TO_THE_END), ("C", *TO_THE_END))


def unknown_page() -> None:
    """Somebody puts a page in place that no release has, before a run."""
    play(UNKNOWN_PAGE, (KEEPER, *TO_THE_END), ("C", *TO_THE_END))


def page_without_metadata() -> None:
    """Somebody put a removed page in place by hand, so that its stored version alone tells which it is; days pass."""
    world = _left_behind(PAGES_STAY)
    with judged(world, "a page that only its stored version tells"):
        world.put(PAGE, f"page:{A}".encode())
        for _ in range(4):
            cast.clean_alone(world, PAGES_STAY)
            world.check()
            world.advance(PAGES_STAY.removed_ttl + 1)


def page_that_is_gone() -> None:
    """An old page is in place for a while, when what it asks for was due long ago; then somebody deletes it."""
    world = _due_long_ago()
    with judged(world, "an old page that was in place until a moment ago"):
        world.put(PAGE, f"page:{A}".encode())
        cast.clean_alone(world, LATER)
        world.delete(PAGE)
        _stays_for_a_while(world)


def page_that_came_late() -> None:
    """The newest release's page is put in place long after the file was written that says so."""
    world = _due_long_ago()
    with judged(world, "a page that was put in place a moment ago"):
        world.put(PAGE, f"page:{B}".encode())
        _stays_for_a_while(world)


def _due_long_ago() -> World:
    """A is superseded by B, and due."""
    world = World()
    release(world, [A, PAGE], "r0")
    cast.clean_alone(world, LATER)
    release(world, [B, PAGE], "r1")
    world.advance(LATER.version_ttl)
    return world


def _stays_for_a_while(world: World) -> None:
    """From now on A stays for ``version_ttl``."""
    for seconds, stays in ((0, True), (LATER.version_ttl - 1, True), (1, False)):
        world.advance(seconds)
        cast.clean_alone(world, LATER)
        if (A in world.objects) is not stays:
            msg = f"{A} {'is gone' if stays else 'is still there'}, {seconds} s later"
            raise BrokenPromiseError(msg)


def page_that_another_intent_names() -> None:
    """A run comes while an upload relies on the stored version of what its first intent had as an asset."""
    play(
        STAYED,
        ("U", "sleep", Verdict.DONE),
        ("U", f"get {LAYOUT.ledger}", Verdict.DONE),
        ("C", *TO_THE_END),
        ("U", *TO_THE_END),
    )


def asset_where_a_page_belongs() -> None:
    """An upload is cut off before its page is in place, where an asset lies that the release before has.

    Once it is finished, once the next release has no such page. Days pass, and nothing stops a run.
    """
    for keys in ([C, PAGE], [C]):
        world = _was_an_asset(PAGES_STAY)
        with judged(world, "an asset where a page belongs"):
            cast.publish_alone(world, [C, PAGE], "cut-off", placed=False)
            world.advance(10)
            _runs(world)
            release(world, keys, "next")
            for seconds in (10, 90_000, PAGES_STAY.removed_ttl, 3600, 90_000):
                world.advance(seconds)
                _runs(world)
            if keys == [C] and (PAGE in world.objects or B in world.objects):
                msg = "what was replaced is still there"
                raise BrokenPromiseError(msg)


def asset_that_was_a_page() -> None:
    """A page becomes an asset, as its name turns out to have a fingerprint, and is sent again with other headers.

    With KMS, or with other content, its ETag is not that of its stored version. Days pass, and nothing stops a run.
    """
    world = _was_a_page(PAGES_STAY)
    with judged(world, "an asset that was a page"):
        for seconds in (10, 90_000, 3600):
            _runs(world)
            world.advance(seconds)
        if A in world.objects:
            msg = "what was replaced is still there"
            raise BrokenPromiseError(msg)


def asset_whose_marker_is_old() -> None:
    """The same, and the next releases, which have no such page, let the old markers go; days pass."""
    policy = replace(PAGES_STAY, removed_ttl=90_000)
    world = _was_an_asset(policy)
    with judged(world, "an asset where a page belongs, and old markers"), few_markers():
        cast.publish_alone(world, [C, PAGE], "cut-off", placed=False)
        world.advance(10)
        for number, keys in enumerate(([A], [C], [A], [C])):
            _runs(world, policy)
            release(world, keys, f"next-{number}")
            world.advance(4000)
        for _ in range(3):
            _runs(world, policy)
            world.advance(policy.removed_ttl)
        if PAGE in world.objects:
            msg = "what was replaced is still there"
            raise BrokenPromiseError(msg)


def _runs(world: World, policy: Policy = PAGES_STAY) -> None:
    report = cast.clean_alone(world, policy)
    world.check()
    if report.plan.stops:
        msg = f"a run was stopped: {report.plan.stops}"
        raise BrokenPromiseError(msg)


def _days_pass(world: World, waits: Iterable[float] = (10, 90_000, 10, 3600)) -> None:
    """The cleaner comes back; after each run everything is there that must be.

    Args:
        world: The bucket.
        waits: The seconds after each run.
    """
    for seconds in waits:
        cast.clean_alone(world, PAGES_STAY)
        world.check()
        world.advance(seconds)


def page_of_another_channel() -> None:
    """Two channels share a page that is not stored; the one whose page is in place has none from now on; days pass."""
    world = World()
    with judged(world, "a page that another channel's older release names too"):
        release(world, [A, PAGE], "r0", channel="other", stored=False)
        release(world, [B, PAGE], "r1", stored=False)
        cast.clean_alone(world, PAGES_STAY)
        release(world, [C], "r2")
        _days_pass(world)


def roll_back_without_its_page() -> None:
    """A roll-back to a release that stores no page leaves the page of the one that it replaces in place; days pass."""
    world = World()
    with judged(world, "a roll-back that cannot put its page in place"):
        release(world, [A, PAGE], "r0", stored=False)
        release(world, [B, PAGE], "r1", stored=False)
        cast.clean_alone(world, PAGES_STAY)
        back = Actor("V", world, cast.rolling_back(OLD_ID))
        back.start()
        _go_on_to(back, "")
        _days_pass(world)


def page_that_a_dead_upload_stored() -> None:
    """A release that stores no page has one in place; a dead upload has stored the same one; days pass."""
    world = World()
    with judged(world, "a page that a dead upload has stored"):
        release(world, [A, PAGE], "r0", stored=False)
        cast.clean_alone(world, PAGES_STAY)
        release(world, [A, PAGE], "dead", LAYOUT.pending)
        world.advance(PAGES_STAY.pending_ttl)
        release(world, [B], "r1")
        _days_pass(world, (10, 1800, 10, 3600))


def page_that_an_upload_names_too(*, stored: bool) -> None:
    """A release has left, and its page, which is not stored, is in place; an upload that died has named the same one.

    While its intent stands, the release's marker grows old. Days pass.

    Args:
        stored: The upload has stored the page; else it is of an older version too.
    """
    world, policy = World(), replace(PAGES_STAY, removed_ttl=200_000)
    with judged(world, "a page that an intent names too"), few_markers():
        release(world, [A, PAGE], "r0", stored=False)
        cast.clean_alone(world, policy)
        release(world, [A, PAGE], "dead", LAYOUT.pending, stored=stored)
        for number in range(1, 5):
            release(world, [B], f"r{number}")
            world.advance(10)
            cast.clean_alone(world, policy)
        for seconds in (policy.pending_ttl, 10, 10):
            world.advance(seconds)
            cast.clean_alone(world, policy)
            world.check()


def line_without_its_newest() -> None:
    """The newest release, which is not in place, loses its marker; a new one without a page comes; days pass."""
    world = World()
    with judged(world, "a marker that is gone before a release that is in place"):
        release(world, [A, PAGE], "r0")
        cast.publish_alone(world, [B], "r1", placed=False)
        cast.clean_alone(world, PAGES_STAY)
        world.vanish(LAYOUT.marker_key("20261123T120001Z-r1"))
        world.advance(10)
        release(world, [B], "r2")
        _days_pass(world)


def gone_before_a_replay() -> None:
    """A page left with a release whose marker is gone when a late marker comes; then there is a new release; days pass.

    Nothing was due before, so that nobody has looked at the page.
    """
    world = World()
    with judged(world, "a marker that is gone before a replay"):
        release(world, [A, PAGE], "r0")
        cast.publish_alone(world, [B], "r1")
        cast.clean_alone(world, NOTHING_IS_DUE)
        world.vanish(LAYOUT.marker_key("20261123T120001Z-r1"))
        known = _states(world)
        cast.publish_alone(world, [C], "late", channel="other")
        cast.clean_alone(world, NOTHING_IS_DUE)
        if _states(world) != known:
            msg = f"the ledger had {known}, and now it has {_states(world)}"
            raise BrokenPromiseError(msg)
        world.advance(10)
        release(world, [B], "r2")
        _days_pass(world)


def _states(world: World) -> dict[str, Mark]:
    ledger = read_ledger(world.site)
    return {key: entry.mark for key, entry in ledger.retired.items()} if ledger else {}


def late_before_one_that_is_gone() -> None:
    """The newest release, not in place yet, loses its marker; then one comes that sorts before it, in the same second.

    That one stays current until a newer one is in place; then there is one. Days pass.
    """
    world = World()
    with judged(world, "a release that comes before one whose marker is gone"):
        cast.publish_alone(world, [C], "b", placed=False)
        cast.clean_alone(world, NOTHING_IS_DUE)
        world.vanish(LAYOUT.marker_key("20261123T120000Z-b"))
        cast.publish_alone(world, [A, PAGE], "a")
        cast.clean_alone(world, NOTHING_IS_DUE)
        world.advance(10)
        release(world, [B], "r2")
        _days_pass(world)


def unread_behind_a_newer_one() -> None:
    """For a run, the marker of a release in place cannot be read, and a newer one is not in place yet; days pass."""
    world = World()
    with judged(world, "a marker that could not be read when a newer one came"):
        release(world, [C], "r0")
        cast.clean_alone(world, PAGES_STAY)
        cast.publish_alone(world, [B], "r1", placed=False)
        key = LAYOUT.marker_key("20261123T120000Z-r0")
        stored = world.objects[key]
        world.objects[key] = replace(stored, body=b"{")
        cast.clean_alone(world, PAGES_STAY)
        world.objects[key] = stored
        _days_pass(world, (10, 90_000, 90_000, 3600))


def unread_while_its_page_lies(*, retired: bool) -> None:
    """The marker of a release that is not current, and whose page is in place, cannot be read any more; a run comes.

    Args:
        retired: What retired with it says whose page that is; else only its marker did, as another channel's release
            names the page too, and the page was put back in place.
    """
    world = World()
    with judged(world, "a marker that cannot be read, of a release whose page is in place"):
        if not retired:
            release(world, [C, PAGE], "r", channel="other", stored=False)
        key = LAYOUT.marker_key(cast.publish_alone(world, [A, PAGE], "r0", stored=retired))
        page = world.objects[PAGE]
        if not retired:
            world.delete(PAGE)
        world.advance(1)
        cast.clean_alone(world, NOTHING_IS_DUE)
        release(world, [B], "r1")
        cast.clean_alone(world, NOTHING_IS_DUE)
        world.put(PAGE, page.body, metadata=page.metadata)
        world.objects[key] = replace(world.objects[key], body=b"{")
        _days_pass(world, (10, 10))


def gone_behind_a_newer_one() -> None:
    """The marker of a release in place is gone, and a newer one is not in place yet; days pass."""
    world = World()
    with judged(world, "a marker that is gone behind a release that is not in place"):
        release(world, [C], "r0")
        cast.clean_alone(world, PAGES_STAY)
        world.vanish(LAYOUT.marker_key("20261123T120000Z-r0"))
        cast.publish_alone(world, [B], "r1", placed=False)
        _days_pass(world)


def retired_behind_a_newer_one() -> None:
    """The same, and what that release has retires in another channel meanwhile."""
    world = World()
    with judged(world, "an asset that retires while a marker is gone behind a release that is not in place"):
        release(world, [A], "r0")
        release(world, [A], "r1", channel="other")
        cast.publish_alone(world, [B], "r2", placed=False)
        cast.clean_alone(world, PAGES_STAY)
        world.vanish(LAYOUT.marker_key("20261123T120000Z-r0"))
        release(world, [B], "r3", channel="other")
        _days_pass(world, (10, 10, 3600))


def ledger_of_an_older_version() -> None:
    """A cleaner that knows nothing of pages writes the ledger, while a release is not in place; days pass."""
    world = World()
    with judged(world, "a ledger that an older version wrote"):
        release(world, [A], "r0", stored=False)
        cast.publish_alone(world, [B], "r1", placed=False)
        cast.clean_alone(world, PAGES_STAY)
        world.put(LAYOUT.ledger, as_older(world.objects[LAYOUT.ledger].body))
        _days_pass(world, (10, 90_000, 90_000))


def page_before_the_marker() -> None:
    """An upload is about to write its marker, and has an asset where another one has put its page meanwhile."""
    _end_with_its_asset(("V", "", True), ("U", "", True))


def page_after_the_marker() -> None:
    """The same; the other one has read the markers, and puts its page in place when this one has looked there."""
    _end_with_its_asset(("V", f"put {PAGE}", False), ("U", "", True), ("V", "", True))


def page_while_it_looks() -> None:
    """The same, and at that moment this one knows of the page."""
    _end_with_its_asset(("V", f"put {PAGE}", False), ("U", "sleep", False), ("V", "", True), ("U", "", True))


def page_of_an_older_name() -> None:
    """An upload has listed the site, and has an asset where another one puts its page then, under an older name.

    So its look does not show that one's marker, though it was written before the look.
    """
    world = EARLY_WITH_OLDER.enter(EARLY_WITH_OLDER.begin())
    upload, other = world.actors
    with judged(world, EARLY_WITH_OLDER.name):
        _go_on_to(upload, "create")
        for actor in (other, upload):
            _go_on_to(actor, "")
        settle(world, EARLY_WITH_OLDER.policy)


def page_between_two_early_listings() -> None:
    """The same; it has listed the markers before, and the site after that. It dies before its own marker is written.

    So it sees an object with other content, and no release that says so.
    """
    world = EARLY_WITH_OLDER.enter(EARLY_WITH_OLDER.begin())
    upload, other = world.actors
    with judged(world, EARLY_WITH_OLDER.name):
        _go_on_to(upload, f"list {LAYOUT.markers}")
        upload.step()
        _go_on_to(other, "")
        _go_on_to(upload, f"create {LAYOUT.markers}")
        upload.crash()
        check_pages(world)
        settle(world, EARLY_WITH_OLDER.policy)


def file_that_a_younger_release_has() -> None:
    """An upload has listed the site; then another one sends a file of the same name, and its release is current.

    The first one dies before its own marker is written.
    """
    world = EARLY_AND_NEW.enter(EARLY_AND_NEW.begin())
    upload, other = world.actors
    with judged(world, EARLY_AND_NEW.name), cast.known_content():
        _go_on_to(upload, "create")
        _go_on_to(other, "")
        _go_on_to(upload, f"create {LAYOUT.markers}")
        upload.crash()
        check_pages(world)
        settle(world, EARLY_AND_NEW.policy)


def file_sent_after_the_look(case: Case) -> None:
    """An upload is about to send a file; another one sends its own of the same name, and its release is current.

    The first one's release never is.

    Args:
        case: One of those: it dies before its marker is written, or waits to be activated.
    """
    world = case.enter(case.begin())
    upload, other = world.actors
    with judged(world, case.name), cast.known_content():
        _go_on_to(upload, f"put {PAGE}")
        _go_on_to(other, "")
        _go_on_to(upload, f"create {LAYOUT.markers}")
        if upload.state == "running":
            upload.crash()
        check_pages(world)
        settle(world, case.policy)


def file_that_an_attempt_had_sent() -> None:
    """An upload has seen a file that an attempt before it had sent; one that looked before that sends its own over it.

    Both have it as an asset, and the first one sends nothing. Its marker is the newest.
    """
    world = AFTER_AN_ATTEMPT.enter(AFTER_AN_ATTEMPT.begin())
    attempt, upload, other = world.actors
    with judged(world, AFTER_AN_ATTEMPT.name), cast.known_content():
        _go_on_to(other, f"put {PAGE}")
        _go_on_to(attempt, f"create {LAYOUT.markers}")
        attempt.crash()
        _go_on_to(upload, f"create {LAYOUT.markers}")
        for actor in (other, upload):
            _go_on_to(actor, "")
        check_pages(world)
        settle(world, AFTER_AN_ATTEMPT.policy)


def page_where_a_newer_release_has_an_asset() -> None:
    """An upload is about to read the markers; a release without the file comes, and a roll-back to one with the asset.

    The roll-back has no file that it could publish as a page too.
    """
    _after_one_without_the_file(ROLL_BACK_ACROSS, f"list {LAYOUT.markers}")


def page_under_way(case: Case) -> None:
    """The same with an upload, whose newest release does not name the file; the page's PUT is all that is left to do.

    Args:
        case: One of those, of one channel or of two.
    """
    _after_one_without_the_file(case, f"put {PAGE}")


def _after_one_without_the_file(case: Case, kind: str) -> None:
    """Let an upload go on to a request behind its marker; after a release without its page the other one comes.

    Args:
        case: The case.
        kind: How that request begins.
    """
    world = case.enter(case.begin())
    other, upload = world.actors
    with judged(world, case.name), cast.known_content():
        _go_on_to(upload, f"create {LAYOUT.markers}")
        upload.step()
        _go_on_to(upload, kind)
        world.actor = None
        world.advance(1)
        release(world, [A], "without")
        for actor in (other, upload):
            _go_on_to(actor, "")
        settle(world, case.policy)


def file_of_the_same_second(case: Case) -> None:
    """Two uploads have sent a new file of one name, and their markers are of one second: the first one's is the newer.

    Args:
        case: One of those, of one channel or of two.
    """
    world = case.enter(case.begin())
    upload, other = world.actors
    with judged(world, case.name), cast.known_content():
        _go_on_to(upload, f"put {PAGE}")
        for actor in (other, upload):
            _go_on_to(actor, "")
        settle(world, case.policy)


def staged_too_late() -> None:
    """A machine sleeps within the PUT of its staged release until its intent has expired: no visitor notices."""
    staging = uploader(cast.upload([B, PAGE], "default", "staged", stage=True))
    late = case("a staged release that is written too late", _rolled_forward, staging, policy=NOTHING_IS_DUE)
    world = late.enter(late.begin())
    (upload,) = world.actors
    with judged(world, late.name):
        _go_on_to(upload, f"create {LAYOUT.staged}")
        world.advance(late.policy.pending_ttl + 2)
        _go_on_to(upload, "")
        settle(world, late.policy)


def end_while_pages_are_put() -> None:
    """A channel ends while an upload puts its page in place, where another channel's belongs: who does that says so.

    The end has looked at the page before. Once more, it brings the other one back.
    """
    ends = [uploader(cast.ending("default"), name=name) for name in ("E", "F")]
    meanwhile = case("an end while a page is put in place", _elsewhere_in_place, NEW, *ends)
    world = meanwhile.enter(meanwhile.begin())
    upload, end, again = world.actors
    with judged(world, meanwhile.name):
        there = world.objects[PAGE].body
        _go_on_to(upload, f"put {PAGE}")
        for actor in (end, upload):
            _go_on_to(actor, "")
        if world.objects[PAGE].body != there and not isinstance(upload.result, NotPlacedError):
            msg = "its page is in place, its channel has ended, and it says nothing of that"
            raise BrokenPromiseError(msg)
        _go_on_to(again, "")
        if world.objects[PAGE].body != there:
            msg = "the other channel's page is not back"
            raise BrokenPromiseError(msg)
        settle(world, meanwhile.policy)


def older_page_under_a_new_name() -> None:
    """Somebody has stored the current page under the name of the next build's; that one is staged, and activated."""
    world, staged_id = World(), "20261123T120001Z-next"
    first = uploader(cast.upload([A, PAGE], "default", "first", port=EtagsPort))(world)
    staging = uploader(cast.upload([B, PAGE], "default", "next", stage=True, port=EtagsPort), name="V")(world)
    activation = uploader(cast.activation(lambda: staged_id), name="W")(world)
    world.actors = [first, staging, activation]
    with judged(world, "an older page under the name of a new one"), cast.known_content():
        _go_on_to(first, "")
        world.actor = None
        (name,) = cast.objects_of([B, PAGE]) - {B}
        page = world.objects[PAGE]
        metadata = stored_with(cast.local_asset(PAGE, (B,)))
        world.put(name, page.body, size=page.size, metadata=metadata)
        world.advance(1)
        for actor in (staging, activation):
            _go_on_to(actor, "")
        if staging.state == "done":
            msg = f"the new release has {world.objects[PAGE].body!r} as its page"
            raise BrokenPromiseError(msg)
        settle(world, NOTHING_IS_DUE)


def _end_with_its_asset(*steps: tuple[str, str, bool]) -> None:
    """Let two uploads go on, from the marker of the one on that has the page as it was. It is the newest at the end."""
    world = AT_ONCE_WITH_OLDER.enter(AT_ONCE_WITH_OLDER.begin())
    actors = {actor.name: actor for actor in world.actors}
    with judged(world, AT_ONCE_WITH_OLDER.name):
        for name, kind, makes in (("U", f"create {LAYOUT.markers}", False), *steps):
            _go_on_to(actors[name], kind)
            if makes and actors[name].state == "running":
                actors[name].step()
        settle(world, AT_ONCE_WITH_OLDER.policy)


def put_over_a_newer_page() -> None:
    """An upload is about to put its page in place; a newer one is put in place meanwhile; then the first one dies."""
    put = f"put {PAGE}"
    _end_with_the_newest(
        "a page over a newer one", ("U", put, False), ("V", "", True), ("U", put, True), ("U", "", None)
    )


def markers_from_before() -> None:
    """An upload has read the markers, but not yet the page; a newer one is put in place meanwhile, and so on."""
    get, put = f"get {PAGE}", f"put {PAGE}"
    _end_with_the_newest(
        "markers that were read before the page",
        ("U", f"create {LAYOUT.markers}", True),
        ("U", get, False),
        ("V", "", True),
        ("U", put, True),
        ("U", "", None),
    )


def put_that_is_refused() -> None:
    """An older upload puts its page in place just before a newer one, and dies."""
    put = f"put {PAGE}"
    _end_with_the_newest(
        "a page's PUT that is refused",
        ("U", put, False),
        ("V", put, False),
        ("U", put, True),
        ("U", "", None),
        ("V", "", True),
    )


def _end_with_the_newest(name: str, *steps: tuple[str, str, bool | None]) -> None:
    """Let two uploads go on to requests of a kind, which they make or do not make yet; None: it dies there.

    At the end the page of the newer one, V, is in place.
    """
    world = TWO_NEW.enter(TWO_NEW.begin())
    actors = {actor.name: actor for actor in world.actors}
    with judged(world, name):
        for who, kind, makes in steps:
            actor = actors[who]
            if makes is None:
                actor.crash()
                continue
            _go_on_to(actor, kind)
            if makes and actor.state == "running":
                actor.step()
        while actors["V"].state == "running":
            actors["V"].step()
        check_pages(world)


def _go_on_to(actor: Actor, kind: str) -> None:
    """Up to a request that begins so; to the end if there is none."""
    if actor.state == "new":
        actor.start()
    while actor.state == "running" and not (kind and str(actor.pending).startswith(kind)):
        actor.step()


def intent_that_goes_first(*, dies: bool) -> None:
    """An upload's intent is gone, but the file does not exist yet that says that its pages are in place.

    Args:
        dies: The upload dies there; else it goes on when it is superseded, and what it had is deleted.
    """
    first = case("an intent that goes before that file", superseded, BACK, NEXT, CLEANER)
    world = first.enter(first.begin())
    actors = {actor.name: actor for actor in world.actors}
    with judged(world, first.name):
        _go_on_to(actors["U"], f"create {LAYOUT.placed_key('20261123T120012Z-back')}")
        assert not world.names(LAYOUT.pending, ""), "the port asks for the deletion first"
        if dies:
            actors["U"].crash()
        for name in "C" if dies else "VCU":
            _go_on_to(actors[name], "")
        assert (A in world.objects) is dies
        settle(world, first.policy)


def page_of_a_superseded_release() -> None:
    """A new version is about to put its page in place when a roll-back supersedes it, and a cleaner comes."""
    back = uploader(cast.rolling_back(OLD_ID), name="V")
    new = case("a new version, and the roll-back of it", _rolled_forward, NEW, back, CLEANER)
    put = ("U", f"put {PAGE}", Verdict.REPEAT)  # not yet
    play(new, put, ("V", *TO_THE_END), ("C", *TO_THE_END), ("U", *TO_THE_END))


def late_page() -> None:
    """S3 does not answer the PUT of a page, and executes it after a roll-back."""
    back = uploader(cast.rolling_back(OLD_ID), name="V")
    late = case("a page that arrives late, after a roll-back", _rolled_forward, NEW, back)
    put = f"put {PAGE}"
    world = late.enter(late.begin())
    actors = {actor.name: actor for actor in world.actors}
    with judged(world, late.name):
        go_on(actors["U"], put)
        actors["U"].step(Verdict.LATE)
        while actors["U"].state == "running" and str(actors["U"].pending) != "sleep ":
            actors["U"].step()
        for name in "VU":
            _go_on_to(actors[name], "")
        for each in list(world.late):
            world.arrive(each)
        check_pages(world)


def late_page_of_another_release() -> None:
    """S3 does not answer the PUT of a page that another channel's release was cut off before; then the helper fails.

    S3 executes it when that release is superseded, by one without the page, and a cleaner has been there: the stored
    page stays for longer than what it asks for.
    """
    late = "a page of another channel's release that arrives late"
    helping = case(late, _rolled_forward, NEW, policy=replace(LATER, removed_ttl=0))
    world = helping.enter(helping.begin())
    (upload,) = world.actors
    with judged(world, helping.name):
        _go_on_to(upload, f"create {LAYOUT.markers}")
        upload.step()
        world.actor = None
        world.advance(1)
        cast.publish_alone(world, [LIB, PAGE], "cut-off", channel="other", placed=False)
        world.advance(1)
        go_on(upload, f"put {PAGE}")
        upload.step(Verdict.LATE)
        go_on(upload, f"list {LAYOUT.markers}")
        upload.step(Verdict.FAILED)
        _go_on_to(upload, "")
        world.actor = None
        release(world, [B], "without", channel="other")
        cast.clean_alone(world, helping.policy)
        for each in list(world.late):
            world.arrive(each)
        world.check()
        settle(world, helping.policy)
