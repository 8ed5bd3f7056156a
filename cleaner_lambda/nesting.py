"""Sites inside this one's prefix, and sites whose prefix lies around it: a key belongs to the innermost site.

A site of another installation is known by its release log alone. What lies beneath such a log is not this site's. And
what a release of a site around this one names is needed, although it is this site's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cleaner_lambda.errors import UnreadableError
from cleaner_lambda.history import put_in_place
from cleaner_lambda.ledger import Folded, Ledger, check_instants
from cleaner_lambda.ledger_store import read_ledger
from cleaner_lambda.look import take_look
from cleaner_lambda.markers import Markers, read_markers, skim
from cleaner_lambda.pace import batches
from cleaner_lambda.plan import Reason, Stop
from cleaner_lambda.sweep_plan import is_page
from release_log.beneath import beneath
from release_log.bounds import INNER_SITES
from release_log.errors import LedgerError, NewerLedgerError
from release_log.layout import LOG_FOLDER, Layout
from release_log.policy_settings import YEARS_100, Policy

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from cleaner_lambda.history import History
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.port import S3Port

ANY_AGE = Policy(pending_ttl=YEARS_100, staged_ttl=YEARS_100)
"""For how long another site's intents hold is unknown here: as long as they exist."""


FOLDERS = 10_000
"""In how many folders one look asks for a release log: some ten seconds."""


@dataclass(frozen=True, slots=True)
class Around:
    """What the sites around this one need of it.

    Attributes:
        keys: The keys of this site that their current, pending, staged or pinned releases name.
        stops: Why nothing may be deleted: a file of their release logs that cannot be read.
    """

    keys: frozenset[str] = frozenset()
    stops: tuple[Stop, ...] = ()


@dataclass(frozen=True, slots=True)
class Inside:
    """The sites inside this one.

    Attributes:
        prefixes: Their prefixes.
        not_looked_at: Keys that may lie beneath others, because time or number did not suffice to look.
    """

    prefixes: frozenset[str] = frozenset()
    not_looked_at: frozenset[str] = frozenset()


def without_inner(history: History, inner: Collection[str]) -> History:
    """The history without the keys that belong to the sites inside this one. Pure."""
    if not inner:
        return history
    theirs = beneath(inner)
    return replace(
        history,
        retired={key: entry for key, entry in history.retired.items() if not theirs(key)},
        owed=frozenset(key for key in history.owed if not theirs(key)),
        pages={key: entry for key, entry in history.pages.items() if not theirs(key)},
    )


def stop_for_many(layout: Layout) -> Stop:
    """Why nothing may be deleted when there are more sites inside this one than a listing notes."""
    message = (
        f"more than {INNER_SITES} folders below {layout.prefix or 'the bucket'} hold a release log ({LOG_FOLDER}), and "
        "only the first ones were noted as sites of their own: nothing is deleted until you delete those that are none"
    )
    return Stop(Reason.INVALID_MARKER, message)


def find_inner(store: S3Port, layout: Layout, known: Collection[str], keys: Collection[str], pace: Pace) -> Inside:
    """More sites inside this one that some keys lie beneath, by the release logs in the bucket.

    One request for each folder below the site's prefix that holds such a key. A few are always made.

    Args:
        store: The site's bucket.
        layout: The site.
        known: The prefixes that are known already.
        keys: Keys that the run is about to change.
        pace: See `Pace`.
    """
    folders = sorted(layout.folders(keys) - set(known))
    found: set[str] = set()
    asked = 0

    def has_log(folder: str) -> bool:
        return next(iter(store.list(folder + LOG_FOLDER)), None) is not None

    for batch in batches(folders[:FOLDERS]):
        if asked and not pace.has_time():
            break
        found.update(folder for folder, has in zip(batch, pace.mapper(has_log, batch), strict=True) if has)
        asked += len(batch)
    left = set(folders[asked:])
    unsure = [key for key in keys if not left.isdisjoint(layout.folders([key]))] if left else []
    return Inside(frozenset(found), frozenset(unsure))


