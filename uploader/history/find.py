"""Finds releases in the log: by id, by name, or as the newest of a channel."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from release_log.errors import LayoutError
from release_log.release_id import is_id
from uploader.counted import counted
from uploader.errors import UploaderError
from uploader.history.ended import ends_without_marker
from uploader.history.order import newest_first
from uploader.history.release import name_of, read_releases, valid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from release_log.layout import Layout
    from release_log.ledger_view import LedgerView
    from release_log.marker import Asset, Release
    from uploader.history.release import LoggedRelease
    from uploader.s3.port import ReaderPort


def ids_of(bucket: ReaderPort, layout: Layout, wanted: str, folders: Sequence[str]) -> list[str]:
    """The ids that an id or a name stands for. An id is returned unchecked; the ids of a name exist."""
    if is_id(wanted):
        return [wanted]
    ids = set()
    for folder in folders:
        for key in bucket.written(folder):
            try:
                release_id = layout.release_id(key)
            except LayoutError:
                continue
            if name_of(release_id) == wanted:
                ids.add(release_id)
    return sorted(ids)


def find_release(
    bucket: ReaderPort, layout: Layout, wanted: str, folders: Sequence[str], channel: str | None = None
) -> LoggedRelease:
    """Find a release by its id or name.

    Several releases can have one name: a commit that was published twice, or rolled back to. If they have the same
    channel and assets, the newest is returned.

    Args:
        bucket: The site's bucket.
        layout: The site.
        wanted: Id or name.
        folders: Where to look, such as `Layout.markers`; the first one wins.
        channel: If releases of several channels have the name: which channel is meant.

    Raises:
        UploaderError: The release does not exist or is not valid, or several releases with this name differ; or it is
            no release, but the end of a channel.
    """
    ids = ids_of(bucket, layout, wanted, folders)
    found = _read_first(bucket, layout, ids, folders)
    if not found:
        msg = f"no release {wanted}: `python -m uploader releases` lists them"
        raise UploaderError(msg)
    releases = [logged for logged in found if not logged.release.ended]
    if not releases:
        msg = (
            f"{wanted} is not a release: it says that channel {found[0].release.channel!r} has ended; "
            "`python -m uploader releases` lists the releases before it"
        )
        raise UploaderError(msg)
    found = releases
    found = [each for each in found if each.release.channel == channel] or found
    newest = max(found, key=lambda logged: (logged.at, logged.id))
    if any(_what(each) != _what(newest) for each in found):
        raise ambiguous(wanted, ids)
    return newest


def ambiguous(wanted: str, ids: Sequence[str]) -> UploaderError:
    """The error for a name that stands for different releases."""
    return UploaderError(
        f"{wanted} is the name of {counted(len(ids), 'release')} that are not the same: name one of {', '.join(ids)}"
    )


def releases_of(
    bucket: ReaderPort, layout: Layout, channel: str, log: Mapping[str, datetime], ledger: LedgerView | None
) -> Iterator[LoggedRelease]:
    """The releases and ends of a channel, the newest first: by S3's clock, then by key. Some are read ahead.

    Args:
        bucket: The site's bucket.
        layout: The site.
        channel: The channel.
        log: The markers with their instants.
        ledger: The ledger, which may tell of an end without a marker; None if there is none.

    Raises:
        UploaderError: A marker is not valid, so its channel is unknown.
    """
    end = ends_without_marker(layout, log, ledger).get(channel)
    for logged in valid(read_releases(bucket, layout, newest_first(log, layout.markers), first=2)):
        if logged.release.channel == channel:
            found = replace(logged, at=log[logged.key])
            if end is not None and end.at > found.at:
                yield end
            end = None
            yield found


def without_headers(release: Release) -> Release:
    """The release without its assets' headers and ETags, which can change while the release stays the same."""
    assets = {logical: each._replace(headers=None, etag=None, stamp=None) for logical, each in release.assets.items()}
    return replace(release, assets=assets)


def _what(logged: LoggedRelease) -> tuple[str, Mapping[str, Asset]]:
    return logged.release.channel, without_headers(logged.release).assets


def _read_first(bucket: ReaderPort, layout: Layout, ids: Sequence[str], folders: Sequence[str]) -> list[LoggedRelease]:
    """Each release from the first folder that has it."""
    found: dict[str, LoggedRelease] = {}
    for folder in folders:
        keys = [layout.key_in(folder, release_id) for release_id in ids if release_id not in found]
        found |= {logged.id: logged for logged in valid(read_releases(bucket, layout, keys))}
    return list(found.values())
