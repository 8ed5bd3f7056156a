"""Make a staged release current, or give it up."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from uploader.errors import UploaderError
from uploader.operations import staging

if TYPE_CHECKING:
    from uploader.library.site import Site
    from uploader.operations.staging import Activated

log = logging.getLogger("uploader")


def activate(release_id: str, site: Site) -> Activated:
    """Make a staged release current. Doing it twice is fine.

    Raises:
        UploaderError: It is not staged, or not whole: nothing was changed.
    """
    return staging.activate(site.open(), site.layout, release_id)


def drop(release_id: str, site: Site) -> None:
    """Give up a staged release.

    Raises:
        UploaderError: It is not staged.
    """
    staging.drop(site.open(), site.layout, release_id)


def drop_quietly(release_id: str, site: Site) -> bool:
    """Give up a staged release whose roll-out failed; returns whether that was possible.

    It expires by itself, so a failure is only logged: why the roll-out failed matters more.
    """
    try:
        drop(release_id, site)
    except (UploaderError, KeyboardInterrupt) as error:
        log.warning("%s was not dropped (%s); a staged release expires by itself", release_id, error or "interrupted")
        return False
    return True
