"""The releases of a site in the order of time, each with what it brought and what it replaced. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from uploader.history.release import LoggedRelease, name_of
from uploader.operations.report.amount import Amount, amount_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from release_log.ledger_view import FoldedMarker
    from uploader.history.release import Unreadable


class Standing(StrEnum):
    """What has become of a release."""

    CURRENT = "current"
    EARLIER = "earlier"
    ENDED = "ended"
    """No release: it says that its channel has ended."""
    UNREAD = "not read"
    """Its marker exists, but is older than those that were asked for."""
    GONE = "marker gone"
    """The cleaner has seen its marker, which does not exist any more."""
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A release.

    Attributes:
        id: Its id.
        name: Its name.
        channel: Its channel; empty if that is unknown.
        at: When it was published, by S3's clock.
        standing: See `Standing`.
        metadata: Commit, branch and build URL, as far as its writer stated them.
        whole: What it consists of; None if its marker was not read.
        new: What the release before it in its channel did not have; None if that is unknown.
        retired: What the release before it in its channel had, and it has not; None if that is unknown.
    """

    id: str
    name: str
    channel: str
    at: datetime
    standing: Standing
    metadata: Mapping[str, str] = field(default_factory=dict)
    whole: Amount | None = None
    new: Amount | None = None
    retired: Amount | None = None


@dataclass(slots=True)
class _Newer:
    """A release whose predecessor is not known yet."""

    entry: Published
    sizes: Mapping[str, int]


def timeline(
    read: Iterable[LoggedRelease | Unreadable],
    others: Mapping[str, FoldedMarker],
    current: Mapping[str, str],
    existing: frozenset[str],
) -> list[Published]:
    """The releases, the newest first.

    Consecutive releases share most of their assets, and a release may have 100,000: no more than one of each channel is
    held at a time.

    Args:
        read: The markers that were read, the newest first, with the instants that order them.
        others: Id -> every other marker that the cleaner has seen, or that exists; of these the channel may be empty.
        current: Channel -> id of its current release.
        existing: Ids of the markers that exist.
    """
    found: list[Published] = []
    waiting: dict[str, _Newer] = {}
    for each in read:
        if not isinstance(each, LoggedRelease):
            found.append(
                Published(id=each.id, name=name_of(each.id), channel="", at=each.at, standing=Standing.UNREADABLE)
            )
            continue
        release = each.release
        # By its stored version, a page with other content is another object.
        sizes = {key: asset.size for key, asset in release.objects.items()}
        newer = waiting.pop(release.channel, None)
        if newer is not None:
            found.append(_against(newer, sizes))
        entry = Published(
            id=each.id,
            name=release.release,
            channel=release.channel,
            at=each.at,
            standing=_standing(each, current),
            metadata=dict(release.metadata),
            whole=None if release.ended else amount_of(asset.size for asset in release.assets.values()),
        )
        waiting[release.channel] = _Newer(entry, sizes)
    for oldest in waiting.values():
        # Nothing came before the oldest release of a channel, unless its marker is gone or was not read.
        followed = any(
            each.channel in {oldest.entry.channel, ""} and each.at <= oldest.entry.at for each in others.values()
        )
        found.append(oldest.entry if followed else _against(oldest, {}))
    found += [
        Published(
            id=release_id,
            name=name_of(release_id),
            channel=each.channel,
            at=each.at,
            standing=Standing.UNREAD if release_id in existing else Standing.GONE,
        )
        for release_id, each in others.items()
    ]
    return sorted(found, key=lambda each: (each.at, each.id), reverse=True)


def _standing(each: LoggedRelease, current: Mapping[str, str]) -> Standing:
    if each.release.ended:
        return Standing.ENDED
    return Standing.CURRENT if current.get(each.release.channel) == each.id else Standing.EARLIER


def _against(newer: _Newer, before: Mapping[str, int]) -> Published:
    """A release, compared with the one before it in its channel."""
    sizes = newer.sizes
    return replace(
        newer.entry,
        new=amount_of(size for key, size in sizes.items() if key not in before),
        retired=amount_of(size for key, size in before.items() if key not in sizes),
    )
