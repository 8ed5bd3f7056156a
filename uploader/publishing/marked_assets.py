"""A build as a marker names it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from release_log.layout import Layout
from release_log.marker import FORMAT, STAYED, Asset, InOrder, Release
from uploader.about import VERSION, WRITER
from uploader.builds.content import stamp_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from uploader.builds.asset import LocalAsset, Stored
    from uploader.publishing.build import Build


def object_of(layout: Layout, asset: LocalAsset) -> str:
    """The key under which an asset is stored before the marker: a page's is not the one that visitors ask for."""
    return asset.key if asset.stored is None else layout.page_key(asset.stored)


def release_of(
    build: Build,
    at: datetime,
    stored: Mapping[str, Stored],
    etags: Mapping[str, str],
    new: frozenset[str] = frozenset(),
) -> Release:
    """The release that a build is.

    Args:
        build: The build.
        at: When it was made.
        stored: As in `MarkedAssets`.
        etags: As there.
        new: See `Release`.
    """
    layout = Layout(build.prefix)
    return Release(
        release=build.release,
        channel=build.channel,
        created_at=at,
        prefix=build.prefix,
        uploader={"name": WRITER, "version": VERSION},
        metadata=build.metadata,
        assets=MarkedAssets(layout, build, stored, etags),
        format=FORMAT,
        new=new,
    )


def only_pages(release: Release) -> Release:
    """What is put in place of what `release_of` returned: its pages are asked for again and again, and nothing else."""
    assets = release.assets
    return replace(release, assets=assets.pages() if isinstance(assets, MarkedAssets) else assets)


class MarkedAssets(InOrder):
    """Logical path -> asset, as a marker names it. Each is made when it is asked for: 50,000 of them are 10 MB."""

    def __init__(self, layout: Layout, build: Build, stored: Mapping[str, Stored], etags: Mapping[str, str]) -> None:
        """Name the assets of a build.

        Args:
            layout: The site.
            build: The build.
            stored: Key -> how an object is stored; if it is not there, it is stored as the build has it.
            etags: Key -> ETag of those others that are stored.
        """
        self._layout, self._stored, self._etags = layout, stored, etags
        self._assets, self._stayed = build.in_order, build.stayed
        self._by_logical: dict[str, LocalAsset] = {}

    def in_order(self) -> Iterator[tuple[str, Asset]]:
        """See `InOrder`."""
        return ((asset.logical, self._marked(asset)) for asset in self._assets)

    def pages(self) -> dict[str, Asset]:
        """The same for the files without a fingerprint."""
        pages = (asset for asset in self._assets if not asset.fingerprinted)
        return {page.logical: self._marked(page) for page in pages}

    def _marked(self, asset: LocalAsset) -> Asset:
        marked = _marked(self._layout, asset, self._stored, self._etags)
        return marked._replace(stamp=STAYED) if asset.key in self._stayed else marked

    def __getitem__(self, logical: str) -> Asset:
        """The asset of a logical path."""
        if not self._by_logical:  # an upload never asks
            self._by_logical = {asset.logical: asset for asset in self._assets}
        return self._marked(self._by_logical[logical])

    def __iter__(self) -> Iterator[str]:
        """The logical paths, in their order."""
        return (asset.logical for asset in self._assets)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._assets)


def _marked(layout: Layout, asset: LocalAsset, stored: Mapping[str, Stored], etags: Mapping[str, str]) -> Asset:
    """An asset as a marker names it. Each name is read once, as 50,000 assets are marked twice an upload."""
    _, key, _, size, fingerprinted, digest, treatment, _, identity = asset
    if not fingerprinted:
        page = object_of(layout, asset)
        size, headers, etag = stored.get(page) or asset.as_it_is()._replace(etag=etags.get(page))
        return Asset(key, size, fingerprinted, digest and f"sha256:{digest}", headers, etag, None, asset.stored)
    how = stored.get(key)
    if how is None:
        headers, etag = treatment.headers.digest, etags.get(key)
    else:
        size, headers, etag = how
    stamp = stamp_of(identity, etag) if etag and identity else None
    return Asset(key, size, fingerprinted, digest and f"sha256:{digest}", headers, etag, stamp)
