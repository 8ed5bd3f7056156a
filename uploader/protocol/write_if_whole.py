"""Writes a file of the release log about a release, only if the release is whole.

`activate`, `rollback` and `pin` send no asset: they check that all of them exist, and write one file of the log. After
a marker they put the release's pages in place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from release_log.instants import next_second
from uploader.clocks import Clocks
from uploader.errors import UploaderError
from uploader.history.body import body_of
from uploader.history.completeness import check_whole, warn_of_changed, warn_of_pages
from uploader.history.find import without_headers
from uploader.history.release import LoggedRelease, read_release
from uploader.history.stored_pages import Expected, check_stored, find_doubtful
from uploader.protocol.intent import TRIES, busy_error, intent, withdraw
from uploader.protocol.late import Late
from uploader.protocol.placing import not_placed, put_in_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from release_log.layout import Layout
    from release_log.marker import Release
    from uploader.protocol.belongs import PagePlaced
    from uploader.protocol.held import Intent
    from uploader.s3.port import BucketPort, Listing

NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Written:
    """A file of the release log that exists now.

    Attributes:
        id: The id in its name.
        key: The file's key.
        already: Whether it existed before, or may have: the staged release that it replaces is gone.
        placed: The pages that were put in place, if it is a marker.
    """

    id: str
    key: str
    already: bool
    placed: tuple[PagePlaced, ...] = ()


def write_if_whole(  # noqa: C901 (the order of its steps is the protocol)
    bucket: BucketPort,
    layout: Layout,
    logged: LoggedRelease,
    *,
    key: str | None = None,
    release: Callable[[datetime], Release] | None = None,
    clocks: Clocks | None = None,
) -> Written:
    """Write a file of the release log about a release, if all of its assets exist and stay.

    Args:
        bucket: The site's bucket.
        layout: The site.
        logged: The release.
        key: The file's key; None: a marker under a new id. A marker under the release's own id replaces the staged
            release.
        release: Makes the file's content, from the instant in a new id; None: the content of the release's own file.
        clocks: See `Clocks`.

    Raises:
        NotWholeError: Some of the release's assets are gone.
        UploaderError: Another release has the key, or S3 refused.
    """
    clocks = clocks or Clocks()
    keys = logged.release.all_keys
    release_at = release or (lambda _: logged.release)

    def body_at(at: datetime) -> bytes:
        return body_of(release_at(at))

    def place(held: Intent, file: str, content: Release) -> tuple[PagePlaced, ...]:
        if not _is_marker(layout, file):
            return ()
        own = LoggedRelease(layout.release_id(file), file, held.at, content)
        return put_in_place(bucket, layout, own, held, clocks, meanwhile=partial(warn_of_pages, own))

    late, late_content = Late(), logged.release
    taken = 0
    while taken < TRIES:
        # An intent of its own: the file that has protected these assets until now may be about to expire.
        with late.named(), intent(bucket, layout, logged.name, body_at, keys, clocks) as held:
            listing = held.take_look().listing
            if key is not None and late.key is None and _is_dropped(layout, logged, key, held):
                return Written(logged.id, key, already=True)
            check_whole(logged, listing.sizes)
            if key is None or _is_marker(layout, key):
                check_stored(bucket, find_doubtful(_stored_pages(layout, logged.release), listing))
                warn_of_changed(logged, listing.etags)
            if (file := late.key) is not None:
                late.is_whole(held, _left(layout, file, late_content))
                _end_staging(bucket, layout, logged, file)
                return Written(layout.release_id(file), file, already=False, placed=place(held, file, late_content))
            if key is not None or not held.is_taken(layout):
                held.wait_for_its_turn(layout, clocks)
                if held.is_too_old(clocks):
                    continue
                file = key or layout.marker_key(held.id)
                _check_not_removed(layout, held, file)
                content = _content(layout, logged, release_at(held.at), listing, held, file)
                written = held.write(bucket, file, body_of(content), clocks, left=_left(layout, file, content))
                if late.came(held, clocks):
                    late_content = content
                    continue
                if not written and key is not None:
                    _check_same(bucket, layout, key, logged.release)
                if written or key is not None:
                    _end_staging(bucket, layout, logged, file)
                    placed = place(held, file, content) if written else ()
                    return Written(layout.release_id(file), file, already=not written, placed=placed)
        taken += 1
        clocks.sleep(1)
    with late.named():
        raise busy_error(logged.name)


def finish_placing(
    bucket: BucketPort, layout: Layout, logged: LoggedRelease, clocks: Clocks | None = None
) -> tuple[PagePlaced, ...]:
    """Put the pages of a release in place whose marker exists, because the command that wrote it was cut off.

    Args:
        bucket: The site's bucket.
        layout: The site.
        logged: The release.
        clocks: See `Clocks`.

    Raises:
        NotWholeError: Some of the release's assets are gone.
        UploaderError: S3 refused.
    """
    clocks = clocks or Clocks()
    body = body_of(logged.release)
    with intent(bucket, layout, logged.name, lambda _: body, logged.release.all_keys, clocks) as held:
        listing = held.take_look().listing
        check_whole(logged, listing.sizes)
        check_stored(bucket, find_doubtful(_stored_pages(layout, logged.release), listing))
        return put_in_place(bucket, layout, logged, held, clocks)


def _stored_pages(layout: Layout, release: Release) -> Iterator[Expected]:
    """The stored pages of a release. One whose ETag is another was stored again since."""
    for asset in release.pages.values():
        if asset.digest is not None:
            digest = asset.digest.removeprefix("sha256:")
            yield Expected(
                layout.page_key(asset.stored or ""), asset.key, digest, math.inf, partial(_has_etag, asset.etag)
            )


def _has_etag(known: str | None, etag: str, _size: int) -> bool:
    return etag == known


def _is_marker(layout: Layout, file: str) -> bool:
    return file.startswith(layout.markers)


def _left(layout: Layout, file: str, release: Release) -> str:
    """As in `Intent.write`."""
    return not_placed(layout.release_id(file)) if release.places_pages and _is_marker(layout, file) else ""


def _is_dropped(layout: Layout, logged: LoggedRelease, file: str, held: Intent) -> bool:
    """Whether a release that waited for this marker does not any more: it was dropped or activated, or expired."""
    return file == layout.marker_key(logged.id) and logged.key not in held.log


def _end_staging(bucket: BucketPort, layout: Layout, logged: LoggedRelease, file: str) -> None:
    """A marker under the release's own id replaces the staged release."""
    if file == layout.marker_key(logged.id):
        withdraw(bucket, layout.staged_key(logged.id))


