"""The ledger for readers only: what is current, retired and due, as the cleaner's last run computed it.

The writer's view is `cleaner_lambda.ledger_document`. A field that an older version did not write is None here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from release_log import ledger_fields as fields
from release_log import packed, segment_file
from release_log.ledger_file import HEAD_FORMAT, READABLE, broken, decode_announcement, unpack
from release_log.ledger_index import decode_lines
from release_log.marker_order import Contradiction
from release_log.run_record import decode_runs
from release_log.tags import State

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from release_log.ledger_file import Announcement
    from release_log.ledger_index import Lines
    from release_log.run_record import RunRecord


@dataclass(frozen=True, slots=True)
class RetiredAsset:
    """An asset that left the current releases.

    Attributes:
        key: Its key.
        logical: Its logical path in the last release that named it.
        state: Superseded or removed.
        since: When it entered that state.
        size: Bytes.
        release: Id of the last release that named it; empty for an orphan.
        due: When the cleaner may delete it; None if it does not fall due with time alone, or the ledger does not say.
        kept_by: Why it is kept in that case: ``within_version_limit``, ``kept_release``, ``pending``, ``staged``...
    """

    key: str
    logical: str
    state: State
    since: datetime
    size: int
    release: str
    due: datetime | None
    kept_by: str | None


@dataclass(frozen=True, slots=True)
class FoldedMarker:
    """A marker that the cleaner has seen.

    Attributes:
        at: S3's ``LastModified`` when it was first seen.
        channel: Its release's channel.
        ended: Whether it is no release, but says that the channel has ended.
    """

    at: datetime
    channel: str
    ended: bool = False


@dataclass(frozen=True, slots=True)
class LedgerView:
    """The content of the ledger.

    Attributes:
        current: Channel -> id of its current release, or of the marker that says that the channel has ended.
        folded: Id -> every marker that the cleaner has seen.
        gone: Id -> those of them that do not exist any more.
        doubts: Channel -> why it is unknown which of its releases is current, until it has a new one. The cleaner's
            last until that one is in place.
        retired: Every retired asset; in a head none, as other files have them.
        deleting: What a run was about to delete when the ledger was written.
        listed_at: When the last full listing was.
        rebuilding: Whether a lost ledger is being rebuilt, and this one is incomplete.
        last_run: The summary of the last run that changed anything; empty during the first run.
        runs: The last runs that changed anything, the newest first; empty if an older version wrote the ledger.
        lines: The files with the retired assets; None if `retired` has them.
    """

    current: Mapping[str, str]
    folded: Mapping[str, FoldedMarker]
    gone: Mapping[str, FoldedMarker]
    doubts: Mapping[str, Contradiction]
    retired: tuple[RetiredAsset, ...]
    deleting: Announcement | None
    listed_at: datetime | None
    rebuilding: bool
    last_run: Mapping[str, Any]
    runs: tuple[RunRecord, ...] = ()
    lines: Lines | None = None

    @property
    def retired_count(self) -> int:
        """How many retired assets there are, as of the cleaner's last sweep of each file."""
        return len(self.retired) if self.lines is None else sum(each.entries for each in self.lines.segments)

    @property
    def instants(self) -> dict[str, datetime]:
        """Id -> instant of each marker that the cleaner has seen, whether it still exists or not."""
        return {release_id: each.at for release_id, each in {**self.gone, **self.folded}.items()}

    @property
    def ends(self) -> dict[str, tuple[str, FoldedMarker]]:
        """Channel -> id and instant of its end, for each that has ended as far as the cleaner has seen."""
        seen = ((channel, i, self.folded.get(i) or self.gone.get(i)) for channel, i in self.current.items())
        return {channel: (i, each) for channel, i, each in seen if each is not None and each.ended}

    def has_ended_since(self, channel: str, at: datetime) -> bool:
        """Whether a channel has ended after an instant: there need not be a marker that says so."""
        return channel in self.ends and at < self.ends[channel][1].at

    def says_ended(self, release_id: str) -> bool:
        """Whether a marker that the cleaner has seen is no release, but says that its channel has ended."""
        found = self.folded.get(release_id) or self.gone.get(release_id)
        return found is not None and found.ended


def view(body: bytes) -> LedgerView:
    """Read the ledger's file.

    Raises:
        NewerLedgerError: The ledger has a newer format.
        LedgerError: The ledger is broken.
    """
    document = unpack(body, READABLE)
    try:
        lines = decode_lines(document["index"]) if document["format"] == HEAD_FORMAT else None
        return LedgerView(
            current=fields.text_mapping(document["current"]),
            folded=_folded(document["folded"]),
            gone=_folded(document.get("gone", {})),
            doubts={
                channel: Contradiction(*map(fields.text, doubt))
                for channel, doubt in document.get("doubts", {}).items()
                if channel not in document.get("after_doubt", {})
            },
            retired=() if lines else tuple(_retired(key, entry) for key, entry in document["retired"].items()),
            deleting=decode_announcement(document["deleting"]),
            listed_at=fields.optional_instant(document["listed_at"]),
            rebuilding=document.get("tags_read_to") is not None,
            last_run=fields.mapping(document["last_run"]),
            runs=decode_runs(document.get("runs", [])),
            lines=lines,
        )
    except packed.ERRORS as error:
        raise broken(error) from error


def view_segment(body: bytes) -> list[RetiredAsset]:
    """Read the file of a segment.

    Raises:
        NewerLedgerError: It has a newer format.
        LedgerError: It is broken.
    """
    each = segment_file.decode(body)
    rows = zip(each.keys, each.logical, each.mark, each.size, each.release, each.due, each.kept_by, strict=True)
    return [
        RetiredAsset(key, logical, mark.state, mark.since, size, release, due, kept_by)
        for key, logical, mark, size, release, due, kept_by in rows
    ]


def _folded(entries: Mapping[str, Any]) -> dict[str, FoldedMarker]:
    return {
        release_id: FoldedMarker(
            fields.instant(entry["at"]), fields.text(entry["channel"]), fields.flag(entry.get("ended", False))
        )
        for release_id, entry in entries.items()
    }


def _retired(key: str, entry: Mapping[str, Any]) -> RetiredAsset:
    return RetiredAsset(
        key=key,
        logical=fields.text(entry["logical"]),
        state=State(entry["state"]),
        since=fields.instant(entry["since"]),
        size=fields.size(entry["size"]),
        release=fields.text(entry["release"]),
        due=fields.optional_instant(entry.get("due")),
        kept_by=fields.optional_text(entry.get("kept_by")),
    )
