"""Random interleavings, each from its seed alone.

``python -m tests.interleaving SEED`` replays one and prints every request.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from release_log.marker import decode
from release_log.policy_settings import Policy
from tests.interleaving import cast
from tests.interleaving.actor import Actor, BrokenPromiseError, Verdict
from tests.interleaving.verdict import Watch, read_ledger, settle
from tests.interleaving.world import LAYOUT, PREFIX, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VERSIONS = {path: [f"{PREFIX}{path}-{n}{n}f9c2ab.js" for n in "123"] for path in ("app", "lib")}
PAGE = f"{PREFIX}index.html"
CHANNELS = ("default", "staging")

POLICIES = (
    Policy(version_limit=0, version_ttl=0, removed_ttl=0, grace=0),
    Policy(version_limit=0, version_ttl=0, removed_ttl=0, grace=0),
    Policy(version_limit=1, version_ttl=0, removed_ttl=60, grace=0),
    Policy(version_limit=0, version_ttl=600, removed_ttl=3600, grace=60, staged_ttl=3600),
    Policy(version_limit=0, version_ttl=0, removed_ttl=0, grace=0, keep_releases=1),
)

OF_A_WRITE = tuple(verdict for verdict in Verdict if verdict is not Verdict.DONE)
OF_A_READ = (Verdict.FAILED, Verdict.REPEAT)

JUMPS = (1, 1, 60, 600, 3600, 7200)


class FoundError(AssertionError):
    """A schedule that breaks the promise: its seed, the error, and every request."""


@contextmanager
def judged(world: World, which: str, more: str = "") -> Iterator[None]:
    """Play a schedule; afterwards all actors are dead, whatever happened.

    Raises:
        FoundError: The promise is broken.
    """
    try:
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
    world = World(page=random.choice((1000, 1000, 3, 7)))
    policy = random.choice(POLICIES)
    copies = random.random() < 0.25
    Watch(world, policy)
    with judged(world, f"seed {seed}", f"{policy}\nreplay: python -m tests.interleaving {seed}"):
        released, staged = _history(world, policy, random, copies=copies)
        world.actors = list(_cast(world, policy, random, released, staged, copies=copies))
        play(world, random)
        settle(world, policy)
    return world


def _assets(random: Random) -> list[str]:
    keys = [random.choice(versions) for versions in VERSIONS.values() if random.random() < 0.75]
    if not keys or random.random() < 0.3:
        keys.append(PAGE)
    return keys


def _history(world: World, policy: Policy, random: Random, *, copies: bool) -> tuple[list[str], list[str]]:
    """Some releases, some runs, perhaps a staged release, a pin, an intent of a dead upload and a lost ledger.

    Args:
        world: The bucket.
        policy: The settings.
        random: Decides.
        copies: Somebody copies files of the release log. Nothing shows that if the ledger is lost and the releases are
            within a minute, or a clock is wrong; so neither is so.

    Returns:
        The ids of the releases that were published, and of the staged ones.
    """
    ids: dict[str, list[str]] = {LAYOUT.markers: [], LAYOUT.staged: [], LAYOUT.pending: []}
    for number in range(random.randint(0, 4)):
        keys, channel = _assets(random), random.choice((*CHANNELS, CHANNELS[0]))
        folder = random.choice((LAYOUT.markers, LAYOUT.markers, LAYOUT.markers, LAYOUT.staged, LAYOUT.pending))
        if folder == LAYOUT.markers and random.random() < 0.1:
            world.put(LAYOUT.marker_key(f"{world.now:%Y%m%dT%H%M%SZ}-end{number}"), cast.end_body(channel, world))
            world.advance(2 + 61 * copies)
            continue
        old, cut_off = random.random() < 0.1 and folder == LAYOUT.markers, random.random() < 0.15
        release_id = cast.publish_alone(world, keys, f"r{number}", folder, channel, stored=not old, placed=not cut_off)
        body = world.objects[LAYOUT.key_in(folder, release_id)].body
        ids[folder].append(release_id)
        if folder != LAYOUT.pending and random.random() < 0.15:
            world.put(LAYOUT.pin_key(release_id), body)
            world.pinned[release_id] = frozenset(decode(body, PREFIX).objects)
        world.advance(random.choice((0, 1, 1, 700, 4000)) + 61 * copies)
        if random.random() < 0.6:
            cast.clean_alone(world, policy)
    if copies:
        for key in [key for key in world.objects if key.startswith(LAYOUT.log) and key != LAYOUT.ledger]:
            if random.random() < 0.3:
                world.advance(random.choice((0, 1, 1, 700)))
                world.rewrite(key, world.objects[key])
    if random.random() < (0.4 if copies else 0.1):
        world.put(LAYOUT.ledger, b"no ledger")
    world.advance(random.choice((0, 1, 4000, 90_000)))
    if random.random() < 0.5:
        cast.clean_alone(world, policy)
    return ids[LAYOUT.markers], ids[LAYOUT.staged]


def _cast(
    world: World, policy: Policy, random: Random, released: list[str], staged: list[str], *, copies: bool
) -> Iterator[Actor]:
    yield from _publishers(world, random, released, staged, copies=copies)
    yield from _meddlers(world, random, released, copies=copies)
    if random.random() < 0.2:
        yield Actor("E", world, cast.ending(random.choice((*CHANNELS, None))))
    for number in range(random.choice((1, 1, 2))):
        batches = random.choice((None, None, None, random.randint(0, 4)))
        work = cast.cleaning(policy, batches=batches, full=random.random() < 0.2)
        yield cast.cleaner(world, f"C{number}", work)


def _publishers(
    world: World, random: Random, released: list[str], staged: list[str], *, copies: bool
) -> Iterator[Actor]:
    """Uploads, roll-outs, activations, pins and roll-backs."""
    for number in range(random.choice((0, 1, 1, 2, 2))):
        keys, channel, name = _assets(random), random.choice((*CHANNELS, CHANNELS[0])), f"u{number}"
        if random.random() < 0.1:
            name = "twin"
        choice = random.random()
        if staged and choice < 0.15:
            work: Callable[[Actor], object] = cast.activation(partial(str, random.choice(staged)))
        elif choice < 0.65:
            work = cast.upload(keys, channel, name, ahead=random.random() < 0.5)
        else:
            work = cast.roll_out(keys, channel, name, succeeds=choice < 0.9)
        yield Actor(f"U{number}", world, work, skew=0 if copies else random.choice((0, 0, -3600, 3600, 86_400)))
    if released and random.random() < 0.3:
        old = random.choice(released + staged)
        choice = random.random()
        if choice < 0.7:
            work = cast.pinning(old, then_unpin=choice < 0.2)
        else:
            work = cast.rolling_back(random.choice(released))
        yield Actor("P", world, work, skew=0 if copies else random.choice((0, 0, 3600)))


def _meddlers(world: World, random: Random, released: list[str], *, copies: bool) -> Iterator[Actor]:
    """Somebody copies files of the release log, or deletes a current marker."""
    if copies:
        markers = {LAYOUT.marker_key(release_id) for release_id in released}
        dice = Random(random.random())  # noqa: S311 (a schedule, no secret)

        def pick() -> str | None:
            others = (LAYOUT.pending, LAYOUT.staged, LAYOUT.pins)
            files = sorted(key for key in world.objects if key in markers or key.startswith(others))
            return dice.choice(files) if files else None

        yield Actor("O", world, cast.copying(*[pick] * random.randint(1, 4)))
    elif random.random() < 0.1:
        yield Actor("O", world, cast.vanishing(partial(_current_marker, world, random.choice(CHANNELS))))


def _current_marker(world: World, channel: str) -> str | None:
    """The marker of a channel's current release, if a run has seen it: nobody can know that any other one is gone."""
    ledger, found = read_ledger(world), world.current().get(channel)
    known = ledger is not None and found is not None and ledger.current.get(channel) == found
    return LAYOUT.marker_key(str(found)) if known else None


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
