"""The pages in place: what a visitor gets is looked at, not inferred from the release log.

A page may be in place that no current release has: its upload was cut off, or a request arrived late. Then the release
that it comes from keeps its assets, and for a while longer. If no release has it, nothing is deleted.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING

from cleaner_lambda.markers import read_markers, skim
from cleaner_lambda.pages_there import UNREADABLE, find, read
from cleaner_lambda.plan import Reason, Stop
from cleaner_lambda.reading import name_some
from release_log.bounds import STORED_PAGES
from release_log.marker import ROLLBACK_OF

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from cleaner_lambda.history import History, Published
    from cleaner_lambda.ledger import Retired
    from cleaner_lambda.markers import Markers
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.port import Listed, S3Port
    from release_log.layout import Layout
    from release_log.policy_settings import Policy


@dataclass(frozen=True, slots=True)
class InPlace:
    """What the pages in place mean.

    Attributes:
        markers: The markers, with those that were read.
        lying: Id of each release that is not current and has a page in place -> the keys of these pages.
        late: Id of a release that is in place -> when the newest of its pages was put there, if that was after the file
            was written that says so: until then visitors may have got the release before.
        witnesses: Ids of the releases that have as an asset what lies where a page belongs: only their markers say so.
        stops: Why nothing may be deleted.
    """

    markers: Markers
    lying: Mapping[str, frozenset[str]] = field(default_factory=dict)
    late: Mapping[str, datetime] = field(default_factory=dict)
    witnesses: frozenset[str] = frozenset()
    stops: tuple[Stop, ...] = ()


def look_at_pages(  # noqa: PLR0913, PLR0917 (what the run knows so far)
    store: S3Port,
    layout: Layout,
    history: History,
    markers: Markers,
    named: Collection[str],
    lingering: Collection[str],
    pace: Pace,
) -> InPlace:
    """Look which pages are in place, under the keys that releases with stored pages name.

    A page is recognised by its ETag, which is that of its stored version, or else by its metadata.

    Args:
        store: The site's bucket.
        layout: The site.
        history: What is current and what is retired.
        markers: What the run knows of the markers.
        named: What tells the pages apart that intents and staged releases name.
        lingering: Ids of the releases whose pages were in place at the last run: whose stored pages may have gone.
        pace: See `Pace`.
    """
    known = {**history.pages, **history.retired} if history.pages else history.retired
    strict, others = _keys(layout, history, known)
    markers = read_markers(store, layout, markers, [i for i in lingering if i in markers.listed], pace)
    once = chain.from_iterable(each.release.assets.values() for each in markers.of(lingering))
    others |= {asset.key for asset in once if not asset.fingerprinted} - strict
    there = find(store, layout, sorted(strict | others), pace)
    if not there:
        return InPlace(markers)
    live = {
        each for published in history.releases for asset in published.release.assets.values() if (each := asset.page)
    }
    stored = _stored_as(store, layout, {listed.etag for listed in there.values()})
    asked = sorted(key for key, listed in there.items() if listed.etag not in stored)
    noted = dict(zip(asked, pace.mapper(lambda key: read(store, key), asked), strict=True))

    def note_of(key: str) -> list[str]:
        return noted[key] if key in noted else read(store, key)

    lying: dict[str, set[str]] = {}
    unnamed: dict[str, list[str]] = {}
    shown: dict[str, list[str]] = {}
    for key, listed in there.items():
        pages = shown[key] = noted[key] if key in noted else stored[listed.etag]
        if not live.isdisjoint(pages):
            continue
        if key not in strict and not live.isdisjoint(note_of(key)):
            continue  # a release without stored pages knows it by its digest
        entries = (known.get(layout.page_key(page)) for page in pages)
        release_id = max((entry.release for entry in entries if entry is not None), default="")
        if release_id:
            lying.setdefault(release_id, set()).add(key)
        else:
            # A release without stored pages may have it too, whoever else has stored the same one.
            unnamed[key] = [*pages, *note_of(key)]
    # Also if an intent names one too: when that has expired, the release's marker must be there still.
    markers, owners, witnesses, unknown = _ask_markers(store, layout, markers, unnamed, strict, named, pace)
    for key, release_id in owners.items():
        lying.setdefault(release_id, set()).add(key)
    for release_id in sorted(lying.keys() - markers.listed):
        why = f"is that of release {release_id!r}, whose marker is gone"
        unknown += [_stop_for_unknown(key, why) for key in sorted(lying.pop(release_id))]
    return InPlace(
        markers,
        {release_id: frozenset(keys) for release_id, keys in lying.items()},
        _late(history, there, shown),
        witnesses,
        tuple(name_some(layout.prefix, list(dict.fromkeys(unknown)))),
    )


def _ask_markers(  # noqa: PLR0913, PLR0917 (what the run knows so far)
    store: S3Port,
    layout: Layout,
    markers: Markers,
    unnamed: Mapping[str, list[str]],
    strict: Collection[str],
    named: Collection[str],
    pace: Pace,
) -> tuple[Markers, dict[str, str], frozenset[str], list[Stop]]:
    """Whose some pages are that the ledger does not tell apart. It does as a rule: only for these all markers are read.

    Args:
        store: The site's bucket.
        layout: The site.
        markers: What the run knows of the markers.
        unnamed: The key of each such page -> what tells it from others.
        strict: Keys under which there must be a page that a release has.
        named: As in `look_at_pages`.
        pace: See `Pace`.

    Returns:
        What the run knows now, the key of a page -> id of the newest release that has it, `InPlace.witnesses`, and why
        nothing may be deleted.
    """
    every = markers
    if any(unnamed.values()) or not unnamed.keys().isdisjoint(strict):
        every, whole = skim(store, layout, markers, markers.listed, pace, unnamed)
        markers = every if whole else replace(markers, invalid=every.invalid)
    owners = _owners(every.valid.values())
    assets = _owners_of_assets(every.valid.values(), unnamed)
    found: dict[str, str] = {}
    witnesses: set[str] = set()
    unknown: list[Stop] = []
    for key, pages in unnamed.items():
        if release_id := max((owners[page] for page in pages if page in owners), default=""):
            found[key] = release_id
        elif not set(named).isdisjoint(pages):
            continue  # an upload that is under way has put it in place
        elif key in assets and all(page.startswith("sha256:") for page in pages):
            # Nothing says that it is a page, as each says that comes in its place. So it lives like any other asset.
            witnesses.add(assets[key])
        elif UNREADABLE in pages:
            unknown.append(_stop_for_unknown(key, "is not as any release stores it, and its metadata cannot be read"))
        elif key in strict:
            unknown.append(_stop_for_unknown(key, "is not as any release has it"))
        elif pages:
            unknown += markers.stops  # one of these may have it
    return markers, found, frozenset(witnesses), unknown


def assets_of(
    store: S3Port, layout: Layout, markers: Markers, ids: Iterable[str], pace: Pace
) -> tuple[Markers, frozenset[str]]:
    """What the pages of some releases ask for, and their stored versions, by which they are recognised."""
    wanted = [release_id for release_id in ids if release_id in markers.listed]
    markers = read_markers(store, layout, markers, wanted, pace)
    objects = (found for each in markers.of(wanted) for found in each.release.objects.items())
    return markers, frozenset(key for key, asset in objects if asset.fingerprinted or asset.stored is not None)


def linger(
    before: Mapping[str, datetime | None], lying: Collection[str], policy: Policy, now: datetime
) -> dict[str, datetime | None]:
    """The releases whose pages are in place, or were until a moment ago. Pure; see `Ledger.lingering`."""
    after: dict[str, datetime | None] = dict.fromkeys(lying)
    for release_id, since in before.items():
        if release_id not in after and (since is None or since == now or now < since + lingers(policy)):
            after[release_id] = now if since is None else since
    return after


def ends_of(lingering: Mapping[str, datetime | None], policy: Policy) -> list[datetime]:
    """When the assets of the pages that are in place no more fall due. Pure."""
    return [since + lingers(policy) for since in lingering.values() if since is not None]


def lingers(policy: Policy) -> timedelta:
    """How long the assets of a page stay after it was replaced: as long as those of any superseded release."""
    return timedelta(seconds=max(policy.version_ttl, policy.grace))


def _keys(layout: Layout, history: History, known: Mapping[str, Retired]) -> tuple[set[str], set[str]]:
    """The keys of pages that releases with stored pages name, and those of others that another release may have.

    Under a current key whose newest release has no stored page, its upload put the page in place before its marker. A
    newer release of another channel may have replaced it since, which is not current any more. And a roll-back to a
    release without stored pages put nothing in place.
    """
    newest: dict[str, Published] = {}
    for each in sorted(history.releases, key=lambda published: published.order):
        for asset in each.release.assets.values():
            if not asset.fingerprinted:
                newest[asset.key] = each
    live = {key for key, each in newest.items() if each.release.places_pages}
    retired = {key for entry in known.values() if (key := layout.page_of(entry.logical)) is not None}
    removed = {key for key, entry in known.items() if entry.logical == key and entry.release}
    latest = max((each.order for each in history.releases), default=None)
    shared = {key for key, each in newest.items() if each.order != latest or ROLLBACK_OF in each.release.metadata}
    strict = live | (retired - newest.keys())
    return strict, (removed | retired | shared) - strict


def _owners(releases: Iterable[Published]) -> dict[str, str]:
    """What tells a page from others -> id of the newest release that has it."""
    return {
        page: each.id
        for each in sorted(releases, key=lambda published: published.order)
        for asset in each.release.assets.values()
        if (page := asset.page) is not None
    }


def _stored_as(store: S3Port, layout: Layout, etags: Collection[str]) -> dict[str, list[str]]:
    """ETag -> the stored pages that have it; nothing if there are too many to list. There may be many others."""
    stored: dict[str, list[str]] = {}
    for number, listed in enumerate(store.list(layout.pages)):
        if number == STORED_PAGES:
            return {}  # some of an ETag's pages are not all of them
        if listed.etag in etags:
            stored.setdefault(listed.etag, []).append(listed.key[len(layout.pages) :])
    return stored


def _owners_of_assets(releases: Iterable[Published], keys: Collection[str]) -> dict[str, str]:
    """Those of some keys that are an asset's in some release -> id of the newest such release.

    In a later one it is a page: its content changed under that name.
    """
    return {
        asset.key: each.id
        for each in sorted(releases, key=lambda published: published.order)
        for asset in each.release.assets.values()
        if asset.fingerprinted and asset.key in keys
    }


def _late(history: History, there: Mapping[str, Listed], shown: Mapping[str, Collection[str]]) -> dict[str, datetime]:
    """See `InPlace.late`."""
    late = {}
    for *_, placed in history.lines.values():
        since = placed.placed_at
        own = (key for key, page in placed.release.pages.items() if page.stored in shown.get(key, ()))
        newest = max((there[key].last_modified for key in own), default=None)
        if since is not None and newest is not None and newest > since:
            late[placed.id] = newest
    return late


def _stop_for_unknown(key: str, why: str) -> Stop:
    message = (
        f"{key}, which is in place, {why}, so it is unknown which assets it asks for: nothing "
        "is deleted until you publish again what belongs there, or delete this object if nothing does"
    )
    return Stop(Reason.UNKNOWN_PAGE, message)
