"""Remove the last files of the release log of a site that has ended: the checkpoint, and then the ledger."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cleaner_lambda.errors import UnreadableError
from cleaner_lambda.nesting import is_empty
from cleaner_lambda.outcome import Outcome
from cleaner_lambda.pace import batches
from cleaner_lambda.plan import Plan
from cleaner_lambda.port import DELETE_BATCH
from cleaner_lambda.report import Report
from release_log.bounds import LEDGER_FILES

if TYPE_CHECKING:
    from cleaner_lambda.job import Job
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.port import S3Port
    from release_log.layout import Layout

REFUSED = ("AccessDenied", "NotImplemented", "InvalidArgument")
"""S3's codes where a ledger cannot be deleted under a condition: an older role, or a server that does not know it."""


def close_log(store: S3Port, layout: Layout, loaded: Loaded, job: Job, pace: Pace) -> Report | None:
    """Delete the checkpoint and the ledger, if they are as they were read and no asset is left.

    `cleaner_lambda.ending.is_over` says when. An upload to the site may have died since its markers went. Then its
    assets and stored pages are orphans, and there is work to do.

    The condition is for a request that arrives late: it must not take the ledger of a site that has come back. Where
    such a deletion is not to be had, the ledger stays, and does no harm.

    Returns:
        The report; None if an asset or a stored page is left.
    """
    if not is_empty(store, layout, job.inner, pace):
        return None
    failed: dict[str, str] = {}
    try:
        checkpoint = store.get(layout.checkpoint)
        gone = (
            (checkpoint is None or store.delete_if(layout.checkpoint, checkpoint.etag))
            and _delete_files(store, layout, loaded)
            and store.delete_if(layout.ledger, loaded.base.etag or "")
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in REFUSED:
            raise
        gone = False
    except UnreadableError as error:  # only its ETag is of interest, but nobody gives it out
        gone, failed = False, {layout.checkpoint: str(error)}
    return Report(
        dry_run=job.dry_run,
        site=layout.prefix,
        at=loaded.now,
        current={},
        plan=Plan((), (), (), (), (), (), None),
        outcome=Outcome(pruned={layout.ledger} if gone else set(), failed=failed),
        missing=None,
        orphans=None,
        next_due=None,
    )


def _delete_files(store: S3Port, layout: Layout, loaded: Loaded) -> bool:
    """Delete the files that heads have named; False if some are left.

    A younger one may be another run's, of a site that is coming back.
    """
    files = list(islice(store.list(layout.ledger_files), LEDGER_FILES))
    old = [each.key for each in files if loaded.base.written is not None and each.last_modified <= loaded.base.written]
    if len(old) < len(files) or any(store.delete(batch) for batch in batches(old, DELETE_BATCH)):
        return False
    return len(files) < LEDGER_FILES