def is_empty(store: S3Port, layout: Layout, known: Collection[str], pace: Pace) -> bool:
    """Whether no asset or stored page is left beneath a site's prefix, but those of the sites inside it.

    Args:
        store: The site's bucket.
        layout: The site.
        known: The prefixes inside that are known already.
        pace: See `Pace`.
    """
    inner = set(known)
    for listed in store.list(layout.prefix):
        if layout.stores(listed.key):
            return False
        if layout.owns(listed.key) and inner.isdisjoint(layout.folders([listed.key])):
            found = find_inner(store, layout, inner, [listed.key], pace).prefixes
            if not found:
                return False
            inner |= found
    return True


def needed_around(store: S3Port, layout: Layout, now: datetime, pace: Pace) -> Around:
    """What the sites around this one need of it, by their release logs.

    One request for each prefix around that has no release log.

    Args:
        store: The site's bucket.
        layout: The site.
        now: The instant for which the run decides.
        pace: See `Pace`.

    Raises:
        ConflictError: Such a log changed underfoot too often; start over.
    """
    keys: frozenset[str] = frozenset()
    stops: tuple[Stop, ...] = ()
    for prefix in layout.around:
        outer = Layout(prefix)
        try:
            if next(iter(store.list(outer.log)), None) is not None:
                needed, broken = _needed_by(store, outer, now, pace)
                keys |= {key for key in needed if key.startswith(layout.prefix)}
                stops += broken
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied":
                raise
            stops += (_stop_for_unreadable(outer, error),)
    return Around(keys, stops)


def _needed_by(store: S3Port, outer: Layout, now: datetime, pace: Pace) -> tuple[frozenset[str], tuple[Stop, ...]]:
    """Every key that a site's intents, staged releases, pins and newest markers name.

    The newest markers are those of each channel by instant and by name: where the two differ, either may be current;
    and as many before them as ``keep_releases`` keeps there; and of each page the newest ones that name it, as nobody
    but that site itself can see which page is in place. A file with a name that no release has names nothing: it stops
    its own site, and not the sites inside it.
    """
    ledger, unread = _ledger(store, outer, now)
    folded = ledger.seen
    look = take_look(store, outer, ANY_AGE, now, pace)
    # Of the markers that its ledger does not know, only the content says which channel they belong to.
    instants = {i: folded[i].at if i in folded else at for i, at in look.markers.items()}
    markers = Markers(look.markers, instants, look.placed, sizes=look.sizes)
    markers, whole = skim(store, outer, markers, look.markers.keys() - folded.keys(), pace)
    known = {release_id: each for release_id, each in folded.items() if release_id in look.markers}
    known = {i: replace(each, placed=each.placed or look.placed.get(i)) for i, each in known.items()}
    read = markers.valid.values()
    known |= {each.id: Folded(each.at, each.release.channel, placed=each.placed_at) for each in read}
    newest = _newest(known, 1 + _keep_releases(ledger))
    line = {*ledger.current.values(), *(i for ids in ledger.behind.values() for i in ids)}
    markers = read_markers(store, outer, markers, line & look.markers.keys(), pace)
    removed = _removed_pages(ledger)
    replaced = removed | _newer_pages(outer, ledger, markers)
    if any(i in folded and folded[i].placed is None and i not in look.placed for i in removed):
        # What lies there came with an older release, of which the ledger says nothing if it stored no page.
        markers, all_read = skim(store, outer, markers, look.markers, pace)
        whole = whole and all_read
    # Whatever the ledger says of channels: of what it calls current, nothing goes.
    newest |= (line | ledger.lingering.keys() | replaced | _with_pages(markers)) & look.markers.keys()
    markers = read_markers(store, outer, markers if whole else replace(markers, valid={}), newest, pace)
    current = (published.release.all_keys for published in markers.of(newest))
    keys = frozenset(look.protections.by_key).union(look.pins.keys, *current)
    return keys, (*unread, *(stop for stop in look.stops if stop not in look.misnamed), *markers.stops)


