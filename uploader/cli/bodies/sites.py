"""``sites``: every site of a bucket, with its current release, its size, its last run, what is due next and its end."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from uploader.cli.colours import Problem
from uploader.cli.console import answer, readable
from uploader.cli.table import Table
from uploader.counted import counted
from uploader.errors import EXIT_DONE, EXIT_FAILED
from uploader.library import overview

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from uploader.cli.console import Answer
    from uploader.cli.output import OutputOptions
    from uploader.library.site import Site
    from uploader.operations.sites import ListedSite

COLUMNS = ("site", "channel", "current", "assets", "size", "retired", "last run", "due next", "ends")


def sites(site: Site, output: OutputOptions, *, function: str | None, patterns: tuple[str, ...]) -> int:
    """List the sites."""
    found = overview.sites(site, patterns=patterns, function=function)
    document = {"bucket": site.bucket, "sites": [asdict(each) for each in found]}
    answer(output, document, _text(found), done="nothing was written")
    return EXIT_FAILED if any(each.problems for each in found) else EXIT_DONE


def _text(found: Sequence[ListedSite]) -> list[Answer]:
    if not found:
        return ["no site has a release log there"]
    rows = [row for each in found for row in _rows(each)]
    problems = [Problem(f"{each.prefix or '(whole bucket)'}: {problem}") for each in found for problem in each.problems]
    return [Table(COLUMNS, rows), *problems, "", counted(len(found), "site")]


def _rows(each: ListedSite) -> Iterator[tuple[str, ...]]:
    """One for each channel."""
    about = (str(each.retired), each.last_run or "", each.next_due or "", each.ends_at or "")
    name = each.prefix or "(whole bucket)"
    if not each.current:
        yield (name, "", "none", "", "", *about)
    for release in each.current:
        assets = "?" if release.assets is None else str(release.assets)
        size = "?" if release.size is None else readable(release.size)
        yield (name, release.channel, release.id, assets, size, *about)
