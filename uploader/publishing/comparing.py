"""Compares a build with the bucket, as a look under its intent has shown it; asks for what the look does not tell."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from uploader.history.neighbours import warnings_of
from uploader.history.order import dated
from uploader.history.stored_pages import Expected, check_stored, find_doubtful
from uploader.history.unseen import warning_of
from uploader.publishing.compare import FEW, Reason, StoredObjects, Upload, compare, to_look_at
from uploader.publishing.contents import changed_files, has_etag
from uploader.publishing.known_headers import read_known
from uploader.publishing.marked_assets import object_of
from uploader.publishing.stayed import find_stayed
from uploader.tracing import traced

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from release_log.layout import Layout
    from uploader.builds.asset import LocalAsset, Stored
    from uploader.publishing.build import Build
    from uploader.publishing.known_headers import Known, NewestMarker
    from uploader.s3.port import BucketPort, Listing, Look

log = logging.getLogger("uploader")


class Comparison(NamedTuple):
    """What a build and a bucket have not in common. Nothing else about the bucket is needed from here on.

    Attributes:
        uploads: The files to send.
        stored: Key -> how the object is stored, for those of the other files that are stored compressed.
        etags: Key -> ETag of each object that is there.
        stayed: The keys of the files that have to be pages; see `uploader.publishing.stayed`.
    """

    uploads: list[Upload]
    stored: dict[str, Stored]
    etags: Mapping[str, str]
    stayed: frozenset[str]


def keys_to_head(build: Build) -> list[str]:
    """Keys whose content no listing tells: pages, mostly. If they are many, the listing first says which exist."""
    unsure = [asset.key for asset in build.assets if not asset.fingerprinted]
    return unsure if len(unsure) <= FEW else []


@traced("compare")
def compare_with_bucket(
    bucket: BucketPort,
    layout: Layout,
    build: Build,
    look: Look,
    newest: NewestMarker | None,
    warned: set[str],
) -> Comparison:
    """Find out what the bucket lacks, and say what is odd about it.

    Args:
        bucket: The site's bucket.
        layout: The site.
        build: The build.
        look: What a look under the intent has shown.
        newest: As for `uploader.publishing.publish.publish`.
        warned: The warnings that have been given; those that are given now are added.

    Raises:
        UploaderError: A file cannot be read, or S3 refused.
    """
    _warn(layout, build, look, warned)
    sizes, etags = look.listing.sizes, look.listing.etags
    known = read_known(bucket, layout, build.channel, look, newest, (asset.key for asset in build.assets))
    names = {name for asset in build.assets if not asset.fingerprinted and (name := asset.stored) is not None}
    pages = {name: sizes[key] for name in names if (key := layout.page_key(name)) in sizes}
    check_stored(bucket, find_doubtful(_stored_pages(layout, build, known), look.listing))

    def ask(keys: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        asked = {**look.metadata, **metadata}
        return {**asked, **bucket.metadata([key for key in keys if key not in asked])}

    metadata: Mapping[str, Mapping[str, str]] = {}
    # If nothing has to be looked at, nobody waits for what was asked for ahead.
    if unknown := to_look_at(build.assets, sizes, known.headers, pages):
        metadata = ask(unknown)

    changed = changed_files(build.assets, sizes, etags, known, ask)
    stored = StoredObjects(sizes, known.headers, metadata, changed, pages)
    uploads = list(compare(build.assets, stored))
    new = (each.asset for each in uploads if each.reason is Reason.NEW and each.asset.fingerprinted)
    unseen = frozenset(asset.key for asset in new if asset.key in known.etags)
    # The listing may be older than the release that names them: as a rule it is made while the build is being read.
    if unseen and (there := bucket.listing(layout, unseen)).sizes:
        return compare_with_bucket(
            bucket, layout, build, look._replace(listing=_with(look.listing, there)), None, warned
        )
    sent = {upload.asset.key for upload in uploads}
    compressed = {
        object_of(layout, asset): how._replace(etag=etags.get(object_of(layout, asset)))
        for asset, how in stored.compressed(build.assets)
        if asset.key not in sent
    }
    return Comparison(uploads, compressed, etags, find_stayed(build.assets, uploads, sizes, known, ask))


def _with(listing: Listing, younger: Listing) -> Listing:
    """A listing, and a younger one of a few keys that it lacks."""
    return listing._replace(
        sizes={**listing.sizes, **younger.sizes},
        times={**listing.times, **younger.times},
        etags={**listing.etags, **younger.etags},
    )


def _stored_pages(layout: Layout, build: Build, known: Known) -> Iterator[Expected]:
    """The stored pages of a build. An earlier release, or the ETag itself, may tell that one is this build's."""
    for asset in build.assets:
        if not asset.fingerprinted and asset.digest is not None:
            is_that_version = known.stored.get(asset.key) == asset.stored
            tells = partial(_is_known, asset, known.etags.get(asset.key) if is_that_version else None)
            yield Expected(object_of(layout, asset), asset.key, asset.digest, asset.size, tells)


def _is_known(asset: LocalAsset, known: str | None, etag: str, size: int) -> bool:
    return etag == known or (size == asset.size and has_etag(asset, etag))


def _warn(layout: Layout, build: Build, look: Look, warned: set[str]) -> None:
    """Say, once, which other sites this build concerns, and whether the cleaner sees what is published."""
    keys = (asset.key for asset in build.assets)
    lines = warnings_of(layout, look.neighbours, look.listing.inner, keys)
    log_files = dated(layout, look.listing.log, look.instants)
    # An instant of S3's, and hardly older than the present: our intent is among these files.
    now = max(look.listing.log.values(), default=None)
    # A ledger without instants cannot be read, and says nothing of what its cleaner has seen.
    if now is not None and (look.ledger is None or look.instants):
        unseen = warning_of(layout, log_files, look.instants, now)
        lines += [unseen] if unseen else []
    for line in lines:
        if line not in warned:
            log.warning("%s", line)
        warned.add(line)
