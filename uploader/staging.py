"""Staged releases: uploaded, and current only once their roll-out has succeeded.

A marker makes its release current, and what it replaces retires. If the roll-out that follows fails, production still
serves what is being retired. A staged release keeps its assets, and retires nothing, until it is activated or dropped.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from release_log.errors import ReleaseLogError
from release_log.marker import Release, decode
from uploader.clocks import Clocks
from uploader.errors import UploaderError
from uploader.intent import intent, name_of, withdraw
from uploader.store import Needs
from uploader.whole import keys_there, some_of

if TYPE_CHECKING:
    from release_log.layout import Layout
    from uploader.store import BucketPort, Listing

log = logging.getLogger("uploader")


@dataclass(frozen=True, slots=True)
class Activated:
    """A release that is current by now.

    Attributes:
        id: Its id.
        marker: Its marker's key.
        already: Whether it was so before.
    """

    id: str
    marker: str
    already: bool


def activate(bucket: BucketPort, layout: Layout, release_id: str, *, clocks: Clocks | None = None) -> Activated:
    """Make a staged release current, if all of it is there.

    Activating a release a second time is no error while it is current: a deploy job may be repeated.

    Raises:
        UploaderError: It is not staged, or an asset is not there: nothing was changed.
    """
    clocks = clocks or Clocks()
    staged, marker = layout.staged_key(release_id), layout.marker_key(release_id)
    blob = bucket.get(staged)
    if blob is None:
        return _already(bucket, layout, release_id)
    release = _decode(blob.body, layout, staged)
    needs = Needs(release.keys)
    while True:
        # A fresh intent: the staged release may be about to expire.
        with intent(bucket, layout, name_of(release_id), lambda _: blob.body, needs, clocks) as held:
            _check_whole(held.look.listing, release_id, release)
            held.wait_for_its_turn(layout, clocks)
            if held.is_too_old(clocks):
                continue
            written = held.write(bucket, marker, blob.body)
            if not written:
                _check_same(bucket, marker, blob.body)
            withdraw(bucket, staged)
            return Activated(release_id, marker, already=False) if written else _already(bucket, layout, release_id)


def drop(bucket: BucketPort, layout: Layout, release_id: str) -> None:
    """Give up a staged release: nothing keeps its assets any longer but what else names them.

    Raises:
        UploaderError: It is not staged.
    """
    staged = layout.staged_key(release_id)
    if bucket.get(staged) is None:
        msg = f"{release_id} is not staged: it was activated or dropped, has expired, or is another site's (--prefix)"
        raise UploaderError(msg)
    bucket.withdraw(staged)


def _already(bucket: BucketPort, layout: Layout, release_id: str) -> Activated:
    """A release that is not staged any more, if it is the current one of its channel."""
    marker = layout.marker_key(release_id)
    blob = bucket.get(marker)
    if blob is None:
        why = "it was dropped, has expired, or is another site's (--prefix)"
        msg = f"{release_id} is not staged: {why}; publish it again"
        raise UploaderError(msg)
    channel = _decode(blob.body, layout, marker).channel
    for key, at in bucket.written(layout.markers).items():
        other = bucket.get(key) if at >= blob.last_modified else None
        if other is None or (other.last_modified, key) <= (blob.last_modified, marker):
            continue
        if _decode(other.body, layout, key).channel == channel:
            msg = f"{release_id} was activated, and {layout.release_id(key)} came after it: publish it again"
            raise UploaderError(msg)
    return Activated(release_id, marker, already=True)


def _check_same(bucket: BucketPort, marker: str, body: bytes) -> None:
    """A clock that was set back can give one id twice: then the marker that is there is another release's."""
    there = bucket.get(marker)
    if there is None or there.body != body:
        msg = f"{marker} is another release's: nothing was changed; publish this one again"
        raise UploaderError(msg)


def _check_whole(listing: Listing, release_id: str, release: Release) -> None:
    missing = release.keys - keys_there(release, listing.sizes)
    if missing:
        names = some_of(missing)
        msg = f"{release_id} is not whole, {names} not there as uploaded: nothing was changed; publish it again"
        raise UploaderError(msg)


def _decode(body: bytes, layout: Layout, key: str) -> Release:
    try:
        return decode(body, layout.prefix)
    except ReleaseLogError as error:
        msg = f"{key} is not valid ({error}): delete it, and publish that release again"
        raise UploaderError(msg) from error
