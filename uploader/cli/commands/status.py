"""``status``: what is current, what is retired and when it goes, and what the cleaner did last."""

from __future__ import annotations

import click

from uploader.cli import options as shared
from uploader.cli.command import command
from uploader.errors import EXIT_STATUS_OF_READING


@command(epilog=EXIT_STATUS_OF_READING)
@shared.takes(
    *shared.SITE,
    click.option("--all", "show_all", is_flag=True, help="Show every retired asset, and not only the next twenty."),
    shared.JSON,
    *shared.WAY,
    *shared.LOGS,
)
def status() -> None:
    """Show what is current in each channel, what is retired and when it goes, and what the cleaner did last.

    Of the retired assets it shows the twenty that go next. Everything shown comes from the release log. The times are
    S3's. An asset goes at its due time at the earliest, and only if no release names it again before then.

    \b
    Examples:
      python -m uploader status --bucket my-assets
      python -m uploader status --bucket my-assets --all
      python -m uploader status --bucket my-assets --json | jq '.retired[] | select(.due != null) | .key'
    """
