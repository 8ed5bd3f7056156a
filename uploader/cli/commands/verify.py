"""``verify``: every asset of the current releases is there with the right size, content and headers."""

from __future__ import annotations

import click

from uploader.cli import options as shared
from uploader.cli import suggestions
from uploader.cli.command import command
from uploader.errors import EXIT_STATUS_OF_READING


def _id(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    return None if value is None else shared.check_release_id(context, parameter, value)


@command(epilog=EXIT_STATUS_OF_READING)
@shared.takes(
    *shared.SITE,
    shared.ONLY_CHANNEL,
    click.option(
        "--release",
        "release_id",
        metavar="ID",
        callback=_id,
        shell_complete=suggestions.PUBLISHED_OR_STAGED,
        help="This release, staged and earlier ones included.  [default: the current ones]",
    ),
    shared.JSON,
    *shared.WAY,
    shared.CONCURRENCY_OPTION,
    *shared.LOGS,
)
def verify() -> None:
    """Check that every asset of the current releases exists, with the right size, type and other headers.

    This takes one request an asset. A file without a fingerprint may be another current, staged or pending release's:
    the latest upload decides.

    \b
    Examples:
      python -m uploader verify --bucket my-assets
      python -m uploader verify --bucket my-assets --channel production --json
      python -m uploader verify --bucket my-assets --release 20261123T060500Z-3f9c2ab
    """
