"""The actors: the real uploader and the real cleaner, on the shared bucket."""

from __future__ import annotations

import hashlib
import itertools
import os
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import timedelta
from functools import cache, partial
from typing import TYPE_CHECKING
from unittest.mock import patch

from cleaner_lambda.cursor import Kind
from cleaner_lambda.errors import CleanerError
from cleaner_lambda.job import Job
from cleaner_lambda.map_run import list_range
from cleaner_lambda.pace import Pace
from cleaner_lambda.request import MapTask
from cleaner_lambda.run import clean
from cleaner_lambda.so_far import BrokenOffError
from cleaner_lambda.tag_workers import read_group
from release_log.marker import FORMAT, Asset, Release, encode
from tests.fake_uploader_s3 import stored_with
from tests.interleaving.actor import EPOCH, MISHAPS, Actor, BrokenPromiseError, Op
from tests.interleaving.ports import UPLOADER_ERRORS, CleanerPort, UploaderPort, ask
from tests.interleaving.world import INVOCATION_SECONDS, LAYOUT, PREFIX, World
from uploader.builds.asset import LocalAsset
from uploader.builds.content import signature_of
from uploader.clocks import Clocks
from uploader.operations.ending import end, find_end
from uploader.operations.pins import pin, unpin
from uploader.operations.rollback import find_target, roll_back
from uploader.operations.staging import activate, drop
from uploader.publishing.build import Build
from uploader.publishing.publish import publish
from uploader.treatment.rules import NO_RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from cleaner_lambda.cursor import MapRun
    from cleaner_lambda.report import Report
    from release_log.layout import Layout
    from release_log.policy_settings import Policy
    from tests.interleaving.site import Site
    from uploader.operations.ending import Ended
    from uploader.operations.staging import Activated
    from uploader.publishing.compare import Upload
    from uploader.publishing.publish import Published

SHORTEST_STAGED_TTL = 3600

_STATUS = os.stat_result([0] * 10)
SIGNATURE = signature_of(_STATUS)
"""Every file's, as none ever changes."""


@cache
def local_asset(key: str, asks_for: tuple[str, ...] = ()) -> LocalAsset:
    """A file of a build: ``assets/app-a1.js`` is version ``a1`` of ``assets/app.js``; ``page.html`` has no version.

    Args:
        key: The file's key.
        asks_for: For a page, the keys of the assets that it asks for: they are its content.
    """
    name = key.removeprefix(PREFIX)
    stem, dash, rest = name.partition("-")
    fingerprinted = bool(dash)
    logical = f"{PREFIX}{stem}.{rest.rpartition('.')[2]}" if fingerprinted else key
    content = name if fingerprinted else f"page:{','.join(asks_for)}"
    digest = None if fingerprinted else hashlib.sha256(content.encode()).hexdigest()
    treatment = NO_RULES.treat(name, fingerprinted=fingerprinted)
    assert treatment is not None
    return LocalAsset(content, key, logical, len(name), fingerprinted, digest, treatment, SIGNATURE)


def local_assets(keys: Sequence[str]) -> list[LocalAsset]:
    """The files of a build: its pages ask for all of its assets."""
    asks_for = tuple(sorted(key for key in keys if local_asset(key).fingerprinted))
    return [local_asset(key) if key in asks_for else local_asset(key, asks_for) for key in sorted(keys)]


def objects_of(keys: Sequence[str], some: Sequence[str] | None = None, layout: Layout = LAYOUT) -> frozenset[str]:
    """The keys of the objects that a build, or some of its files, consist of: a page is its stored version."""
    files = [each for each in local_assets(keys) if some is None or each.key in some]
    return frozenset(each.key if each.stored is None else layout.page_key(each.stored) for each in files)


def put_assets(world: World, keys: Sequence[str], *, stored: bool = True, layout: Layout = LAYOUT) -> None:
    """Assets as the uploader stores them: pages are stored, or in an older version put in place."""
    for asset in local_assets(keys):
        key = layout.page_key(asset.stored) if stored and asset.stored is not None else asset.key
        if key not in world.objects or not (stored or asset.fingerprinted):
            body = b"" if asset.fingerprinted else asset.path.encode()
            world.put(key, body, size=asset.size, metadata=stored_with(asset))


