"""The look at the site under an intent: the assets that it finds stay, because no cleaner is about to delete them.

The uploader writes its flag (the intent), and then reads the cleaner's flag (the ledger's ``deleting``). The cleaner
writes its flag, and then reads ours. So if the two overlap, at least one of them sees the other. The same holds for the
cleaners of the sites around this one, and of those inside it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from uploader.protocol.announcements import S3Clock, others, own, wait_for
from uploader.s3.port import Look, inner_of
from uploader.tracing import traced

if TYPE_CHECKING:
    from release_log.layout import Layout
    from uploader.clocks import Clocks
    from uploader.protocol.held import Intent
    from uploader.s3.port import BucketPort

MARGIN = timedelta(seconds=5)
"""S3 is many machines: by how much the ``LastModified`` of two objects may contradict the order of their PUTs."""

MOST_AHEAD = timedelta(seconds=60)
"""By how much a listing may be older than the intent. It does not show a site inside this one that began after it."""


@traced("list")
def look_around(bucket: BucketPort, layout: Layout, held: Intent, keys: frozenset[str], clocks: Clocks) -> Look | None:
    """Look at the site. If a cleaner may be about to delete our keys, wait until it has finished, and look again.

    The listing may be older than our intent and than the ledgers. A cleaner that did not see the intent may have
    deleted listed assets, and have noted in its ledger that it has finished, before we read that ledger. But then it
    wrote the ledger after the listing began. So unless every ledger is certainly older than the listing, the site is
    listed again.

    Returns:
        The look; None if the intent protects nothing, because it is gone, or because the cleaner is about to remove it
        as an expired file of the same id.

    Raises:
        UploaderError: The site's cleaner is newer than this uploader, which cannot read what it announces.
    """
    look = bucket.look(layout, keys)
    # Somebody may have copied our intent onto itself since its PUT. So S3's clock is known from this answer only.
    looked = clocks.passed()
    written = look.listing.log.get(layout.pending_key(held.id))
    ledgers = others(bucket, look.neighbours)
    if look.ledger is not None:
        ledgers.insert(0, own(bucket, layout.ledger, look.ledger))
    if written is None:
        return None if ledgers else look
    held.clock = clock = S3Clock(written, looked, clocks)
    ours = frozenset({layout.pending_key(held.id), layout.staged_key(held.id), layout.marker_key(held.id)})
    while True:
        began = clock.at(look.began)
        again = look.began < held.began and began + MOST_AHEAD < written
        for ledger in ledgers:
            heard = wait_for(ledger, keys, ours, clock)
            if heard.ours:
                return None
            if ledger.blob is look.ledger:
                look = look._replace(instants=heard.instants)
            again |= heard.waited or ledger.blob.last_modified + MARGIN >= began
        if not again:
            return look
        # What these cleaners announce from now on is not our concern: their second looks find our intent.
        began_again = clocks.passed()
        listing = bucket.listing(layout, keys)
        seen = {each.prefix for each in look.neighbours}
        found = bucket.neighbours([prefix for prefix in inner_of(layout, listing, keys) if prefix not in seen])
        look = look._replace(listing=listing, began=began_again, metadata={}, neighbours=(*look.neighbours, *found))
        ledgers = others(bucket, found)
        if not ledgers:
            return look
