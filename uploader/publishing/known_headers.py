"""The headers and contents of stored objects, as earlier releases name them: each that is known saves a HEAD or a read.

This is a hint and no more: an object that no release names costs a request.
"""

from __future__ import annotations

import logging
from itertools import chain
from threading import Event
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from release_log.errors import ReleaseLogError
from release_log.instants import next_second
from release_log.marker import STAYED
from uploader.columns import Column, Digests, places_of
from uploader.history.marker_headers import MarkerHeaders
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


class Known(NamedTuple):
    """What earlier releases say of the objects under the build's keys.

    Attributes:
        headers: Key -> digest of the headers that a listed object is stored with.
        stamps: Key -> the uploader's note of the file that is stored there; see `uploader.builds.content.stamp_of`.
        etags: Key -> the ETag of the object when its release was published; of a page, that of its stored version.
        stored: Key of a page -> the name of that stored version.
    """

    headers: Mapping[str, str]
    stamps: Mapping[str, str]
    etags: Mapping[str, str]
    stored: Mapping[str, str] = MappingProxyType({})

    @property
    def stayed(self) -> frozenset[str]:
        """The keys of the pages whose names have a fingerprint; see `uploader.publishing.stayed`."""
        return stayed_in(self.stamps)


class NewestMarker:
    """The newest marker, the largest of all reads. It is read ahead, as it arrives: a marker never changes."""

    def __init__(self, bucket: BucketPort, layout: Layout, now: datetime) -> None:
        """Begin to read it.

        Args:
            bucket: The site's bucket.
            layout: The site.
            now: The present by this machine's clock.
        """
        self._places: Mapping[str, int] | None = None
        self._told = Event()
        self._read = Ahead(lambda: self._hints(bucket, layout, now))

    def look_for(self, places: Mapping[str, int]) -> None:
        """Read what it says of these keys, and pass over all others. Until then hardly anything is read."""
        self._places = places
        self._told.set()

    def drop(self) -> None:
        """Do not read it; not needed after `look_for`."""
        self._told.set()

    def stayed(self) -> frozenset[str]:
        """The keys of its pages whose names have a fingerprint, if it is read already; nobody waits for it."""
        early = self._read.peek()
        return stayed_in(early.stamps) if early is not None else frozenset()

    def answer(self) -> MarkerHeaders | None:
        """Wait for what it says. None if there is none, or it could not be read so; and to any but the first caller."""
        return self._read.answer()

    def _hints(self, bucket: BucketPort, layout: Layout, now: datetime) -> MarkerHeaders | None:
        markers = newest_first(bucket.recent(layout, now), layout.markers)
        if not markers:
            return None
        pieces = bucket.pieces(markers[0])
        # While the build is searched for its files, the first piece arrives.
        first = next(pieces, b"")
        self._told.wait()
        if self._places is None:
            return None
        try:
            return MarkerHeaders(markers[0], self._places).read_pieces(chain((first,), pieces))
        except ReleaseLogError as error:
            log.debug("%s is read again, as a whole: %s", markers[0], error)
            return None


def read_known(
    bucket: BucketPort,
    layout: Layout,
    channel: str,
    look: Look,
    newest: NewestMarker | None = None,
    keys: Iterable[str] = (),
) -> Known:
    """Read what earlier releases say of the listed objects.

    Headers are known only of an object that has the size in the marker and is not newer than the marker: a newer one
    may have got other headers.

    Args:
        bucket: The site's bucket.
        layout: The site.
        channel: The release's channel.
        look: The look at the site.
        newest: The newest marker, if it is being read ahead.
        keys: The build's keys.
    """
    known = None if newest is None else newest.answer()
    sizes, times, log = look.listing.sizes, look.listing.times, dated(layout, look.listing.log, look.instants)
    places = (
        known.headers.places if known else sizes.places if isinstance(sizes, Column) else places_of(chain(sizes, keys))
    )
    found: MarkerHeaders | None = None
    for key in newest_first(log, layout.markers)[:MOST]:
        marker = known if known is not None and known.marker == key else _read(bucket, key, places)
        if marker is None:
            continue
        too_late = next_second(log[key])
        _drop_changed(marker, places, sizes, times, too_late)
        # As a rule the newest is the only one that is read.
        found = marker if found is None else found.with_older(marker)
        if marker.channel == channel:
            break
    return Known({}, {}, {}) if found is None else Known(found.headers, found.stamps, found.etags, found.stored)


def _drop_changed(
    marker: MarkerHeaders,
    places: Mapping[str, int],
    sizes: Mapping[str, int],
    times: Mapping[str, datetime],
    too_late: datetime,
) -> None:
    """Drop the headers of each object that may have got other ones since."""
    if isinstance(sizes, Column) and isinstance(times, Column) and sizes.places is places is times.places:
        listed = ((place, sizes.at(place), times.at(place)) for place in range(len(places)))  # in half the time
    else:
        listed = ((place, sizes.get(key), times.get(key)) for key, place in places.items())
    for place, size, at in listed:
        if size is None or at is None or size != marker.sizes.at(place) or at >= too_late:
            marker.headers.put(place, None)


def stayed_in(stamps: Mapping[str, str]) -> frozenset[str]:
    """The keys with the note that a page's name has a fingerprint."""
    if isinstance(stamps, Digests) and not stamps.has_text(STAYED):
        return frozenset()
    return frozenset(key for key, stamp in stamps.items() if stamp == STAYED)


def _read(bucket: BucketPort, marker: str, places: Mapping[str, int]) -> MarkerHeaders | None:
    blob = bucket.get(marker)
    if blob is None:
        return None
    try:
        return MarkerHeaders(marker, places).read(blob.body)
    except ReleaseLogError as error:
        log.debug("%s is not valid: %s", marker, error)
        return None
