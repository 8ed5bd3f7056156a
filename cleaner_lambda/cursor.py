"""The cursor of a full listing that is under way, as the ledger keeps it from one run to the next. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from release_log import ledger_fields as fields
from release_log.instants import format_instant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

Bounds = tuple[str, str | None]
"""A range of keys: it begins after its first key and ends with its last; with None it has no end."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """What is left of a listing, and what the other ranges have shown of the site as a whole.

    What they have shown of single assets is in the ledger already.

    Attributes:
        begun: When it began.
        left: The ranges that are still to be listed.
        missing: Keys of current releases that are not in the bucket.
        orphans: The number of assets that belong to no release.
        nested: Prefixes of sites inside this one.
        empty: Whether there was no asset that is, or may become, the cleaner's to delete.
    """

    begun: datetime
    left: tuple[Bounds, ...]
    missing: frozenset[str] = frozenset()
    orphans: int = 0
    nested: frozenset[str] = frozenset()
    empty: bool = True


def encode(cursor: Cursor) -> dict[str, Any]:
    """The cursor as the ledger has it."""
    return {
        "begun": format_instant(cursor.begun),
        "left": [list(bounds) for bounds in cursor.left],
        "missing": sorted(cursor.missing),
        "orphans": cursor.orphans,
        "nested": sorted(cursor.nested),
        "empty": cursor.empty,
    }


def decode(entry: Mapping[str, Any] | None) -> Cursor | None:
    """Read what `encode` wrote. Anything else raises one of Python's own errors."""
    if entry is None:
        return None
    return Cursor(
        fields.instant(entry["begun"]),
        tuple((fields.text(after), fields.optional_text(to)) for after, to in entry["left"]),
        fields.texts(entry["missing"]),
        fields.count(entry["orphans"]),
        fields.texts(entry["nested"]),
        fields.flag(entry["empty"]),
    )
