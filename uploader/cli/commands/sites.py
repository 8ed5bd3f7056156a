"""``sites``: every site of a bucket, with its current release, its size, its last run and what is due next."""

from __future__ import annotations

import click

from uploader.cli import options as shared
from uploader.cli.command import command
from uploader.errors import EXIT_STATUS_OF_READING


@command(epilog=EXIT_STATUS_OF_READING)
@shared.takes(
    click.argument("patterns", metavar="[PREFIX|PATTERN]...", nargs=-1),
    shared.BUCKET,
    shared.FUNCTION,
    shared.JSON,
    *shared.WAY,
    *shared.LOGS,
)
def sites() -> None:
    """List the sites of a bucket: current releases, their size, the cleaner's last run, and what is due next.

    Without arguments the cleaner's function is asked which sites it cleans. Everything else comes from the release
    logs, as the cleaner's last run saw them.

    \b
    Examples:
      python -m uploader sites --bucket my-assets --function AssetCleaner-Cleaner-1A2B3C
      python -m uploader sites 'previews/*/' --bucket my-assets
      python -m uploader sites 'previews/*/' assets/ --bucket my-assets --json
    """
