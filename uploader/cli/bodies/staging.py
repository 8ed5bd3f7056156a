"""``activate`` and ``drop``: what becomes of a staged release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uploader.cli.console import answer
from uploader.cli.upload_answer import drop_copies_of_pages, placed_of
from uploader.library import staging
from uploader.library.cdn import cdn_of

if TYPE_CHECKING:
    from uploader.cli.output import OutputOptions
    from uploader.library.site import Site


def activate(
    site: Site,
    output: OutputOptions,
    *,
    release_id: str,
    digest: str | None,
    invalidate: str | None,
    invalidate_root: str,
) -> None:
    """Make a staged release current."""
    cdn = cdn_of(site, invalidate, invalidate_root)
    done = staging.activate(release_id, site, digest=digest)
    document: dict[str, Any] = {
        "bucket": site.bucket,
        "prefix": site.prefix,
        "release": done.id,
        "marker": done.marker,
        "already": done.already,
        "placed": placed_of(done.placed),
    }
    text = f"{done.id} is current already at {site.url}" if done.already else f"activated {done.id} at {site.url}"
    so_far = f"release {done.id} is current"
    try:
        drop_copies_of_pages(document, site, cdn, so_far, done.placed)
    finally:  # it is current, whatever became of the invalidation
        answer(output, document, text, done=so_far)


def drop(site: Site, output: OutputOptions, *, release_id: str, digest: str | None) -> None:
    """Give up a staged release."""
    staging.drop(release_id, site, digest=digest)
    document = {"bucket": site.bucket, "prefix": site.prefix, "release": release_id, "dropped": True}
    text = f"dropped {release_id} at {site.url}; the current release is unchanged"
    answer(output, document, text, done=f"release {release_id} was dropped")
