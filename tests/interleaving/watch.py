"""Every deletion of a cleaner is looked at: was it due, by the markers and the clock that its run had seen?"""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from release_log import marker
from release_log.fingerprints import split
from release_log.tags import State, read_mark
from tests import reference
from tests.interleaving.actor import BrokenPromiseError
from tests.interleaving.needs import read_ledger

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from cleaner_lambda.ledger import Ledger
    from release_log.layout import Layout
    from release_log.marker import Release
    from release_log.policy_settings import Policy
    from tests.interleaving.actor import Actor
    from tests.interleaving.site import Site

ORPHAN = timedelta(hours=24)


def seen_by_reference(
    site: Site,
    ids: frozenset[str] | None = None,
    ledger: Ledger | None = None,
    instants: Mapping[str, datetime] | None = None,
    in_place: Mapping[str, datetime] | None = None,
) -> reference.Site:
    """The site as the reference sees it.

    Args:
        site: The site.
        ids: The markers that count, beside those that a cleaner deleted; None for all.
        ledger: Dates the markers that somebody copied: nobody else knows when a run first saw them. Any other marker is
            dated by when it was written.
        instants: Id -> another instant of its marker.
        in_place: Id -> another instant of the file that says that its pages are in place.
    """
    layout, objects = site.layout, site.world.objects
    folded = {i: each.at for i, each in ledger.seen.items()} if ledger else {}
    for i, at in folded.items():
        if i in site.releases and at != site.releases[i][0] and layout.marker_key(i) not in site.world.copied:
            msg = f"{i} was written at {site.releases[i][0]}, and the ledger says {at}"
            raise BrokenPromiseError(msg)
    # The file of a release goes once its marker is gone, by a cleaner that has seen both.
    known = site.pruned | {i for i in site.vanished if layout.placed_key(i) not in objects}
    placed = {i: at for i, at in site.placed.items() if ids is None or i in known or layout.placed_key(i) in ids}
    for i, each in (ledger.seen if ledger else {}).items():
        if each.placed is not None:
            if i in placed and each.placed < placed[i] and layout.placed_key(i) not in site.world.copied:
                msg = f"{i} was in place at {placed[i]}, and the ledger says {each.placed}"
                raise BrokenPromiseError(msg)
            placed[i] = each.placed
    releases = [
        reference.Release(
            i,
            (instants or folded).get(i, at),
            release.channel,
            _keys(release, layout),
            ended=release.ended,
            stored=release.places_pages,
            placed=(in_place or placed).get(i, placed.get(i)),
        )
        for i, (at, release) in (site.releases | {i: site.published[i] for i in site.pruned | site.vanished}).items()
        if ids is None or i in site.pruned | site.vanished or layout.marker_key(i) in ids
    ]
    pins = [marker.decode(stored.body, layout.prefix) for key, stored in objects.items() if key.startswith(layout.pins)]
    pinned = frozenset().union(*(release.all_keys for release in pins))
    # A run may not know yet that a site has come inside this one.
    owns = site.owns if ids is None else layout.owns
    present = [key for key in objects if owns(key) or layout.stores(key)]
    return reference.Site(releases, present, pinned=pinned, sure_since=ledger.sure_since if ledger else None)


def _keys(release: Release, layout: Layout) -> dict[str, str]:
    """Logical path -> key, also of the stored pages."""
    keys = {path: asset.key for path, asset in release.assets.items()}
    pages = release.pages.items()
    return keys | {layout.page_path(key): layout.page_key(page.stored or "") for key, page in pages}


