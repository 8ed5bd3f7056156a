"""The full listing of a site. What it means is for `cleaner_lambda.reconcile`."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from cleaner_lambda.reconcile import Inventory
from release_log.fingerprints import split
from release_log.layout import LOG_FOLDER
from release_log.policy_settings import Orphans

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from cleaner_lambda.pace import Mapper
    from cleaner_lambda.port import S3Port
    from release_log.layout import Layout

LISTING_SECONDS = 86_400
"""A full listing is due a day after the last."""

ORPHAN_SECONDS = 86_400
"""A younger object that no release names may belong to an upload that nobody has told us of."""

RANGES = 16
"""Into how many key ranges a listing is cut; they are listed side by side."""


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


def _ranges(known: Collection[str]) -> list[tuple[str, str | None]]:
    """Key ranges of about equal size: beyond the one key, up to the other."""
    keys = sorted(known)
    cuts = [keys[len(keys) * part // RANGES] for part in range(1, RANGES)] if len(keys) > RANGES else []
    bounds: list[str | None] = ["", *dict.fromkeys(cuts), None]
    return [(after or "", to) for after, to in pairwise(bounds)]
