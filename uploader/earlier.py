"""What earlier releases say of the headers that objects are stored with, so that not each has to be asked.

A hint, and no more: what it does not know costs a request.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from release_log.errors import ReleaseLogError
from release_log.marker import read_headers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release_log.layout import Layout
    from uploader.store import BucketPort, Listing

MOST = 5
"""How many markers are read at most, the newest first, to find one of the channel."""

log = logging.getLogger("uploader")


def earlier_headers(bucket: BucketPort, layout: Layout, channel: str, listing: Listing) -> Mapping[str, str]:
    """Key -> digest of the headers that it is stored with, of what is listed.

    Only of what was not stored again since: an object that is newer than the marker may have got other headers.
    """
    found: dict[str, str] = {}
    markers = sorted((key for key in listing.log if key.startswith(layout.markers)), key=lambda key: listing.log[key])
    for key in markers[: -MOST - 1 : -1]:
        blob = bucket.get(key)
        if blob is None:
            continue
        try:
            of, headers = read_headers(blob.body, listing.sizes)
        except ReleaseLogError as error:
            log.debug("%s is not valid: %s", key, error)
            continue
        for name, digest in headers.items():
            if listing.times[name] <= blob.last_modified:
                found.setdefault(name, digest)
        if of == channel:
            break
    return found