def put_in_place(world: World, keys: Sequence[str], release_id: str, layout: Layout = LAYOUT) -> None:
    """The pages of a release are put in place, and the file says so."""
    put_assets(world, [key for key in keys if local_asset(key).fingerprinted])
    for asset in local_assets(keys):
        if asset.stored is not None:
            world.put(asset.key, asset.path.encode(), size=asset.size, metadata=stored_with(asset))
    world.put(layout.placed_key(release_id), b"{}")


def build(keys: Sequence[str], channel: str, name: str, layout: Layout = LAYOUT) -> Build:
    """A build of these files."""
    return Build(assets=local_assets(keys), prefix=layout.prefix, channel=channel, release=name)


def body(
    keys: Sequence[str], channel: str, name: str, world: World, layout: Layout = LAYOUT, *, stored: bool = True
) -> bytes:
    """A marker's content; without stored pages as a build tool of somebody else's may write it."""
    assets = {
        a.logical: Asset(
            a.key,
            a.size,
            a.fingerprinted,
            digest=None if a.digest is None else f"sha256:{a.digest}",
            headers=a.treatment.headers.digest,
            stored=a.stored if stored else None,
        )
        for a in local_assets(keys)
    }
    by = {"name": "tests", "version": "0"}
    return encode(Release(name, channel, world.now, layout.prefix, by, assets, format=FORMAT if stored else 1))


def end_body(channel: str, world: World, layout: Layout = LAYOUT) -> bytes:
    """The content of a marker that says that a channel has ended."""
    by = {"name": "tests", "version": "0"}
    return encode(Release("end", channel, world.now, layout.prefix, by, {}, ended=True))


def publish_alone(  # noqa: PLR0913 (how far it comes, and in which format)
    world: World,
    keys: Sequence[str],
    name: str,
    folder: str = LAYOUT.markers,
    channel: str = "default",
    *,
    stored: bool = True,
    placed: bool = True,
    layout: Layout = LAYOUT,
) -> str:
    """A release that nobody disturbs; returns its id.

    Args:
        world: The bucket.
        keys: The keys of its assets.
        name: Its name or id.
        folder: `Layout.markers`, `Layout.staged` or `Layout.pending`.
        channel: Its channel.
        stored: Whether its pages are stored; False: an older version of the uploader writes it.
        placed: Whether its pages are put in place; False: it is cut off after its marker.
        layout: Its site.
    """
    put_assets(world, keys, stored=stored, layout=layout)
    release_id = name if "Z-" in name else f"{world.now:%Y%m%dT%H%M%SZ}-{name}"
    name = name.partition("Z-")[2] or name
    world.put(layout.key_in(folder, release_id), body(keys, channel, name, world, layout, stored=stored))
    if folder == layout.markers and stored and placed:
        put_in_place(world, keys, release_id, layout)
    return release_id


def _clocks(actor: Actor) -> Clocks:
    world = actor.world
    return Clocks(
        wall=lambda: world.now + timedelta(seconds=actor.skew),
        passed=lambda: (world.time - EPOCH).total_seconds(),  # noqa: PLW0108 (the clock moves)
        sleep=world.sleep,
    )


def _must_be_there(actor: Actor, keys: frozenset[str], what: str) -> None:
    missing = keys - actor.world.objects.keys()
    if missing:
        msg = f"{actor.name}: {what}, and {sorted(missing)} is not there"
        raise BrokenPromiseError(msg)


def _must_be_whole(actor: Actor, release_id: str, keys: frozenset[str], layout: Layout) -> None:
    """After success; unless the release is superseded by now, as its intent may have gone a request before the end."""
    site = actor.world.site_of(layout)
    if release_id not in site.published or any(release_id in line for line in site.lines().values()):
        _must_be_there(actor, keys, "reported success")


