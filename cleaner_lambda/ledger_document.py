"""The ledger as its file has it: a JSON document, whole in format 1, and without the retired assets in a head. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cleaner_lambda import backlog, cursor, rebuilding, waiting
from cleaner_lambda.ledger import Folded, Ledger, Refused, Retired
from cleaner_lambda.waiting import NONE
from release_log import ledger_fields as fields
from release_log import packed
from release_log.bounds import shown
from release_log.instants import format_instant
from release_log.ledger_file import broken, decode_announcement, encode_announcement, pack, unpack
from release_log.marker_order import Contradiction
from release_log.run_record import decode_runs, encode_runs
from release_log.tags import Mark, State

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


def encode(ledger: Ledger, percent: int = 100) -> bytes:
    """The ledger's stored bytes; the same ledger always gives the same bytes.

    Args:
        ledger: The ledger.
        percent: How much they may be, of what their readers take.

    Raises:
        FullError: They are more.
    """
    retired = {key: _encode_retired(entry) for key, entry in ledger.retired.items()}
    return pack(as_document(ledger) | {"retired": retired}, percent)


def as_document(ledger: Ledger) -> dict[str, Any]:
    """The ledger without its retired assets, as its file has it."""
    return {
        "current": dict(ledger.current),
        **({} if ledger.older else {"behind": _encode_ids(ledger.behind)}),
        "lingering": {i: at and format_instant(at) for i, at in ledger.lingering.items()},
        "folded": _encode_folded(ledger.folded),
        "gone": _encode_folded(ledger.gone),
        "cut": ledger.cut and [format_instant(ledger.cut[0]), ledger.cut[1]],
        "doubts": _encode_ids(ledger.doubts),
        "after_doubt": _encode_ids(ledger.after_doubt),
        "sure_since": ledger.sure_since and format_instant(ledger.sure_since),
        "owed": sorted(ledger.owed),
        "deleting": encode_announcement(ledger.deleting),
        "tagging": [encode_announcement(each) for each in ledger.tagging],
        "listed_at": ledger.listed_at and format_instant(ledger.listed_at),
        "tags_read_to": ledger.tags_read_to,
        "tags_unknown": sorted(ledger.tags_unknown),
        "refused": {"tags": dict(ledger.refused.tags), "writes": dict(ledger.refused.writes)},
        "around": sorted(ledger.around),
        "in_doubt": sorted(ledger.in_doubt),
        "last_run": dict(ledger.last_run),
        "runs": encode_runs(ledger.runs),
        **({} if ledger.upgrading is None else {"upgrading": format_instant(ledger.upgrading)}),
        **({} if ledger.cursor is None else {"listing": cursor.encode(ledger.cursor)}),
        **({} if ledger.waiting == NONE else {"waiting": waiting.encode(ledger.waiting)}),
        **({} if ledger.backlog is None else {"backlog": backlog.encode(ledger.backlog)}),
        **({"replayed": True} if ledger.replayed else {}),
        **({} if ledger.rebuilding is None else {"rebuilding": rebuilding.encode(ledger.rebuilding)}),
    }


def decode(body: bytes) -> Ledger:
    """Read a ledger.

    Raises:
        NewerLedgerError: The ledger has a newer format.
        LedgerError: The ledger is broken.
    """
    return decode_whole(unpack(body))


def decode_whole(document: Mapping[str, Any]) -> Ledger:
    """Read the content of a ledger's file.

    Raises:
        LedgerError: The ledger is broken.
    """
    try:
        return from_document(document, {key: _decode_retired(entry) for key, entry in document["retired"].items()})
    except packed.ERRORS as error:
        raise broken(error) from error


def from_document(document: Mapping[str, Any], retired: Mapping[str, Retired] | None = None) -> Ledger:
    """Read what `as_document` wrote, beside the retired assets. Anything else raises one of `packed.ERRORS`."""
    cut = _decode_cut(document.get("cut"))
    ledger = Ledger(
        current=fields.text_mapping(document["current"]),
        folded=_decode_folded(document["folded"], cut),
        # An older version's ledger has none of these seven, and no runs.
        behind=_decode_ids(document.get("behind", {})),
        lingering={i: fields.optional_instant(at) for i, at in document.get("lingering", {}).items()},
        gone=_decode_folded(document.get("gone", {}), cut),
        cut=cut,
        doubts={channel: Contradiction(*ids) for channel, ids in _decode_ids(document.get("doubts", {})).items()},
        after_doubt=_decode_ids(document.get("after_doubt", {})),
        sure_since=fields.optional_instant(document.get("sure_since")),
        retired=retired or {},
        owed=fields.texts(document["owed"]),
        deleting=decode_announcement(document["deleting"]),
        tagging=tuple(filter(None, map(decode_announcement, document.get("tagging", ())))),
        listed_at=fields.optional_instant(document["listed_at"]),
        tags_read_to=fields.optional_text(document.get("tags_read_to")),
        tags_unknown=fields.texts(document.get("tags_unknown", [])),
        refused=_decode_refused(document.get("refused", {})),
        around=fields.texts(document.get("around", [])),
        in_doubt=fields.texts(document.get("in_doubt", [])),
        last_run=fields.mapping(document["last_run"]),
        runs=decode_runs(document.get("runs", [])),
        older="behind" not in document,
        upgrading=fields.optional_instant(document.get("upgrading")),
        cursor=cursor.decode(document.get("listing")),
        waiting=waiting.decode(document.get("waiting")),
        backlog=backlog.decode(document.get("backlog")),
        replayed="replayed" in document and fields.flag(document["replayed"]),
        rebuilding=rebuilding.decode(document.get("rebuilding")),
    )
    _check_current(ledger)
    return ledger


def _check_current(ledger: Ledger) -> None:
    """Refuse a ledger that says of a superseded release that it is current, or of a channel that none is.

    That decides which assets are live.
    """
    known = ledger.seen
    for release_id, each in ledger.folded.items():
        current = ledger.current.get(each.channel)
        if current is None:
            msg = f"{shown(release_id)} is folded in, and no release of channel {shown(each.channel)} is current"
            raise ValueError(msg)
        if current in known and known[current].at < each.at:
            msg = f"{shown(current)} is current, and {shown(release_id)} is newer"
            raise ValueError(msg)


def _encode_folded(folded: Mapping[str, Folded]) -> dict[str, dict[str, object]]:
    return {
        release_id: {
            "at": format_instant(each.at),
            "channel": each.channel,
            "placed": None if each.placed is None else format_instant(each.placed),
        }
        | ({} if each.modified is None else {"modified": format_instant(each.modified)})
        | ({"ended": True} if each.ended else {})
        for release_id, each in folded.items()
    }


def _decode_folded(entries: dict[str, dict[str, Any]], cut: tuple[datetime, str] | None) -> dict[str, Folded]:
    return {release_id: _decode_marker(release_id, entry, cut) for release_id, entry in entries.items()}


def _decode_marker(release_id: str, entry: dict[str, Any], cut: tuple[datetime, str] | None) -> Folded:
    at = fields.instant(entry["at"])
    # An older version has none, and what is before the cut is not read again.
    placed = fields.optional_instant(entry["placed"]) if "placed" in entry else None
    if "placed" not in entry and cut is not None and (at, release_id) <= cut:
        placed = at
    return Folded(
        at,
        fields.text(entry["channel"]),
        fields.optional_instant(entry.get("modified")),
        fields.flag(entry.get("ended", False)),
        placed,
    )


def _encode_ids(lists: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    return {channel: list(ids) for channel, ids in lists.items()}


def _decode_ids(lists: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {channel: tuple(map(fields.text, ids)) for channel, ids in lists.items()}


def _decode_cut(value: list[str] | None) -> tuple[datetime, str] | None:
    if value is None:
        return None
    at, release_id = value
    return fields.instant(at), fields.text(release_id)


def _decode_refused(value: object) -> Refused:
    refused = fields.mapping(value)
    return Refused(fields.text_mapping(refused.get("tags", {})), fields.text_mapping(refused.get("writes", {})))


def _encode_retired(entry: Retired) -> dict[str, object]:
    return {
        "logical": entry.logical,
        **_encode_mark(entry.mark),
        "size": entry.size,
        "release": entry.release,
        "tagged": entry.tagged and _encode_mark(entry.tagged),
        "due": entry.due and format_instant(entry.due),
        "kept_by": entry.kept_by,
        **({"ended": True} if entry.ended else {}),
        **({"maybe_ended": True} if entry.maybe_ended else {}),
        **({"stored": format_instant(entry.stored)} if entry.stored else {}),
    }


def _decode_retired(entry: dict[str, Any]) -> Retired:
    tagged = entry["tagged"]
    return Retired(
        fields.text(entry["logical"]),
        _decode_mark(entry),
        fields.size(entry["size"]),
        fields.text(entry["release"]),
        None if tagged is None else _decode_mark(tagged),
        fields.optional_instant(entry.get("due")),  # an older version's ledger has neither this nor ``kept_by``
        fields.optional_text(entry.get("kept_by")),
        "ended" in entry and fields.flag(entry["ended"]),
        "maybe_ended" in entry and fields.flag(entry["maybe_ended"]),
        fields.instant(entry["stored"]) if "stored" in entry else None,
    )


def _encode_mark(mark: Mark) -> dict[str, str]:
    return {"state": mark.state, "since": format_instant(mark.since)}


def _decode_mark(entry: dict[str, str]) -> Mark:
    return Mark(State(entry["state"]), fields.instant(entry["since"]))
