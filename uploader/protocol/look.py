"""The look at the site under an intent: what it finds stays, because no cleaner is about to delete it.

The uploader writes its flag (the intent) and then reads the cleaner's (the ledger's ``deleting``); the cleaner writes
its flag and then reads ours. So at least one of two that overlap sees the other.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from release_log.errors import LedgerError
from release_log.ledger_file import HOLDS, read_deleting
from uploader.s3.port import Look

if TYPE_CHECKING:
    from datetime import datetime

    from release_log.layout import Layout
    from uploader.clocks import Clocks
    from uploader.protocol.held import Intent
    from uploader.s3.port import Blob, BucketPort

POLL_SECONDS = 5
"""How often the ledger is read while the cleaner deletes."""

MARGIN = timedelta(seconds=5)
"""S3 is many machines: how far the ``LastModified`` of two objects may be from the order in which they were written."""

log = logging.getLogger("uploader")


class Announced(NamedTuple):
    """Deletions that a ledger announces, and that concern us.

    Attributes:
        doing: What the cleaner does, for people.
        until: When that is surely over, by S3's clock.
        ours: Whether our own files in the release log are to go.
    """

    doing: str
    until: datetime
    ours: bool = False


def look_around(bucket: BucketPort, layout: Layout, held: Intent, keys: frozenset[str], clocks: Clocks) -> Look | None:
    """Look at the site; if a cleaner may be about to delete what is needed, wait until it is done, and look again.

    The listing may be older than our intent, and than what the ledger says: a cleaner that did not see the intent may
    have deleted what is listed, and have said in the ledger that it is done, before that was read. But then the ledger
    was written after the listing began. So unless it is surely older than that, what there is is listed again.

    Returns:
        None if the intent protects nothing: it is gone, or about to be removed as an expired file of this very id.
    """
    look = bucket.look(layout, keys)
    ledger, written = look.ledger, look.listing.log.get(layout.pending_key(held.id))
    if ledger is None:
        return look
    if written is None:
        return None
    announced = _announced(ledger, layout, held, keys)
    ahead = timedelta(seconds=max(0.0, held.created - look.began))
    if announced is None and ledger.last_modified + MARGIN + ahead < written:
        return look
    reported = False
    while announced is not None:
        if announced.ours:
            return None
        # S3's clock when our intent was written, and what has passed since: never later than S3's clock is now.
        if written + timedelta(seconds=clocks.passed() - held.created) >= announced.until:
            break
        if not reported:
            log.info("waiting: the cleaner %s; until %s UTC at most", announced.doing, f"{announced.until:%H:%M:%S}")
            reported = True
        clocks.sleep(POLL_SECONDS)
        ledger = bucket.get(layout.ledger)
        announced = None if ledger is None else _announced(ledger, layout, held, keys)
    began = clocks.passed()
    return Look(bucket.listing(layout.prefix, keys), began, ledger, {})


def _announced(ledger: Blob, layout: Layout, held: Intent, keys: frozenset[str]) -> Announced | None:
    """What a ledger announces that concerns this release; a ledger that cannot be read may announce anything."""
    try:
        deleting = read_deleting(ledger.body)
    except LedgerError as error:
        log.debug("%s", error)
        doing = "may be deleting assets of this release (its ledger cannot be read)"
        return Announced(doing, ledger.last_modified + HOLDS)
    ours = {layout.pending_key(held.id), layout.staged_key(held.id), layout.marker_key(held.id)}
    if deleting is None or deleting.keys.isdisjoint(keys | ours):
        return None
    until = deleting.until(ledger.last_modified)
    return Announced("is deleting assets of this release", until, ours=not deleting.keys.isdisjoint(ours))
