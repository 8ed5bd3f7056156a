"""Read the content of markers, each once a run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cleaner_lambda.backlog import first_part
from cleaner_lambda.errors import ConflictError, UnreadableError
from cleaner_lambda.history import Published
from cleaner_lambda.pace import Pace
from cleaner_lambda.plan import Reason, Stop
from cleaner_lambda.reading import name_some, read_files, stop_for_time
from release_log import marker
from release_log.bounds import one_line
from release_log.errors import NewerFormatError, ReleaseLogError
from release_log.layout import LOG_FOLDER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from cleaner_lambda.port import S3Port
    from release_log.layout import Layout
    from release_log.marker import Release


@dataclass(frozen=True, slots=True)
class Markers:
    """What a run knows of the markers.

    Attributes:
        listed: Id -> S3's ``LastModified`` of every marker.
        instants: Id -> the instant of every marker: its ``LastModified`` when it was first seen.
        placed: Id -> when the pages of its release were in place, by the file that says so.
        valid: Id -> the markers that the run has read, if they are valid.
        invalid: Id -> why nothing may be deleted: the markers that are not valid, or that there was no time to read.
        sizes: Id -> the bytes of every marker.
    """

    listed: Mapping[str, datetime]
    instants: Mapping[str, datetime]
    placed: Mapping[str, datetime] = field(default_factory=dict)
    valid: Mapping[str, Published] = field(default_factory=dict)
    invalid: Mapping[str, Stop] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def stops(self) -> tuple[Stop, ...]:
        """Why nothing may be deleted."""
        return self.stops_of(self.invalid)

    def stops_of(self, ids: Iterable[str]) -> tuple[Stop, ...]:
        """Why nothing may be deleted if these markers count."""
        stops = dict.fromkeys(self.invalid[release_id] for release_id in ids if release_id in self.invalid)
        return tuple(name_some(f"{LOG_FOLDER}markers/", list(stops)))

    def having(self, read: Mapping[str, Release]) -> Markers:
        """The same with markers whose content is known; only those that are listed."""
        known = {
            i: Published(i, self.instants[i], release, self.placed.get(i))
            for i, release in read.items()
            if i in self.listed
        }
        return replace(self, valid={**self.valid, **known})

    def of(self, ids: Iterable[str]) -> list[Published]:
        """The valid ones of some markers that were read, in the order of their ids."""
        return [self.valid[release_id] for release_id in sorted(ids) if release_id in self.valid]


def read_markers(
    store: S3Port, layout: Layout, markers: Markers, ids: Iterable[str], pace: Pace | None = None
) -> Markers:
    """Read the markers that are not read yet. One that is not valid stops all deletion.

    Args:
        store: The site's bucket.
        layout: The site.
        markers: What the run knows already.
        ids: Ids of listed markers.
        pace: See `Pace`.

    Returns:
        What the run knows now.

    Raises:
        ConflictError: A listed marker is gone.
    """
    unread = {layout.marker_key(i): i for i in sorted(ids) if i not in markers.valid and i not in markers.invalid}
    if not unread:
        return markers
    valid, invalid = dict(markers.valid), dict(markers.invalid)
    for key, blob in read_files(store, list(unread), pace or Pace()):
        release_id = unread.pop(key)
        if isinstance(blob, UnreadableError):
            invalid[release_id] = stop_for_unreadable(blob)
            continue
        if blob is None:
            msg = f"{key} vanished while it was read"
            raise ConflictError(msg)
        try:
            release = marker.decode(blob.body, layout.prefix)
        except ReleaseLogError as error:
            invalid[release_id] = stop_for_invalid(key, error)
        else:
            valid[release_id] = Published(
                release_id, markers.instants[release_id], release, markers.placed.get(release_id)
            )
    if unread:
        invalid |= dict.fromkeys(unread.values(), stop_for_time(layout.markers, len(unread)))
    return replace(markers, valid=valid, invalid=invalid)


def skim(
    store: S3Port,
    layout: Layout,
    markers: Markers,
    ids: Collection[str],
    pace: Pace | None = None,
    keys: Collection[str] = (),
) -> tuple[Markers, bool]:
    """Read markers, however many: of more than a part of a backlog, only what they say of pages stays in memory.

    Args:
        store: The site's bucket.
        layout: The site.
        markers: What the run knows already.
        ids: Ids of listed markers.
        pace: See `Pace`.
        keys: The keys of which it also stays what they say of assets.

    Returns:
        What the run knows now, and whether all of them were read as a whole.

    Raises:
        ConflictError: A listed marker is gone.
    """
    left, valid, invalid = frozenset(ids) - markers.valid.keys(), dict(markers.valid), dict(markers.invalid)
    if first_part(left, markers.instants, markers.sizes) is None:
        return read_markers(store, layout, markers, left, pace), True
    while left:
        part = first_part(left, markers.instants, markers.sizes) or left
        read = read_markers(store, layout, replace(markers, valid={}), part, pace)
        valid |= {i: replace(each, release=_without_assets(each.release, keys)) for i, each in read.valid.items()}
        invalid |= read.invalid
        left -= part
    return replace(markers, valid=valid, invalid=invalid), False


def _without_assets(release: Release, keys: Collection[str]) -> Release:
    some = {name: each for name, each in release.assets.items() if not each.fingerprinted or each.key in keys}
    return replace(release, assets=some)


def stop_for_unreadable(error: UnreadableError, until: datetime | None = None, *, last: str = "") -> Stop:
    """Why nothing may be deleted when S3 does not give out a file of the release log.

    Args:
        error: Names the file and the remedy.
        until: When the file expires by itself; None if it does not.
        last: What to do if the remedy does not help; empty for a file that names a release.
    """
    last = last or "delete it and publish its release again"
    return Stop(
        Reason.UNREADABLE_FILE, f"{error}; nothing is deleted until then. If that cannot be done, {last}", until
    )


def stop_for_invalid(
    key: str,
    error: ReleaseLogError,
    until: datetime | None = None,
    *,
    unknown: str = "current",
    again: str = "publish",
) -> Stop:
    """Why nothing may be deleted when a file of the release log is not valid.

    Args:
        key: The file.
        error: What is wrong with it.
        until: When the file expires by itself; None if it does not.
        unknown: Which assets it would name.
        again: What to do with its release after the file is deleted.
    """
    if isinstance(error, NewerFormatError):
        message = (
            f"{one_line(key)} is a newer uploader's ({error}), so it is unknown which assets are {unknown}: nothing is "
            "deleted until a cleaner that reads it is deployed; do not delete the file"
        )
        return Stop(Reason.INVALID_MARKER, message, until)
    message = (
        f"{one_line(key)} is not valid ({error}), so it is unknown which assets are {unknown}: nothing is deleted "
        f"until you delete this file and {again} its release again"
    )
    return Stop(Reason.INVALID_MARKER, message, until)
