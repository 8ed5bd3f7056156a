"""The full listing: orphans, entries whose object is gone, and current assets that are missing. `reconcile` is pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from cleaner_lambda.ledger import Retired
from release_log.fingerprints import split
from release_log.layout import LOG_FOLDER
from release_log.policy_settings import Orphans
from release_log.tags import Mark, State

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from cleaner_lambda.history import History
    from cleaner_lambda.pace import Mapper
    from cleaner_lambda.port import Listed, S3Port
    from release_log.layout import Layout

LISTING_SECONDS = 86_400
"""A full listing is due a day after the last."""

ORPHAN_SECONDS = 86_400
"""A younger object that no release names may belong to an upload that nobody has told us of."""

RANGES = 16
"""Into how many key ranges a listing is cut; they are listed side by side."""


@dataclass(slots=True)
class Inventory:
    """What a listing says, without the listing: it grows with what is known or stray, not with the bucket.

    Attributes:
        known: Key -> the objects that we know of.
        strays: Key -> bytes of the orphans that are to be retired.
        others: Folder -> how many other orphans it holds.
        nested: Folders of other sites inside this one's prefix: those that are configured, and by their release logs.
    """

    known: dict[str, Listed] = field(default_factory=dict)
    strays: dict[str, int] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)
    nested: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a full listing means.

    Attributes:
        history: Without the entries whose object is gone, and with the orphans that are retired.
        missing: Keys of current releases that are not in the bucket, in order.
        orphans: How many assets belong to no release, retired or not.
    """

    history: History
    missing: tuple[str, ...]
    orphans: int


def take_inventory(  # noqa: PLR0913 (what decides which key is whose)
    store: S3Port,
    layout: Layout,
    known: Collection[str],
    orphans: Orphans,
    now: datetime,
    mapper: Mapper = map,
    *,
    inner: Collection[str] = (),
) -> Inventory:
    """List the whole site, page by page, in key ranges that are cut at the keys that we know.

    Args:
        store: The site's bucket.
        layout: The site.
        known: Every key of a current, retired, pending, staged or pinned release.
        orphans: Which of the other keys are retired.
        now: By S3's clock, before everything that was read.
        mapper: Runs the ranges.
        inner: Prefixes inside this one that are other sites, whether they have a release log yet or not.
    """
    old = now - timedelta(seconds=ORPHAN_SECONDS)
    whole = Inventory(nested=set(inner))

    def scan(bounds: tuple[str, str | None]) -> Inventory:
        part = Inventory()
        for listed in store.list(layout.prefix, *bounds):
            key = listed.key
            if not layout.owns(key):
                if not key.startswith(layout.log) and f"/{LOG_FOLDER}" in key:
                    part.nested.add(key[: key.index(f"/{LOG_FOLDER}") + 1])
            elif key in known:
                part.known[key] = listed
            elif listed.last_modified <= old:
                if orphans is Orphans.ALL or (orphans is Orphans.FINGERPRINTED and split(key).fingerprint is not None):
                    part.strays[key] = listed.size
                else:
                    part.others[key.rpartition("/")[0] + "/"] += 1
        return part

    for part in mapper(scan, _ranges(known)):
        whole.known |= part.known
        whole.strays |= part.strays
        whole.others += part.others
        whole.nested |= part.nested
    return whole


def reconcile(history: History, inventory: Inventory, now: datetime) -> Reconciled:
    """Bring the history in line with a listing that was made after it was read.

    What lies around another site's release log inside this one's prefix is that other site's, whoever configured it.
    """
    known, nested = inventory.known, tuple(inventory.nested)
    live, paths = history.live_keys(), history.live_paths()
    retired = {key: replace(entry, size=known[key].size) for key, entry in history.retired.items() if key in known}
    # What was stored again since it retired has lost the tag that it bore.
    stored_again = {key for key, entry in retired.items() if known[key].last_modified > entry.mark.since}
    gone = (live | history.retired.keys()) - known.keys()
    strays = {key: size for key, size in inventory.strays.items() if not key.startswith(nested)}
    if history.current:
        for key, size in strays.items():
            logical = split(key).logical
            state = State.SUPERSEDED if logical in paths else State.REMOVED
            # Markers are read after the clock was: one of them may have brought it into this state a moment later.
            since = max(now, history.turned.get(logical, now))
            retired[key] = Retired(logical, Mark(state, since), size, release="")
    others = sum(count for folder, count in inventory.others.items() if not folder.startswith(nested))
    return Reconciled(
        history=replace(history, retired=retired, owed=(history.owed - gone) | stored_again),
        missing=tuple(sorted(live - known.keys())),
        orphans=len(strays) + others,
    )


def _ranges(known: Collection[str]) -> list[tuple[str, str | None]]:
    """Key ranges of about equal size: beyond the one key, up to the other."""
    keys = sorted(known)
    cuts = [keys[len(keys) * part // RANGES] for part in range(1, RANGES)] if len(keys) > RANGES else []
    bounds: list[str | None] = ["", *dict.fromkeys(cuts), None]
    return [(after or "", to) for after, to in pairwise(bounds)]
