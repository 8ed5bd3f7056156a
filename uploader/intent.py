"""The intent: from the moment it is there, and no cleaner is at work on its keys, nobody deletes what it names.

The uploader writes its flag (the intent) and then reads the cleaner's (the ledger's ``deleting``); the cleaner writes
its flag and then reads ours. So at least one of two that overlap sees the other.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from release_log.errors import LedgerError
from release_log.layout import make_id
from release_log.ledger_file import HOLDS, read_deleting
from release_log.settings import HALF_PENDING_TTL
from uploader.errors import StoppedError, UploaderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from release_log.layout import Layout
    from uploader.clocks import Clocks
    from uploader.store import Blob, BucketPort, Listing

TRIES = 5
"""How many ids are tried when others publish under the same name in the same second."""

POLL_SECONDS = 5
"""How often the ledger is read while the cleaner deletes."""

log = logging.getLogger("uploader")


@dataclass(slots=True)
class Intent:
    """An intent that is in the bucket.

    Attributes:
        id: The release's id.
        at: The instant in its id, by the build machine's clock.
        body: What it says.
        began: When it was begun to be written, by the clock of its age.
        created: When it was surely there, by the same clock.
        keep: Leave it in the bucket to expire: whether the marker was written is not known.
        written: Key of the marker, or of the staged release, once it is surely there.
    """

    id: str
    at: datetime
    body: bytes
    began: float
    created: float = 0.0
    keep: bool = False
    written: str | None = None

    def is_too_old(self, clocks: Clocks) -> bool:
        """Whether it may expire before the marker is there; then everything has to be checked again under another."""
        return clocks.passed() - self.began > HALF_PENDING_TTL

    def is_taken(self, layout: Layout, listing: Listing) -> bool:
        """Whether another release has this id already: one that began within the same second."""
        return not listing.log.keys().isdisjoint({layout.marker_key(self.id), layout.staged_key(self.id)})

    def wait_for_its_turn(self, layout: Layout, listing: Listing, clocks: Clocks) -> None:
        """Wait until S3's clock is past the second of every marker that is there.

        Markers of one second are ordered by their ids, which are named by build machines' clocks: a release that came
        first could pass for the newer one.
        """
        own = listing.log.get(layout.pending_key(self.id))
        newest = max((at for key, at in listing.log.items() if key.startswith(layout.markers)), default=None)
        if own is not None and newest is not None:
            # S3's clock is at least what it was when our intent was written, and what has passed since.
            left = newest + timedelta(seconds=1) - own - timedelta(seconds=clocks.passed() - self.created)
            if left > timedelta():
                clocks.sleep(left.total_seconds())

    def write(self, bucket: BucketPort, key: str, body: bytes) -> bool:
        """Write the marker, or the staged release; False if another's has this key.

        Until S3 answers, nobody knows whether it is there. If the answer never comes, what it names has to be kept.

        Raises:
            UploaderError: S3 refused, or did not answer.
        """
        unknown = f"whether {key} was written is not known"
        self.keep = True
        try:
            written = bucket.create(key, body)
        except KeyboardInterrupt as error:
            msg = f"{unknown}; run again to finish"
            raise StoppedError(msg) from error
        except UploaderError as error:
            msg = f"{error}; {unknown}"
            raise UploaderError(msg) from error
        self.keep = False
        if written:
            self.written = key
        return written


@contextmanager
def intent(
    bucket: BucketPort,
    layout: Layout,
    name: str,
    body: Callable[[datetime], bytes],
    keys: frozenset[str],
    clocks: Clocks,
) -> Iterator[Intent]:
    """Hold an intent that no cleaner overlooks; on the way out it is withdrawn.

    Args:
        bucket: The site's bucket.
        layout: The site.
        name: The release's name.
        body: The intent's content, from the instant in its id.
        keys: Every key that it names.
        clocks: See `Clocks`.

    Raises:
        UploaderError: S3 refused.
    """
    for _ in range(TRIES):
        began, at = clocks.passed(), clocks.wall()
        held = Intent(make_id(at, name), at, body(at), began)
        # If this fails nobody knows whose intent is there, if any: one that is left behind expires.
        if bucket.create(layout.pending_key(held.id), held.body):
            held.created = clocks.passed()
            try:
                try:
                    if _wait_for_cleaner(bucket, layout, held, keys, clocks):
                        yield held
                        return
                finally:
                    if not held.keep:
                        withdraw(bucket, layout.pending_key(held.id))
            except KeyboardInterrupt as error:
                if held.written is None:
                    raise
                msg = f"too late: {held.written} is written, and nothing is left to do"
                raise StoppedError(msg, done=True) from error
        clocks.sleep(1)
    msg = f"release {name!r} is being published by others, {TRIES} times in a row: run again"
    raise UploaderError(msg)


def _wait_for_cleaner(bucket: BucketPort, layout: Layout, held: Intent, keys: frozenset[str], clocks: Clocks) -> bool:
    """Wait until no cleaner is about to delete one of these keys.

    Returns:
        False if one is about to remove an expired file of the release log with this very id: take another.
    """
    ours = {layout.pending_key(held.id), layout.staged_key(held.id), layout.marker_key(held.id)}
    s3_time: datetime | None = None
    told = False
    while True:
        ledger = bucket.get(layout.ledger)
        found = None if ledger is None else _announced(ledger)
        if found is None:
            return True
        announced, until = found
        if announced is not None and announced & ours:
            return False
        if announced is not None and not announced & keys:
            return True
        if s3_time is None:
            blob = bucket.get(layout.pending_key(held.id))
            if blob is None:
                return False
            s3_time = blob.last_modified
        # S3's clock when our intent was written, and what has passed since: never later than S3's clock is now.
        if s3_time + timedelta(seconds=clocks.passed() - held.created) >= until:
            return True
        if not told:
            doing = "is deleting" if announced else "may be deleting (its ledger cannot be read)"
            log.info("waiting: the cleaner %s assets of this release; until %s UTC at most", doing, f"{until:%H:%M:%S}")
            told = True
        clocks.sleep(POLL_SECONDS)


def _announced(ledger: Blob) -> tuple[frozenset[str] | None, datetime] | None:
    """Which keys a ledger announces to be deleted, and until when; None for the keys if that cannot be told.

    A ledger that cannot be read may announce anything.
    """
    try:
        deleting = read_deleting(ledger.body)
    except LedgerError as error:
        log.debug("%s", error)
        return None, ledger.last_modified + HOLDS
    return None if deleting is None else (deleting.keys, deleting.until(ledger.last_modified))


def name_of(release_id: str) -> str:
    """The name in an id. What the marker calls the release may be any text, if another tool wrote it."""
    return release_id.partition("-")[2]


def withdraw(bucket: BucketPort, key: str) -> None:
    """Remove an intent or a staged release.

    Left behind it only keeps its assets until it expires, so a failure here is no failure.
    """
    try:
        bucket.withdraw(key)
    except UploaderError as error:
        log.warning("%s stays until it expires: %s", key, error)
