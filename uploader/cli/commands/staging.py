"""``activate`` and ``drop``: what becomes of a staged release, from a job of its own."""

from __future__ import annotations

import re

import click

from uploader.cli import options as shared
from uploader.cli.command import command
from uploader.library.defaults import DIGEST_LENGTH


def _digest(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is None or re.fullmatch(rf"[0-9a-f]{{{DIGEST_LENGTH}}}", value):
        return value
    msg = f"{value!r} is not a digest as `upload --stage` prints it: {DIGEST_LENGTH} hexadecimal digits"
    raise click.BadParameter(msg)


DIGEST = click.option(
    "--digest",
    metavar="DIGEST",
    callback=_digest,
    help="The digest that `upload --stage` printed: refuse a staged release that was replaced since.",
)


@command()
@shared.takes(
    shared.ID,
    *shared.SITE,
    DIGEST,
    shared.JSON,
    *shared.INVALIDATION,
    *shared.ENCRYPTION,
    *shared.WAY,
    *shared.LOGS,
)
def activate() -> None:
    """Make the staged release ID current, once its roll-out has succeeded.

    All of its assets must exist. Doing it twice is fine.

    \b
    Example:
      python -m uploader activate 20261123T060500Z-3f9c2ab --bucket my-assets
    """


@command()
@shared.takes(shared.ID, *shared.SITE, DIGEST, shared.JSON, *shared.WAY, *shared.LOGS)
def drop() -> None:
    """Give up the staged release ID, because its roll-out has failed.

    The current release is unchanged. The cleaner removes the assets that no other release needs.

    \b
    Example:
      python -m uploader drop 20261123T060500Z-3f9c2ab --bucket my-assets
    """
