"""``upload``: publish a build, and have the CDN drop its old copies."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from uploader.cli.console import answer
from uploader.cli.upload_answer import document_of, done, drop_copies, progress, summary, tell_job, wants_summary
from uploader.library.cdn import cdn_of
from uploader.library.publishing import publish_build

if TYPE_CHECKING:
    from uploader.builds.options import BuildOptions
    from uploader.cli.notice import Notice
    from uploader.cli.output import OutputOptions
    from uploader.library.site import Site


def upload(  # noqa: PLR0913 (each is one option of the command line)
    site: Site,
    build: BuildOptions,
    output: OutputOptions,
    notice: Notice,
    *,
    stage: bool,
    dry_run: bool,
    invalidate: str | None,
    invalidate_root: str,
) -> None:
    """Publish a build."""
    began = time.monotonic()
    cdn = cdn_of(site, invalidate, invalidate_root)
    published = publish_build(
        build, site, stage=stage, dry_run=dry_run, progress=progress(output), ask_retiring=wants_summary()
    )
    seconds = time.monotonic() - began
    document = document_of(published, site, build, cdn, staged=stage, dry_run=dry_run, seconds=seconds)
    notice.document = document
    so_far = f"release {published.id} was {done(document)}"
    try:
        drop_copies(document, site, cdn, so_far)
    finally:  # the release is there, whatever became of the invalidation
        tell_job(document, published.retires)
        answer(output, document, summary(document, site), done=so_far)
