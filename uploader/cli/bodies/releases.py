"""``releases``: what was published, when, from which commit, and whether it is still whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from release_log.instants import format_instant
from uploader.cli.colours import Problem
from uploader.cli.console import answer, readable
from uploader.cli.table import Table
from uploader.errors import EXIT_DONE, EXIT_FAILED
from uploader.library import inspection
from uploader.operations.releases import Standing

if TYPE_CHECKING:
    from uploader.cli.console import Answer
    from uploader.cli.output import OutputOptions
    from uploader.library.site import Site
    from uploader.operations.releases import Listed

SHORT_COMMIT = 12


def releases(site: Site, output: OutputOptions, *, only_channel: str | None, limit: int) -> int:
    """List the newest releases."""
    found = inspection.releases(site, channel=only_channel, limit=limit)
    document = {"bucket": site.bucket, "prefix": site.prefix, "releases": [_entry(each) for each in found]}
    nothing = f"no release {f'of channel {only_channel} ' if only_channel else ''}at {site.url} yet"
    answer(output, document, _text(found) if found else nothing, done="nothing was written")
    return EXIT_FAILED if any(each.problem for each in found) else EXIT_DONE


def _entry(each: Listed) -> dict[str, Any]:
    return {
        "release": each.id,
        "key": each.key,
        "standing": each.standing,
        "pinned": each.pinned,
        "channel": each.channel,
        "name": each.name,
        "at": format_instant(each.at),
        "metadata": dict(each.metadata),
        "assets": each.assets,
        "bytes": each.size,
        "missing": each.missing,
        "problem": each.problem,
    }


def _text(found: list[Listed]) -> list[Answer]:
    columns = ("release", "channel", "standing", "published", "commit", "branch", "assets", "size", "whole")
    problems = [Problem(each.problem) for each in found if each.problem]
    return [Table(columns, [_row(each) for each in found]), *problems]


def _row(each: Listed) -> tuple[str, ...]:
    if each.standing is Standing.UNREADABLE:
        return (each.id, "?", Problem(each.standing), format_instant(each.at), "", "", "", "", "?")
    if each.standing is Standing.ENDED:
        return (each.id, each.channel or "", each.standing, format_instant(each.at), "", "", "", "", "")
    return (
        each.id,
        each.channel or "",
        f"{each.standing}, pinned" if each.pinned else each.standing,
        format_instant(each.at),
        each.metadata.get("commit", "")[:SHORT_COMMIT],
        each.metadata.get("branch", ""),
        str(each.assets),
        readable(each.size or 0),
        Problem(f"{each.missing} missing") if each.missing else "yes",
    )
