"""How far a rebuild has come that never has all retired assets of a large site in memory. Pure.

It begins with the files that the checkpoint names, and lists the site as any run does that reads no retired asset. Then
it reads tags (`cleaner_lambda.tag_pass`): those of the current releases' assets, and those of the retired ones, in
groups. Until all are read nothing is deleted.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from cleaner_lambda.cursor import Kind, MapRun, decode_map, encode_map
from release_log import ledger_fields as fields
from release_log.ledger_file import HOLDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from cleaner_lambda.cursor import Bounds
    from cleaner_lambda.segments import Index
    from release_log.ledger_index import Segment

MARGIN = timedelta(seconds=5)
"""By how much two of S3's clocks may differ."""


class Rebuilding(NamedTuple):
    """Whose tags such a rebuild has yet to read.

    Attributes:
        live: The last key of a current release whose tags were read; None if all were.
        path: The first logical path of which the tags of a retired asset were not read; None if there is none.
        orphans: How many of the retired assets are orphans, once the site is listed.
        map_run: The map run that reads the tags of some groups; None if there is none.
    """

    live: str | None = ""
    path: str | None = ""
    orphans: int = 0
    map_run: MapRun | None = None

    @property
    def has_read_none(self) -> bool:
        """Whether it has read no tag yet: it reads those of all that lives by then, and of all that is retired."""
        return self.live == self.path == ""

    @property
    def is_done(self) -> bool:
        """Whether all were read."""
        return self.live is None and self.path is None

    @property
    def waits_until(self) -> datetime | None:
        """Until when others read the tags, unless they are done before; None if a run of the cleaner goes on."""
        return self.map_run.until if self.map_run and not self.map_run.over else None

    def is_before(self, group: Sequence[Segment]) -> bool:
        """Whether tags are still to be read of what comes before a group."""
        return self.path is not None and self.path < group[0].first

    def come_to(self, path: str | None) -> Rebuilding:
        """The state when all tags before a logical path were read, or all."""
        if self.map_run is None or path == self.path:
            return self._replace(path=path)
        ranges = {n: each for n, each in self.map_run.ranges.items() if path is not None and ends_after(each, path)}
        return self._replace(path=path, map_run=replace(self.map_run, ranges=ranges) if ranges else None)

    def groups(self, index: Index) -> list[Bounds]:
        """The logical paths of each group of which tags are still to be read."""
        ends = [*(each.first for each in index.segments[1:]), None]
        left = [
            each
            for each, end in zip(index.segments, ends, strict=True)
            if self.path is not None and ends_after((each.first, end), self.path)
        ]
        first = [group[0].first for group in index.groups(left)]
        return list(zip(first, [*first[1:], None], strict=False))


def ends_after(bounds: Bounds, path: str) -> bool:
    """Whether some of the logical paths in a range come after a path, or are that one."""
    return bounds[1] is None or bounds[1] > path


def encode(rebuilding: Rebuilding) -> dict[str, Any]:
    """The state as the ledger has it."""
    document = {name: value for name, value in rebuilding._asdict().items() if name != "map_run"}
    return document if rebuilding.map_run is None else {**document, "map": encode_map(rebuilding.map_run)}


def decode(entry: Mapping[str, Any] | None) -> Rebuilding | None:
    """Read what `encode` wrote. Anything else raises one of Python's own errors."""
    if entry is None:
        return None
    live, path = (fields.optional_text(entry[name]) for name in ("live", "path"))
    map_run = decode_map(entry["map"], Kind.GROUP) if "map" in entry else None
    return Rebuilding(live, path, fields.count(entry["orphans"]), map_run)


def heads_are_safe(noted: datetime | None, now: datetime) -> bool:
    """Whether no invocation can still run that takes a head for a broken ledger, and would drop what it announces.

    Args:
        noted: Since when the ledger says that it is a head, or is to be one.
        now: The instant for which the run decides.
    """
    return noted is not None and noted + HOLDS + MARGIN <= now
