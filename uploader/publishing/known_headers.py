"""What earlier releases say of the headers that objects are stored with, so that not each has to be asked.

A hint, and no more: what it does not know costs a request.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from release_log.errors import ReleaseLogError
from release_log.instants import next_second
from release_log.marker import read_headers
from uploader.history.order import newest_first
from uploader.threads.ahead import Ahead

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from release_log.layout import Layout
    from uploader.s3.port import BucketPort, Listing

MOST = 5
"""How many markers are read at most, the newest first, to find one of the channel."""

log = logging.getLogger("uploader")


class Said(NamedTuple):
    """What a marker says.

    Attributes:
        marker: Its key.
        at: When it was written, by S3's clock.
        channel: Of its release.
        headers: Digest of the headers that an object is stored with -> its key -> its bytes.
    """

    marker: str
    at: datetime
    channel: str
    headers: Mapping[str, Mapping[str, int]]


def newest_ahead(bucket: BucketPort, layout: Layout) -> Ahead[Said | None]:
    """Begin to read the newest marker, the largest of all reads. It never changes: what it says is as good later."""
    return Ahead(lambda: _newest(bucket, layout))


def earlier_headers(
    bucket: BucketPort, layout: Layout, channel: str, listing: Listing, newest: Ahead[Said | None] | None = None
) -> Mapping[str, str]:
    """Key -> digest of the headers that it is stored with, of what is listed.

    Only of what has the size that the marker says and was not stored again since: an object that is newer than the
    marker may have got other headers.
    """
    known = None if newest is None else newest.answer()
    found: dict[str, str] = {}
    sizes, times = listing.sizes, listing.times
    for key in newest_first(listing.log, layout.markers)[:MOST]:
        said = known if known is not None and known.marker == key else _read(bucket, key)
        if said is None:
            continue
        too_late = next_second(said.at)
        for digest, objects in said.headers.items():
            for name, size in objects.items():
                if sizes.get(name) == size and times[name] < too_late:
                    found.setdefault(name, digest)
        if said.channel == channel:
            break
    return found


def _newest(bucket: BucketPort, layout: Layout) -> Said | None:
    markers = newest_first(bucket.written(layout.markers), layout.markers)
    return _read(bucket, markers[0]) if markers else None


def _read(bucket: BucketPort, marker: str) -> Said | None:
    blob = bucket.get(marker)
    if blob is None:
        return None
    try:
        return Said(marker, blob.last_modified, *read_headers(blob.body))
    except ReleaseLogError as error:
        log.debug("%s is not valid: %s", marker, error)
        return None
