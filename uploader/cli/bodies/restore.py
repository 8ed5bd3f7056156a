"""``restore``: an operator's command for buckets with versioning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uploader.cli.console import answer
from uploader.cli.next_command import next_command, staged_for
from uploader.counted import all_of, counted
from uploader.library import restoring

if TYPE_CHECKING:
    from uploader.cli.output import OutputOptions
    from uploader.library.restoring import Restoration
    from uploader.library.site import Site


def restore(site: Site, output: OutputOptions, *, release_id: str, dry_run: bool) -> None:
    """Restore the assets of a release that the cleaner deleted."""
    restoration = restoring.restore(release_id, site, dry_run=dry_run)
    found, done = restoration.found, restoration.done
    document = {
        "dry_run": dry_run,
        "bucket": site.bucket,
        "prefix": site.prefix,
        "release": release_id,
        "restored": sorted(found.deleted if done is None else done.keys),
        "lost": sorted(found.lost),
        "counts": {"there": len(found.there)},
        "staged": done and done.staged,
        "staged_release": done and done.id,
    }
    answer(output, document, _summary(restoration, site), done=f"the assets of {release_id} are there")


def _summary(restoration: Restoration, site: Site) -> str | list[str]:
    release_id, found, done = restoration.release_id, restoration.found, restoration.done
    if done is not None:
        activate = next_command("activate", done.id, site)
        return (
            f"restored {counted(len(done.keys), 'asset')} of {release_id} "
            f"({counted(len(found.there), 'was', 'were')} there); "
            f"kept for {staged_for()} as staged release {done.id}; to make it current: {activate}"
        )
    if not found.deleted and not found.lost:
        there = all_of(len(found.there), f"asset of {release_id} is", f"assets of {release_id} are")
        return f"nothing to restore: {there} there; nothing written. To keep them, publish that build again"
    lines = [f"would restore {key}" for key in sorted(found.deleted)]
    lines += [f"cannot restore {key}" for key in sorted(found.lost)]
    lines.append(
        f"dry run: {len(found.deleted):,} to restore, {len(found.lost):,} lost, {len(found.there):,} there; "
        "nothing written"
    )
    return lines
