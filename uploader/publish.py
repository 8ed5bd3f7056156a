"""Publish a build: the intent, then the listing, then what is missing, and last of all the marker.

The order is the protocol (DESIGN: the uploader's steps). From the moment the intent is there, no cleaner may delete a
key that the build names, so what is listed after it and matches need not be sent.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from release_log.layout import Layout, make_id
from release_log.marker import Asset, Release, encode
from release_log.settings import HALF_PENDING_TTL
from uploader import __version__
from uploader.compare import Upload, compare, to_look_at
from uploader.errors import UploaderError

if TYPE_CHECKING:
    from collections.abc import Callable

    from uploader.collect import LocalAsset
    from uploader.store import BucketPort

INTENTS = 5
"""How many ids are tried when others publish under the same name in the same second."""

log = logging.getLogger("uploader")


@dataclass(frozen=True, slots=True)
class Published:
    """What an upload did, or under a dry run would do.

    Attributes:
        id: The release's id; its marker is ``<prefix>.releases/markers/<id>.json``.
        marker: The marker's key.
        uploads: What was sent, and why.
        unchanged: What was there already.
    """

    id: str
    marker: str
    uploads: tuple[Upload, ...]
    unchanged: tuple[LocalAsset, ...]

    @property
    def bytes_uploaded(self) -> int:
        """The size of what was sent."""
        return sum(upload.asset.size for upload in self.uploads)


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What is to be published, and as what."""

    assets: list[LocalAsset]
    prefix: str
    channel: str
    release: str


def _ignore(*_: object) -> None:
    """Show no progress."""


def publish(  # noqa: PLR0913 (the clocks are seams)
    bucket: BucketPort,
    build: Build,
    *,
    started: Callable[[int, int], None] = _ignore,
    sent: Callable[[LocalAsset], None] = _ignore,
    wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Published:
    """Publish a build.

    Args:
        bucket: The site's bucket; under a dry run its read-only cover.
        build: What is to be published.
        started: Called with the number of files to send and their bytes, before the first is sent.
        sent: Called for each file that is stored.
        wall_clock: Names the release; nothing is decided by it.
        monotonic: Measures the age of the intent.
        sleep: Waits until another id is free.

    Raises:
        UploaderError: Something failed: no marker was written, and what was live stays so.
    """
    layout = Layout(build.prefix)
    done: dict[str, Upload] = {}
    while True:
        began = monotonic()
        release_id, body = _intend(bucket, layout, build, wall_clock, sleep)
        try:
            sizes = bucket.sizes(build.prefix)
            stored = bucket.metadata(to_look_at(build.assets, sizes))
            uploads = compare(build.assets, sizes, stored)
            started(len(uploads), sum(upload.asset.size for upload in uploads))
            # A page must not be there before what it asks for: files without a fingerprint (index.html) come last.
            bucket.put((upload.asset for upload in uploads if upload.asset.fingerprinted), sent)
            bucket.put((upload.asset for upload in uploads if not upload.asset.fingerprinted), sent)
            done |= {upload.asset.key: upload for upload in uploads}
            if monotonic() - began > HALF_PENDING_TTL:
                log.warning("the upload took so long that its intent may expire: checking everything again")
                continue
            marker = layout.marker_key(release_id)
            if not bucket.create(marker, body):
                # Another upload of the same name began and ended within this one's second: take another id.
                log.info("%s is another upload's: going on under another id", release_id)
                sleep(1)
                continue
        finally:
            _withdraw(bucket, layout.pending_key(release_id))
        unchanged = tuple(asset for asset in build.assets if asset.key not in done)
        return Published(release_id, marker, tuple(done.values()), unchanged)


def _intend(
    bucket: BucketPort,
    layout: Layout,
    build: Build,
    wall_clock: Callable[[], datetime],
    sleep: Callable[[float], None],
) -> tuple[str, bytes]:
    """Write the intent under an id that nobody else has."""
    for _ in range(INTENTS):
        at = wall_clock()
        release_id = make_id(at, build.release)
        body = encode(_release(build, at))
        if bucket.create(layout.pending_key(release_id), body):
            return release_id, body
        sleep(1)
    msg = f"release {build.release!r} is being published by others, {INTENTS} times in a row: run again"
    raise UploaderError(msg)


def _withdraw(bucket: BucketPort, key: str) -> None:
    """Remove the intent. Left behind it only keeps its assets until it expires, so a failure here is no failure."""
    try:
        bucket.remove_intent(key)
    except UploaderError as error:
        log.warning("the intent %s stays until it expires: %s", key, error)


def _release(build: Build, at: datetime) -> Release:
    return Release(
        release=build.release,
        channel=build.channel,
        created_at=at,
        prefix=build.prefix,
        uploader={"name": "asset-cleaner", "version": __version__},
        assets={
            asset.logical: Asset(
                asset.key, asset.size, asset.fingerprinted, f"sha256:{asset.digest}", asset.headers.digest()
            )
            for asset in build.assets
        },
    )
