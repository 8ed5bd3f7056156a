"""``upload``, the default command: publish a build."""

from __future__ import annotations

import click

from uploader.cli import options as shared
from uploader.cli.command import command


@command(warm=True)
@shared.takes(
    shared.DIRECTORY,
    *shared.SITE,
    shared.CHANNEL_OPTION,
    shared.RELEASE,
    *shared.NAMES,
    click.option(
        "--stage",
        envvar="UPLOADER_STAGE",
        is_flag=True,
        help="Only stage the release: `activate` makes it current, once its roll-out has succeeded.",
    ),
    shared.DRY_RUN,
    shared.JSON,
    *shared.INVALIDATION,
    *shared.ENCRYPTION,
    *shared.WAY,
    shared.CONCURRENCY_OPTION,
    shared.MAX_BANDWIDTH,
    shared.NOTIFY_URL,
    *shared.LOGS,
)
def upload() -> None:
    """Upload the new files of DIRECTORY, then write the release marker.

    \b
    Examples:
      python -m uploader dist --bucket my-assets
      python -m uploader dist --bucket my-assets --channel staging --dry-run
      python -m uploader dist --bucket my-assets --json > release.json
      python -m uploader --env production  # uploader.toml says the rest
      python -m uploader upload dist --bucket my-assets --stage
    """
