"""What a site's release log holds after a year: markers, and a ledger of what is retired."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cleaner_lambda.ledger import Folded, Ledger, Retired
from cleaner_lambda.ledger_document import encode
from release_log import marker
from release_log.layout import Layout
from release_log.marker import FORMAT, Asset, Release
from release_log.release_id import make_id
from release_log.tags import Mark, State

if TYPE_CHECKING:
    from pathlib import Path

CHANNEL = "default"
WRITER = {"name": "bench", "version": "1"}
BETWEEN = timedelta(hours=17)
"""From one release to the next: 500 in a year."""

PLACED = b'{"format":1}'
"""What the file says beside the marker of a release without pages."""

ASSET_BYTES = 20_000


def write_past(bucket: Path, prefix: str, releases: int, retired: int) -> None:
    """Write the release log into a bucket's folder, before its server runs.

    The releases have one asset each: an upload reads the newest marker only, which is the last round's.

    Args:
        bucket: The folder.
        prefix: The site's prefix.
        releases: How many releases there were.
        retired: How many assets are retired.
    """
    layout = Layout(prefix)
    now = datetime.now(UTC).replace(microsecond=0) - BETWEEN
    folded: dict[str, Folded] = {}
    for number in range(releases):
        at = now - BETWEEN * (releases - 1 - number)
        release_id = make_id(at, f"past-{number:03}")
        logical = f"{prefix}js/past.js"
        assets = {logical: Asset(_key(prefix, number), ASSET_BYTES, fingerprinted=True)}
        release = Release(f"past-{number:03}", CHANNEL, at, prefix, WRITER, assets, format=FORMAT)
        _write(bucket / layout.marker_key(release_id), marker.encode(release), at)
        _write(bucket / layout.placed_key(release_id), PLACED, at)
        folded[release_id] = Folded(at, CHANNEL, placed=at)
    newest = max(folded)
    mark = Mark(State.SUPERSEDED, now)
    ledger = Ledger(
        current={CHANNEL: newest},
        folded=folded,
        retired={
            _key(prefix, number): Retired(f"{prefix}js/past-{number % 2000:04}.js", mark, ASSET_BYTES, newest, mark)
            for number in range(releases, releases + retired)
        },
        listed_at=now,
    )
    _write(bucket / layout.ledger, encode(ledger), now)


def _key(prefix: str, number: int) -> str:
    # A factor that scatters them, as digests are; a letter at its end, as a number alone may be none.
    return f"{prefix}js/past-{number % 2000:04}-{number * 2654435761 % 2**40:010x}a.js"


def _write(path: Path, body: bytes, at: datetime) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    os.utime(path, (at.timestamp(), at.timestamp()))
