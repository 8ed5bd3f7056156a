"""``doctor``: what is wrong with an installation, as far as these credentials can see, and what to do about it."""

from __future__ import annotations

from uploader.cli import options as shared
from uploader.cli.command import command
from uploader.errors import EXIT_STATUS


@command(epilog=f"{EXIT_STATUS} 1 also if there is a problem; warnings, and what is unknown, are none.")
@shared.takes(*shared.SITE, shared.FUNCTION, shared.JSON, *shared.WAY, *shared.LOGS)
def doctor() -> None:
    """Look for what is wrong with the bucket, the cleaner and these credentials; change nothing.

    It needs no more rights than the build job has: what they do not show is `unknown`. What may be written and deleted
    is tried by requests that S3 must refuse.

    \b
    Examples:
      python -m uploader doctor --bucket my-assets
      python -m uploader doctor --bucket my-assets --function AssetCleaner-Cleaner-1A2B3C --json
    """
