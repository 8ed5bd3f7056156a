"""``activate`` and ``drop``: what becomes of a staged release, from a job of its own."""

from __future__ import annotations

from uploader.cli import options as shared
from uploader.cli.command import command


@command()
@shared.takes(shared.ID, *shared.SITE, shared.JSON, *shared.ENCRYPTION, *shared.WAY, *shared.LOGS)
def activate() -> None:
    """Make the staged release ID current, once its roll-out has succeeded.

    All of its assets must exist. Doing it twice is fine.

    \b
    Example:
      python -m uploader activate 20261123T060500Z-3f9c2ab --bucket my-assets
    """


@command()
@shared.takes(shared.ID, *shared.SITE, shared.JSON, *shared.WAY, *shared.LOGS)
def drop() -> None:
    """Give up the staged release ID, because its roll-out has failed.

    The current release is unchanged. The cleaner removes the assets that no other release needs.

    \b
    Example:
      python -m uploader drop 20261123T060500Z-3f9c2ab --bucket my-assets
    """
