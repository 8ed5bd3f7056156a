"""Releases of the log, found by their id, by their name, or as the newest of a channel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from release_log.errors import LayoutError, ReleaseLogError
from release_log.layout import is_id
from release_log.marker import Release, decode
from uploader.errors import UploaderError
from uploader.history import order

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from release_log.layout import Layout
    from release_log.marker import Asset
    from uploader.s3.port import BucketPort


@dataclass(frozen=True, slots=True)
class Named:
    """A release of the log.

    Attributes:
        id: Its id.
        body: What its file says: a marker, a staged release and a pin say the same.
        release: The same, read.
        at: S3's ``LastModified`` of that file.
    """

    id: str
    body: bytes
    release: Release
    at: datetime

    @property
    def name(self) -> str:
        """The name in its id. What the marker calls the release may be any text, if another tool wrote it."""
        return name_of(self.id)


def name_of(release_id: str) -> str:
    """The name in an id; see `Named.name`."""
    return release_id.partition("-")[2]


def read_release(bucket: BucketPort, layout: Layout, key: str) -> Named | None:
    """Read a marker, a staged release or a pin; None if it is not there.

    Raises:
        UploaderError: It is not valid.
    """
    blob = bucket.get(key)
    if blob is None:
        return None
    try:
        return Named(layout.release_id(key), blob.body, decode(blob.body, layout.prefix), blob.last_modified)
    except ReleaseLogError as error:
        msg = f"{key} is not valid ({error}): delete it, and publish that release again"
        raise UploaderError(msg) from error


def ids_of(bucket: BucketPort, layout: Layout, wanted: str, folders: Sequence[str]) -> list[str]:
    """The ids that are meant by an id, or by a name; those of a name are surely there."""
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
    bucket: BucketPort, layout: Layout, wanted: str, folders: Sequence[str], channel: str | None = None
) -> Named:
    """Find a release by its id, or by its name.

    One name may stand for several releases: a commit that was published twice, or rolled back to. That is fine while it
    makes no difference which one is meant.

    Args:
        bucket: The site's bucket.
        layout: The site.
        wanted: Id or name.
        folders: Where to look, such as `Layout.markers`; the first one wins.
        channel: Which one is meant, of several that have the name in different channels.

    Raises:
        UploaderError: There is none, there are several that differ, or it is not valid.
    """
    ids = ids_of(bucket, layout, wanted, folders)
    found = [named for release_id in ids if (named := _read_first(bucket, layout, release_id, folders))]
    if not found:
        msg = f"no release {wanted}: the ids are the names of the files under {folders[0]}"
        raise UploaderError(msg)
    found = [each for each in found if each.release.channel == channel] or found
    newest = max(found, key=lambda named: (named.at, named.id))
    if any(_what(each) != _what(newest) for each in found):
        raise ambiguous(wanted, ids)
    return newest


def ambiguous(wanted: str, ids: Sequence[str]) -> UploaderError:
    """The error for a name that several releases have."""
    return UploaderError(
        f"{wanted} is the name of {len(ids)} releases that are not the same: name one of {', '.join(ids)}"
    )


def releases_of(bucket: BucketPort, layout: Layout, channel: str) -> Iterator[Named]:
    """The releases of a channel, the current one first: by S3's clock, then by key. One request each.

    Raises:
        UploaderError: A marker is not valid: which channel it is of is unknown.
    """
    for key in order.newest_first(bucket.written(layout.markers), layout.markers):
        named = read_release(bucket, layout, key)
        if named is not None and named.release.channel == channel:
            yield named


def without_headers(release: Release) -> Release:
    """The release without what may change while it stays the same: the headers that its assets are stored with."""
    return replace(release, assets={logical: each._replace(headers=None) for logical, each in release.assets.items()})


def _what(named: Named) -> tuple[str, Mapping[str, Asset]]:
    return named.release.channel, without_headers(named.release).assets


def _read_first(bucket: BucketPort, layout: Layout, release_id: str, folders: Sequence[str]) -> Named | None:
    for folder in folders:
        named = read_release(bucket, layout, layout.key_in(folder, release_id))
        if named is not None:
            return named
    return None
