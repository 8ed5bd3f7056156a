"""The ledger's file, and the part of it that the uploader reads too: what a cleaner is about to delete.

`cleaner_lambda.ledger_document` reads and writes the rest of its content.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from release_log import ledger_fields as fields
from release_log import packed
from release_log.bounds import DEPTH, FILE_BYTES, LEDGER_BYTES, LEDGER_VALUES, is_too_deep
from release_log.errors import LedgerError
from release_log.instants import format_instant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

FORMAT = 1
"""The format in which the file holds all of the ledger, retired assets included."""

HEAD_FORMAT = 2
"""The format in which the file is a head, and names other files (`release_log.ledger_index`).

What an uploader needs to know before it sends anything is the same in both. A setting says which one a cleaner writes,
as older versions read only the first.
"""

READABLE = range(FORMAT, HEAD_FORMAT + 1)
"""The formats that uploader and cleaner read."""

INVOCATION_SECONDS = 900
"""The longest time of a Lambda invocation: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

HOLDS = timedelta(seconds=INVOCATION_SECONDS + 1)
"""How long an announcement holds. S3's instants are whole seconds: one second more, so that it never ends early."""

SKEW = timedelta(minutes=1)
"""More than two of S3's clocks can differ by."""


class Announcement(NamedTuple):
    """What a run is about to delete or to tag. An uploader waits if it needs a key that is about to be deleted.

    Attributes:
        run: The run's id.
        keys: The keys.
        since: When it was written, by S3's clock; None for the ledger's own ``LastModified``.
    """

    run: str
    keys: frozenset[str]
    since: datetime | None = None

    def dated(self, last_modified: datetime) -> Announcement:
        """The same announcement with its instant, from the ``LastModified`` of the ledger that contains it."""
        return self if self.since is not None else self._replace(since=last_modified)

    def until(self, last_modified: datetime) -> datetime:
        """When it ends by itself, as its run is done or dead by then; the argument as in `dated`."""
        return (self.since or last_modified) + HOLDS


def pack(document: Mapping[str, Any], percent: int = 100) -> bytes:
    """A ledger's content as gzipped JSON; the same content always gives the same bytes.

    Args:
        document: The content.
        percent: How much it may be, of what its readers take.

    Raises:
        FullError: It is more.
    """
    within = packed.Bounds(*(each * percent // 100 for each in (FILE_BYTES, LEDGER_BYTES, LEDGER_VALUES)))
    return packed.pack(document, FORMAT, within=within)


def unpack(body: bytes, formats: range = range(FORMAT, FORMAT + 1)) -> dict[str, Any]:
    """Read what `pack` wrote.

    Args:
        body: The file.
        formats: Those that the caller reads.

    Raises:
        NewerLedgerError: It has a newer format.
        LedgerError: It is broken.
    """
    try:
        document = packed.unpack(body, formats, LEDGER_BYTES, LEDGER_VALUES)
        _check_depth(document.get("last_run"))
    except packed.ERRORS as error:
        raise broken(error) from error
    return document


def _check_depth(last_run: object) -> None:
    """Check the one part that is read as it is, and written again."""
    if is_too_deep(last_run):
        msg = f"last_run has objects and lists in more than {DEPTH} levels"
        raise ValueError(msg)


LAST_OF_HEAD = "gone"
"""The last name, in the order in which a ledger has them, of what `read_head` reads."""


class Head(NamedTuple):
    """What an uploader reads of the ledger.

    Attributes:
        deleting: What a cleaner is about to delete; None if no cleaner is.
        instants: Id -> instant of each marker that the cleaner has seen, whether it still exists or not.
    """

    deleting: Announcement | None
    instants: Mapping[str, datetime]


def holds_head(body: bytes) -> bool:
    """Whether the beginning of a ledger shows all that `read_head` reads. Behind that a site of 100,000 retired assets
    has another 20 MB.
    """
    try:
        return _head_of(body) is not None
    except LedgerError:
        return False


def _head_of(body: bytes) -> dict[str, Any] | None:
    """What the beginning of a ledger shows; None if more is needed to read it, or to say what is wrong with it."""
    try:
        document = packed.unpack_beginning(body, LAST_OF_HEAD, LEDGER_BYTES, LEDGER_VALUES)
    except packed.ERRORS as error:
        raise broken(error) from error
    whole = document is not None and "deleting" in document and document.get("format") in READABLE
    return document if whole else None


def read_head(body: bytes) -> Head:
    """Read what an uploader needs of a ledger, of which the beginning is enough if `holds_head` says so.

    Raises:
        LedgerError: The ledger cannot be read.
    """
    document = _head_of(body)
    if document is None:
        document = unpack(body, READABLE)
    try:
        seen = fields.mapping(document.get("gone", {})) | fields.mapping(document.get("folded", {}))
        instants = {release_id: fields.instant(entry["at"]) for release_id, entry in seen.items()}
        return Head(decode_announcement(document["deleting"]), instants)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise broken(error) from error


def encode_announcement(announced: Announcement | None) -> dict[str, Any] | None:
    """An announcement as the ledger stores it."""
    if announced is None:
        return None
    since = announced.since and format_instant(announced.since)
    return {"run": announced.run, "keys": sorted(announced.keys), "since": since}


def decode_announcement(entry: dict[str, Any] | None) -> Announcement | None:
    """Read what `encode_announcement` wrote. Anything else raises one of Python's own errors."""
    if entry is None:
        return None
    return Announcement(fields.text(entry["run"]), fields.texts(entry["keys"]), fields.optional_instant(entry["since"]))


def broken(error: Exception) -> LedgerError:
    """The error for a ledger that `pack` did not write."""
    return packed.broken("the ledger", error)
