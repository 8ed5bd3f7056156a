"""What the ledger keeps of the cleaner's last runs, for people: no run uses it, so that a version may do without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from release_log import ledger_fields as fields
from release_log.instants import format_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

KEPT = 20
"""How many runs the ledger keeps; all of them together take about 1.2 kB of its file."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run that changed something.

    Attributes:
        run: Its id.
        at: The instant that it decided for, by S3's clock.
        seconds: How long it took, up to its last write.
        tagged: Assets that got a tag.
        untagged: Assets that lost it, as they are live again.
        deleted: Assets that were deleted.
        bytes_deleted: Their size.
        failed: Assets that could not be read, tagged, untagged or deleted.
        stopped_by: Reasons for which it deleted nothing, or nothing of a channel.
        unfinished: Whether it ended before its work did.
    """

    run: str
    at: datetime
    seconds: int
    tagged: int
    untagged: int
    deleted: int
    bytes_deleted: int
    failed: int
    stopped_by: tuple[str, ...] = ()
    unfinished: bool = False


def with_run(runs: Iterable[RunRecord], last: RunRecord) -> tuple[RunRecord, ...]:
    """The last runs, the newest first; a run that starts over after its last write is one run."""
    return (last, *(each for each in runs if each.run != last.run))[:KEPT]


def encode_runs(runs: Iterable[RunRecord]) -> list[dict[str, Any]]:
    """The runs as the ledger stores them."""
    return [
        {
            "run": each.run,
            "at": format_instant(each.at),
            "seconds": each.seconds,
            "tagged": each.tagged,
            "untagged": each.untagged,
            "deleted": each.deleted,
            "bytes_deleted": each.bytes_deleted,
            "failed": each.failed,
            "stopped_by": list(each.stopped_by),
            "unfinished": each.unfinished,
        }
        for each in runs
    ]


def decode_runs(entries: list[Mapping[str, Any]]) -> tuple[RunRecord, ...]:
    """Read what `encode_runs` wrote. Anything else raises one of Python's own errors."""
    return tuple(
        RunRecord(
            run=fields.text(each["run"]),
            at=fields.instant(each["at"]),
            seconds=fields.count(each["seconds"]),
            tagged=fields.count(each["tagged"]),
            untagged=fields.count(each["untagged"]),
            deleted=fields.count(each["deleted"]),
            bytes_deleted=fields.count(each["bytes_deleted"]),
            failed=fields.count(each["failed"]),
            stopped_by=tuple(map(fields.text, each["stopped_by"])),
            unfinished=fields.flag(each["unfinished"]),
        )
        for each in entries
    )
