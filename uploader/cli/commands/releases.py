"""``releases``: what was published, when, from which commit, and whether it is still whole."""

from __future__ import annotations

import click

from uploader.cli import options as shared
from uploader.cli.command import command
from uploader.errors import EXIT_STATUS_OF_READING


@command(epilog=EXIT_STATUS_OF_READING)
@shared.takes(
    *shared.SITE,
    shared.ONLY_CHANNEL,
    click.option(
        "--limit",
        default=20,
        type=click.IntRange(min=1),
        metavar="N",
        show_default=True,
        help="How many releases are shown.",
    ),
    shared.JSON,
    *shared.WAY,
    *shared.LOGS,
)
def releases() -> None:
    """List the published releases, newest first.

    For each release: when it was published, from which commit, how much it holds, and whether all of it still exists.
    The newest release of a channel is its current one.

    \b
    Examples:
      python -m uploader releases --bucket my-assets
      python -m uploader releases --bucket my-assets --channel production --limit 5 --json
    """
