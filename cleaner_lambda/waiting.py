"""The orphans that a listing leaves alone: it counts them, and the ledger keeps the sums. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from release_log import ledger_fields as fields
from release_log.instants import format_instant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cleaner_lambda.port import Listed

UNASKED = 100_000
"""Up to so many new orphans are retired without asking."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The orphans that a listing has left alone.

    Attributes:
        number: How many wait to be retired.
        size: Their bytes.
        oldest: When the oldest of them was stored; None if there are none.
        folders: In how many folders they lie; one that several runs have listed counts for each.
        others: How many more orphans there are: the setting ``orphans`` leaves them alone, or something stopped a run.
    """

    number: int = 0
    size: int = 0
    oldest: datetime | None = None
    folders: int = 0
    others: int = 0

    def __add__(self, more: Waiting) -> Waiting:
        """Both together."""
        return Waiting(
            self.number + more.number,
            self.size + more.size,
            min(filter(None, (self.oldest, more.oldest)), default=None),
            self.folders + more.folders,
            self.others + more.others,
        )

    def with_one(self, listed: Listed) -> Waiting:
        """The orphans of a folder, with one more."""
        oldest = listed.last_modified if self.oldest is None else min(self.oldest, listed.last_modified)
        return Waiting(self.number + 1, self.size + listed.size, oldest, 1)

    @property
    def is_few(self) -> bool:
        """Whether hardly any orphan was left alone, so that there is no old bucket to adopt."""
        return self.number + self.others <= UNASKED


NONE = Waiting()


def encode(waiting: Waiting) -> dict[str, Any]:
    """As a file of the release log has it."""
    return {
        "orphans": waiting.number,
        "bytes": waiting.size,
        "oldest": waiting.oldest and format_instant(waiting.oldest),
        "folders": waiting.folders,
        "others": waiting.others,
    }


def decode(entry: Mapping[str, Any] | None) -> Waiting:
    """Read what `encode` wrote. Anything else raises one of Python's own errors."""
    if entry is None:
        return NONE
    return Waiting(
        fields.count(entry["orphans"]),
        fields.count(entry["bytes"]),
        fields.optional_instant(entry["oldest"]),
        fields.count(entry["folders"]),
        fields.count(entry["others"]),
    )
