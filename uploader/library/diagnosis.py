"""Checks an installation, as far as one's credentials allow."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from uploader.doctor import bucket_settings, cleaner_function, neighbours, release_log, rights
from uploader.doctor.ask import ask_lambda, ask_s3
from uploader.doctor.finding import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uploader.doctor.finding import Finding
    from uploader.library.site import Site


def diagnose(site: Site, *, function: str | None = None) -> list[Finding]:
    """Check the bucket, the cleaner and one's own credentials; change nothing.

    It needs the build job's rights and no others; a check that they do not allow is `unknown`.

    Args:
        site: The site.
        function: The cleaner's function; None: it is not checked.

    Returns:
        One finding a check, in the order in which one explains the next.

    Raises:
        UploaderError: AWS cannot be reached.
    """
    return list(_findings(site, function))


def _findings(site: Site, function: str | None) -> Iterator[Finding]:
    ask, layout, bucket = ask_s3(site.access), site.layout, site.bucket
    first = bucket_settings.check_bucket(ask, bucket, site.access.region)
    yield first
    if first.state is State.PROBLEM:
        return
    seen = release_log.read_log(ask, layout)
    yield release_log.check_list(ask, seen, layout)
    yield release_log.check_read(ask, seen, layout)
    ledger = seen.ledger is not None or seen.broken is not None or layout.ledger in seen.unread
    yield from rights.check_rights(ask, layout, ledger=ledger)
    yield neighbours.check_neighbours(ask, seen, layout)
    yield bucket_settings.check_event_bridge(ask, bucket, layout.prefix)
    yield bucket_settings.check_versioning(ask, layout.prefix)
    yield bucket_settings.check_lifecycle(ask, layout.prefix)
    yield release_log.check_files(seen, layout)
    yield release_log.check_pages(seen, layout)
    yield release_log.check_keys(seen, [] if seen.unlisted else site.open().odd_keys(layout.prefix))
    yield release_log.check_cleaner(seen, layout)
    cleaner = ask_lambda(site.access, function) if function else None
    yield cleaner_function.check_function(cleaner, bucket, layout.prefix)
    yield release_log.check_clock(seen, datetime.now(UTC))
