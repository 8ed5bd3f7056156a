"""The full listing: orphans, entries whose object is gone, and current assets that are missing. `reconcile` is pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from cleaner_lambda.ledger import Retired
from release_log.fingerprints import split
from release_log.layout import LOG_FOLDER
from release_log.settings import Orphans
from release_log.tags import Mark, State, read_mark

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from cleaner_lambda.history import History
    from cleaner_lambda.store import Listed, S3Port
    from release_log.layout import Layout

LISTING_SECONDS = 86_400
"""A full listing is due a day after the last."""

ORPHAN_SECONDS = 86_400
"""A younger object that no release names may belong to an upload that nobody has told us of."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a full listing says.

    Attributes:
        history: Without the entries whose object is gone, and with the orphans that are retired.
        missing: Keys of current releases that are not in the bucket, in order.
        orphans: How many assets belong to no release, retired or not.
    """

    history: History
    missing: tuple[str, ...]
    orphans: int


def list_assets(store: S3Port, layout: Layout) -> dict[str, Listed]:
    """Every object that can be an asset of this site.

    What lies around another site's release log inside this one's prefix is that other site's, whoever configured it.
    """
    assets: dict[str, Listed] = {}
    others: set[str] = set()
    for listed in store.list(layout.prefix):
        if layout.owns(listed.key):
            assets[listed.key] = listed
        elif not listed.key.startswith(layout.log) and f"/{LOG_FOLDER}" in listed.key:
            others.add(listed.key[: listed.key.index(f"/{LOG_FOLDER}") + 1])
    if others:
        nested = tuple(others)
        assets = {key: listed for key, listed in assets.items() if not key.startswith(nested)}
    return assets


def reconcile(
    history: History, listed: Mapping[str, Listed], protected: Collection[str], orphans: Orphans, now: datetime
) -> Reconciled:
    """Bring the history in line with a listing that was made after it was read."""
    live, paths = history.live_keys(), history.live_paths()
    retired = {key: replace(entry, size=listed[key].size) for key, entry in history.retired.items() if key in listed}
    strays = list(_orphans(listed.values(), {*live, *history.retired, *protected}, now))
    if history.current:
        for stray in strays:
            name = split(stray.key)
            if orphans is Orphans.ALL or (orphans is Orphans.FINGERPRINTED and name.fingerprint is not None):
                state = State.SUPERSEDED if name.logical in paths else State.REMOVED
                retired[stray.key] = Retired(name.logical, Mark(state, now), stray.size, release="")
    return Reconciled(
        history=replace(history, retired=retired, owed=history.owed & listed.keys()),
        missing=tuple(sorted(live - listed.keys())),
        orphans=len(strays),
    )


def adopt_tags(
    history: History, tags: Callable[[list[str]], Iterable[tuple[str, Mapping[str, str] | None]]]
) -> History:
    """Take over what the objects' tags say, when the ledger was lost.

    A tag keeps the instant of an asset that no marker dates. Where markers date it too, the later instant counts: a tag
    may be left over from an earlier retirement, and must not make an asset older than it is.

    Args:
        history: From the markers and a listing.
        tags: Reads the tags of many keys; None for an object that is gone.
    """
    retired = dict(history.retired)
    owed = set(history.owed)
    for key, found in tags(sorted({*history.live_keys(), *retired})):
        mark = read_mark(found or {})
        if mark is None:
            continue
        entry = retired.get(key)
        if entry is None:
            owed.add(key)
        elif mark.state is not entry.mark.state:
            retired[key] = replace(entry, tagged=mark)
        else:
            since = mark.since if not entry.release else max(mark.since, entry.mark.since)
            retired[key] = replace(entry, mark=Mark(mark.state, since), tagged=mark)
    return replace(history, retired=retired, owed=frozenset(owed))


def _orphans(listed: Iterable[Listed], known: set[str], now: datetime) -> Iterator[Listed]:
    old = now - timedelta(seconds=ORPHAN_SECONDS)
    return (each for each in listed if each.key not in known and each.last_modified <= old)
