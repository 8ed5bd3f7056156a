"""Random interleavings, each from its seed alone.

``python -m tests.interleaving SEED`` replays one and prints every request.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache, partial
from random import Random
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda import ledger_store
from cleaner_lambda.segments import SMALL
from release_log import marker, segment_file
from release_log.ledger_file import FORMAT, HEAD_FORMAT
from release_log.policy_settings import Policy
from tests.few_markers import few_markers
from tests.few_orphans import packing, unasked
from tests.interleaving import cast
from tests.interleaving.actor import Actor, BrokenPromiseError, Verdict
from tests.interleaving.keeper import keeping
from tests.interleaving.needs import read_ledger
from tests.interleaving.verdict import KEEPER, settle
from tests.interleaving.watch import Watch
from tests.interleaving.world import INNER, INVOCATION_SECONDS, LAYOUT, World
from tests.ledger_formats import NONE, writing
from tests.small_parts import small_parts
from tests.small_pieces import handing_out, small_pieces
from uploader.protocol import announcements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from release_log.layout import Layout
    from tests.interleaving.site import Site


def versions(layout: Layout) -> dict[str, list[str]]:
    """Path -> the keys of its versions, of the assets of a site."""
    return {path: [f"{layout.prefix}{path}-{n}{n}f9c2ab.js" for n in "123"] for path in ("app", "lib")}


def page(layout: Layout) -> str:
    """The key of the page of a site."""
    return f"{layout.prefix}index.html"


VERSIONS, PAGE = versions(LAYOUT), page(LAYOUT)
CHANNELS = ("default", "staging")

POLICIES = (
    Policy(version_limit=0, version_ttl=0, removed_ttl=0, grace=0),
    Policy(version_limit=0, version_ttl=0, removed_ttl=0, grace=0),
    Policy(version_limit=1, version_ttl=0, removed_ttl=60, grace=0),
    Policy(version_limit=0, version_ttl=600, removed_ttl=3600, grace=60, staged_ttl=3600),
    Policy(version_limit=0, version_ttl=0, removed_ttl=0, grace=0, keep_releases=1),
    Policy(version_limit=0, version_ttl=0, removed_ttl=60, grace=0, site_ttl=21_600),
)

OF_A_WRITE = tuple(verdict for verdict in Verdict if verdict is not Verdict.DONE)
OF_A_READ = (Verdict.FAILED, Verdict.REPEAT)

TWO_SITES = 0.15
"""The share of the schedules with a site inside another's prefix."""

PRUNED = 0.15
"""The share of the schedules in which the cleaner deletes old markers, though there are few."""

KEPT = 0.1
"""The share of the sites to which somebody comes who puts pages in place by hand."""

UNREAD = 0.2
"""The share of these objects, where there are any."""

JUMPS = (1, 1, 60, 600, 3600, 7200)


READERS = ((marker, "decode"), (ledger_store, "decode"), (segment_file, "decode"), (announcements, "read_head"))
"""The functions that read bytes, and do nothing else; each with the module that calls it by that name."""

ONCE = tuple((module, name, lru_cache(maxsize=1000)(getattr(module, name))) for module, name in READERS)
"""The same bytes always say the same, and every run reads all of them again: a fifth of the explorer's time."""


class FoundError(AssertionError):
    """A schedule that breaks the promise: its seed, the error, and every request."""


@contextmanager
def judged(world: World, which: str, more: str = "") -> Iterator[None]:
    """Play a schedule; afterwards all actors are dead, whatever happened.

    Raises:
        FoundError: The promise is broken.
    """
    try:
        with pytest.MonkeyPatch.context() as patch:
            for module, name, read_once in ONCE:
                patch.setattr(module, name, read_once)
            yield
    except BrokenPromiseError as broken:
        msg = "\n".join((f"{which}: {broken}", *world.trace, more))
        raise FoundError(msg) from broken
    finally:
        for actor in world.actors:
            actor.crash()


