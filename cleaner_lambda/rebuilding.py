"""How far a rebuild has come that never has all retired assets of a large site in memory. Pure.

It begins with the files that the checkpoint names, and lists the site as any run does that reads no retired asset. Then
it reads tags (`cleaner_lambda.tag_pass`): those of the current releases' assets, and those of the retired ones, in
groups. Until all are read nothing is deleted.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from release_log import ledger_fields as fields
from release_log.ledger_file import HOLDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MARGIN = timedelta(seconds=5)
"""By how much two of S3's clocks may differ."""


class Rebuilding(NamedTuple):
    """Whose tags such a rebuild has yet to read.

    Attributes:
        live: The last key of a current release whose tags were read; None if all were.
        path: The first logical path of which the tags of a retired asset were not read; None if there is none.
        orphans: How many of the retired assets are orphans, once the site is listed.
    """

    live: str | None = ""
    path: str | None = ""
    orphans: int = 0

    @property
    def is_done(self) -> bool:
        """Whether all were read."""
        return self.live is None and self.path is None


def encode(rebuilding: Rebuilding) -> dict[str, str | int | None]:
    """The state as the ledger has it."""
    return rebuilding._asdict()


def decode(entry: Mapping[str, Any] | None) -> Rebuilding | None:
    """Read what `encode` wrote. Anything else raises one of Python's own errors."""
    if entry is None:
        return None
    live, path = (fields.optional_text(entry[name]) for name in ("live", "path"))
    return Rebuilding(live, path, fields.count(entry["orphans"]))


def heads_are_safe(noted: datetime | None, now: datetime) -> bool:
    """Whether no invocation can still run that takes a head for a broken ledger, and would drop what it announces.

    Args:
        noted: Since when the ledger says that it is a head, or is to be one.
        now: The instant for which the run decides.
    """
    return noted is not None and noted + HOLDS + MARGIN <= now
