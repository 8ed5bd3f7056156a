"""Make a staged release current, or give it up."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from uploader.errors import UploaderError
from uploader.library.cdn import cdn_of, drop_copies
from uploader.operations import staging

if TYPE_CHECKING:
    from uploader.library.site import Site
    from uploader.operations.staging import Activated

log = logging.getLogger("uploader")


def activate(
    release_id: str,
    site: Site,
    *,
    digest: str | None = None,
    invalidate: str | None = None,
    invalidate_root: str = "",
) -> Activated:
    """Make a staged release current. Doing it twice is fine.

    Args:
        release_id: Its id.
        site: The site.
        digest: `Published.digest` when it was staged: nobody may have replaced it since.
        invalidate: As in `publish`; the CDN drops its copies of the pages that were put in place.
        invalidate_root: As in `publish`.

    Raises:
        UploaderError: It is not staged, was replaced, or is not whole: nothing was changed. Or CloudFront refused: then
            the release is current.
    """
    cdn = cdn_of(site, invalidate, invalidate_root)
    done = staging.activate(site.open(), site.layout, release_id, digest=digest)
    drop_copies(done.id, site, cdn, placed=done.placed)
    return done


def drop(release_id: str, site: Site, *, digest: str | None = None) -> None:
    """Give up a staged release.

    Args:
        release_id: Its id.
        site: The site.
        digest: As in `activate`.

    Raises:
        UploaderError: It is not staged, or was replaced.
    """
    staging.drop(site.open(), site.layout, release_id, digest=digest)


def drop_quietly(release_id: str, site: Site, digest: str | None = None) -> bool:
    """Give up a staged release whose roll-out failed; returns whether that was possible.

    It expires by itself, so a failure is only logged: why the roll-out failed matters more.
    """
    try:
        drop(release_id, site, digest=digest)
    except (UploaderError, KeyboardInterrupt) as error:
        log.warning("%s was not dropped (%s); a staged release expires by itself", release_id, error or "interrupted")
        return False
    return True