def upload(  # noqa: PLR0913 (how, where, and of which version)
    keys: Sequence[str],
    channel: str,
    name: str,
    *,
    stage: bool = False,
    ahead: bool = False,
    stayed: bool = False,
    as_it_was: str = "",
    noted: bool = False,
    layout: Layout = LAYOUT,
    port: type[UploaderPort] = UploaderPort,
) -> Callable[[Actor], Published]:
    """An upload, staged or not; it lists the bucket before its intent, or after it.

    With ``stayed`` it takes the names of its pages for fingerprints, until it finds other content under them. So it
    does with ``as_it_was``, which is their content, of size 1. With ``noted`` it has found that, and says so.
    """
    wanted = build(keys, channel, name, layout)
    names = objects_of(keys, layout=layout)
    if as_it_was:
        files = [
            each if each.fingerprinted else each._replace(source=as_it_was, size=1, fingerprinted=True, digest=None)
            for each in wanted.assets
        ]
        wanted, names = replace(wanted, assets=files), frozenset(keys)
    if noted:
        wanted = replace(wanted, stayed=frozenset(each.key for each in wanted.assets if not each.fingerprinted))
    if stayed:
        files = [each._replace(fingerprinted=True, digest=None) for each in wanted.assets]
        wanted = replace(wanted, assets=files)

    def work(actor: Actor) -> Published:
        def started(uploads: list[Upload]) -> None:
            sent = [upload.asset.key for upload in uploads]
            actor.relies_on = names - objects_of(keys, sent, layout) - frozenset(sent)
            if actor.world.now <= actor.until:  # later it starts again, and relies on no key
                _must_be_there(actor, actor.relies_on, "skips what it saw")

        bucket = port(actor.world, actor)
        if ahead:
            bucket.list_ahead(layout, frozenset(keys))
        # Only one actor of a case may do that, unless the case does it too, around all of them.
        with known_content() if stayed or as_it_was else nullcontext():
            published = publish(bucket, wanted, stage=stage, started=started, clocks=_clocks(actor))
        _must_be_whole(actor, published.id, names, layout)
        return published

    return work


@contextmanager
def known_content() -> Iterator[None]:
    """Let the uploader read files that are their own paths; see `local_asset`."""
    with ExitStack() as stack:
        for module in ("stayed", "contents"):
            stack.enter_context(patch(f"uploader.publishing.{module}.digest_and_status", _digest_and_status))
        stack.enter_context(patch("uploader.publishing.contents.md5_of", _md5_of))
        yield


def _digest_and_status(path: str) -> tuple[str, os.stat_result]:
    """Of a file that is its own path; see `local_asset`."""
    return hashlib.sha256(path.encode()).hexdigest(), _STATUS


def _md5_of(path: str) -> str:
    """Of such a file."""
    return hashlib.md5(path.encode(), usedforsecurity=False).hexdigest()


def activation(release_id: Callable[[], str | None], layout: Layout = LAYOUT) -> Callable[[Actor], Activated | None]:
    """The activation of a release; its id is known when it runs."""

    def work(actor: Actor) -> Activated | None:
        found = release_id()
        if found is None:
            return None
        release = actor.world.site_of(layout).staged.get(layout.staged_key(found))
        activated = activate(UploaderPort(actor.world, actor), layout, found, clocks=_clocks(actor))
        if release is not None and not activated.already:
            _must_be_whole(actor, found, frozenset(release.objects), layout)
        return activated

    return work


def dropping(release_id: Callable[[], str | None], layout: Layout = LAYOUT) -> Callable[[Actor], None]:
    """The end of a release whose roll-out failed."""

    def work(actor: Actor) -> None:
        found = release_id()
        actor.relies_on = actor.staged = frozenset()
        if found is not None:
            drop(UploaderPort(actor.world, actor), layout, found)

    return work


def roll_out(
    keys: Sequence[str], channel: str, name: str, *, succeeds: bool, layout: Layout = LAYOUT
) -> Callable[[Actor], Any]:
    """``uploader run``: upload and stage, then activate or drop."""
    stage = upload(keys, channel, name, stage=True, layout=layout)

    def work(actor: Actor) -> Any:  # noqa: ANN401
        published = stage(actor)
        actor.relies_on = actor.staged = objects_of(keys, layout=layout)
        actor.until = actor.world.now + timedelta(seconds=SHORTEST_STAGED_TTL)
        then = activation if succeeds else dropping
        return then(lambda: published.id, layout)(actor)

    return work


