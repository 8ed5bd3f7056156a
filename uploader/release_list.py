"""What was published: each release of the log, what it holds, and whether all of it is still there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

from uploader.release_history import Unreadable, newest_first, read
from uploader.whole import fits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from release_log.layout import Layout
    from release_log.marker import Asset
    from uploader.store import ReaderPort


class Standing(StrEnum):
    """What a release is by now: the same word in the table, the JSON and the tests."""

    CURRENT = "current"
    STAGED = "staged"
    EARLIER = "earlier"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A release, without its assets: a list of them stays small.

    Attributes:
        id: Its id.
        key: Of its marker, or of the staged release.
        at: When that was written, by S3's clock.
        standing: See `Standing`.
        problem: Why it cannot be read, with the remedy; then nothing of the rest is known.
        name: What it was called.
        channel: Its channel.
        metadata: Commit, branch and build URL, as far as its writer said.
        assets: How many it has.
        size: Bytes of all of them.
        missing: How many of them are not there any more as they were uploaded.
    """

    id: str
    key: str
    at: datetime
    standing: Standing
    problem: str | None = None
    name: str | None = None
    channel: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    assets: int | None = None
    size: int | None = None
    missing: int | None = None


def releases(bucket: ReaderPort, layout: Layout, *, channel: str | None, limit: int) -> list[Listed]:
    """The newest releases, staged ones among them, newest first. Reads no more of them than it has to.

    Args:
        bucket: The site's bucket.
        layout: The site.
        channel: Only this one; what cannot be read may be of any.
        limit: How many at most.
    """
    log = bucket.written(layout.log)
    keys = [
        key
        for key in newest_first(log, layout.markers, layout.staged)
        # One that is just being activated is there twice.
        if not key.startswith(layout.staged) or layout.markers + key.removeprefix(layout.staged) not in log
    ]
    # Most assets of a release are those of the one before it: each is held once.
    known: dict[Asset, Asset] = {}
    every = _each(bucket, layout, keys[:limit] if channel is None else keys, known)
    wanted = ((each, assets) for each, assets in every if channel is None or each.channel in {channel, None})
    found = list(islice(wanted, limit))
    sizes = bucket.listing(layout.prefix, {asset.key for asset in known}).sizes if known else {}
    return [
        replace(each, missing=sum(not fits(asset, sizes.get(asset.key)) for asset in assets)) if assets else each
        for each, assets in found
    ]


def _each(
    bucket: ReaderPort, layout: Layout, keys: list[str], known: dict[Asset, Asset]
) -> Iterator[tuple[Listed, list[Asset]]]:
    channels: set[str] = set()
    for logged in read(bucket, layout, keys):
        if isinstance(logged, Unreadable):
            yield (
                Listed(
                    id=logged.id,
                    key=logged.key,
                    at=logged.at,
                    standing=Standing.UNREADABLE,
                    problem=logged.complaint(),
                ),
                [],
            )
            continue
        release = logged.release
        if logged.key.startswith(layout.staged):
            standing = Standing.STAGED
        else:
            standing = Standing.EARLIER if release.channel in channels else Standing.CURRENT
            channels.add(release.channel)
        assets = [known.setdefault(asset, asset) for asset in release.assets.values()]
        listed = Listed(
            id=logged.id,
            key=logged.key,
            at=logged.at,
            standing=standing,
            name=release.release,
            channel=release.channel,
            metadata=release.metadata,
            assets=len(assets),
            size=sum(asset.size for asset in assets),
        )
        yield listed, assets
