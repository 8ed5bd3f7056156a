"""The conditions besides the promise, at the end: all due assets are deleted, tags equal states."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from cleaner_lambda.plan import Reason
from release_log import marker
from release_log.tags import Mark, State, read_mark
from tests import reference
from tests.interleaving.actor import BrokenPromiseError
from tests.interleaving.cast import clean_alone, local_asset, publish_again
from tests.interleaving.needs import left_by_inner, needed_around, read_ledger, within_limit
from tests.interleaving.watch import seen_by_reference
from uploader.treatment.headers import STORED

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from cleaner_lambda.ledger import Ledger
    from cleaner_lambda.report import Report
    from release_log.marker import Asset
    from release_log.policy_settings import Policy
    from tests.interleaving.site import Site
    from tests.interleaving.world import World

DAY = 86_400

KEEPER = "K"
"""The name of an actor that puts pages in place by hand."""


def settle(world: World, policy: Policy) -> None:
    """Run the cleaners until they have nothing left to do, and compare each site with the reference."""
    world.actor = None
    if all(actor.state == "done" and not actor.name.startswith(KEEPER) for actor in world.actors) and not world.copied:
        check_pages(world)
    for actor in world.actors:
        actor.crash()
    world.trace.append("-- the cleaners come back until nothing is left to do")
    world.advance(61)
    reports = _clean_all(world, policy)
    if not any(map(_protections, world.sites)):
        for site, report in zip(world.sites, reports, strict=True):
            if not report.plan.stops and report.next_due is None:
                _compare(site, policy, report.at, last=False)
    # After every intent, staged release and announcement has expired; when a listing has found orphans; when these are
    # due.
    trace = len(world.trace)
    reports = _clean_after(world, policy, policy.pending_ttl + policy.staged_ttl + 2)
    if len(world.trace) > trace or not all(map(_is_listed, world.sites, reports)):
        _clean_after(world, policy, DAY + 1)
    reports = _clean_at_last(world, policy)
    if len(world.sites) > 1 and (policy.site_ttl or not all(site.current() for site in world.sites)):
        # A site inside asks what the one around it needs, which has ended, and loses its release log days later.
        for _ in range(4):
            reports = _clean_after(world, policy, DAY + policy.removed_ttl + 2)
    for site, report in zip(world.sites, reports, strict=True):
        _check_end(site, policy, report if site.current() else _close(site, policy, report))


def _is_listed(site: Site, report: Report) -> bool:
    """Whether the run went well, and has made a full listing of its own: not the last part of an older one."""
    ledger = read_ledger(site)
    listed_at = report.at if ledger is None else ledger.listed_at
    return report.ended_well and report.orphans is not None and listed_at == report.at


def _clean_all(world: World, policy: Policy) -> list[Report]:
    return [_clean(site, policy) for site in world.sites]


def _clean_after(world: World, policy: Policy, seconds: float) -> list[Report]:
    """Run each cleaner after some time, and again if something stopped one."""
    world.advance(seconds)
    reports = _clean_all(world, policy)
    world.check()
    if any(report.plan.stops for report in reports):
        world.trace.append("-- something stopped a cleaner: it comes back later")
        world.advance(1000)
        reports = _clean_all(world, policy)
    return reports


def _clean_at_last(world: World, policy: Policy) -> list[Report]:
    """Run each cleaner when all that it has found is due.

    Who has to help then may leave orphans behind: those are found first, and then due.
    """
    days = DAY + policy.removed_ttl + 2
    for _ in range(3):
        trace = len(world.trace)
        reports = _clean_after(world, policy, days)
        if len(world.trace) == trace:
            break
        reports = _clean_after(world, policy, days)
    return reports


def _check_end(site: Site, policy: Policy, report: Report) -> None:
    """Nothing is left to do."""
    stopped = bool(report.plan.stops)
    if not stopped and dict(report.current) != site.current():
        msg = f"{site.current()} is current, and the cleaner says {dict(report.current)}"
        raise BrokenPromiseError(msg)
    _compare(site, policy, report.at, last=True)
    strays = _strays(site, policy, report.at) if site.current() and not stopped else set()
    if strays:
        msg = f"no release ever named {sorted(strays)}, and it is still there"
        raise BrokenPromiseError(msg)
    left = _protections(site)
    if left and not stopped:
        msg = f"{left} expired long ago, and is still there"
        raise BrokenPromiseError(msg)
    ledger = read_ledger(site)
    if ledger is not None and ledger.deleting is not None:
        msg = "the ledger still announces deletions"
        raise BrokenPromiseError(msg)


def check_pages(world: World) -> None:
    """Nobody was disturbed: of each page, what is in place is what the newest release says that names it."""
    belongs: dict[str, tuple[str, Asset]] = {}
    newest: dict[str, str] = {}
    every = [(at, i, release, site) for site in world.sites for i, (at, release) in site.published.items()]
    for _, release_id, release, site in sorted(every, key=lambda each: each[:2]):
        newest |= dict.fromkeys(release.keys, release_id)
        if release_id in site.current().values() and release_id in site.placed:
            belongs |= {key: (release_id, page) for key, page in release.pages.items()}
    _check_assets(world, newest)
    for key, (release_id, page) in belongs.items():
        if newest[key] != release_id or any(site.gave_up(key) for site in world.sites):
            continue  # its channel has ended, or does not name the page any more, or it is another site's
        found = world.objects.get(key)
        if found is None or found.metadata.get(STORED) != page.stored:
            msg = f"{release_id} is the newest release, and {key} in place is another one's: {found and found.body!r}"
            raise BrokenPromiseError(msg)


def _check_assets(world: World, newest: Mapping[str, str]) -> None:
    """Where the newest release that names a key has an asset, no page of another release lies."""
    for site in world.sites:
        for release_id in site.current().values():
            for asset in site.published[release_id][1].assets.values():
                found = world.objects.get(asset.key)
                if not (asset.fingerprinted and newest[asset.key] == release_id and found):
                    continue
                if found.size != asset.size or asset.etag not in {None, found.etag}:
                    msg = f"{release_id} is the newest release, and {asset.key} is another one's: {found.body!r}"
                    raise BrokenPromiseError(msg)


def _close(site: Site, policy: Policy, report: Report) -> Report:
    """A site that has ended: its release log goes too, unless a pin, a page or a site around keeps some assets."""
    world, layout = site.world, site.layout
    for seconds in (1, 1000, DAY + 1, DAY + policy.removed_ttl + 2, 1, 1000):
        world.advance(seconds)
        report = _clean(site, policy)
    ours = {key for key in world.objects if site.owns(key) or key.startswith(layout.log)}
    to_people = {key for key in ours if site.owns(key) and not local_asset(key).fingerprinted}
    needed = (needed_around(site, policy) | site.by_hand.keys()) & ours or any(
        key.startswith(layout.pins) for key in ours
    )
    stays = to_people | ({layout.ledger, layout.checkpoint} if to_people else set()) | _lying(site, to_people)
    # With the ledger the files stay that no head names any more, for two days.
    left = sorted(key for key in ours - stays if not (to_people and key.startswith(layout.ledger_files)))
    if left and site.published and not needed:
        msg = f"the site has ended, and {left} is still there"
        raise BrokenPromiseError(msg)
    return report


def _strays(site: Site, policy: Policy, now: datetime) -> set[str]:
    """Stored pages and assets with a fingerprint that no release ever named, nobody needs, and that may be due."""
    layout, ledger = site.layout, read_ledger(site)
    objects = site.world.objects
    ours = {key for key in objects if (site.owns(key) and local_asset(key).fingerprinted) or layout.stores(key)}
    named = [release for each in site.world.sites for _, release in each.published.values()]
    named += [marker.decode(objects[key].body, layout.prefix) for key in objects if key.startswith(layout.pins)]
    around = needed_around(site, policy) | (ledger.around if ledger else frozenset())
    wait = timedelta(seconds=max(policy.version_ttl, policy.removed_ttl, policy.grace))
    # A release may just have named its logical path, or not any more.
    young = {key for key, entry in ledger.retired.items() if now < entry.mark.since + wait} if ledger else set()
    return ours.difference(*(release.all_keys for release in named), around, within_limit(site), young)


def _lying(site: Site, pages: Collection[str]) -> set[str]:
    """What stays of a site that has ended while pages are in place that are left to people: of which releases they are.

    The release that names such a page has no marker any more, which somebody deleted by hand; or it was put in place as
    its channel ended by itself. A rebuild dates what it names by the markers.
    """
    ledger, layout = read_ledger(site), site.layout
    releases = {i: site.published[i][1] for i in (ledger.lingering if ledger else ()) if i in site.published}
    lying = {
        i: each.objects
        for i, each in releases.items()
        if any(asset.key in pages for asset in each.assets.values() if not asset.fingerprinted)
    }
    if not lying:
        return set()
    files = {
        name(i) for name in (layout.marker_key, layout.placed_key) for i in (*site.published, *site.newest().values())
    }
    return files.union(*lying.values())


def _clean(site: Site, policy: Policy) -> Report:
    """Run the cleaner; if a stop of it asks for a release, do that, and run it again."""
    world = site.world
    report = clean_alone(world, policy, layout=site.layout)
    if any(stop.reason is Reason.UNKNOWN_PAGE for stop in report.plan.stops):
        world.trace.append("-- somebody publishes again what belongs in place")
        publish_again(site, sorted(site.current()))
        world.check()
        unknown = {key for key in world.asked_for if site.owns(key) and (site.gave_up(key) or key in site.by_hand)}
        _unpin(site, unknown - site.current_pages())
        needed = frozenset().union(*(each.current_keys().union(*each.pinned.values()) for each in world.sites))
        for key in world.asked_for.keys() - site.current_pages() - needed:
            if site.owns(key):
                world.delete(key)
        report = clean_alone(world, policy, layout=site.layout)
    if any(stop.reason is Reason.ADOPTION for stop in report.plan.stops):
        world.trace.append("-- somebody says that the orphans may go")
        report = clean_alone(world, policy, layout=site.layout, adopt=True)
    ledger = read_ledger(site)
    asked = {stop.channel for stop in report.plan.stops if stop.reason is Reason.MISSING_MARKER}
    if ledger is None or not (ledger.doubts or asked):
        return report
    lines = site.lines()
    missed = {
        channel: i
        for channel, i in site.newest().items()
        if channel in asked and site.vanished.isdisjoint(lines.get(channel, [i]))
    }
    if missed:
        msg = f"the cleaner misses the markers {missed}, which nobody deleted"
        raise BrokenPromiseError(msg)
    world.check()
    world.trace.append("-- somebody publishes again what is live")
    publish_again(site, sorted({*ledger.doubts, *filter(None, asked)}))
    report = clean_alone(world, policy, layout=site.layout)
    if any(stop.reason in {Reason.UNKNOWN_ORDER, Reason.MISSING_MARKER} for stop in report.plan.stops):
        msg = f"the release that ends a doubt did not end it: {report.plan.stops}"
        raise BrokenPromiseError(msg)
    return report


def _unpin(site: Site, pages: Collection[str]) -> None:
    """Nobody knows what these pages are: whoever deletes one first ends the pins of the releases that name it."""
    for release_id in [each for each, keys in site.pinned.items() if not keys.isdisjoint(pages)]:
        del site.pinned[release_id]
        site.world.delete(site.layout.pin_key(release_id))


def _protections(site: Site) -> list[str]:
    return [key for key in site.world.objects if key.startswith((site.layout.pending, site.layout.staged))]


def _compare(site: Site, policy: Policy, now: datetime, *, last: bool) -> None:
    """All due assets are deleted, and tags equal states."""
    found = seen_by_reference(site, ledger=read_ledger(site))
    if not found.releases:
        return
    objects = site.world.objects
    states = reference.retired(found)
    # A retired asset that was stored again is an orphan: it goes later, or people decide.
    again = {key for key in states if site.doubtful or key in site.by_hand or objects[key].at >= _left(key, found)}
    truly = None
    if site.world.copied or site.by_hand or _is_dated_anew(site, found):
        # It left before the marker was copied that says so, or its page was put in place again; and its tag may have
        # told that to a run that rebuilds.
        truly = seen_by_reference(site, instants={i: at for i, (at, _) in site.published.items()})
        true_states = reference.retired(truly)
        again |= {key for key in states if key in true_states and objects[key].at >= _left(key, truly)}
    inner = left_by_inner(site)
    plain = {key for key in again | inner if site.owns(key) and not local_asset(key).fingerprinted}
    left_to_people = plain | within_limit(site)
    ledger = read_ledger(site)
    either = _either(site, states)
    later = again | inner | either
    overdue = _overdue(site, found, policy, now, last=last) - (left_to_people if last else later)
    paths = {states[key].logical for key in again} if policy.version_limit else set()  # an orphan takes no place
    overdue = {key for key in overdue if states[key].logical not in paths}
    if overdue:
        msg = f"{sorted(overdue)} was due, and is still there"
        raise BrokenPromiseError(msg)
    for key in filter(site.owns, found.present):
        if sum(other.layout.owns(key) for other in site.world.sites) > 1:
            continue  # its tag may be another site's, from before this one's release log came, or after that one's went
        mark = read_mark(objects[key].tags)
        state = states.get(key)
        if state is None:
            if key in site.current_keys() and mark is not None:
                msg = f"{key} is current, and bears {mark}"
                raise BrokenPromiseError(msg)
        elif key in again or (key in either and mark is not None and mark.since >= state.since):
            continue
        elif mark not in {
            Mark(state.state, state.since),
            *(_once_right(truly, key) if truly else ()),
            *_as_well(found, key, state, ledger),
            # A release whose page was put in place again is in place since then.
            *(Mark(state.state, at) for at in site.by_hand_at if at > state.since),
            *_none(key, policy, ledger),
        }:
            msg = f"{key} is {state}, and bears {mark}"
            raise BrokenPromiseError(msg)


def _is_dated_anew(site: Site, found: reference.Site) -> bool:
    """Whether a release counts as in place since its page was put back there, and not since its file says so."""
    placed = {each.id: each.placed for each in found.releases if each.placed is not None}
    return any(at > site.placed.get(i, at) for i, at in placed.items())


def _once_right(truly: reference.Site, key: str) -> set[Mark]:
    """The marks that were right when one of the releases was the newest: a tag may be older than a marker's copy."""
    releases = sorted(truly.releases, key=lambda each: (each.at, each.id))
    past = (replace(truly, releases=releases[:number]) for number in range(1, len(releases) + 1))
    then = (reference.retired(each).get(key) for each in past)
    return {Mark(each.state, each.since) for each in then if each is not None}


