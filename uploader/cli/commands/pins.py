"""``pin`` and ``unpin``: keep the assets of a release until further notice."""

from __future__ import annotations

from uploader.cli import options as shared
from uploader.cli import suggestions
from uploader.cli.command import command


@command()
@shared.takes(
    shared.release_argument(suggestions.PUBLISHED_OR_STAGED),
    *shared.SITE,
    shared.JSON,
    *shared.ENCRYPTION,
    *shared.WAY,
    *shared.LOGS,
)
def pin() -> None:
    """Keep all assets of RELEASE, an id or a name, until it is unpinned: for a native app, a widget, a long trial.

    All of them must exist; if some are gone, they are listed, and nothing is changed. The release can also be an
    earlier one or a staged one. Doing it twice is fine.

    \b
    Examples:
      python -m uploader pin 20261123T060500Z-3f9c2ab --bucket my-assets
      python -m uploader pin 3f9c2ab --bucket my-assets
    """


@command()
@shared.takes(shared.release_argument(suggestions.PINNED), *shared.SITE, shared.JSON, *shared.WAY, *shared.LOGS)
def unpin() -> None:
    """Unpin RELEASE, an id or a name: its assets go when they are due, like all others.

    An operator's command: besides what an upload needs it takes s3:DeleteObject on the pins.

    \b
    Example:
      python -m uploader unpin 20261123T060500Z-3f9c2ab --bucket my-assets
    """