def pinning(release_id: str, *, then_unpin: bool = False, layout: Layout = LAYOUT) -> Callable[[Actor], None]:
    """A release that is pinned, and perhaps unpinned again."""

    def work(actor: Actor) -> None:
        port, site = UploaderPort(actor.world, actor), actor.world.site_of(layout)
        pinned = pin(port, layout, release_id, clocks=_clocks(actor))
        site.pinned[release_id] = frozenset(pinned.logged.release.objects)
        if then_unpin:
            site.unpinned.add(release_id)
            unpin(port, layout, release_id)

    return work


def pinning_again(release_id: str) -> Callable[[Actor], None]:
    """A release that is pinned, unpinned, and pinned again a moment later."""
    begin = pinning(release_id, then_unpin=True)

    def work(actor: Actor) -> None:
        port, world = UploaderPort(actor.world, actor), actor.world
        begin(actor)
        world.sleep(1)
        pin(port, LAYOUT, release_id, clocks=_clocks(actor))
        world.site.unpinned.discard(release_id)

    return work


def rolling_back(release_id: str, layout: Layout = LAYOUT) -> Callable[[Actor], object]:
    """An old release becomes current again."""

    def work(actor: Actor) -> object:
        port = UploaderPort(actor.world, actor)
        target = find_target(port, layout, release_id, None)
        written = roll_back(port, layout, target, clocks=_clocks(actor))
        if not written.already:  # it was current when its marker was read, and others may have come since
            _must_be_whole(actor, written.id, frozenset(target.old.release.objects), layout)
        return written

    return work


def copying(*pick: Callable[[], str | None]) -> Callable[[Actor], None]:
    """Somebody copies files of the release log onto themselves, for another storage class, or from a backup.

    Args:
        pick: Names the next file. It is read, and then written, though it may be gone by then.
    """

    def work(actor: Actor) -> None:
        world = actor.world
        for key in (each() for each in pick):
            if key is None:
                continue
            found = ask(world, Op("get", key), partial(world.objects.get, key), UPLOADER_ERRORS)
            if found is not None:
                copy = partial(world.rewrite, key, replace(found))
                ask(world, Op("copy", key, writes=True), copy, UPLOADER_ERRORS)

    return work


def taking_away(key: str) -> Callable[[Actor], None]:
    """Somebody deletes a file of the release log, and puts it back: from a backup, or an old version of it."""

    def work(actor: Actor) -> None:
        world, stored = actor.world, replace(actor.world.objects[key])
        ask(world, Op("delete", key, frozenset({key}), writes=True), partial(world.delete, key), UPLOADER_ERRORS)
        ask(world, Op("copy", key, writes=True), partial(world.rewrite, key, stored), UPLOADER_ERRORS)

    return work


class _EnderPort(UploaderPort):
    """Who drops a staged release ends what its roll-out relies on."""

    def withdraw(self, key: str, etag: str | None = None) -> None:
        dropped = next((site.staged[key] for site in self.world.sites if key in site.staged), None)
        for other in self.world.actors:
            if dropped is not None and other.staged and other.staged <= dropped.objects.keys():
                other.relies_on = other.staged = frozenset()
        super().withdraw(key, etag)


def ending(channel: str | None, layout: Layout = LAYOUT) -> Callable[[Actor], Ended]:
    """``uploader end``: a channel, or all of them, if there are any."""

    def work(actor: Actor) -> Ended:
        port = _EnderPort(actor.world, actor)
        return end(port, layout, find_end(port, layout, channel), clocks=_clocks(actor))

    return work


def vanishing(pick: Callable[[], str | None]) -> Callable[[Actor], None]:
    """Somebody deletes a channel's current marker, which a run has seen."""

    def work(actor: Actor) -> None:
        world, key = actor.world, pick()
        if key is not None:
            ask(world, Op("delete", key, frozenset({key}), writes=True), partial(world.vanish, key), UPLOADER_ERRORS)

    return work


