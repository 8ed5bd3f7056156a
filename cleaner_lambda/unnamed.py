"""Find the files of the ledger that nobody needs any more: neither the head names them nor the checkpoint."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from cleaner_lambda.errors import UnreadableError
from cleaner_lambda.head import decode_head
from release_log.bounds import LEDGER_FILES
from release_log.errors import LedgerError
from release_log.ledger_file import FORMAT, READABLE, unpack

if TYPE_CHECKING:
    from datetime import datetime

    from cleaner_lambda.ledger_store import StoredLedger
    from cleaner_lambda.port import S3Port
    from release_log.layout import Layout


def unnamed_files(
    store: S3Port, layout: Layout, stored: StoredLedger, now: datetime
) -> tuple[frozenset[str], StoredLedger]:
    """Find them, once a day.

    Returns:
        Their keys, and the ledger that notes which ones may go a day from now.
    """
    if stored.head is None or not stored.head.unnamed.is_over(now):
        return frozenset(), stored
    first = islice(store.list(layout.ledger_files), LEDGER_FILES)
    listed = [each.key.removeprefix(layout.ledger_files) for each in first]
    try:
        named = stored.head.index.names | _named_by_checkpoint(store, layout)
    except (LedgerError, UnreadableError):
        return frozenset(), stored  # it may name any of them
    gone, unnamed = stored.head.unnamed.next(listed, named, now)
    return frozenset(map(layout.ledger_file, gone)), stored._replace(head=replace(stored.head, unnamed=unnamed))


def _named_by_checkpoint(store: S3Port, layout: Layout) -> frozenset[str]:
    blob = store.get(layout.checkpoint)
    document = None if blob is None else unpack(blob.body, READABLE)
    return frozenset() if document is None or document["format"] == FORMAT else decode_head(document).index.names
