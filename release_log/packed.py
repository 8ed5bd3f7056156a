"""Gzipped JSON, as the files of the ledger have it: written the same way each time, and read within bounds."""

from __future__ import annotations

import gzip
import json
import zlib
from codecs import getincrementaldecoder
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from release_log.bounds import FILE_BYTES, SEGMENT_BYTES, SEGMENT_VALUES, SHOWN, shown, too_many_values, values_in
from release_log.errors import FullError, LedgerError, NewerLedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Read = TypeVar("Read")

GZIP = 31
"""zlib's ``wbits`` for the format of gzip."""

_STEP = 2**16
"""So many bytes of a beginning are unpacked at first."""

_DECODER = json.JSONDecoder()
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))

ERRORS = (
    *(OSError, EOFError, zlib.error, RecursionError),
    *(ValueError, LookupError, TypeError, AttributeError, OverflowError),
)
"""What a file raises that `pack` did not write: `unpack` itself, and whoever takes its content for what it is not."""


class Bounds(NamedTuple):
    """How much a file may be.

    Attributes:
        stored: Its bytes.
        content: The bytes of its content, unpacked.
        values: How many commas and opening brackets that may have.
    """

    stored: int
    content: int
    values: int

    def check(self, content: bytes, body: bytes) -> None:
        """Check what is to be written.

        Raises:
            FullError: It is more.
        """
        found = Bounds(len(body), len(content), values_in(content))
        if any(each > most for each, most in zip(found, self, strict=True)):
            msg = f"it would have {found.values} values in {found.content} bytes, packed {found.stored}"
            raise FullError(msg)


def pack(document: Mapping[str, Any], version: int, level: int = 9, within: Bounds | None = None) -> bytes:
    """A document as gzipped JSON; the same document always gives the same bytes.

    Args:
        document: The document.
        version: Its format.
        level: gzip's: 1 is eight times as fast as 6, and a tenth larger.
        within: How much it may be.

    Raises:
        FullError: It is more.
    """
    content = _ENCODER.encode({"format": version, **document}).encode()
    body = gzip.compress(content, level, mtime=0)
    if within is not None:
        within.check(content, body)
    return body


def unpack(body: bytes, versions: range, most_bytes: int, most_values: int) -> dict[str, Any]:
    """Read what `pack` wrote. Anything else raises one of `ERRORS`.

    Args:
        body: The file; `FILE_BYTES` of it at most.
        versions: The formats that its reader knows.
        most_bytes: How much it may be, unpacked.
        most_values: How many commas and opening brackets it may have.

    Raises:
        NewerLedgerError: It has a newer format. Whatever that is, it is gzipped JSON with its number in ``format``.
    """
    content = _decompress(body, most_bytes)
    if len(content) > most_values and too_many_values(content, most_values):
        msg = f"it has more than {most_values} values"
        raise ValueError(msg)
    document: dict[str, Any] = json.loads(content)
    version = document["format"]
    if version not in versions:
        if isinstance(version, int) and version >= versions.stop:
            msg = f"its format {shown(version)} is newer than {versions[-1]}, which this version reads"
            raise NewerLedgerError(msg)
        msg = f"format {shown(version)} does not exist"
        raise ValueError(msg)
    if b"\\ud" in content.lower():
        # JSON allows the escape of half a character, and nothing could write that again.
        json.dumps(document, ensure_ascii=False).encode()
    return document


def unpack_beginning(body: bytes, last: str, most_bytes: int, most_values: int) -> dict[str, Any] | None:
    """Read what a document says up to a name, in the order in which `pack` writes names. The rest is not unpacked.

    Args:
        body: The beginning of a file, or all of it.
        last: The name.
        most_bytes: As in `unpack`, of what is read.
        most_values: The same.

    Returns:
        The document without what stands behind that name; None if this beginning does not show all of it.

    Raises:
        Exception: One of `ERRORS`; `pack` did not write it.
    """
    stream, text_of = zlib.decompressobj(wbits=GZIP), getincrementaldecoder("utf-8")()
    text, step = "", _STEP
    while len(text) <= most_bytes:
        piece = stream.decompress(body, step)
        if not piece:
            break
        body, step = stream.unconsumed_tail, 2 * step
        text += text_of.decode(piece)
        if len(text) > most_values and too_many_values(text.encode(), most_values):
            break
        document = _beginning(text, last)
        if document is not None:
            return document
    return None


def _beginning(text: str, last: str) -> dict[str, Any] | None:
    """As `unpack_beginning`, of JSON that may end anywhere."""
    document: dict[str, Any] = {}
    before, at = "", 1
    with suppress(json.JSONDecodeError, IndexError):
        while text[at - 1] == ("," if document else "{"):
            name, at = _DECODER.raw_decode(text, at)
            if not isinstance(name, str) or name <= before or text[at] != ":":
                break
            if name > last:
                return document
            document[name], at = _DECODER.raw_decode(text, at + 1)
            before, at = name, at + 1
    return None


def _decompress(body: bytes, most_bytes: int) -> bytes:
    stream = zlib.decompressobj(wbits=GZIP)
    content = b"" if len(body) > FILE_BYTES else stream.decompress(body, most_bytes + 1)
    if len(body) > FILE_BYTES or len(content) > most_bytes:
        msg = f"it has more than {FILE_BYTES} bytes, or {most_bytes} unpacked"
        raise ValueError(msg)
    if not stream.eof or stream.unused_data:
        msg = "it does not end where its content ends"
        raise EOFError(msg)
    return content


def read(body: bytes, version: int, what: str, decode: Callable[[dict[str, Any]], Read]) -> Read:
    """Read a file beside the ledger.

    Args:
        body: The file.
        version: Its one format.
        what: The file, for the error: ``the ledger``.
        decode: Reads its content. Anything wrong raises one of `ERRORS`.

    Raises:
        NewerLedgerError: It has a newer format.
        LedgerError: It is broken.
    """
    try:
        return decode(unpack(body, range(version, version + 1), SEGMENT_BYTES, SEGMENT_VALUES))
    except ERRORS as error:
        raise broken(what, error) from error


def broken(what: str, error: Exception) -> LedgerError:
    """The error for a file that `pack` did not write.

    Args:
        what: The file: ``the ledger``.
        error: One of `ERRORS`.
    """
    return LedgerError(f"{what} is broken ({type(error).__name__}: {str(error)[:SHOWN]})")
