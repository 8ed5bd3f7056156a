"""Reads a site for its report: the state that `status` shows, the newest markers, and how long each asset is there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from release_log.ledger_view import FoldedMarker
from uploader.history.order import dated, newest_first
from uploader.history.release import id_of, read_releases
from uploader.history.unseen import warning_of
from uploader.operations.report.retiring import retiring
from uploader.operations.report.space import Stored, by_age, largest
from uploader.operations.report.timeline import timeline
from uploader.operations.status import read_status

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from release_log.layout import Layout
    from release_log.ledger_view import RetiredAsset
    from uploader.history.current import Current
    from uploader.history.release import LoggedRelease, Unreadable
    from uploader.operations.report.retiring import Retiring
    from uploader.operations.report.space import Band, LogicalPath
    from uploader.operations.report.timeline import Published
    from uploader.operations.status import Status
    from uploader.s3.port import Listing, ReaderPort


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteReport:
    """What a report shows of a site.

    Attributes:
        at: The instant that it shows.
        status: Its state; see `uploader.operations.status`.
        releases: Every release of which the release log knows, the newest first.
        retiring: What is retired, and when it goes.
        ages: How long what is stored has been there.
        largest: The logical paths that take the most space.
        unseen: A line if the cleaner does not see what is published; None if it does.
    """

    at: datetime
    status: Status
    releases: Sequence[Published]
    retiring: Retiring
    ages: Sequence[Band]
    largest: Sequence[LogicalPath]
    unseen: str | None = None


def read_report(bucket: ReaderPort, layout: Layout, now: datetime, *, newest: int) -> SiteReport:
    """Read what a report shows. Reads no asset.

    Args:
        bucket: The site's bucket.
        layout: The site.
        now: The time by the machine's own clock; it decides nothing.
        newest: How many of the newest markers are read, at most. Of older ones only the instant is known.
    """
    status = read_status(bucket, layout, now)
    retired = status.ledger.retired if status.ledger else ()
    instants = status.ledger.instants if status.ledger else {}
    log = dated(layout, bucket.written(layout.log), instants)
    markers = newest_first(log, layout.markers)
    read = (replace(each, at=log[each.key]) for each in read_releases(bucket, layout, markers[:newest]))
    found = _timeline(read, layout, log, markers, newest, status)
    keys = current_keys(status.current) | {each.key for each in retired}
    listing = bucket.listing(layout, keys) if keys else None
    stored = list(stored_of(status.current, retired, listing)) if listing else []
    return SiteReport(
        at=now,
        status=status,
        releases=found,
        retiring=retiring(retired, now),
        ages=by_age(stored, now),
        largest=largest(stored),
        unseen=warning_of(layout, log, instants, now) if status.ledger else None,
    )


def current_keys(current: Current) -> set[str]:
    """The keys of the current releases."""
    return set[str]().union(*(each.release.keys for each in current.releases.values()))


def stored_of(current: Current, retired: Collection[RetiredAsset], listing: Listing) -> Iterable[Stored]:
    """The objects of the site that exist, each once. Pure."""
    named = {
        asset.key: logical
        for each in current.releases.values()
        for logical, asset in each.release.assets.items()
        if asset.key in listing.sizes
    }
    for key, logical in named.items():
        yield Stored(logical, listing.sizes[key], listing.times[key], current=True)
    for each in retired:
        if each.key in listing.sizes and each.key not in named:
            yield Stored(each.logical, listing.sizes[each.key], listing.times[each.key], current=False)


def _timeline(
    read: Iterable[LoggedRelease | Unreadable],
    layout: Layout,
    log: Mapping[str, datetime],
    markers: Sequence[str],
    newest: int,
    status: Status,
) -> Sequence[Published]:
    ids = {id_of(layout, key): log[key] for key in markers}
    taken = set(list(ids)[:newest])
    seen = {**status.ledger.gone, **status.ledger.folded} if status.ledger else {}
    unknown = {release_id: FoldedMarker(at, "") for release_id, at in ids.items() if release_id not in seen}
    others = {release_id: each for release_id, each in {**seen, **unknown}.items() if release_id not in taken}
    current = {channel: each.id for channel, each in status.current.releases.items()}
    return timeline(read, others, current, frozenset(ids))