def publish_again(site: Site, channels: Sequence[str]) -> None:
    """An operator does what the cleaner's stop asks for: what is live, or has ended, once more in these channels."""
    world, layout = site.world, site.layout
    for channel in channels:
        world.advance(2)
        newest = site.published[site.newest()[channel]][1]
        if newest.ended:
            end = end_body(channel, world, layout)
            world.put(layout.marker_key(f"{world.now:%Y%m%dT%H%M%SZ}-again"), end)
        else:
            publish_alone(world, sorted(newest.keys), "again", layout.markers, channel, layout=layout)


def cleaning(  # noqa: PLR0913 (what an invocation can be asked)
    policy: Policy,
    *,
    batches: int | None = None,
    full: bool = False,
    adopt: bool = False,
    run: str | None = None,
    layout: Layout = LAYOUT,
    port: type[CleanerPort] = CleanerPort,
    distributed: bool = False,
) -> Callable[[Actor], Report]:
    """One invocation of the cleaner; and each map run that it starts, with the run after it.

    Args:
        policy: The settings.
        batches: The number of batches that it has time for; None for any number.
        full: Make a full listing.
        adopt: Retire the orphans that wait.
        run: Its id; its actor's name without it.
        layout: The site.
        port: Its version's port.
        distributed: Whether it hands out a listing, or a rebuild. One of the workers may fail.
    """

    def work(actor: Actor) -> Report:
        left = itertools.count() if batches is None else iter([*range(batches)])
        pace = Pace(has_time=lambda: next(left, None) is not None, sleep=actor.world.sleep)
        job = Job(
            prefix=layout.prefix,
            policy=policy,
            run=run or f"run-{actor.name}",
            full=full,
            adopt=adopt,
            distributed=distributed,
        )
        store = port(actor.world, actor, layout)
        actor.cleans = layout
        try:
            report = clean(store, job, pace)
            while report.map_run is not None:
                _must_be_recorded(actor, report)
                actor.deleted.clear()
                _map(store, job, report.map_run, actor)
                # Nothing else is asked of the run after it.
                job = replace(job, run=f"{job.run}-after", map_run_over=report.map_run.at, full=False, adopt=False)
                report = clean(store, job, pace)
                if report.map_run is not None:
                    # No two are of one second, as that is what their files are named after.
                    actor.world.sleep(1, "time")
        except BrokenOffError as error:
            if isinstance(error.__cause__, BrokenPromiseError):
                raise error.__cause__ from None
            _must_be_recorded(actor, error.report)
            raise
        except MISHAPS:
            _must_be_recorded(actor, None)
            raise
        _must_be_recorded(actor, report)
        return report

    return work


def _map(store: CleanerPort, job: Job, map_run: MapRun, actor: Actor) -> None:
    """The workers, one after the other: each reads, and writes one file."""
    for number in map_run.ranges:
        if (number + actor.requests) % 7:
            work = read_group if map_run.kind is Kind.GROUP else list_range
            with suppress(CleanerError):  # the next run does it by itself
                work(store, job, MapTask(map_run.at, number, map_run.kind), Pace(sleep=actor.world.sleep))


def _must_be_recorded(actor: Actor, report: Report | None) -> None:
    """Whatever became of the run: it tells all that it deleted."""
    document = {} if report is None else report.document()
    told = {each["key"] for name in ("delete", "failed") for each in document.get(name, ())}
    missing = {key for key in actor.deleted if LAYOUT.owns(key)} - told
    if missing:
        msg = f"{actor.name} deleted {sorted(missing)}, and does not say so"
        raise BrokenPromiseError(msg)


def clean_alone(
    world: World, policy: Policy, *, full: bool = False, adopt: bool = False, layout: Layout = LAYOUT
) -> Report:
    """One run without other actors, not interrupted."""
    world.actor = None
    world.runs_alone += 1
    job = Job(prefix=layout.prefix, policy=policy, run=f"run-{world.runs_alone}", full=full, adopt=adopt)
    return clean(CleanerPort(world, None, layout), job, Pace(sleep=world.sleep))


def cleaner(world: World, name: str, work: Callable[[Actor], Any]) -> Actor:
    """A cleaner lives no longer than Lambda lets it."""
    return Actor(name, world, work, lives=INVOCATION_SECONDS)
