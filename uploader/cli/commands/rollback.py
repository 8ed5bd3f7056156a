"""``rollback``: an old release is current again, without a build."""

from __future__ import annotations

import click

from uploader.cli import options as shared
from uploader.cli import suggestions
from uploader.cli.command import command


@command()
@shared.takes(
    shared.release_argument(required=False),
    *shared.SITE,
    click.option(
        "--channel",
        envvar="UPLOADER_CHANNEL",
        callback=shared.check_channel,
        shell_complete=suggestions.channels,
        help=shared.CHANNEL_HELP,
    ),
    click.option("--previous", is_flag=True, help="The release before the current one, instead of a RELEASE."),
    click.option("--dry-run", envvar="UPLOADER_DRY_RUN", is_flag=True, help="Show what would be done; write nothing."),
    shared.JSON,
    *shared.INVALIDATION,
    *shared.ENCRYPTION,
    *shared.WAY,
    shared.NOTIFY_URL,
    *shared.LOGS,
)
def rollback() -> None:
    """Make RELEASE, an id or a name, current again: without a build, and without sending anything.

    All of its assets must still exist; if some are gone, they are listed, and nothing is changed. Its pages, such as
    index.html, are put in place again. Without --channel the release becomes current in its own channel, and --previous
    looks at the channel `default`. --previous twice goes there and back.

    \b
    Examples:
      python -m uploader rollback 20261123T060500Z-3f9c2ab --bucket my-assets
      python -m uploader rollback 3f9c2ab --bucket my-assets --dry-run
      python -m uploader rollback --previous --channel production --bucket my-assets
    """
