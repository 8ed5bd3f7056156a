"""The cursor of a full listing that is under way, as the ledger keeps it from one run to the next. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from cleaner_lambda import waiting
from cleaner_lambda.waiting import NONE, UNASKED, Waiting
from release_log import ledger_fields as fields
from release_log.instants import format_instant
from release_log.map_run import MAP_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

Bounds = tuple[str, str | None]
"""A range of keys: it begins after its first key and ends with its last; with None it has no end."""


class Kind(StrEnum):
    """What a map run works off; in a worker's payload this is the name of its number."""

    RANGE = "range"
    """Key ranges of a full listing."""
    GROUP = "group"
    """Groups of the retired assets whose tags a rebuild reads."""

    @property
    def file(self) -> str:
        """How the names of the workers' files begin."""
        return {Kind.RANGE: "finding", Kind.GROUP: "tags"}[self]


@dataclass(frozen=True, slots=True)
class MapRun:
    """A run of Step Functions' Distributed Map, which works off some ranges side by side: a worker each.

    Attributes:
        at: When the ranges were handed out.
        ranges: Its number -> each range whose finding the ledger has yet to take in. A range of logical paths begins
            with its first one, and ends before its last; if no worker has read any, there is none.
        over: Whether the map run has ended. What a range has no finding of, its worker did not do.
        kind: What it works off.
    """

    at: datetime
    ranges: Mapping[int, Bounds]
    over: bool = False
    kind: Kind = Kind.RANGE

    @property
    def until(self) -> datetime:
        """When it is taken for over."""
        return self.at + timedelta(seconds=MAP_SECONDS)

    @property
    def begins(self) -> str:
        """How the names of its workers' files begin."""
        return f"{self.kind.file}-{self.at:%Y%m%dT%H%M%SZ}-"

    def finding(self, number: int) -> str:
        """The name of the file with a worker's finding."""
        return f"{self.begins}{number}.json.gz"


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
        map_run: The map run that lists other ranges; None if there is none.
        most: How many new orphans may be retired; None for any number, as somebody said so, or as they are few.
        waiting: The orphans that are left alone until their number is known, and those that stay.
        known: How many retired orphans there were when it began.
    """

    begun: datetime
    left: tuple[Bounds, ...]
    missing: frozenset[str] = frozenset()
    orphans: int = 0
    nested: frozenset[str] = frozenset()
    empty: bool = True
    map_run: MapRun | None = None
    most: int | None = UNASKED
    waiting: Waiting = NONE
    known: int = 0

    @property
    def retired(self) -> int:
        """How many retired orphans there are, with those that it has found."""
        return self.known + self.orphans - self.waiting.number - self.waiting.others

    @property
    def waits_until(self) -> datetime | None:
        """Until when others list what is left, unless they are done before; None if a run of the cleaner goes on."""
        return self.map_run.until if self.map_run and not self.map_run.over else None

    def handed_out(self, now: datetime) -> Cursor:
        """The cursor after all that is left was handed out to a map run."""
        return replace(self, left=(), map_run=MapRun(now, dict(enumerate(self.left))))

    def over(self) -> Cursor:
        """The cursor after the map run has ended."""
        return self if self.map_run is None else replace(self, map_run=replace(self.map_run, over=True))

    def taken_in(self, number: int, *, found: bool) -> Cursor:
        """The cursor without a range of the map run that was taken in, or that its worker did not list."""
        if self.map_run is None:
            return self
        ranges = dict(self.map_run.ranges)
        bounds = ranges.pop(number)
        map_run = replace(self.map_run, ranges=ranges) if ranges else None
        return replace(self, left=self.left if found else (*self.left, bounds), map_run=map_run)


def encode(cursor: Cursor) -> dict[str, Any]:
    """The cursor as the ledger has it."""
    return {
        "begun": format_instant(cursor.begun),
        "left": encode_ranges(cursor.left),
        "missing": sorted(cursor.missing),
        "orphans": cursor.orphans,
        "nested": sorted(cursor.nested),
        "empty": cursor.empty,
        **({} if cursor.map_run is None else {"map": encode_map(cursor.map_run)}),
        "most": cursor.most,
        "waiting": waiting.encode(cursor.waiting),
        "known": cursor.known,
    }


def decode(entry: Mapping[str, Any] | None) -> Cursor | None:
    """Read what `encode` wrote. Anything else raises one of Python's own errors."""
    if entry is None:
        return None
    return Cursor(
        fields.instant(entry["begun"]),
        decode_ranges(entry["left"]),
        fields.texts(entry["missing"]),
        fields.count(entry["orphans"]),
        fields.texts(entry["nested"]),
        fields.flag(entry["empty"]),
        decode_map(entry["map"]) if "map" in entry else None,
        # An older version has none of these three.
        fields.optional_count(entry.get("most", UNASKED)),
        waiting.decode(entry.get("waiting")),
        fields.count(entry.get("known", 0)),
    )


def encode_map(run: MapRun) -> dict[str, Any]:
    """A map run as the ledger has it; where it stands says of which kind it is."""
    ranges = [[number, *bounds] for number, bounds in sorted(run.ranges.items())]
    return {"at": format_instant(run.at), "ranges": ranges, "over": run.over}


def decode_map(entry: Mapping[str, Any], kind: Kind = Kind.RANGE) -> MapRun:
    """Read what `encode_map` wrote. Anything else raises one of Python's own errors."""
    ranges, over = {fields.count(number): bounds for number, *bounds in entry["ranges"]}, fields.flag(entry["over"])
    if not (ranges or (over and kind is Kind.GROUP)):
        msg = "the map run has no ranges"  # nothing would ever take it out of the ledger
        raise ValueError(msg)
    known = dict(zip(ranges, decode_ranges(ranges.values()), strict=True))
    return MapRun(fields.instant(entry["at"]), known, over, kind)


def encode_ranges(ranges: Iterable[Bounds]) -> list[list[str | None]]:
    """Ranges as a file of the release log has them."""
    return [[after, to] for after, to in ranges]


def decode_ranges(value: Iterable[tuple[object, object]]) -> tuple[Bounds, ...]:
    """Read what `encode_ranges` wrote. Anything else raises one of Python's own errors."""
    return tuple((fields.text(after), fields.optional_text(to)) for after, to in value)
