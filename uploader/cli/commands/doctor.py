"""``doctor``: what is wrong with an installation, as far as these credentials can see, and what to do about it."""

from __future__ import annotations

from uploader.cli import options as shared
from uploader.cli.command import command
from uploader.errors import EXIT_STATUS


@command(epilog=f"{EXIT_STATUS} 1 also if there is a problem; warnings, and what is unknown, are none.")
@shared.takes(*shared.SITE, shared.FUNCTION, shared.JSON, *shared.WAY, *shared.LOGS)
def doctor() -> None:
    """Look for what is wrong with the bucket, the cleaner and these credentials; change nothing.

    It needs the build job's rights and no others; a check that they do not allow is `unknown`. To find out which keys
    these credentials may write and delete, it sends requests that S3 must refuse.

    \b
    Examples:
      python -m uploader doctor --bucket my-assets
      python -m uploader doctor --bucket my-assets --function AssetCleaner-Cleaner-1A2B3C --json
    """