def random_schedule(seed: int) -> World:
    """Play one random schedule to its end, and check everything.

    Raises:
        FoundError: The promise is broken.
    """
    random = Random(seed)  # noqa: S311 (a schedule, no secret)
    world = World(random.choice((1000, 1000, 3, 7)), (LAYOUT, INNER) if random.random() < TWO_SITES else (LAYOUT,))
    # In a third of them orphans get no tags.
    policy = random.choice(POLICIES)
    policy = replace(policy, orphan_tags=0) if seed % 3 == 2 else policy
    copies = random.random() < 0.25
    pruned = few_markers(random.choice((1, 2))) if random.random() < PRUNED else nullcontext()
    for site in world.sites:
        site.lives = timedelta(seconds=policy.site_ttl) if policy.site_ttl else None
        Watch(site, policy)
    # Half of the schedules are played with the ledger's next format, and half of these as if the site were large.
    version, small = (HEAD_FORMAT if seed % 2 else FORMAT), (NONE if seed % 4 == 3 else SMALL)
    # In a fifth of them a full listing takes several runs.
    cut = small_pieces(1 + seed // 5 % 4, 1 + seed // 20 % 3) if seed % 5 == 4 else nullcontext()
    # In half of these a map run goes on with it: after a first run, or at once.
    handed_out = handing_out(at_once=bool(seed // 20 % 2)) if seed % 5 == 4 and seed // 10 % 2 else None
    # In a seventh of them each orphan waits until a run is told: the first one is, if it makes a full listing.
    asks = unasked(0) if seed % 7 == 6 else nullcontext()
    # Where orphans get no tags, a run that is told takes one or two for very many.
    packs = packing(1 + seed // 7 % 2) if policy.orphan_tags == 0 else nullcontext()
    # In three thirteenths of them a run takes in one to three releases at a time.
    # Then runs are rare and short, so that more releases come between two of them.
    in_parts = seed % 13 in {3, 7, 11}
    parts = small_parts(1 + seed // 13 % 3) if in_parts else nullcontext()
    # In an eleventh of them S3 refuses what a cleaner asks of some objects, until all actors are done.
    if seed % 11 == 10 and not copies:
        world.denies = partial(_denies, seed)
    with (
        asks,
        packs,
        pruned,
        parts,
        judged(world, f"seed {seed}", f"{policy}\nreplay: python -m tests.interleaving {seed}"),
    ):
        with writing(version, small=small), cut, handed_out or nullcontext():
            actors: list[Actor] = []
            for site in random.sample(world.sites, len(world.sites)):
                # The site inside may have no release yet.
                appears = site is not world.site and random.random() < 0.4
                released, staged = ([], []) if appears else _history(site, policy, random, copies=copies, long=in_parts)
                actors += _cast(
                    site,
                    policy,
                    random,
                    released,
                    staged,
                    copies=copies,
                    distributed=handed_out is not None,
                    short=in_parts,
                )
            world.actors = actors
            play(world, random)
        world.denies = None
        with writing(version):
            settle(world, policy)
    return world


def _denies(seed: int, key: str) -> bool:
    """Whether an object is one of those: any but the ledger, its files and the checkpoint."""
    kept = any(key.startswith((each.ledger, each.ledger_files, each.checkpoint)) for each in (LAYOUT, INNER))
    return not kept and Random(f"{seed} {key}").random() < UNREAD  # noqa: S311 (a schedule, no secret)


def _assets(site: Site, random: Random) -> list[str]:
    """The keys of a build; one of a site around the others may have some beneath their prefixes."""
    prefixes = [site.layout]
    prefixes += [other.layout for other in site.world.sites if site is site.world.site and random.random() < 0.4]
    keys = [
        random.choice(keys)
        for layout in dict.fromkeys(prefixes)
        for keys in versions(layout).values()
        if random.random() < 0.75
    ]
    if not keys or random.random() < 0.3:
        keys.append(page(site.layout))
    return keys


def _history(
    site: Site, policy: Policy, random: Random, *, copies: bool, long: bool = False
) -> tuple[list[str], list[str]]:
    """Some releases, some runs, perhaps a staged release, a pin, an intent of a dead upload and a lost ledger.

    Args:
        site: The site.
        policy: The settings.
        random: Decides.
        copies: Somebody copies files of the release log. Nothing shows that if the ledger is lost and the releases are
            within a minute, or a clock is wrong; so neither is so.
        long: There are more releases, few runs, and the ledger is often lost.

    Returns:
        The ids of the releases that were published, and of the staged ones.
    """
    world, layout = site.world, site.layout
    ids: dict[str, list[str]] = {layout.markers: [], layout.staged: [], layout.pending: []}
    for number in range(random.randint(0, 4) + 3 * long):
        keys, channel = _assets(site, random), random.choice((*CHANNELS, CHANNELS[0]))
        folder = random.choice((layout.markers, layout.markers, layout.markers, layout.staged, layout.pending))
        if folder == layout.markers and random.random() < 0.1:
            end = cast.end_body(channel, world, layout)
            world.put(layout.marker_key(f"{world.now:%Y%m%dT%H%M%SZ}-end{number}"), end)
            world.advance(2 + 61 * copies)
            continue
        old, cut_off = random.random() < 0.1 and folder == layout.markers, random.random() < 0.15
        release_id = cast.publish_alone(
            world, keys, f"r{number}", folder, channel, stored=not old, placed=not cut_off, layout=layout
        )
        body = world.objects[layout.key_in(folder, release_id)].body
        ids[folder].append(release_id)
        if folder != layout.pending and random.random() < 0.15:
            world.put(layout.pin_key(release_id), body)
            site.pinned[release_id] = frozenset(marker.decode(body, layout.prefix).objects)
        world.advance(random.choice((0, 1, 1, 700, 4000)) + 61 * copies)
        if random.random() < (0.2 if long else 0.6):
            cast.clean_alone(world, policy, layout=layout)
    if copies:
        for key in [key for key in world.objects if key.startswith(layout.log) and key != layout.ledger]:
            if random.random() < 0.3:
                world.advance(random.choice((0, 1, 1, 700)))
                world.rewrite(key, world.objects[key])
    if random.random() < (0.4 if copies or long else 0.1):
        world.put(layout.ledger, b"no ledger")
    world.advance(random.choice((0, 1, 4000, 90_000)))
    if random.random() < (0.2 if long else 0.5):
        cast.clean_alone(world, policy, layout=layout)
    return ids[layout.markers], ids[layout.staged]


def _cast(  # noqa: PLR0913 (what the schedule is about)
    site: Site,
    policy: Policy,
    random: Random,
    released: list[str],
    staged: list[str],
    *,
    copies: bool,
    distributed: bool = False,
    short: bool = False,
) -> Iterator[Actor]:
    yield from _publishers(site, random, released, staged, copies=copies)
    yield from _meddlers(site, random, released, copies=copies)
    if random.random() < 0.2:
        yield _actor(site, "E", cast.ending(random.choice((*CHANNELS, None)), site.layout))
    for number in range(random.choice((1, 1, 2))):
        few = random.randint(0, 4)
        batches = random.choice((None, few if short else None, few if short else None, few))
        full = random.random() < 0.2
        told = full and number == 0
        work = cast.cleaning(
            policy, batches=batches, full=full, adopt=told, layout=site.layout, distributed=distributed
        )
        yield replace(_actor(site, f"C{number}", work), lives=INVOCATION_SECONDS)


def _actor(site: Site, name: str, work: Callable[[Actor], object], skew: int = 0) -> Actor:
    return Actor(name if site is site.world.site else f"{name} inside", site.world, work, skew=skew)


def _publishers(site: Site, random: Random, released: list[str], staged: list[str], *, copies: bool) -> Iterator[Actor]:
    """Uploads, roll-outs, activations, pins and roll-backs."""
    layout = site.layout
    for number in range(random.choice((0, 1, 1, 2, 2))):
        keys, channel, name = _assets(site, random), random.choice((*CHANNELS, CHANNELS[0])), f"u{number}"
        if random.random() < 0.1:
            name = "twin"
        choice = random.random()
        if staged and choice < 0.15:
            work: Callable[[Actor], object] = cast.activation(partial(str, random.choice(staged)), layout)
        elif choice < 0.65:
            work = cast.upload(keys, channel, name, ahead=random.random() < 0.5, layout=layout)
        else:
            work = cast.roll_out(keys, channel, name, succeeds=choice < 0.9, layout=layout)
        yield _actor(site, f"U{number}", work, 0 if copies else random.choice((0, 0, -3600, 3600, 86_400)))
    if released and random.random() < 0.3:
        old = random.choice(released + staged)
        choice = random.random()
        if choice < 0.7:
            work = cast.pinning(old, then_unpin=choice < 0.2, layout=layout)
        else:
            work = cast.rolling_back(random.choice(released), layout)
        yield _actor(site, "P", work, 0 if copies else random.choice((0, 0, 3600)))


def _meddlers(site: Site, random: Random, released: list[str], *, copies: bool) -> Iterator[Actor]:
    """Somebody copies files of the release log, deletes a current marker, or puts pages in place by hand."""
    world, layout = site.world, site.layout
    if copies:
        markers = {layout.marker_key(release_id) for release_id in released}
        dice = Random(random.random())  # noqa: S311 (a schedule, no secret)

        def pick() -> str | None:
            others = (layout.pending, layout.staged, layout.pins)
            files = sorted(key for key in world.objects if key in markers or key.startswith(others))
            return dice.choice(files) if files else None

        yield _actor(site, "O", cast.copying(*[pick] * random.randint(1, 4)))
    elif random.random() < 0.1 and (site is not world.site or len(world.sites) == 1):
        yield _actor(site, "O", cast.vanishing(partial(_current_marker, site, random.choice(CHANNELS))))
    if random.random() < KEPT:
        yield _actor(site, KEEPER, keeping(site, page(layout), random))


def _current_marker(site: Site, channel: str) -> str | None:
    """The marker of a channel's current release, if a run has seen it: nobody can know that any other one is gone."""
    ledger, found = read_ledger(site), site.current().get(channel)
    known = ledger is not None and found is not None and ledger.current.get(channel) == found
    return site.layout.marker_key(str(found)) if known else None


def play(world: World, random: Random) -> None:
    """Let the actors go on in a random order, with a few mishaps."""
    mishaps = random.choice((0, 0, 1, 1, 2, 4))
    waiting = list(world.actors)
    stickiness = random.choice((0.0, 0.5, 0.9))
    last: Actor | None = None
    while True:
        running = [actor for actor in world.actors if actor.state == "running"]
        if not running and not waiting:
            return
        if waiting and (not running or random.random() < 0.2):
            last = waiting.pop(random.randrange(len(waiting)))
            last.start()
            continue
        if last not in running or random.random() > stickiness:
            last = random.choice(running)
        if mishaps and random.random() < 0.04:
            mishaps -= 1
            _mishap(world, last, random)
        else:
            last.step()


def _mishap(world: World, actor: Actor, random: Random) -> None:
    """A crash, an answer that is lost, late or cut short, an error, or time that passes."""
    choice = random.choice(("crash", "jump", "jump", "arrive", *OF_A_WRITE))
    op = actor.pending
    if choice == "crash":
        world.trace.append(f"{actor.name}: crash before {op}")
        actor.crash()
    elif choice == "jump":
        seconds = random.choice(JUMPS)
        world.trace.append(f"-- {seconds} s pass")
        world.actor = None
        world.advance(seconds)
        world.check()
    elif choice == "arrive":
        if world.late:
            world.arrive(random.choice(world.late))
            world.check()
    elif op is not None and (op.writes or (choice in OF_A_READ and op.kind != "sleep")):
        actor.step(Verdict(choice))
    else:
        actor.step()
