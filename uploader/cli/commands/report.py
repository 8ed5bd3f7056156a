"""``report``: a site at a glance, as a page or as Markdown."""

from __future__ import annotations

from pathlib import Path

import click

from uploader.cli import options as shared
from uploader.cli.command import command
from uploader.errors import EXIT_STATUS

HTML = click.option(
    "--html",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a page into this file; it needs no other file and no network.",
)
MARKDOWN = click.option("--markdown", "as_markdown", is_flag=True, help="Markdown on standard output.")
NEWEST = click.option(
    "--newest",
    default=1000,
    type=click.IntRange(min=1),
    metavar="N",
    show_default=True,
    help="How many of the newest releases are read; of older ones only the time is shown.",
)


@command(epilog=f"{EXIT_STATUS} 1 also if the report names a problem; it is written all the same.")
@shared.takes(*shared.SITE, HTML, MARKDOWN, NEWEST, shared.JSON, *shared.WAY, *shared.LOGS)
def report() -> None:
    """Show a site at a glance: as a page, or as Markdown for a pull request.

    What was published and when, what is retired and when it goes, what takes how much space, what the cleaner did last,
    and what is wrong. It needs the build job's rights, and changes nothing in the bucket.

    \b
    Examples:
      python -m uploader report --bucket my-assets --html site.html
      python -m uploader report --bucket my-assets --markdown >> "$GITHUB_STEP_SUMMARY"
    """