def _none(key: str, policy: Policy, ledger: Ledger | None) -> set[None]:
    """No mark at all, if it is an orphan by all that the cleaner can know, and the site has too many of them."""
    entry = ledger.retired.get(key) if ledger else None
    return {None} if policy.orphan_tags == 0 and entry is not None and not entry.release else set()


def _either(site: Site, states: Mapping[str, reference.Retired]) -> set[str]:
    """Of which nobody knows whether they are superseded or removed, or since when."""
    ledger = read_ledger(site)
    if ledger is None:
        return set()
    if {site.layout.marker_key(i) for i in site.pruned - ledger.seen.keys()} & site.world.copied:
        return set(states)  # nobody knows any more how old such a marker was taken for
    if site.world.denied:
        return set(states)  # a rebuild without a marker dates what that one names later, and this stays so
    return {key for key, entry in ledger.retired.items() if entry.maybe_ended}


def _as_well(found: reference.Site, key: str, state: reference.Retired, ledger: Ledger | None) -> set[Mark]:
    """Other marks that are right as well.

    Within one second, nobody knows what came before a release was in place. So it may be either state, or have retired
    with a release of a channel that ended later, or of one that did not; and if its path left the current releases
    then, and another channel's release brought it back, it was superseded again. A release that was followed within its
    second may never have been current. And a replay from the ledger's cut on does not know that what retired before it
    was removed, and its path came back, before its channel ended.
    """
    later = _of_several(found)
    either = {Mark(each, state.since) for each in State} if state.since in later else set()
    last = {(each.channel, each.at): each for each in sorted(found.releases, key=lambda each: each.id)}
    without = reference.retired(replace(found, releases=tuple(last.values()))).get(key)
    if without is not None:
        either.add(Mark(without.state, without.since))
    ends = [each for each in found.releases if each.ended]
    # Or it retired with a release of a channel that ended in such a second,
    either |= {Mark(State.REMOVED, each.at) for each in ends if each.at in later}
    left = _left(key, found)
    if not later.isdisjoint({state.since, left}):  # or with another channel's release.
        either |= {Mark(State.REMOVED, each.at) for each in ends if each.at > left}
    if left in later:
        either |= {Mark(each.state, each.since) for each in reference.may_have_left(found, key)}
    if ledger is not None and ledger.cut is not None:
        channels = {each.channel for each in found.releases if each.id == state.release}
        later |= {each.at for each in ends if each.channel in channels}
    return {Mark(state.state, at) for at in later if at > state.since} | either


