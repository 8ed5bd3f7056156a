"""The ledger's file, and the part of it that the uploader reads too: what a cleaner is about to delete.

`cleaner_lambda.ledger` reads and writes the rest of its content.
"""

from __future__ import annotations

import gzip
import json
import zlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from release_log import ledger_fields as fields
from release_log.bounds import (
    DEPTH,
    FILE_BYTES,
    LEDGER_BYTES,
    LEDGER_VALUES,
    SHOWN,
    is_too_deep,
    shown,
    too_many_values,
)
from release_log.errors import LedgerError, NewerLedgerError
from release_log.instants import format_instant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

FORMAT = 1
"""Any later format is gzipped JSON with its number in ``format`` too: an older reader sees that it is too old."""

GZIP = 31
"""zlib's ``wbits`` for the format of gzip."""

INVOCATION_SECONDS = 900
"""The longest time of a Lambda invocation: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

HOLDS = timedelta(seconds=INVOCATION_SECONDS + 1)
"""How long an announcement holds. S3's instants are whole seconds: one second more, so that it never ends early."""


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


def pack(document: Mapping[str, Any]) -> bytes:
    """A ledger's content as gzipped JSON; the same content always gives the same bytes."""
    text = json.dumps({"format": FORMAT, **document}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return gzip.compress(text.encode(), mtime=0)


def unpack(body: bytes) -> dict[str, Any]:
    """Read what `pack` wrote.

    Raises:
        NewerLedgerError: It has a newer format.
        LedgerError: It is broken.
    """
    try:
        content = _decompress(body)
        document: dict[str, Any] = json.loads(content)
        _check_format(document["format"])
        _check_depth(document.get("last_run"))
        if b"\\ud" in content.lower():
            # JSON allows the escape of half a character, and nothing could write that again.
            json.dumps(document, ensure_ascii=False).encode()
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, RecursionError) as error:
        raise broken(error) from error
    return document


def _check_format(version: object) -> None:
    if version == FORMAT:
        return
    if isinstance(version, int) and version > FORMAT:
        msg = f"its format {shown(version)} is newer than {FORMAT}, which this version reads"
        raise NewerLedgerError(msg)
    msg = f"format {shown(version)} does not exist"
    raise ValueError(msg)


def _decompress(body: bytes) -> bytes:
    """Decompress a body that `pack` wrote, and no more than a ledger may have."""
    stream = zlib.decompressobj(wbits=GZIP)
    content = b"" if len(body) > FILE_BYTES else stream.decompress(body, LEDGER_BYTES + 1)
    if len(body) > FILE_BYTES or len(content) > LEDGER_BYTES:
        msg = f"it has more than {FILE_BYTES} bytes, or {LEDGER_BYTES} unpacked"
        raise ValueError(msg)
    if len(content) > LEDGER_VALUES and too_many_values(content, LEDGER_VALUES):
        msg = f"it has more than {LEDGER_VALUES} values"
        raise ValueError(msg)
    if not stream.eof or stream.unused_data:
        msg = "it does not end where its content ends"
        raise EOFError(msg)
    return content


def _check_depth(last_run: object) -> None:
    """Check the one part that is read as it is, and written again."""
    if is_too_deep(last_run):
        msg = f"last_run has objects and lists in more than {DEPTH} levels"
        raise ValueError(msg)


class Head(NamedTuple):
    """What an uploader reads of the ledger.

    Attributes:
        deleting: What a cleaner is about to delete; None if no cleaner is.
        instants: Id -> instant of each marker that the cleaner has seen, whether it still exists or not.
    """

    deleting: Announcement | None
    instants: Mapping[str, datetime]


def read_head(body: bytes) -> Head:
    """Read what an uploader needs of a ledger.

    Raises:
        LedgerError: The ledger cannot be read.
    """
    document = unpack(body)
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
    return LedgerError(f"the ledger is broken ({type(error).__name__}: {str(error)[:SHOWN]})")
