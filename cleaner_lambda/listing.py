"""The full listing of a site; `cleaner_lambda.reconcile` says what it means."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from cleaner_lambda.orphans import is_retired
from cleaner_lambda.reconcile import Inventory
from release_log.layout import LOG_FOLDER

if TYPE_CHECKING:
    import re
    from collections.abc import Collection
    from datetime import datetime

    from cleaner_lambda.pace import Mapper
    from cleaner_lambda.port import S3Port
    from release_log.layout import Layout
    from release_log.policy_settings import Orphans

LISTING_SECONDS = 86_400
"""A full listing is due a day after the last."""

ORPHAN_SECONDS = 86_400
"""A younger object that no release names may belong to an upload by another tool, whose marker is still to come."""

RANGES = 16
"""The number of key ranges that are listed in parallel."""


def take_inventory(  # noqa: PLR0913 (all of it decides which key belongs to which site)
    store: S3Port,
    layout: Layout,
    known: Collection[str],
    orphans: Orphans,
    now: datetime,
    mapper: Mapper = map,
    *,
    inner: Collection[str] = (),
    pages: bool = True,
    pattern: re.Pattern[str] | None = None,
) -> Inventory:
    """List the whole site, page by page, in key ranges between keys that we know.

    Args:
        store: The site's bucket.
        layout: The site.
        known: Every key of a current, retired, pending, staged or pinned release.
        orphans: Which of the other keys are retired.
        now: The instant for which the run decides, by S3's clock.
        mapper: Runs the ranges.
        inner: Prefixes of other sites inside this one, with or without a release log.
        pages: Whether stored pages that nobody names are retired: they are the site's own, whatever ``orphans`` says.
        pattern: The fingerprint in the names of orphans; None: the built-in recognition.
    """
    old = now - timedelta(seconds=ORPHAN_SECONDS)
    whole = Inventory(nested=set(inner))

    def scan(bounds: tuple[str, str | None]) -> Inventory:
        part = Inventory()
        for listed in store.list(layout.prefix, *bounds):
            key = listed.key
            if not (layout.owns(key) or layout.stores(key)):
                if not key.startswith(layout.log) and f"/{LOG_FOLDER}" in key:
                    part.nested.add(key[: key.index(f"/{LOG_FOLDER}") + 1])
            elif key in known:
                part.known[key] = listed
            elif listed.last_modified <= old:
                if pages if layout.stores(key) else is_retired(key, orphans, pattern):
                    part.strays[key] = listed
                elif not layout.stores(key):
                    part.others[key.rpartition("/")[0] + "/"] += 1
            else:
                part.young[key.rpartition("/")[0] + "/"] += 1
        return part

    for part in mapper(scan, _ranges(known)):
        whole.known |= part.known
        whole.strays |= part.strays
        whole.others += part.others
        whole.young += part.young
        whole.nested |= part.nested
    return whole


def _ranges(known: Collection[str]) -> list[tuple[str, str | None]]:
    """Key ranges with about the same number of known keys: each begins after its first key and ends with its last."""
    keys = sorted(known)
    cuts = [keys[len(keys) * part // RANGES] for part in range(1, RANGES)] if len(keys) > RANGES else []
    bounds: list[str | None] = ["", *dict.fromkeys(cuts), None]
    return [(after or "", to) for after, to in pairwise(bounds)]
