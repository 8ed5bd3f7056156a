"""The head of the ledger (format 2): all of the ledger but its retired assets, and the names of the files with those.

It is the one object that a run writes with a condition, so a run changes everything at once, or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cleaner_lambda.ledger import Ledger
from cleaner_lambda.ledger_document import as_document, from_document
from cleaner_lambda.segments import DAY, Index
from release_log import ledger_fields as fields
from release_log import packed
from release_log.instants import format_instant
from release_log.ledger_file import HEAD_FORMAT, broken, unpack
from release_log.ledger_index import decode_lines, encode_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from typing import Any


UNNAMED = 10_000
"""So many files may go a day from now; more of them later: each upload reads the head. A sweep leaves some hundreds."""


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

    def is_over(self, now: datetime) -> bool:
        """Whether it is time to list them again."""
        return self.at is None or self.at + DAY <= now

    def next(self, listed: Collection[str], named: Collection[str], now: datetime) -> tuple[frozenset[str], Unnamed]:
        """The files that go, and those that may go a day from now.

        Args:
            listed: The names of all files there.
            named: Those that the head names.
            now: When they were listed, a day after the last time.
        """
        unnamed = frozenset(listed).difference(named)
        return unnamed & self.names, Unnamed(now, frozenset(sorted(unnamed - self.names)[:UNNAMED]))


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
    return decode_head(unpack(body, range(HEAD_FORMAT, HEAD_FORMAT + 1)))


def decode_head(document: Mapping[str, Any]) -> Head:
    """Read the content of a head's file.

    Raises:
        LedgerError: It is broken.
    """
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
