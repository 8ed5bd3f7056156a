"""Whether a release is whole: all of its assets exist, as they were uploaded. Asks nobody."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from uploader.counted import counted
from uploader.errors import NotWholeError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from release_log.marker import Asset, Release
    from uploader.history.release import LoggedRelease

SHOWN = 5
"""How many assets an error names."""

log = logging.getLogger("uploader")


def fits(asset: Asset, size: int | None) -> bool:
    """Whether an object of this size can be the asset; None stands for no object.

    A later upload may have replaced a page that is not stored, so any size fits it.
    """
    return size is not None and (size == asset.size or not (asset.fingerprinted or asset.stored))


def keys_there(release: Release, sizes: Mapping[str, int]) -> frozenset[str]:
    """The keys of a release's objects that exist as uploaded, by the sizes of the objects that exist."""
    return frozenset(key for key, asset in release.objects.items() if fits(asset, sizes.get(key)))


def warn_of_changed(logged: LoggedRelease, etags: Mapping[str, str]) -> None:
    """Say which assets with a fingerprint hold other content than the release had, at the same size, by their ETags.

    No error: an operator may have stored them again, with another encryption, which changes the ETag too.
    """
    assets = (asset for asset in logged.release.assets.values() if asset.fingerprinted)
    changed = [
        asset.key
        for asset in assets
        if asset.etag is not None
        and "-" not in asset.etag
        and (etag := etags.get(asset.key)) is not None
        and etag != asset.etag
    ]
    if changed:
        log.warning(
            "%s stored again since %s was published, so what they hold may be another release's: %s; "
            "publish that build again, which sends what differs",
            counted(len(changed), "asset was", "assets were"),
            logged.id,
            some_of(changed),
        )


def warn_of_pages(logged: LoggedRelease, others: Iterable[LoggedRelease]) -> None:
    """Say where a release has assets, and others, published at the same time, have pages with content of their own.

    Nobody stored the asset's content beside it, so only its build brings it back.
    """
    assets = {asset.key: asset for asset in logged.release.assets.values() if asset.fingerprinted}
    for other in others:
        pages = [asset for asset in other.release.assets.values() if not asset.fingerprinted and asset.key in assets]
        other_content = [page.key for page in pages if page.etag is None or page.etag != assets[page.key].etag]
        if other_content:
            log.warning(
                "%s was published at the same time as %s, and may have replaced what that has under %s; "
                "publish the build of %s again, which sends what differs",
                other.id,
                logged.id,
                some_of(other_content),
                logged.id,
            )


def check_whole(logged: LoggedRelease, sizes: Mapping[str, int]) -> None:
    """Check that a release is whole.

    Raises:
        NotWholeError: Some of its assets are gone.
    """
    gone = logged.release.objects.keys() - keys_there(logged.release, sizes)
    if gone:
        msg = (
            f"{logged.id} is not whole (missing or changed: {some_of(gone)}); nothing was changed: "
            "publish it again, or restore it if the bucket has versioning"
        )
        raise NotWholeError(msg, frozenset(gone))


def some_of(keys: Collection[str]) -> str:
    """The first few keys, for an error, and how many there are besides."""
    names = sorted(keys)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
