"""A delta of the ledger: the changes of some runs, which its segments have not taken in yet. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cleaner_lambda.changes import Change
from cleaner_lambda.segment import columns_of, retired_of
from release_log import ledger_fields as fields
from release_log import packed
from release_log.instants import format_instant
from release_log.segment_file import FORMAT, LEVEL, WHAT, as_document, from_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cleaner_lambda.ledger import Retired


def encode(changes: Iterable[Change]) -> bytes:
    """A delta's file; the same changes always give the same bytes."""
    return packed.pack({"changes": [_encode(each) for each in changes]}, FORMAT, LEVEL)


def decode(body: bytes) -> tuple[Change, ...]:
    """Read a delta's file.

    Raises:
        NewerLedgerError: It has a newer format.
        LedgerError: It is broken.
    """
    return packed.read(body, FORMAT, WHAT, lambda document: tuple(map(_decode, document["changes"])))


def _encode(change: Change) -> dict[str, Any]:
    whole = {
        "live": sorted(change.live),
        "ended": sorted(change.ended),
        "entered": sorted(path for path, entered in change.turned.items() if entered),
        "left": sorted(path for path, entered in change.turned.items() if not entered),
        "retired": _columns(change.left),
        "gone": sorted(change.gone),
        "found": _columns(change.found),
        "stored": {key: format_instant(at) for key, at in sorted(change.stored.items())},
    }
    again = {"again": True} if change.again else {}
    return {"at": format_instant(change.at)} | {name: value for name, value in whole.items() if value} | again


def _decode(entry: Mapping[str, Any]) -> Change:
    def keys(name: str) -> frozenset[str]:
        return fields.texts(entry.get(name, []))

    def assets(name: str) -> dict[str, Retired]:
        return retired_of(from_document(entry[name])) if name in entry else {}

    return Change(
        fields.instant(entry["at"]),
        live=keys("live"),
        ended=keys("ended"),
        turned=dict.fromkeys(keys("entered"), True) | dict.fromkeys(keys("left"), False),
        left=assets("retired"),
        gone=keys("gone"),
        found=assets("found"),
        stored={key: fields.instant(at) for key, at in fields.mapping(entry.get("stored", {})).items()},
        again="again" in entry and fields.flag(entry["again"]),
    )


def _columns(retired: Mapping[str, Retired]) -> dict[str, Any] | None:
    return as_document(columns_of(retired)) if retired else None
