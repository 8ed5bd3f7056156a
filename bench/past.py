"""What a site's release log holds after a year: markers, and a ledger of what is retired."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from cleaner_lambda import head, segments
from cleaner_lambda.head import Head
from cleaner_lambda.ledger import Folded, Ledger, Retired
from cleaner_lambda.ledger_document import encode
from cleaner_lambda.segment import columns_of
from cleaner_lambda.segments import Index, parts
from release_log import ledger_file, marker, segment_file
from release_log.layout import Layout
from release_log.ledger_index import Segment, segment_name
from release_log.marker import FORMAT, Asset, Release
from release_log.release_id import make_id
from release_log.tags import Mark, State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHANNEL = "default"
WRITER = {"name": "bench", "version": "1"}
BETWEEN = timedelta(hours=17)
"""From one release to the next: 500 in a year."""

PLACED = b'{"format":1}'
"""What the file says beside the marker of a release without pages."""

ASSET_BYTES = 20_000


PATHS = 2000
"""The retired assets are versions of so many files."""


class Past(NamedTuple):
    """What a bucket's release log tells of: by default the releases of a year, and the assets that they retired.

    Attributes:
        releases: How many releases there were.
        retired: How many assets are retired.
        ledger_format: The format of the cleaner's ledger.
    """

    releases: int = 500
    retired: int = 100_000
    ledger_format: int = ledger_file.FORMAT

    def __str__(self) -> str:
        """For people."""
        return f"{self.releases} releases, {self.retired:,} retired assets, ledger of format {self.ledger_format}"


def write_past(bucket: Path, prefix: str, past: Past) -> None:
    """Write the release log into a bucket's folder, before its server runs.

    The releases have one asset each: an upload reads the newest marker only, which is the last round's.

    Args:
        bucket: The folder.
        prefix: The site's prefix.
        past: What it tells of.
    """
    layout = Layout(prefix)
    now = datetime.now(UTC).replace(microsecond=0) - BETWEEN
    folded: dict[str, Folded] = {}
    for number in range(past.releases):
        at = now - BETWEEN * (past.releases - 1 - number)
        release_id = make_id(at, f"past-{number:03}")
        logical = f"{prefix}js/past.js"
        assets = {logical: Asset(_key(prefix, number), ASSET_BYTES, fingerprinted=True)}
        release = Release(f"past-{number:03}", CHANNEL, at, prefix, WRITER, assets, format=FORMAT)
        _write(bucket / layout.marker_key(release_id), marker.encode(release), at)
        _write(bucket / layout.placed_key(release_id), PLACED, at)
        folded[release_id] = Folded(at, CHANNEL, placed=at)
    newest = max(folded)
    ledger = Ledger(current={CHANNEL: newest}, folded=folded, listed_at=now)
    groups = _groups(prefix, past, Retired("", Mark(State.SUPERSEDED, now), ASSET_BYTES, newest))
    if past.ledger_format == ledger_file.FORMAT:
        retired = dict(chain.from_iterable(group.items() for group in groups))
        _write(bucket / layout.ledger, encode(replace(ledger, retired=retired)), now)
        return
    lines: list[Segment] = []
    for first, part in chain.from_iterable(parts(group, first) for first, group in _with_first(groups)):
        name = segment_name(now, f"{len(lines):016x}")
        _write(bucket / layout.ledger_file(name), segment_file.encode(columns_of(part)), now)
        lines.append(Segment(first, name, len(part), swept=now))
    _write(bucket / layout.ledger, head.encode(Head(ledger, Index(tuple(lines)) if lines else Index())), now)


def _groups(prefix: str, past: Past, like: Retired) -> Iterator[dict[str, Retired]]:
    """The retired assets, some paths at a time: there may be millions."""
    end = past.releases + past.retired
    group: dict[str, Retired] = {}
    for path in range(PATHS):
        first = past.releases + (path - past.releases) % PATHS
        entry = replace(like, logical=f"{prefix}js/past-{path:04}.js", tagged=like.mark)
        group |= {_key(prefix, number): entry for number in range(first, end, PATHS)}
        if len(group) >= segments.GROUP or (group and path == PATHS - 1):
            yield group
            group = {}


def _with_first(groups: Iterator[dict[str, Retired]]) -> Iterator[tuple[str, dict[str, Retired]]]:
    """Each with the first logical path that its segments have; the very first one has all that come before it."""
    for number, group in enumerate(groups):
        yield ("" if number == 0 else min(each.logical for each in group.values())), group


def _key(prefix: str, number: int) -> str:
    # A factor that scatters them, as digests are; a letter at its end, as a number alone may be none.
    return f"{prefix}js/past-{number % PATHS:04}-{number * 2654435761 % 2**40:010x}a.js"


def _write(path: Path, body: bytes, at: datetime) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    os.utime(path, (at.timestamp(), at.timestamp()))