class Watch:
    """Looks at every deletion of an asset: was it due, by the markers and the clock that its run had seen?"""

    def __init__(self, site: Site, policy: Policy, *, strict: bool = False) -> None:
        self._site = site
        self._strict = strict
        self._policy = policy
        site.on_delete = self._on_delete

    def _on_delete(self, actor: Actor | None, key: str) -> None:
        site = self._site
        ours = site.layout.owns(key) or site.layout.stores(key)
        if not ours or actor is None or actor.cleans != site.layout:
            return
        seen = seen_by_reference(site, actor.seen_markers)
        if self._strict:
            self._check_untagged(seen)
        if key in seen.pinned:
            msg = f"{actor.name} deletes {key}, which is pinned"
            raise BrokenPromiseError(msg)
        if key in {name for release in seen.releases for name in release.assets.values()}:
            is_due = any(self._is_due(key, each, actor) for each in self._views(seen, actor))
            if not (is_due or self._is_due_orphan(key, seen, actor)):
                msg = f"{actor.name} deletes {key} before its time"
                raise BrokenPromiseError(msg)
        elif not self._was_released(key) and site.world.objects[key].at + ORPHAN > actor.seen_at:
            msg = f"{actor.name} deletes {key}, which no release names, before it is a day old"
            raise BrokenPromiseError(msg)

    def _views(self, seen: reference.Site, actor: Actor) -> Iterator[reference.Site]:
        """The site in all ways in which a run may take it, which cannot know what is true."""
        yield seen
        yield (first := self._seen_first(actor))
        yield (copied := self._seen_copied(actor))
        yield from map(self._seen_late, (seen, first, copied))
        yield from map(_at_once, (seen, first, copied))

    def _is_due(self, key: str, seen: reference.Site, actor: Actor) -> bool:
        return key in reference.due(seen, self._lenient_policy(key, seen, actor), actor.seen_at)

    def _is_due_orphan(self, key: str, seen: reference.Site, actor: Actor) -> bool:
        """Whether it is an orphan that is due: stored again after all releases that name it, or one's marker is gone.

        If nothing waits, the run that finds it deletes it. The state in the ledger may be over with what this run sees.
        """
        site, ledger = self._site, read_ledger(self._site)
        stored_at = site.world.objects[key].at
        named = {i: at for i, (at, release) in site.published.items() if key in release.all_keys}
        if site.vanished.isdisjoint(named) and stored_at <= max(named.values()):
            return False
        entry = None if ledger is None else ledger.retired.get(key)
        steps = reference.steps(seen.releases)
        if entry is None:  # this run has found it
            if stored_at + ORPHAN > actor.seen_at:
                return False
            is_current = split(key).logical in steps[-1].paths
            states = [(State.SUPERSEDED if is_current else State.REMOVED, actor.seen_at)]
        elif entry.release:
            return False
        else:
            now = reference.orphan(key, entry.mark.since, steps)
            states = [(entry.mark.state, entry.mark.since), (now.state, now.since)]
        ends = self._ends_after(site.vanished & named.keys(), actor)

        def over(state: State, since: datetime) -> bool:
            wait = self._policy.version_ttl if state is State.SUPERSEDED else self._policy.removed_ttl
            if ends:  # it may have been removed with its channel
                since, wait = max(since, *ends), max(self._policy.removed_ttl, self._policy.version_ttl)
            return since + timedelta(seconds=wait) <= actor.seen_at

        return any(itertools.starmap(over, states))

    def _ends_after(self, ids: Collection[str], actor: Actor) -> list[datetime]:
        """When the channels of some releases ended, as far as the run has seen that."""
        site, layout = self._site, self._site.layout
        channels = {release.channel: at for at, release in map(site.published.__getitem__, ids)}
        return [
            at
            for i, (at, release) in site.published.items()
            if release.ended and channels.get(release.channel, at) < at and layout.marker_key(i) in actor.seen_markers
        ]

    def _seen_first(self, actor: Actor) -> reference.Site:
        """The site as at the first look: a release that is in place at the second one only retires more.

        So does an end that is not earlier than the instant for which the run decides. What was due before may then
        have entered another state.
        """
        site, layout = self._site, self._site.layout
        placed = {each for each in actor.seen_markers if layout.placed_id(each) is not None}
        ends = {i: at for i, (at, release) in site.published.items() if release.ended}
        late = {layout.marker_key(i) for i, at in ends.items() if at >= actor.seen_at}
        return seen_by_reference(site, actor.seen_markers - (placed - actor.seen_before) - late)

    def _seen_copied(self, actor: Actor) -> reference.Site:
        """The site with the instants of files that were copied before a run saw them: it never knew the true ones.

        Where the marker alone was copied, the file that says that the release is in place is older, and says nothing.
        """
        site, ledger = self._site, read_ledger(self._site)
        doubted = _doubted(site, ledger)
        seen = ledger.seen if ledger else {}
        keys = {i: site.layout.marker_key(i) for i in site.releases}
        copied = {
            i: seen[i].at if i in seen else site.world.objects[key].at
            for i, key in keys.items()
            if key in site.world.copied and not (site.releases[i][1].channel in doubted and i in seen)
        }
        files = {i: site.layout.placed_key(i) for i in site.placed}
        in_place = {
            i: (seen[i].placed if i in seen else None) or site.world.objects[file].at
            for i, file in files.items()
            if file in site.world.copied and file in site.world.objects
        }
        return seen_by_reference(site, actor.seen_markers, instants=copied, in_place=in_place)

    def _seen_late(self, seen: reference.Site) -> reference.Site:
        """The site with each release in place since its newest page was put there, if that came after the file.

        Until then the release before counts as current. So what it leaves may be superseded after a channel's end that
        has removed it.
        """
        return replace(seen, releases=[replace(each, placed=self._in_place_since(each)) for each in seen.releases])

    def _in_place_since(self, release: reference.Release) -> datetime | None:
        layout, objects = self._site.layout, self._site.world.objects
        pages = {layout.page_of(path): key for path, key in release.assets.items() if layout.page_of(path) is not None}
        there = [
            objects[page].at
            for page, stored in pages.items()
            if page in objects and stored in objects and objects[page].body == objects[stored].body
        ]
        return None if release.placed is None else max([release.placed, *there])

    def _was_released(self, key: str) -> bool:
        """Whether a release names the asset whose marker is gone by now."""
        return any(key in release.all_keys for _, release in self._site.published.values())

    def _lenient_policy(self, key: str, seen: reference.Site, actor: Actor) -> Policy:
        """The policy; if nobody can know the order of the markers, the part of it that needs no order.

        Who puts a release's page in place again by hand changes since when that release is in place.
        """
        if key not in reference.due(seen, self._policy, actor.seen_at):
            site, ledger = self._site, read_ledger(self._site)
            if site.world.copied or site.by_hand or site.doubtful or _has_doubted(ledger):
                return replace(self._policy, version_limit=0, keep_releases=0)
        return self._policy

    def _check_untagged(self, seen: reference.Site) -> None:
        for key in reference.steps(seen.releases)[-1].keys & self._site.world.objects.keys():
            if read_mark(self._site.world.objects[key].tags) is not None:
                msg = f"an asset is deleted before {key}, which is current, has lost its tag"
                raise BrokenPromiseError(msg)


def _at_once(seen: reference.Site) -> reference.Site:
    """The site with each release in place before any other one of its second: what came first there, nobody knows."""
    return replace(
        seen, releases=[replace(each, stored=each.stored and each.placed != each.at) for each in seen.releases]
    )


def _doubted(site: Site, ledger: Ledger | None) -> Collection[str]:
    """The channels of which the order of the markers is or was unknown: those that the ledger names, or else any."""
    if ledger is not None and ledger.doubts:
        return ledger.doubts
    return {release.channel for _, release in site.releases.values()} if _has_doubted(ledger) else ()


def _has_doubted(ledger: Ledger | None) -> bool:
    """Whether the order of the markers is or was unknown; a doubt that a run ends is there until its last write."""
    return ledger is not None and (bool(ledger.doubts) or ledger.sure_since is not None)
