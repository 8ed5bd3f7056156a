"""The CDN before a site: it drops its copies of what was replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from uploader.library.site import Site
    from uploader.protocol.belongs import PagePlaced
    from uploader.publishing.compare import Upload
    from uploader.publishing.invalidation import Cdn


def cdn_of(site: Site, distribution: str | None, root: str) -> Cdn | None:
    """The CDN before a site, if there is one.

    Raises:
        UsageError: The site's assets do not lie below that root.
    """
    if distribution is None:
        return None
    from uploader.publishing.invalidation import find_cdn  # noqa: PLC0415 (loaded before an upload's first request)

    return find_cdn(distribution, root, site.prefix)


def drop_copies(
    release_id: str, site: Site, cdn: Cdn | None, uploads: Iterable[Upload] = (), placed: Iterable[PagePlaced] = ()
) -> None:
    """Have the CDN drop its copies of what was replaced.

    Args:
        release_id: The release that replaced it.
        site: The site.
        cdn: The CDN; None without one.
        uploads: The files that were sent.
        placed: The pages that were put in place.

    Raises:
        UploaderError: CloudFront refuses, or cannot be reached.
    """
    stale = () if cdn is None else cdn.stale_paths(uploads, placed)
    if cdn is not None and stale:
        cdn.invalidate(site.access, release_id, stale)
