"""The checkpoint: what the markers up to the ledger's cut said, before any of them is deleted.

Only a rebuild of the ledger reads it. A run that has read all retired assets writes those that a rebuild cannot date
otherwise into this one file. A run that has not copies the head: then the checkpoint names the files that the head
named at that moment, and these stay as long as it does (`cleaner_lambda.unnamed`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cleaner_lambda import head
from cleaner_lambda import ledger_document as ledgers
from cleaner_lambda.errors import BusyError, TooOldError, UnreadableError
from cleaner_lambda.head import Head
from cleaner_lambda.ledger import Ledger
from cleaner_lambda.ledger_files import read_all
from cleaner_lambda.ledger_store import StoredLedger, decode
from cleaner_lambda.pruning import checkpoint
from cleaner_lambda.rebuilding import Rebuilding
from cleaner_lambda.s3_errors import BUSY, REQUEST_ERRORS, code_of
from release_log.errors import FullError, LedgerError, NewerLedgerError
from release_log.ledger_file import HEAD_FORMAT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from cleaner_lambda.ledger import Retired
    from cleaner_lambda.port import S3Port
    from release_log.layout import Layout


def content_at(cut: tuple[datetime, str], stored: StoredLedger, seen: Ledger, retired: Mapping[str, Retired]) -> bytes:
    """The content of the checkpoint at a cut.

    Args:
        cut: The cut.
        stored: The ledger as it is stored.
        seen: What the ledger says of the markers, before any of them is deleted.
        retired: Key -> every retired asset, if the run has read them.

    Raises:
        FullError: They are more than one file has room for.
    """
    if stored.head is None or not stored.light:
        return ledgers.encode(checkpoint(seen, retired, cut))
    # What this run folds in itself is newer than the cut, and in none of the files that it copies.
    return head.encode(Head(checkpoint(stored.ledger, {}, cut), stored.head.index))


def write_checkpoint(store: S3Port, layout: Layout, content: Callable[[], bytes]) -> str | None:
    """Replace the checkpoint by what `content_at` gives.

    The write may be executed late. Then another checkpoint is there, and it does nothing; or no newer cut was made, so
    that the markers after this one are still there. The files that it names were named a moment ago, so they are too.

    Returns:
        Why it could not be written; then no marker may be deleted. The run does all its other work.

    Raises:
        ConflictError: Another run wrote it; start over.
    """
    try:
        stored = store.get(layout.checkpoint)
        store.put_if(layout.checkpoint, content(), None if stored is None else stored.etag)
    except REQUEST_ERRORS as error:
        return f"{code_of(error)}: {error}"
    except BusyError as error:
        return f"{BUSY}: {error}"
    except (UnreadableError, FullError) as error:
        return str(error)
    return None


def begin_rebuild(  # noqa: PLR0913 (as what a run knows of it)
    store: S3Port,
    layout: Layout,
    etag: str | None,
    writes: int,
    now: datetime,
    *,
    whole: bool,
    in_groups: bool = False,
) -> StoredLedger:
    """With what a rebuild of the ledger begins.

    If the checkpoint is a head, that is its content as it is: none of the files that it names is read. The ledger is a
    head at once then, and notes when. If an older version's run, which takes it for a broken ledger, writes over it,
    nothing is lost: until none can run any more, no head announces a deletion.

    Args:
        store: The site's bucket.
        layout: The site.
        etag: The ETag of the ledger that cannot be read; None if there is none.
        writes: The format that the run writes.
        now: The instant for which the run decides.
        whole: Whether to read all retired assets in any case.
        in_groups: Whether to begin so with no checkpoint too.

    Raises:
        UnreadableError: There is a checkpoint, and it cannot be read, or a file that it names: nobody knows when the
            oldest assets retired.
    """
    blob = store.get(layout.checkpoint)
    # What this run writes before it is done must not look like a whole ledger to another run.
    if blob is None:
        if in_groups and not whole:
            ledger = Ledger(tags_read_to="", rebuilding=Rebuilding(), upgrading=now)
            return StoredLedger(ledger, etag, Head(ledger), light=True, writes=writes)
        return StoredLedger(Ledger(tags_read_to=""), etag, writes=writes)
    try:
        found = decode(blob.body)
        if isinstance(found, Head) and writes == HEAD_FORMAT and not whole:
            ledger = replace(found.ledger, tags_read_to="", rebuilding=Rebuilding(), upgrading=now)
            return StoredLedger(ledger, etag, Head(ledger, found.index), light=True, writes=writes)
        ledger = _whole(store, layout, found)
    except NewerLedgerError as error:
        raise TooOldError(layout.checkpoint, error) from error
    except LedgerError as error:
        raise UnreadableError(layout.checkpoint, str(error), "find out what wrote it") from error
    return StoredLedger(with_unread_tags(replace(ledger, tags_read_to="")), etag, writes=writes)


def with_unread_tags(ledger: Ledger) -> Ledger:
    """The ledger without what it says of tags: they may have changed since, and a rebuild reads them."""
    retired = {key: replace(entry, tagged=None, due=None, kept_by=None) for key, entry in ledger.retired.items()}
    return replace(ledger, retired=retired)


def _whole(store: S3Port, layout: Layout, found: Ledger | Head) -> Ledger:
    if not isinstance(found, Head):
        return found
    return replace(found.ledger, retired=read_all(store, layout, found.index))
