"""What a build would retire if it were published now, and until when that would stay at least: for a dry run."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from release_log.tags import State
from uploader.history.current import find_current, read_ledger, setting_in_force
from uploader.history.order import newest_first
from uploader.history.release import Unreadable, id_of, read_releases

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from release_log.layout import Layout
    from release_log.marker import Release
    from uploader.publishing.build import Build
    from uploader.s3.port import ReaderPort


MOST_UNSEEN = 20
"""How many markers that no cleaner has seen are read, the newest first: without a cleaner there may be thousands."""


class Retiring(NamedTuple):
    """An asset that would leave the current releases.

    Attributes:
        key: Its key.
        logical: Its logical path.
        state: Superseded or removed.
        until: Until when it stays at least; None if it does not fall due with time alone.
        kept_by: Why, in that case: ``within_version_limit``, ``kept_release`` or ``pinned``, as in `status`.
    """

    key: str
    logical: str
    state: State
    until: datetime | None
    kept_by: str | None


def find_retiring(bucket: ReaderPort, layout: Layout, build: Build, now: datetime) -> tuple[Retiring, ...]:
    """What a build would retire, in the order of the keys.

    It reads the ledger, the current markers, the pins, and the newest of the markers that no cleaner has seen. The
    policy is that of the cleaner's last run.

    Args:
        bucket: The site's bucket.
        layout: The site.
        build: The build.
        now: When it would be published.
    """
    ledger, _ = read_ledger(bucket, layout)
    log = dict(bucket.written(layout.log))
    folded = ledger.folded if ledger else {}
    for key in [key for key in newest_first(log, layout.markers) if id_of(layout, key) not in folded][MOST_UNSEEN:]:
        del log[key]
    current = {channel: each.release for channel, each in find_current(bucket, layout, log, ledger).releases.items()}
    if build.channel not in current:
        return ()
    pins = read_releases(bucket, layout, newest_first(log, layout.pins))
    pinned = frozenset[str]().union(*(each.release.keys for each in pins if not isinstance(each, Unreadable)))
    policy = {
        name: setting_in_force(ledger, name)
        for name in ("version_limit", "version_ttl", "removed_ttl", "grace", "keep_releases")
    }
    return tuple(sorted(_retiring(build, current, pinned, policy, now)))


def _retiring(
    build: Build, current: Mapping[str, Release], pinned: Collection[str], policy: Mapping[str, int], now: datetime
) -> Iterator[Retiring]:
    others = [release for channel, release in current.items() if channel != build.channel]
    keys = {asset.key for asset in build.assets}.union(*(release.keys for release in others))
    paths = {asset.logical for asset in build.assets}.union(*(release.assets for release in others))
    for logical, asset in current[build.channel].assets.items():
        if asset.key in keys:
            continue
        state = State.SUPERSEDED if logical in paths else State.REMOVED
        ttl = policy["version_ttl" if state is State.SUPERSEDED else "removed_ttl"]
        kept_by = None
        if asset.key in pinned:
            kept_by = "pinned"
        elif policy["keep_releases"]:
            kept_by = "kept_release"
        elif state is State.SUPERSEDED and policy["version_limit"]:  # no other version was superseded later
            kept_by = "within_version_limit"
        until = None if kept_by else now + timedelta(seconds=max(ttl, policy["grace"]))
        yield Retiring(asset.key, logical, state, until, kept_by)
