"""The headers and contents of stored objects, as earlier releases name them: each that is known saves a HEAD or a read.

This is a hint and no more: an object that no release names costs a request.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from release_log.errors import ReleaseLogError
from release_log.instants import next_second
from release_log.marker import STAYED, read_headers
from uploader.history.order import dated, newest_first
from uploader.threads.ahead import Ahead

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from release_log.layout import Layout
    from uploader.s3.port import BucketPort, Look

MOST = 5
"""How many markers to read at most, the newest first, to find one of the channel."""

log = logging.getLogger("uploader")


class Newest(NamedTuple):
    """The newest marker as it was read.

    Attributes:
        marker: Its key.
        body: Its content.
        stayed: As in `Known`.
    """

    marker: str
    body: bytes
    stayed: frozenset[str] = frozenset()


class MarkerHeaders(NamedTuple):
    """The headers that a marker names.

    Attributes:
        marker: The marker's key.
        channel: Its release's channel.
        headers: Digest of headers -> key of each object stored with them -> its bytes.
        stamps: Key -> the uploader's note of the file that is stored there.
        etags: Key -> the ETag of the object when its release was published.
    """

    marker: str
    channel: str
    headers: Mapping[str, Mapping[str, int]]
    stamps: Mapping[str, str]
    etags: Mapping[str, str]


class Known(NamedTuple):
    """What earlier releases say of the objects under the build's keys.

    Attributes:
        headers: Key -> digest of the headers that a listed object is stored with.
        stamps: Key -> the uploader's note of the file that is stored there; see `uploader.builds.content.stamp_of`.
        etags: Key -> the ETag of the object when its release was published.
    """

    headers: Mapping[str, str]
    stamps: Mapping[str, str]
    etags: Mapping[str, str]

    @property
    def stayed(self) -> frozenset[str]:
        """The keys of the pages whose names have a fingerprint; see `uploader.publishing.stayed`."""
        return stayed_in(self.stamps)


def newest_ahead(bucket: BucketPort, layout: Layout, now: datetime) -> Ahead[Newest | None]:
    """Begin to read the newest marker, the largest of all reads. A marker never changes, so it can be read early.

    Args:
        bucket: The site's bucket.
        layout: The site.
        now: The present by this machine's clock.
    """
    return Ahead(lambda: _newest(bucket, layout, now))


def headers_ahead(newest: Ahead[Newest | None], keys: Iterable[str]) -> Ahead[MarkerHeaders | None]:
    """Begin to read what the newest marker says of these keys. Not earlier: of 50,000 keys it is 20 MB."""
    wanted = {key: key for key in keys}

    def read() -> MarkerHeaders | None:
        found = newest.answer()
        return found and _headers(found.marker, found.body, wanted)

    return Ahead(read)


def read_known(
    bucket: BucketPort,
    layout: Layout,
    channel: str,
    look: Look,
    newest: Ahead[MarkerHeaders | None] | None = None,
) -> Known:
    """Read what earlier releases say of the listed objects.

    Headers are known only of an object that has the size in the marker and is not newer than the marker: a newer one
    may have got other headers.
    """
    known = None if newest is None else newest.answer()
    found: dict[str, str] = {}
    stamps: Mapping[str, str] = {}
    etags: Mapping[str, str] = {}
    sizes, times, log = look.listing.sizes, look.listing.times, dated(layout, look.listing.log, look.instants)
    for key in newest_first(log, layout.markers)[:MOST]:
        marker = known if known is not None and known.marker == key else _read(bucket, key)
        if marker is None:
            continue
        too_late = next_second(log[key])
        for digest, objects in marker.headers.items():
            for name, size in objects.items():
                if sizes.get(name) == size and times[name] < too_late:
                    found.setdefault(name, digest)
        # The newest marker's as they are: as a rule it is the only one that is read, and it may name 100,000 objects.
        stamps = {**marker.stamps, **stamps} if stamps else marker.stamps
        etags = {**marker.etags, **etags} if etags else marker.etags
        if marker.channel == channel:
            break
    return Known(found, stamps, etags)


def stayed_in(stamps: Mapping[str, str]) -> frozenset[str]:
    """The keys with the note that a page's name has a fingerprint."""
    if STAYED not in stamps.values():  # of 50,000 in a millisecond
        return frozenset()
    return frozenset(key for key, stamp in stamps.items() if stamp == STAYED)


def _newest(bucket: BucketPort, layout: Layout, now: datetime) -> Newest | None:
    markers = newest_first(bucket.recent(layout, now), layout.markers)
    blob = bucket.get(markers[0]) if markers else None
    if blob is None:
        return None
    # Hardly any marker has one, and then nobody need read it as JSON to know that.
    found = _headers(markers[0], blob.body) if STAYED.encode() in blob.body else None
    return Newest(markers[0], blob.body, stayed_in(found.stamps) if found else frozenset())


def _read(bucket: BucketPort, marker: str) -> MarkerHeaders | None:
    blob = bucket.get(marker)
    return blob and _headers(marker, blob.body)


def _headers(marker: str, body: bytes, keys: Mapping[str, str] | None = None) -> MarkerHeaders | None:
    try:
        return MarkerHeaders(marker, *read_headers(body, keys))
    except ReleaseLogError as error:
        log.debug("%s is not valid: %s", marker, error)
        return None
