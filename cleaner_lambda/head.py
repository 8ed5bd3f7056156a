"""The head of the ledger (format 2): all of the ledger but its retired assets, and the names of the files with those.

It is the one object that a run writes with a condition, so a run changes everything at once, or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cleaner_lambda.ledger import Ledger, as_document, from_document
from cleaner_lambda.segments import Index
from release_log import ledger_fields as fields
from release_log import packed
from release_log.instants import format_instant
from release_log.ledger_file import HEAD_FORMAT, broken, unpack
from release_log.ledger_index import decode_lines, encode_lines

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Unnamed:
    """Files that no head named when they were last listed. What is still unnamed a day later goes.

    So nobody who has read an older head looks for one of them in vain, and nobody is about to name one.

    Attributes:
        at: When they were listed; None: never yet.
        names: Their names.
    """

    at: datetime | None = None
    names: frozenset[str] = frozenset()

    def to_delete(self, listed: Collection[str], named: Collection[str]) -> frozenset[str]:
        """Those of some files that are listed now, and are still named by no head."""
        return self.names.intersection(listed).difference(named)


@dataclass(frozen=True, slots=True)
class Head:
    """The head.

    Attributes:
        ledger: The ledger without its retired assets.
        index: The files that have them.
        unnamed: See `Unnamed`.
    """

    ledger: Ledger = field(default_factory=Ledger)
    index: Index = field(default_factory=Index)
    unnamed: Unnamed = field(default_factory=Unnamed)


def encode(head: Head) -> bytes:
    """The head's stored bytes; the same head always gives the same bytes."""
    document = as_document(head.ledger) | {"index": encode_lines(head.index), "unnamed": _encode(head.unnamed)}
    return packed.pack(document, HEAD_FORMAT)


def decode(body: bytes) -> Head:
    """Read a head.

    Raises:
        NewerLedgerError: It has a newer format.
        LedgerError: It is broken, or is no head: a ledger of format 1.
    """
    document = unpack(body, range(HEAD_FORMAT, HEAD_FORMAT + 1))
    try:
        unnamed = document["unnamed"]
        return Head(
            from_document(document),
            Index(*decode_lines(document["index"])),
            Unnamed(fields.optional_instant(unnamed["at"]), fields.texts(unnamed["names"])),
        )
    except packed.ERRORS as error:
        raise broken(error) from error


def _encode(unnamed: Unnamed) -> dict[str, object]:
    return {"at": unnamed.at and format_instant(unnamed.at), "names": sorted(unnamed.names)}
