"""``end``: a channel, or a whole site, is over, and the cleaner deletes its assets when they are due."""

from __future__ import annotations

import click

from uploader.cli import options as shared
from uploader.cli import suggestions
from uploader.cli.command import command


# Neither option has an environment variable, and no file sets one: a job's own channel must not be ended by mistake.
@command()
@shared.takes(
    *shared.SITE,
    click.option(
        "--channel",
        "ended_channel",
        metavar="NAME",
        callback=shared.check_channel,
        shell_complete=suggestions.channels,
        help="The channel that is over.",
    ),
    click.option("--site", "whole_site", is_flag=True, help="All channels; at last the release log goes too."),
    click.option("--dry-run", envvar="UPLOADER_DRY_RUN", is_flag=True, help="Show what would be done; write nothing."),
    shared.JSON,
    *shared.INVALIDATION,
    *shared.ENCRYPTION,
    *shared.WAY,
    *shared.LOGS,
)
def end() -> None:
    """End a channel, such as a preview's, or a whole site.

    None of its releases is current any more, and its staged releases are dropped. The cleaner deletes each asset that
    no other channel needs after removed_ttl (2 days by default), and keeps those of pinned releases. Until then a
    rollback brings the channel back, and a new release always does. Doing it twice is fine.

    \b
    Examples:
      python -m uploader end --channel pr-12 --bucket my-assets
      python -m uploader end --channel pr-12 --bucket my-assets --dry-run
      python -m uploader end --site --prefix previews/pr-12/ --bucket my-assets
    """
