"""The look at the site under an intent: the assets that it finds stay, because no cleaner is about to delete them.

The uploader writes its flag (the intent), and then reads the cleaner's flag (the ledger's ``deleting``). The cleaner
writes its flag, and then reads ours. So if the two overlap, at least one of them sees the other.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from release_log.errors import LedgerError
from release_log.ledger_file import HOLDS, read_head
from uploader.s3.port import Look

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from release_log.layout import Layout
    from uploader.clocks import Clocks
    from uploader.protocol.held import Intent
    from uploader.s3.port import Blob, BucketPort

POLL_SECONDS = 5
"""How often the ledger is read while the cleaner deletes."""

MARGIN = timedelta(seconds=5)
"""S3 is many machines: by how much the ``LastModified`` of two objects may contradict the order of their PUTs."""

log = logging.getLogger("uploader")


class Announced(NamedTuple):
    """Deletions that the ledger announces, and that concern this release.

    Attributes:
        doing: What the cleaner does, for people.
        until: When the deletions are certainly over, by S3's clock.
        ours: Whether the cleaner deletes our own files of the release log.
    """

    doing: str
    until: datetime
    ours: bool = False


def look_around(bucket: BucketPort, layout: Layout, held: Intent, keys: frozenset[str], clocks: Clocks) -> Look | None:
    """Look at the site. If a cleaner may be about to delete our keys, wait until it has finished, and look again.

    The listing may be older than our intent and than the ledger. A cleaner that did not see the intent may have deleted
    listed assets, and have noted in the ledger that it has finished, before we read the ledger. But then it wrote the
    ledger after the listing began. So unless the ledger is certainly older than the listing, the site is listed again.

    Returns:
        The look; None if the intent protects nothing, because it is gone, or because the cleaner is about to remove it
        as an expired file of the same id.
    """
    look = bucket.look(layout, keys)
    # Somebody may have copied our intent onto itself since its PUT. So S3's clock is known from this answer only.
    looked = clocks.passed()
    ledger, written = look.ledger, look.listing.log.get(layout.pending_key(held.id))
    if ledger is None:
        return look
    if written is None:
        return None
    announced, instants = _announced(ledger, layout, held, keys)
    ahead = timedelta(seconds=looked - look.began)
    if announced is None and ledger.last_modified + MARGIN + ahead < written:
        return look._replace(instants=instants)
    reported = False
    while announced is not None:
        if announced.ours:
            return None
        # A lower bound of S3's clock: the time at which our intent was written, plus the time since it was listed.
        if written + timedelta(seconds=clocks.passed() - looked) >= announced.until:
            break
        if not reported:
            log.info("waiting: the cleaner %s; until %s UTC at most", announced.doing, f"{announced.until:%H:%M:%S}")
            reported = True
        clocks.sleep(POLL_SECONDS)
        ledger = bucket.get(layout.ledger)
        announced, instants = (None, instants) if ledger is None else _announced(ledger, layout, held, keys)
    began = clocks.passed()
    return Look(bucket.listing(layout.prefix, keys), began, ledger, {}, instants)


def _announced(
    ledger: Blob, layout: Layout, held: Intent, keys: frozenset[str]
) -> tuple[Announced | None, Mapping[str, datetime]]:
    """The announced deletions that concern this release. A ledger that cannot be read may announce any deletion."""
    try:
        deleting, instants = read_head(ledger.body)
    except LedgerError as error:
        log.debug("%s", error)
        doing = "may be deleting assets of this release (its ledger cannot be read)"
        return Announced(doing, ledger.last_modified + HOLDS), {}
    ours = {layout.pending_key(held.id), layout.staged_key(held.id), layout.marker_key(held.id)}
    if deleting is None or deleting.keys.isdisjoint(keys | ours):
        return None, instants
    until = deleting.until(ledger.last_modified)
    doing = "is deleting assets of this release"
    return Announced(doing, until, ours=not deleting.keys.isdisjoint(ours)), instants
