"""Two sites, one inside the other's prefix, which know each other by their release logs alone.

Schedules that lose an asset without one of the rules of `cleaner_lambda.nesting`. The promise for the inner site's
release is that of a pin: the world keeps it for any keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleaner_lambda.pace import Pace
from cleaner_lambda.run import Job, clean
from release_log.layout import Layout
from release_log.marker import Asset, Release, encode
from tests.interleaving import cast
from tests.interleaving.actor import Actor
from tests.interleaving.cases import AT_ONCE, release
from tests.interleaving.explore import PAGE, judged
from tests.interleaving.ports import CleanerPort, UploaderPort
from tests.interleaving.world import INVOCATION_SECONDS, LAYOUT, World
from uploader.clocks import Clocks
from uploader.publishing.publish import Build, publish

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

INNER = Layout(f"{LAYOUT.prefix}in/")
OLD, NEW = (f"{INNER.prefix}ui-{n}{n}f9c2ab.js" for n in "12")


def _clean(layout: Layout) -> Callable[[Actor], object]:
    def work(actor: Actor) -> object:
        job = Job(prefix=layout.prefix, policy=AT_ONCE, run=f"run-{actor.name}")
        return clean(CleanerPort(actor.world, actor), job, Pace(sleep=actor.world.sleep))

    return work


def _clean_alone(world: World, layout: Layout, name: str) -> None:
    world.actor = None
    job = Job(prefix=layout.prefix, policy=AT_ONCE, run=name)
    clean(CleanerPort(world, None), job, Pace(sleep=world.sleep))


def _inner_release(world: World, key: str, name: str) -> None:
    """A release of the inner site, without interruption; it takes a second."""
    cast.put_assets(world, [key])
    asset = cast.local_asset(key)
    assets = {asset.logical: Asset(key, asset.size, asset.fingerprinted, headers=asset.treatment.headers.digest)}
    body = encode(Release(name, "default", world.now, INNER.prefix, {"name": "tests", "version": "0"}, assets))
    world.put(INNER.marker_key(f"{world.now:%Y%m%dT%H%M%SZ}-{name}"), body)
    world.advance(1)


def _publish_inside(actor: Actor) -> object:
    """The inner site's first upload: it relies on what it finds."""
    world = actor.world
    build = Build(assets=[cast.local_asset(OLD)], prefix=INNER.prefix, channel="default", release="first")
    clocks = Clocks(wall=lambda: world.now, passed=lambda: world.time.timestamp(), sleep=world.sleep)  # noqa: PLW0108 (the clock moves)
    published = publish(UploaderPort(world, actor), build, clocks=clocks)
    world.pinned["the inner site's release"] = frozenset({OLD})
    return published


def _play(name: str, world: World, layout: Layout, meanwhile: Callable[[Actor], Any]) -> None:
    """A run of one site's cleaner; just after it has announced what it deletes, another actor does all its work."""
    cleaner = Actor("C", world, _clean(layout), lives=INVOCATION_SECONDS)
    other = Actor("U", world, meanwhile)
    world.actors = [cleaner, other]
    with judged(world, name):
        cleaner.start()
        while str(cleaner.pending) != f"put {layout.ledger}":
            cleaner.step()
        cleaner.step()
        for actor in (other, cleaner):
            if actor.state == "new":
                actor.start()
            while actor.state == "running":
                actor.step()
        assert (cleaner.state, other.state) == ("done", "done"), world.trace
        world.check()


def a_site_appears_inside() -> None:
    """The outer site retired an asset that the first release of a site inside it takes over during the run."""
    world = World()
    release(world, [OLD, PAGE], "r0")
    _clean_alone(world, LAYOUT, "before")
    release(world, [PAGE], "r1")
    world.advance(10)
    _play("a site appears inside", world, LAYOUT, _publish_inside)


def the_site_around_takes_over() -> None:
    """The inner site retired an asset that a release of the site around it takes over during the run."""
    world = World()
    _inner_release(world, OLD, "r0")
    _clean_alone(world, INNER, "before")
    _inner_release(world, NEW, "r1")
    world.advance(10)
    _play("the site around takes over", world, INNER, cast.upload([OLD, PAGE], "default", "around"))
