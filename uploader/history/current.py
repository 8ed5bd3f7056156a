"""Which release is current in each channel, for commands that only read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from release_log.errors import LedgerError
from release_log.ledger_view import view
from release_log.policy_settings import Policy
from uploader.history.ended import ends_without_marker
from uploader.history.order import dated, doubts_of, newest_first
from uploader.history.release import Unreadable, id_of, read_releases

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from release_log.layout import Layout
    from release_log.ledger_view import LedgerView
    from release_log.marker_order import Contradiction
    from uploader.history.release import LoggedRelease
    from uploader.s3.port import ReaderPort


@dataclass(frozen=True, slots=True)
class Current:
    """The current releases.

    Attributes:
        releases: Channel -> its current release, in the order of the channels.
        ended: Channel -> the marker that says that it has ended, in the same order; as the cleaner remembers it, if the
            cleaner ended the site, or the marker is gone.
        unseen: Ids of the releases that the cleaner has not seen yet, newest first.
        unreadable: Markers that are not valid. Each may be the current one of any channel.
        lost: Channel -> id of its current release, whose marker is gone.
        doubts: Channel -> why it is unknown which of its releases is current: it may be another than the one here.
        unplaced: Ids of those current releases whose pages are not known to be in place.
    """

    releases: Mapping[str, LoggedRelease]
    ended: Mapping[str, LoggedRelease]
    unseen: tuple[str, ...]
    unreadable: tuple[Unreadable, ...]
    lost: Mapping[str, str]
    doubts: Mapping[str, Contradiction]
    unplaced: tuple[str, ...] = ()


def read_ledger(bucket: ReaderPort, layout: Layout) -> tuple[LedgerView | None, LedgerError | None]:
    """The ledger, or why it cannot be read. Both are None if it does not exist yet."""
    blob = bucket.get(layout.ledger)
    if blob is None:
        return None, None
    try:
        return view(blob.body), None
    except LedgerError as error:
        return None, error


def setting_in_force(ledger: LedgerView | None, name: str) -> int:
    """A setting of the cleaner's last run that is a whole number; the default if no run has written it."""
    policy = ledger.last_run.get("policy") if ledger else None
    value = policy.get(name) if isinstance(policy, dict) else None
    return value if isinstance(value, int) else getattr(Policy(), name)


def find_current(bucket: ReaderPort, layout: Layout, log: Mapping[str, datetime], ledger: LedgerView | None) -> Current:
    """Find the current release of each channel: the newest of its markers.

    The ledger says which channel a marker belongs to. So only the markers that the cleaner has not seen, and the
    current ones, are read. Without a ledger, every marker is read.
    """
    folded, instants = (ledger.folded, ledger.instants) if ledger else ({}, {})
    log = dated(layout, log, instants)
    seen: dict[str, str] = {}
    unseen = []
    for key in newest_first(log, layout.markers):
        known = folded.get(id_of(layout, key))
        if known is None:
            unseen.append(key)
        else:
            seen.setdefault(known.channel, key)

    newest: dict[str, LoggedRelease] = {}
    new: list[LoggedRelease] = []
    unreadable = []
    for each in read_releases(bucket, layout, unseen):
        if isinstance(each, Unreadable):
            unreadable.append(each)
        else:
            new.append(replace(each, at=log[each.key]))
            newest.setdefault(each.release.channel, new[-1])

    # As in the cleaner: if the current marker is gone, the release before it does not become current again.
    gone = {
        channel: release_id
        for channel, release_id in (ledger.current if ledger else {}).items()
        if layout.marker_key(release_id) not in log and not _came_after(newest.get(channel), release_id, instants)
    }
    lost = {channel: i for channel, i in gone.items() if ledger is None or not ledger.says_ended(i)}
    newest = {channel: each for channel, each in newest.items() if channel not in gone}
    wanted = [
        key
        for channel, key in seen.items()
        if channel not in gone and (channel not in newest or newest[channel].order < (log[key], key))
    ]
    for each in read_releases(bucket, layout, wanted):
        if isinstance(each, Unreadable):
            unreadable.append(each)
        else:
            newest[each.release.channel] = replace(each, at=log[each.key])
    doubts = doubts_of(ledger, [each for each in new if each.id not in instants])
    every = sorted(newest.items())
    ends = {channel: end for channel, end in ends_without_marker(layout, log, ledger).items() if channel in gone}
    unplaced = tuple(
        each.id for _, each in every if each.release.places_pages and layout.placed_key(each.id) not in log
    )
    return Current(
        {channel: each for channel, each in every if not each.release.ended},
        dict(sorted({**ends, **{channel: each for channel, each in every if each.release.ended}}.items())),
        tuple(each.id for each in new),
        tuple(unreadable),
        lost,
        doubts,
        unplaced,
    )


def _came_after(found: LoggedRelease | None, release_id: str, instants: Mapping[str, datetime]) -> bool:
    """Whether a marker counts as newer than one that is gone."""
    return found is not None and (found.at, found.id) >= (instants.get(release_id, found.at), release_id)


def problems_of(layout: Layout, current: Current) -> tuple[str, ...]:
    """Why the current releases are not all known: one line a reason, with its remedy."""
    return (
        *(each.complaint() for each in current.unreadable),
        *(
            f"{layout.marker_key(release_id)}, the marker of channel {channel!r}'s current release, is gone: the "
            "cleaner deletes nothing of that channel, and no orphan; put the marker back, publish a release in that "
            f"channel, or end it (end --channel {channel})"
            for channel, release_id in current.lost.items()
        ),
        *(
            f"it is unknown which release of channel {channel!r} is current: {doubt}, so somebody copied or restored "
            "markers; the cleaner deletes nothing until that channel has a new release; publish the one that is live "
            "again, or roll back to it"
            for channel, doubt in current.doubts.items()
        ),
        *(
            f"{release_id} is current, but not all of its pages are in place, or its upload is not done yet; if it was "
            f"cut off: run the same command again, activate {release_id}, or publish the next release"
            for release_id in current.unplaced
        ),
    )
