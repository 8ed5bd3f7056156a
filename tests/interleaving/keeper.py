"""Somebody who puts pages in place by hand, without asking anybody."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.fake_uploader_s3 import stored_with
from tests.interleaving.actor import Op
from tests.interleaving.cast import local_assets
from tests.interleaving.needs import read_ledger
from tests.interleaving.ports import UPLOADER_ERRORS, ask

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from tests.interleaving.actor import Actor
    from tests.interleaving.site import Site
    from tests.interleaving.world import World


def putting(page: str, body: bytes) -> Callable[[Actor], None]:
    """Put a page in place, whatever is there; see `keeping` for when."""

    def work(actor: Actor) -> None:
        world = actor.world

        def put() -> None:
            if not _is_deleting(world):
                world.put(page, body)

        ask(world, Op("put", page, writes=True), put, UPLOADER_ERRORS)

    return work


def keeping(site: Site, page: str, random: Random) -> Callable[[Actor], None]:
    """Put an old release's page back, or one that no release has, once or several times.

    What the page asks for exists. That nobody deletes it is promised to whoever does not come between a cleaner's last
    look at the pages and its deletions: nothing shows the page to this cleaner.
    """
    dice = [(random.random(), random.random(), random.random()) for _ in range(random.choice((1, 1, 2, 3)))]

    def work(actor: Actor) -> None:
        world = actor.world
        for which, what, how in dice:
            put = partial(_put, site, page, which, is_unknown=what > 0.8, as_stored=how < 0.6)
            ask(world, Op("put", page, writes=True), put, UPLOADER_ERRORS)

    return work


def _put(site: Site, page: str, which: float, *, is_unknown: bool, as_stored: bool) -> None:
    world = site.world
    releases = [each for _, (_, each) in sorted(site.published.items()) if page in each.keys]
    if (
        not releases
        or not _is_known(site, page)
        or _is_deleting(world)
        or any(page in keys for keys in site.pinned.values())
    ):
        return
    files = local_assets(sorted(releases[int(which * len(releases))].keys))
    asset = next(each for each in files if each.key == page)
    if not {each.key for each in files if each.fingerprinted} <= world.objects.keys():
        return
    # Without metadata, only the stored version of a release tells what it is.
    stored = {each.pages[page].stored for each in releases if page in each.pages} & {asset.stored}
    is_unknown |= not as_stored and not any(site.layout.page_key(each or "") in world.objects for each in stored)
    body = asset.path.encode() + b"," * is_unknown
    world.put(page, body, size=asset.size, metadata=stored_with(asset) if as_stored and not is_unknown else {})
    site.note_by_hand(page, is_unknown=is_unknown)


def _is_known(site: Site, page: str) -> bool:
    """Whether a cleaner still has to do with a page.

    Of one that was removed and deleted it knows nothing; nor where another's object lay, once it has asked that.
    """
    ledger = read_ledger(site)
    if ledger is None or page in ledger.retired:
        return True
    stored = site.layout.page_path(page)
    unseen = {i for i in site.releases if i not in ledger.seen}
    if any(page in each.let_go for each in site.world.actors if each.state == "running"):
        unseen = set()
    ids = unseen.union(*site.lines().values(), ledger.lingering)
    return any(page in site.published[i][1].keys for i in ids if i in site.published) or any(
        entry.logical == stored for entry in ledger.retired.values()
    )


def _is_deleting(world: World) -> bool:
    """Whether a cleaner may have looked at the pages for the last time before it deletes."""
    if any(late.op.kind == "delete" for late in world.late):
        return True
    before = {f"run-{each.name}" for each in world.actors if each.pending is not None and _looks_again(each)}
    ledgers = (read_ledger(site) for site in world.sites)
    return any(each.deleting is not None and each.deleting.run not in before for each in ledgers if each is not None)


def _looks_again(actor: Actor) -> bool:
    """Whether a cleaner is about to begin its second look."""
    return actor.cleans is not None and str(actor.pending) == f"list {actor.cleans.pending}"
