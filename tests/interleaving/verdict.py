"""The conditions besides the promise: no early deletion, all due assets deleted, tags equal to states."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from cleaner_lambda import ledger as ledgers
from cleaner_lambda.policy import Reason
from release_log.errors import LedgerError
from release_log.marker import decode
from release_log.tags import Mark, read_mark
from tests import reference
from tests.interleaving.actor import BrokenPromiseError
from tests.interleaving.cast import clean_alone, local_asset, publish_again
from tests.interleaving.world import LAYOUT, PREFIX
from uploader.treatment.headers import STORED

if TYPE_CHECKING:
    from datetime import datetime

    from cleaner_lambda.ledger import Ledger
    from cleaner_lambda.report import Report
    from release_log.marker import Asset, Release
    from release_log.policy_settings import Policy
    from tests.interleaving.actor import Actor
    from tests.interleaving.world import World

DAY = 86_400
ORPHAN = timedelta(hours=24)

KEEPER = "K"
"""The name of an actor that puts pages in place by hand."""


def site(world: World, ids: frozenset[str] | None = None, ledger: Ledger | None = None) -> reference.Site:
    """The site as the reference sees it.

    Args:
        world: The bucket.
        ids: The markers that count, beside those that a cleaner deleted; None for all.
        ledger: Dates the markers that somebody copied: nobody else knows when a run first saw them. Any other marker is
            dated by when it was written.
    """
    folded = {i: each.at for i, each in ledger.folded.items()} if ledger else {}
    for i, at in folded.items():
        if i in world.releases and at != world.releases[i][0] and LAYOUT.marker_key(i) not in world.copied:
            msg = f"{i} was written at {world.releases[i][0]}, and the ledger says {at}"
            raise BrokenPromiseError(msg)
    placed = {
        i: at for i, at in world.placed.items() if ids is None or i in world.pruned or LAYOUT.placed_key(i) in ids
    }
    for i, each in (ledger.folded if ledger else {}).items():
        if each.placed is not None:
            if i in placed and each.placed < placed[i] and LAYOUT.placed_key(i) not in world.copied:
                msg = f"{i} was in place at {placed[i]}, and the ledger says {each.placed}"
                raise BrokenPromiseError(msg)
            placed[i] = each.placed
    releases = [
        reference.Release(
            i,
            folded.get(i, at),
            release.channel,
            _keys(release),
            ended=release.ended,
            stored=release.places_pages,
            placed=placed.get(i),
        )
        for i, (at, release) in (
            world.releases | {i: world.published[i] for i in world.pruned | world.vanished}
        ).items()
        if ids is None or i in world.pruned | world.vanished or LAYOUT.marker_key(i) in ids
    ]
    pins = [decode(stored.body, PREFIX) for key, stored in world.objects.items() if key.startswith(LAYOUT.pins)]
    pinned = frozenset().union(*(release.all_keys for release in pins))
    present = [key for key in world.objects if LAYOUT.owns(key) or LAYOUT.stores(key)]
    return reference.Site(releases, present, pinned=pinned, sure_since=ledger.sure_since if ledger else None)


def _keys(release: Release) -> dict[str, str]:
    """Logical path -> key, also of the stored pages."""
    keys = {path: asset.key for path, asset in release.assets.items()}
    pages = release.pages.items()
    return keys | {LAYOUT.page_path(key): LAYOUT.page_key(page.stored or "") for key, page in pages}


def read_ledger(world: World) -> Ledger | None:
    """The ledger, if it exists and is whole."""
    stored = world.objects.get(LAYOUT.ledger)
    try:
        return None if stored is None else ledgers.decode(stored.body)
    except LedgerError:
        return None


class Watch:
    """Looks at every deletion of an asset: was it due, by the markers and the clock that its run had seen?"""

    def __init__(self, world: World, policy: Policy, *, strict: bool = False) -> None:
        self._world = world
        self._strict = strict
        self._policy = policy
        world.on_delete = self._on_delete

    def _on_delete(self, actor: Actor | None, key: str) -> None:
        if not (LAYOUT.owns(key) or LAYOUT.stores(key)) or actor is None:
            return
        seen = site(self._world, actor.seen_markers)
        if self._strict:
            self._check_untagged(seen)
        if key in seen.pinned:
            msg = f"{actor.name} deletes {key}, which is pinned"
            raise BrokenPromiseError(msg)
        if key in {name for release in seen.releases for name in release.assets.values()}:
            if key not in reference.due(seen, self._lenient_policy(key, seen, actor), actor.seen_at):
                msg = f"{actor.name} deletes {key} before its time"
                raise BrokenPromiseError(msg)
        elif not self._was_released(key) and self._world.objects[key].at + ORPHAN > actor.seen_at:
            msg = f"{actor.name} deletes {key}, which no release names, before it is a day old"
            raise BrokenPromiseError(msg)

    def _was_released(self, key: str) -> bool:
        """Whether a release names the asset whose marker is gone by now."""
        return any(key in release.all_keys for _, release in self._world.published.values())

    def _lenient_policy(self, key: str, seen: reference.Site, actor: Actor) -> Policy:
        """The policy; if nobody can know the order of the markers, the part of it that needs no order."""
        if key not in reference.due(seen, self._policy, actor.seen_at):
            ledger = read_ledger(self._world)
            if self._world.copied or self._world.doubtful or (ledger is not None and ledger.sure_since is not None):
                return replace(self._policy, version_limit=0, keep_releases=0)
        return self._policy

    def _check_untagged(self, seen: reference.Site) -> None:
        for key in reference.steps(seen.releases)[-1].keys & self._world.objects.keys():
            if read_mark(self._world.objects[key].tags) is not None:
                msg = f"an asset is deleted before {key}, which is current, has lost its tag"
                raise BrokenPromiseError(msg)


def settle(world: World, policy: Policy) -> None:
    """Run the cleaner until it has nothing left to do, and compare with the reference."""
    world.actor = None
    if all(actor.state == "done" and actor.name != KEEPER for actor in world.actors) and not world.copied:
        check_pages(world)
    for actor in world.actors:
        actor.crash()
    world.trace.append("-- the cleaner comes back until nothing is left to do")
    world.advance(61)
    report = _clean(world, policy)
    if not report.plan.stops and report.next_due is None and not _protections(world):
        _compare(world, policy, report.at, last=False)
    # After every intent, staged release and announcement has expired; then a listing finds orphans, then they are due.
    for seconds in (policy.pending_ttl + policy.staged_ttl + 2, DAY + 1, DAY + policy.removed_ttl + 2):
        world.advance(seconds)
        report = _clean(world, policy)
        world.check()
        if report.plan.stops:
            world.advance(1000)
            report = _clean(world, policy)
    if not world.current():
        report = _close(world, policy, report)
    if not report.plan.stops and dict(report.current) != world.current():
        msg = f"{world.current()} is current, and the cleaner says {dict(report.current)}"
        raise BrokenPromiseError(msg)
    _compare(world, policy, report.at, last=True)
    left = _protections(world)
    if left and not report.plan.stops:
        msg = f"{left} expired long ago, and is still there"
        raise BrokenPromiseError(msg)
    if LAYOUT.ledger in world.objects and ledgers.decode(world.objects[LAYOUT.ledger].body).deleting is not None:
        msg = "the ledger still announces deletions"
        raise BrokenPromiseError(msg)


def check_pages(world: World) -> None:
    """Nobody was disturbed: of each page, what is in place is what the newest release says that names it."""
    belongs: dict[str, tuple[str, Asset]] = {}
    newest: dict[str, str] = {}
    for release_id, (_, release) in sorted(world.published.items(), key=lambda i: (i[1][0], i[0])):
        newest |= dict.fromkeys(release.keys, release_id)
        if release_id in world.current().values():
            belongs |= {key: (release_id, page) for key, page in release.pages.items()}
    for key, (release_id, page) in belongs.items():
        if newest[key] != release_id:
            continue  # its channel has ended, or does not name the page any more
        found = world.objects.get(key)
        if release_id in world.placed and (found is None or found.metadata.get(STORED) != page.stored):
            msg = f"{release_id} is the newest release, and {key} in place is another one's: {found and found.body!r}"
            raise BrokenPromiseError(msg)


def _close(world: World, policy: Policy, report: Report) -> Report:
    """A site that has ended: its release log goes too, unless a pin keeps some of its assets."""
    for seconds in (1, 1000, DAY + 1, DAY + policy.removed_ttl + 2, 1, 1000):
        world.advance(seconds)
        report = _clean(world, policy)
    to_people = [key for key in world.objects if LAYOUT.owns(key) and not local_asset(key).fingerprinted]
    pinned = any(key.startswith(LAYOUT.pins) for key in world.objects)
    left = [key for key in sorted(world.objects.keys() - to_people) if not (to_people and key == LAYOUT.ledger)]
    if left and world.published and not pinned:
        msg = f"the site has ended, and {left} is still there"
        raise BrokenPromiseError(msg)
    return report


def _clean(world: World, policy: Policy) -> Report:
    """Run the cleaner; if a stop of it asks for a release, do that, and run it again."""
    report = clean_alone(world, policy)
    if any(stop.reason is Reason.UNKNOWN_PAGE for stop in report.plan.stops):
        world.trace.append("-- somebody publishes again what belongs in place")
        publish_again(world, sorted(world.current()))
        for key in world.asked_for().keys() - world.current_pages():
            world.delete(key)
        report = clean_alone(world, policy)
    ledger = read_ledger(world)
    asked = {stop.channel for stop in report.plan.stops if stop.reason is Reason.MISSING_MARKER}
    if ledger is None or not (ledger.doubts or asked):
        return report
    missed = {channel: i for channel, i in world.newest().items() if channel in asked and i not in world.vanished}
    if missed:
        msg = f"the cleaner misses the markers {missed}, which nobody deleted"
        raise BrokenPromiseError(msg)
    world.check()
    world.trace.append("-- somebody publishes again what is live")
    publish_again(world, sorted({*ledger.doubts, *filter(None, asked)}))
    report = clean_alone(world, policy)
    if any(stop.reason in {Reason.UNKNOWN_ORDER, Reason.MISSING_MARKER} for stop in report.plan.stops):
        msg = f"the release that ends a doubt did not end it: {report.plan.stops}"
        raise BrokenPromiseError(msg)
    return report


def _protections(world: World) -> list[str]:
    return [key for key in world.objects if key.startswith((LAYOUT.pending, LAYOUT.staged))]


def _compare(world: World, policy: Policy, now: datetime, *, last: bool) -> None:
    """All due assets are deleted, and tags equal states."""
    found = site(world, ledger=read_ledger(world))
    if not found.releases:
        return
    states = reference.retired(found)
    # A retired asset that a dead upload stored again is an orphan: it goes later, or people decide.
    again = {key for key in states if world.doubtful or world.objects[key].at >= _left(key, found)}
    left_to_people = {key for key in again if LAYOUT.owns(key) and not local_asset(key).fingerprinted}
    left_to_people |= _orphans_within_limit(world)
    ledger = read_ledger(world)
    lingering = set() if ledger is None else ledger.lingering.keys()
    in_place = {key for i in lingering if i in world.published for key in world.published[i][1].keys}
    if world.doubtful:
        # A release without its marker takes no place among those that are kept, nor its assets a rank.
        most = policy.keep_releases + 1 if policy.keep_releases else 0
        policy = replace(policy, keep_releases=most, version_limit=99 if policy.version_limit else 0)
    overdue = reference.due(found, policy, now) - (left_to_people if last else again) - in_place
    if overdue:
        msg = f"{sorted(overdue)} was due, and is still there"
        raise BrokenPromiseError(msg)
    for key in filter(LAYOUT.owns, found.present):
        mark = read_mark(world.objects[key].tags)
        state = states.get(key)
        if state is None:
            if key in world.current_keys() and mark is not None:
                msg = f"{key} is current, and bears {mark}"
                raise BrokenPromiseError(msg)
        elif key not in again and mark != Mark(state.state, state.since):
            msg = f"{key} is {state}, and bears {mark}"
            raise BrokenPromiseError(msg)


def _orphans_within_limit(world: World) -> set[str]:
    """A dead upload stored them again. As orphans of a path that is current they take part in ``version_limit``."""
    ledger = read_ledger(world)
    retired = ledger.retired if ledger else {}
    return {key for key, each in retired.items() if not each.release and each.kept_by == Reason.WITHIN_VERSION_LIMIT}


def _left(key: str, found: reference.Site) -> datetime:
    """The last time that it was in a current release."""
    steps = reference.steps(found.releases)
    last = max(number for number, step in enumerate(steps) if key in step.keys)
    return steps[last + 1].at
