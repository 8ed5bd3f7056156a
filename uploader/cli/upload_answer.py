"""The answer of ``upload`` and ``run``: the published build, and the invalidation at the CDN."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Any

from release_log.instants import format_instant
from uploader.builds.private_files import source_maps
from uploader.cli.console import readable
from uploader.cli.next_command import next_command, staged_for
from uploader.cli.progress_lines import Lines
from uploader.counted import counted
from uploader.errors import StoppedError, UploaderError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from uploader.builds.options import BuildOptions
    from uploader.cli.output import OutputOptions
    from uploader.library.publishing import Progress
    from uploader.library.site import Site
    from uploader.protocol.belongs import PagePlaced
    from uploader.publishing.invalidation import Cdn
    from uploader.publishing.publish import Published
    from uploader.publishing.retiring import Retiring

SHOWN = 20
"""How many of the assets that a release would retire are shown: a build may rename all of its files."""

log = logging.getLogger("uploader")


def document_of(  # noqa: PLR0913 (each is a part of the answer)
    published: Published,
    site: Site,
    build: BuildOptions,
    cdn: Cdn | None,
    *,
    staged: bool,
    dry_run: bool,
    seconds: float,
) -> dict[str, Any]:
    """The document of ``--json``; the log names each file that was sent."""
    for each in published.uploads:
        log.debug("%s: %s", each.reason, each.asset.key)
    maps = source_maps((each.asset.key.removeprefix(site.prefix) for each in published.uploads), build.allow)
    if maps:
        shown = counted(maps, "source map shows", "source maps show")
        log.info("%s your source code to everybody: --exclude '*.map', or --allow '*.map'", shown)
    key = None if dry_run else published.key
    return {
        "dry_run": dry_run,
        "bucket": site.bucket,
        "prefix": site.prefix,
        "channel": build.channel,
        "release": published.id,
        "staged": key if staged else None,
        "marker": None if staged else key,
        "digest": published.digest if key else None,
        "uploaded": [
            {
                "key": each.asset.key,
                "logical": each.asset.logical,
                "size": each.asset.size,
                "fingerprinted": each.asset.fingerprinted,
                "reason": each.reason,
            }
            for each in published.uploads
        ],
        "placed": placed_of(published.placed),
        "retires": [_retiring(each) for each in published.retires or ()] if dry_run else None,
        "counts": {"uploaded": len(published.uploads), "unchanged": len(published.unchanged)},
        "bytes_uploaded": published.bytes_uploaded,
        "seconds": round(seconds, 3),
        "invalidation": cdn
        and {
            "distribution": cdn.distribution,
            "paths": cdn.stale_paths(published.uploads, published.placed),
            "id": None,
        },
    }


def placed_of(placed: Iterable[PagePlaced]) -> list[dict[str, str]]:
    """The pages that were put in place, for ``--json``; the log names each."""
    found = [{"key": page.key, "reason": page.reason.value} for page in placed]
    for page in found:
        log.debug("put in place: %s (%s)", page["key"], page["reason"])
    return found


def drop_copies(
    document: dict[str, Any], site: Site, cdn: Cdn | None, so_far: str, release_id: str | None = None
) -> None:
    """Have the CDN drop its copies of each replaced file; the document gets the invalidation's id.

    Args:
        document: The document from `document_of`.
        site: The site.
        cdn: The CDN; None without one.
        so_far: The state that is reached already, for the error if the CDN refuses.
        release_id: What is new, where it is not the document's release.
    """
    asked = document["invalidation"]
    if cdn is None or not asked["paths"] or document.get("dry_run"):
        return
    try:
        asked["id"] = cdn.invalidate(site.access, release_id or document["release"], asked["paths"])
    except UploaderError as error:
        msg = f"{so_far}, but {error}"
        raise UploaderError(msg) from error
    except KeyboardInterrupt as error:
        msg = f"{so_far}; whether the CDN still has old copies is not known: {cdn.by_hand(asked['paths'])}"
        raise StoppedError(msg) from error


def drop_copies_of_pages(
    document: dict[str, Any],
    site: Site,
    cdn: Cdn | None,
    so_far: str,
    placed: Sequence[PagePlaced],
    release_id: str | None = None,
) -> None:
    """Have the CDN drop its copies of the pages that were put in place; the document gets that invalidation.

    The arguments are those of `drop_copies`, and the pages.
    """
    paths = cdn.stale_paths((), placed) if cdn else ()
    document["invalidation"] = cdn and {"distribution": cdn.distribution, "paths": paths, "id": None}
    drop_copies(document, site, cdn, so_far, release_id)


def wants_summary() -> bool:
    """Whether the CI job shows a summary of the release."""
    return any(os.environ.get(name) for name in ("GITHUB_STEP_SUMMARY", "UPLOADER_SUMMARY"))


def tell_job(document: dict[str, Any], retires: Sequence[Retiring] | None) -> None:
    """Tell the CI job what was published, where it wants to know; see `uploader.cli.ci_job.tell_job`."""
    if wants_summary() or os.environ.get("GITHUB_OUTPUT") or os.environ.get("UPLOADER_DOTENV"):
        from uploader.cli import ci_job  # noqa: PLC0415 (others have no use for it)

        ci_job.tell_job(document, retires)


def done(document: dict[str, Any]) -> str:
    """Staged or released."""
    return "staged" if document["staged"] else "released"


def summary(document: dict[str, Any], site: Site) -> list[str]:
    """The document for people, in lines."""
    counts, size = document["counts"], readable(document["bytes_uploaded"])
    if document["dry_run"]:
        lines = [f"would upload {entry['key']} ({entry['reason']})" for entry in document["uploaded"]]
        lines += [f"would put {page['key']} in place ({page['reason']})" for page in document["placed"]]
        lines += [f"would invalidate {path}" for path in (document["invalidation"] or {"paths": ()})["paths"]]
        lines += _retirements(document["retires"] or ())
        lines.append(
            f"dry run: {counts['uploaded']:,} to upload ({size}), {counts['unchanged']:,} unchanged; nothing written"
        )
        return lines
    line = (
        f"{done(document)} {document['release']} {'at' if document['staged'] else 'to'} "
        f"s3://{document['bucket']}/{document['prefix']}: {counts['uploaded']:,} uploaded ({size}), "
        f"{counts['unchanged']:,} unchanged, {document['seconds']:.1f} s"
    )
    lines = [line]
    asked = document["invalidation"]
    if asked and asked["id"]:
        lines.append(f"invalidation {asked['id']} at {asked['distribution']}: {' '.join(asked['paths'])}")
    if document["staged"]:
        activate = next_command("activate", document["release"], site, document["digest"])
        lines.append(f"kept for {staged_for()}; to make it current: {activate}")
    return lines


def _retiring(each: Retiring) -> dict[str, Any]:
    return {
        "key": each.key,
        "logical": each.logical,
        "state": each.state,
        "until": each.until and format_instant(each.until),
        "kept_by": each.kept_by,
    }


def _retirements(retires: Sequence[dict[str, Any]]) -> list[str]:
    """What a release would retire, in lines: those that would be deleted first, first."""
    first = sorted(retires, key=lambda each: (each["until"] is None, each["until"], each["key"]))
    lines = [
        f"would retire {each['key']} ({each['state']}; "
        + (f"stays until {each['until']})" if each["until"] else f"kept: {each['kept_by']})")
        for each in first[:SHOWN]
    ]
    if len(first) > SHOWN:
        lines.append(f"would retire {counted(len(first) - SHOWN, 'more file', 'more files')}: --json lists them all")
    return lines


def progress(output: OutputOptions) -> Progress | None:
    """A bar for a person at a terminal, else lines for the log; None for who wants to see neither."""
    if output.quiet:
        return None
    moves = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    if moves and not output.as_json and not output.verbose:
        from uploader.cli.progress import Bar  # noqa: PLC0415 (rich takes 60 ms, and few uploads show the bar)

        return Bar()
    return Lines()
