"""The ledger's cut: the marker at which a replay begins. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cleaner_lambda.ledger import Folded, Ledger


def newest(folded: Mapping[str, Folded]) -> dict[str, tuple[datetime, str]]:
    """Channel -> order of its newest marker."""
    found: dict[str, tuple[datetime, str]] = {}
    for release_id, each in folded.items():
        order = (each.at, release_id)
        found[each.channel] = max(found.get(each.channel, order), order)
    return found


def lines_at(folded: Mapping[str, Folded], cut: tuple[datetime, str]) -> set[str]:
    """Ids of the releases that were current at a cut: of each channel, from the newest one on that was in place."""
    channels: dict[str, list[tuple[datetime, str]]] = {}
    for release_id, each in folded.items():
        if (each.at, release_id) <= cut:
            channels.setdefault(each.channel, []).append((each.at, release_id))
    found = set()
    for orders in channels.values():
        for _, release_id in sorted(orders, reverse=True):
            found.add(release_id)
            placed = folded[release_id].placed
            if placed is not None and placed <= cut[0]:
                break
    return found


def current_at_cut(ledger: Ledger) -> set[str]:
    """Ids of the releases that were current at the ledger's cut."""
    return set() if ledger.cut is None else lines_at(ledger.seen, ledger.cut)


def is_cut_off(ledger: Ledger, release_id: str, at: datetime) -> bool:
    """Whether a marker is up to the cut, and part of what the ledger knows."""
    return (
        ledger.cut is not None
        and (at, release_id) <= ledger.cut
        and (release_id in ledger.folded or release_id in ledger.gone)
    )