def _ledger(store: S3Port, outer: Layout, now: datetime) -> tuple[Ledger, tuple[Stop, ...]]:
    """The site's own ledger, or why it is unknown what it says. One that tells nothing is rebuilt by its own site."""
    try:
        blob = store.get(outer.ledger)
        if blob is None:
            return Ledger(), ()
        ledger = read_ledger(store, outer, blob, wanted=is_page).ledger  # of what is retired, its pages are of interest
        check_instants(ledger, max(now, blob.last_modified))
    except NewerLedgerError as error:
        message = f"{outer.ledger}: {error}; nothing is deleted until a cleaner that reads it is deployed here too"
        return Ledger(), (Stop(Reason.UNREADABLE_FILE, message),)
    except UnreadableError as error:
        return Ledger(), (Stop(Reason.UNREADABLE_FILE, f"{error}; nothing is deleted until then"),)
    except LedgerError:
        return Ledger(), ()
    return ledger, ()


def _keep_releases(ledger: Ledger) -> int:
    """The site's ``keep_releases``, as its last run had it; 0 if that is unknown."""
    policy = ledger.last_run.get("policy")
    count = policy.get("keep_releases") if isinstance(policy, dict) else 0
    return max(0, count) if isinstance(count, int) else 0


def _newest(folded: Mapping[str, Folded], count: int) -> set[str]:
    """Ids of the newest markers of each channel, by instant and by name: so many from the newest one on in place."""
    found: set[str] = set()
    channels: dict[str, list[str]] = {}
    for release_id, each in folded.items():
        channels.setdefault(each.channel, []).append(release_id)
    for ids in channels.values():
        for line in (sorted(ids, key=lambda i: (folded[i].at, i), reverse=True), sorted(ids, reverse=True)):
            placed = next((place for place, i in enumerate(line) if folded[i].placed is not None), len(line))
            found.update(line[: placed + count])
    return found


def _removed_pages(ledger: Ledger) -> set[str]:
    """Ids of the releases with which pages retired that may still be in place."""
    return {entry.release for key, entry in ledger.retired.items() if entry.logical == key and entry.release}


def _newer_pages(outer: Layout, ledger: Ledger, markers: Markers) -> set[str]:
    """Ids of the releases that left with a page, unless a newer one that is current has put its own in place.

    Their own site's cleaner looks at the page only once something there is due.
    """
    placed = [each for each in markers.valid.values() if each.placed_at is not None]
    newest = {
        outer.page_path(key): each.order
        for each in sorted(placed, key=lambda published: published.order)
        for key in each.release.pages
    }
    paths = {
        (each.release, each.logical) for each in ledger.retired.values() if outer.page_of(each.logical) is not None
    }
    seen = ledger.seen
    return {i for i, path in paths if i in seen and not (path in newest and newest[path] > (seen[i].at, i))}


def _with_pages(markers: Markers) -> set[str]:
    """Ids of the releases whose pages may be in place: of each page, those that name it, from the newest placed on.

    By instant and by name, as the newest markers: a marker that was copied has a new instant, and its page has not.
    """
    found: set[str] = set()
    every = list(markers.valid.values())
    for line in (
        sorted(every, key=lambda published: published.order),
        sorted(every, key=lambda published: published.id),
    ):
        placed: set[str] = set()
        for each in reversed(line):
            pages = {asset.key for asset in each.release.assets.values() if not asset.fingerprinted}
            if not pages <= placed:
                found.add(each.id)
            if each.placed_at is not None:
                placed |= put_in_place(each.release)
    return found


def _stop_for_unreadable(outer: Layout, error: ClientError) -> Stop:
    message = (
        f"{outer.log}, where the release log of a site around this one may be, cannot be read ({error}), so it is "
        "unknown which assets that site needs: nothing is deleted until the cleaner's role may list it and read it"
    )
    return Stop(Reason.UNREADABLE_FILE, message)
