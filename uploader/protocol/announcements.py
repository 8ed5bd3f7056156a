"""What cleaners announce in their ledgers: an upload waits for the deletions that concern it.

Only the ledger as it is after our intent was written matters: the second look of every later announcement finds the
intent.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from release_log.errors import LedgerError, NewerLedgerError
from release_log.ledger_file import HOLDS, SKEW, read_head
from uploader.errors import UploaderError
from uploader.history.neighbours import name_of_site

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from uploader.clocks import Clocks
    from uploader.s3.port import Blob, Neighbour, ReaderPort

POLL_SECONDS = 5
"""How often a ledger is read while its cleaner deletes."""

LONGEST = 2 * HOLDS
"""For how long an announcement from before our intent can concern us: its run ends within the first half, and S3
executes what it did not answer within the second. A ledger that cannot be read may be written for ever."""

MAY_BE_DELETING = "may be deleting assets of this release (its ledger cannot be read)"

log = logging.getLogger("uploader")


class S3Clock(NamedTuple):
    """A lower bound of S3's clock.

    Attributes:
        written: When our intent was written.
        looked: When the answer that said so came, on `Clocks.passed`.
        clocks: See `Clocks`.
    """

    written: datetime
    looked: float
    clocks: Clocks

    def now(self) -> datetime:
        """The bound."""
        return self.at(self.clocks.passed())

    def at(self, passed: float) -> datetime:
        """The bound at an instant on `Clocks.passed`."""
        return self.written + timedelta(seconds=passed - self.looked)


class Ledger(NamedTuple):
    """A ledger that exists.

    Attributes:
        cleaner: Whose it is, for people.
        blob: The ledger as it was read after our intent was written.
        read: Reads it again; None if it is gone.
        unread: Why S3 does not give out its content; empty if it does.
        own: Whether it is the ledger of the site itself, and not a neighbour's.
    """

    cleaner: str
    blob: Blob
    read: Callable[[], Blob | None]
    unread: str = ""
    own: bool = False


def own(bucket: ReaderPort, key: str, blob: Blob) -> Ledger:
    """The ledger of the site itself."""
    return Ledger("the cleaner", blob, lambda: bucket.get(key), own=True)


def others(bucket: ReaderPort, neighbours: tuple[Neighbour, ...]) -> list[Ledger]:
    """The ledgers of other sites, as far as they exist."""

    def read(known: Neighbour) -> Blob | None:
        for found in bucket.neighbours([known.prefix]):
            return known.ledger if found.unread else found.ledger
        return None

    return [
        Ledger(f"the cleaner of {name_of_site(each.prefix)}", each.ledger, partial(read, each), each.unread)
        for each in neighbours
        if each.ledger is not None
    ]


class Heard(NamedTuple):
    """What a ledger announced.

    Attributes:
        waited: Whether deletions concerned this release. They are over now.
        ours: Whether the cleaner is about to delete our own files of the release log. Then nobody waited.
        instants: Id -> instant of each marker that the cleaner has seen.
    """

    waited: bool
    ours: bool
    instants: Mapping[str, datetime]


def wait_for(ledger: Ledger, keys: frozenset[str], ours: frozenset[str], clock: S3Clock) -> Heard:
    """Wait until no deletion that a ledger announces concerns this release any more.

    Args:
        ledger: The ledger.
        keys: The keys of this release.
        ours: The keys of our own files of the release log.
        clock: S3's clock.

    Raises:
        UploaderError: A newer cleaner wrote the site's own ledger: it may do so again and again.
    """
    blob: Blob | None = ledger.blob
    instants: Mapping[str, datetime] = {}
    waited = said = False
    while blob is not None:
        try:
            deleting, instants = read_head(blob.body)
        except LedgerError as error:
            if ledger.own and isinstance(error, NewerLedgerError):
                msg = f"the cleaner's ledger cannot be read ({error}): update the uploader, and run again"
                raise UploaderError(msg) from error
            # It may announce any deletion.
            until, doing = blob.last_modified + HOLDS, MAY_BE_DELETING
            if not said:
                level = logging.DEBUG if ledger.own else logging.WARNING
                log.log(level, "the ledger of %s cannot be read (%s)", ledger.cleaner, ledger.unread or error)
                said = True
        else:
            if deleting is None or deleting.keys.isdisjoint(keys | ours):
                return Heard(waited, False, instants)
            if not deleting.keys.isdisjoint(ours):
                return Heard(waited, True, instants)
            until, doing = deleting.until(blob.last_modified), "is deleting assets of this release"
        # Whoever may write a neighbour's ledger can name any instant: with one that is yet to come, a single file would
        # hold up every upload, for ever. No cleaner announces what is later than its ledger.
        at_most = clock.written + LONGEST if ledger.own else blob.last_modified + SKEW + HOLDS
        until = min(until, at_most, clock.written + LONGEST)
        if clock.now() >= until:
            return Heard(True, False, instants)
        if not waited:
            log.info("waiting: %s %s; until %s UTC at most", ledger.cleaner, doing, f"{until:%H:%M:%S}")
            waited = True
        clock.clocks.sleep(POLL_SECONDS)
        blob = ledger.read()
    return Heard(waited, False, instants)