def _content(
    layout: Layout, logged: LoggedRelease, release: Release, listing: Listing, held: Intent, file: str
) -> Release:
    """What the file says."""
    # Somebody may have copied the marker onto itself since.
    at = min(logged.at, held.instants.get(logged.id, logged.at))
    content = _as_stored(release, listing, at)
    return replace(content, created_at=held.at) if file == layout.marker_key(logged.id) else content


def _as_stored(release: Release, listing: Listing, at: datetime) -> Release:
    """The release without the headers of assets that were stored again since an instant, maybe with other headers."""
    too_late = next_second(at)
    assets = {
        logical: asset
        if asset.stored is not None or listing.times[asset.key] < too_late
        else asset._replace(headers=None)
        for logical, asset in release.assets.items()
    }
    return replace(release, assets=assets)


def _check_not_removed(layout: Layout, held: Intent, file: str) -> None:
    """A marker that comes back counts from when the cleaner first saw it, so it would not be the newest."""
    release_id = layout.release_id(file)
    if file == layout.marker_key(release_id) and release_id in held.instants and file not in held.log:
        msg = f"{file} existed before and was removed: nothing was changed; publish this release again"
        raise UploaderError(msg)


def _what(release: Release) -> Release:
    """The release without what an activation, or a pin, changes."""
    return replace(without_headers(release), created_at=NEVER, uploader={})


def _check_same(bucket: BucketPort, layout: Layout, key: str, release: Release) -> None:
    """If a clock was set back, one id can be given twice: then the existing file is another release's."""
    there = read_release(bucket, layout, key)
    if there is None or _what(there.release) != _what(release):
        msg = f"{key} is another release's: nothing was changed; publish this one again"
        raise UploaderError(msg)
