"""The full listing of a site; `cleaner_lambda.reconcile` says what it means.

It goes on from run to run (`cleaner_lambda.cursor`): each run lists as much as it has time for. So no listing has to
fit into one invocation.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from cleaner_lambda.finding import folder_of
from cleaner_lambda.orphans import is_retired
from cleaner_lambda.reconcile import Inventory
from release_log.layout import LOG_FOLDER, is_stored_page
from release_log.map_run import RANGES

if TYPE_CHECKING:
    import re
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from cleaner_lambda.cursor import Bounds
    from cleaner_lambda.known import Known
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.packed_orphans import PackedOrphans
    from cleaner_lambda.port import Listed, S3Port
    from release_log.layout import Layout
    from release_log.policy_settings import Orphans

LISTING_SECONDS = 86_400
"""A full listing is due a day after the last."""

ORPHAN_SECONDS = 86_400
"""A younger object that no release names may belong to an upload by another tool, whose marker is still to come."""

PIECE = 5000
"""How many objects of each range are listed between two checks of the remaining time: a second's work or two."""

ROUNDS = 500
"""How many pieces of each range a run lists at most: it has 8 bytes of each known object in memory."""

STRAYS = 50_000
"""With so many orphans to retire a run lists no further: it has their entries in memory, and may have to tag them."""


def ranges(known: Collection[str]) -> tuple[Bounds, ...]:
    """All keys, in ranges with about the same number of known keys."""
    keys = sorted(known)
    cuts = [keys[len(keys) * part // RANGES] for part in range(1, RANGES)] if len(keys) > RANGES else []
    bounds: list[str | None] = ["", *dict.fromkeys(cuts), None]
    return tuple((after or "", to) for after, to in pairwise(bounds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorter:
    """Sorts the objects of a listing.

    Attributes:
        layout: The site.
        known: Every key of a current, retired, pending, staged or pinned release.
        orphans: Which of the other keys are retired.
        now: The instant for which the run decides, by S3's clock.
        pages: Whether stored pages that nobody names are retired: they are the site's own, whatever ``orphans`` says.
        pattern: The fingerprint in the names of orphans; None: the built-in recognition.
    """

    layout: Layout
    known: Known
    orphans: Orphans
    now: datetime
    pages: bool = True
    pattern: re.Pattern[str] | None = None

    def sort(self, objects: Iterable[Listed]) -> Inventory:
        """What some objects are."""
        layout, known, part = self.layout, self.known, Inventory()
        old, key = self.now - timedelta(seconds=ORPHAN_SECONDS), ""
        for listed in objects:
            key = listed.key
            part.count += 1
            if not (layout.owns(key) or layout.stores(key)):
                if not key.startswith(layout.log) and f"/{LOG_FOLDER}" in key:
                    part.nested.add(key[: key.index(f"/{LOG_FOLDER}") + 1])
            elif key in known:
                part.seen.append(hash(key))
                if known.is_news(key, listed.last_modified) and not is_stored_page(key):
                    part.stored[key] = listed.last_modified
            elif listed.last_modified > old:
                part.young[folder_of(key)] += 1
            elif self._retires(key):
                part.strays[key] = listed
            elif not layout.stores(key):
                part.others[folder_of(key)] += 1
        part.last = key
        return part

    def _retires(self, key: str) -> bool:
        return self.pages if self.layout.stores(key) else is_retired(key, self.orphans, self.pattern)


def take_inventory(  # noqa: PLR0913, PLR0917 (what is listed, and what for)
    store: S3Port,
    left: Collection[Bounds],
    sorter: Sorter,
    pace: Pace,
    inner: Collection[str] = (),
    most: int | None = None,
    packed: PackedOrphans | None = None,
) -> Inventory:
    """List some ranges side by side, page by page, as far as there is time: of each range at least a piece.

    Args:
        store: The site's bucket.
        left: The ranges.
        sorter: Sorts what they hold.
        pace: See `Pace`.
        inner: Prefixes of other sites inside this one, with or without a release log.
        most: How many orphans may be retired. More are only counted, to the last; None to retire any number.
        packed: Where very many are put that get no tags; None if they are to have entries in memory.
    """
    whole = Inventory(nested=set(inner), left=list(left), packed=packed)

    def scan(bounds: Bounds) -> tuple[Inventory, bool]:
        """List a piece. Returns what it holds, and whether that was all of the range."""
        part = sorter.sort(islice(store.list(sorter.layout.prefix, *bounds), PIECE))
        return part, part.count < PIECE

    for number in range(ROUNDS):
        is_full = most is None and (len(whole.strays) >= STRAYS or (packed is not None and packed.is_full))
        if not whole.left or (number and (is_full or not pace.has_time())):
            break
        left, whole.left = whole.left, []
        for (after, to), (part, is_all) in zip(left, pace.mapper(scan, left), strict=True):
            whole.add(part, (after, to if is_all else part.last))
            if not is_all:
                whole.left.append((part.last, to))
        if most is not None and len(whole.strays) > most:
            whole.withhold()
        if len(whole.strays) >= STRAYS:
            whole.pack()
    if packed is not None and packed.number:
        whole.pack()
    return whole
