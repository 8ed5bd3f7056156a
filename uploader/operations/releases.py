"""Lists the releases of the log, with their assets' number and size, and how many of those are missing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

from uploader.history.completeness import fits
from uploader.history.current import read_ledger
from uploader.history.order import dated, newest_first
from uploader.history.release import Unreadable, read_releases

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from release_log.layout import Layout
    from release_log.ledger_view import LedgerView
    from release_log.marker import Asset
    from uploader.s3.port import ReaderPort


class Standing(StrEnum):
    """What has become of a release: the same word in the table, the JSON and the tests."""

    CURRENT = "current"
    STAGED = "staged"
    EARLIER = "earlier"
    ENDED = "ended"
    """No release: it says that its channel has ended."""
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A release without its assets, so that a list of releases stays small.

    Attributes:
        id: The release's id.
        key: Key of its marker, of the staged release, or of its pin if no other file is left.
        at: When that file was written, by S3's clock.
        standing: See `Standing`.
        pinned: Whether its assets are kept until it is unpinned.
        problem: Why the file cannot be read, with the remedy. Then none of the fields below is known.
        name: The release's name.
        channel: The release's channel.
        metadata: Commit, branch and build URL, as far as its writer stated them.
        assets: How many assets it has.
        size: Bytes of all its assets.
        missing: How many of its assets are gone, or have another size than was uploaded.
    """

    id: str
    key: str
    at: datetime
    standing: Standing
    pinned: bool = False
    problem: str | None = None
    name: str | None = None
    channel: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    assets: int | None = None
    size: int | None = None
    missing: int | None = None


def releases(bucket: ReaderPort, layout: Layout, *, channel: str | None, limit: int) -> list[Listed]:
    """The newest releases, staged ones among them, newest first. Reads no more files than it has to.

    Args:
        bucket: The site's bucket.
        layout: The site.
        channel: Only this channel; None: all. A file that cannot be read can be of any channel, and is always listed.
        limit: How many releases, at most.
    """
    ledger, _ = read_ledger(bucket, layout)
    log = dated(layout, bucket.written(layout.log), ledger.instants if ledger else {})
    pinned = {key.rpartition("/")[2] for key in log if key.startswith(layout.pins)}
    keys = _once(newest_first(log, layout.markers, layout.staged, layout.pins), layout)
    # Consecutive releases share most of their assets: each asset is held once.
    known: dict[Asset, Asset] = {}
    every = _each(bucket, layout, log, keys[:limit] if channel is None else keys, known, ledger)
    wanted = ((each, assets) for each, assets in every if channel is None or each.channel in {channel, None})
    found = list(islice(wanted, limit))
    sizes = bucket.listing(layout, {_object_of(layout, asset) for asset in known}).sizes if known else {}
    return [
        replace(
            each,
            pinned=each.key.rpartition("/")[2] in pinned,
            missing=sum(not fits(asset, sizes.get(_object_of(layout, asset))) for asset in assets) if assets else None,
        )
        for each, assets in found
    ]


def _object_of(layout: Layout, asset: Asset) -> str:
    """The key of the object that a release needs: a page's is its stored version."""
    return asset.key if asset.stored is None else layout.page_key(asset.stored)


def _once(keys: list[str], layout: Layout) -> list[str]:
    """Each release once, in this order: a release that is pinned, or just being activated, has two files."""
    best: dict[str, str] = {}
    for folder in (layout.markers, layout.staged, layout.pins):
        for key in keys:
            if key.startswith(folder):
                best.setdefault(key.removeprefix(folder), key)
    kept = set(best.values())
    return [key for key in keys if key in kept]


def _each(
    bucket: ReaderPort,
    layout: Layout,
    log: Mapping[str, datetime],
    keys: list[str],
    known: dict[Asset, Asset],
    ledger: LedgerView | None,
) -> Iterator[tuple[Listed, list[Asset]]]:
    channels: set[str] = set()
    for read in read_releases(bucket, layout, keys):
        logged = replace(read, at=log[read.key])
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
        elif logged.key.startswith(layout.pins):
            standing = Standing.EARLIER
        else:
            if ledger is not None and ledger.has_ended_since(release.channel, logged.at):
                channels.add(release.channel)  # and there need not be a marker that says so
            newest = Standing.ENDED if release.ended else Standing.CURRENT
            standing = newest if release.ended or release.channel not in channels else Standing.EARLIER
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
