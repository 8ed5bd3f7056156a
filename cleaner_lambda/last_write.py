"""The last write of an attempt: what the ledger says after the effects, and whether that is worth a write."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cleaner_lambda.changes import with_tags
from cleaner_lambda.errors import BusyError, CleanerError, UnreadableError
from cleaner_lambda.ledger_store import write_ledger
from cleaner_lambda.next_ledger import after_light
from cleaner_lambda.s3_errors import REQUEST_ERRORS
from release_log.instants import format_instant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cleaner_lambda.changes import Change
    from cleaner_lambda.ledger import Ledger
    from cleaner_lambda.ledger_store import StoredLedger
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.packed_orphans import Adopted
    from cleaner_lambda.port import S3Port
    from cleaner_lambda.report import Report
    from cleaner_lambda.survey import Survey
    from release_log.layout import Layout


def write_last(  # noqa: PLR0913 (as `write_ledger`)
    store: S3Port,
    layout: Layout,
    ledger: Ledger,
    stored: StoredLedger,
    now: datetime,
    changes: Sequence[Change],
    *,
    unfinished: bool,
    adopted: Adopted | None = None,
) -> StoredLedger:
    """Write the ledger; see `write_ledger`.

    Raises:
        ConflictError: Another run has written it; start over.
        CleanerError: S3 refused it.
    """
    try:
        return write_ledger(store, layout, ledger, stored, now, changes, unfinished=unfinished, adopted=adopted)
    except (*REQUEST_ERRORS, BusyError, UnreadableError) as error:
        msg = f"{layout.ledger} could not be written: {error}"
        raise CleanerError(msg) from error


def noted(loaded: Loaded, known: Survey, after: Ledger) -> tuple[Ledger, tuple[Change, ...]]:
    """The ledger that is written, and what a run that read no retired asset notes of them instead."""
    if not loaded.light:
        return after, ()
    ledger = after_light(loaded.ledger, after, known)
    if loaded.group is not None:
        return ledger, ()
    return replace(ledger, retired={}), with_tags(known.history.changes, after.retired)


def is_news(after: Ledger, loaded: Loaded, report: Report) -> bool:
    """Whether a ledger tells more than the stored one: also when the site ends, which people read there."""
    told = loaded.ledger.last_run.get("ends_at")
    return report.adopted > 0 or not (
        after.same_state(loaded.ledger) and (report.ends_at and format_instant(report.ends_at)) == told
    )