def _of_several(found: reference.Site) -> set[datetime]:
    """The seconds in which a release was in place and another one came, or was in place too."""
    seconds = {each.placed for each in found.releases if each.placed is not None}
    return {at for at in seconds if len({each.id for each in found.releases if at in {each.at, each.placed}}) > 1}


def _overdue(site: Site, found: reference.Site, policy: Policy, now: datetime, *, last: bool) -> set[str]:
    """What is due, by all that a cleaner can know."""
    ledger = read_ledger(site)
    if site.doubtful:
        # A release without its marker takes no place among those that are kept, nor its assets a rank.
        most = policy.keep_releases + 1 if policy.keep_releases else 0
        policy = replace(policy, keep_releases=most, version_limit=99 if policy.version_limit else 0)
    overdue = reference.due(found, policy, now)
    if site.world.denied:  # an end that was read late removes nothing that a release after it has superseded
        newest = {each.channel: each.at for each in sorted(found.releases, key=lambda each: each.at)}
        others = [each for each in found.releases if not each.ended or each.at == newest[each.channel]]
        overdue &= reference.due(replace(found, releases=others), policy, now)
    states, several = reference.retired(found), _of_several(found)
    # With which of the releases of such a second an asset left, and so whether its channel has ended, nobody knows.
    overdue = {key for key in overdue if _left(key, found) not in several or _is_certain(key, states[key], found)}
    if policy.version_limit:
        # Of a version that left in a second of several releases, nobody knows whether it takes the place of another.
        left = Counter(each.logical for each in states.values() if each.since in several)
        overdue = {key for key in overdue if left[states[key].logical] <= (states[key].since in several)}
    # What a site around needed when it was asked stays until it is asked again.
    overdue -= needed_around(site, policy) if last or ledger is None else ledger.around
    for release_id in () if ledger is None else ledger.lingering:
        if release_id in site.published:
            overdue -= site.published[release_id][1].all_keys
    return overdue


def _is_certain(key: str, state: reference.Retired, found: reference.Site) -> bool:
    return all(each.state is state.state for each in reference.may_have_left(found, key))


def _left(key: str, found: reference.Site) -> datetime:
    """The last time that it was in a current release."""
    steps = reference.steps(found.releases)
    return steps[reference.last_step(key, steps) + 1].at
