"""The tags on retired assets: for the operator, and for the rebuild of a lost ledger.

An object has at most one of the two, beside the user's own tags.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from release_log import ledger_fields as fields
from release_log.instants import format_instant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MAX_TAGS = 10
"""S3's limit per object: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html"""


class State(StrEnum):
    """How a retired asset left the current releases."""

    SUPERSEDED = "superseded"
    """Its logical path is current with another key."""
    REMOVED = "removed"
    """Its logical path is in no current release."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The content of our tag: the state of an asset, and when it entered that state."""

    state: State
    since: datetime

    @property
    def key(self) -> str:
        """The tag's key: ``superseded_at`` or ``removed_at``."""
        return f"{self.state}_at"

    @property
    def value(self) -> str:
        """The tag's value: an instant, ``2026-11-23T06:05:38Z``."""
        return format_instant(self.since)


OUR_KEYS = frozenset(f"{state}_at" for state in State)


def with_mark(tags: Mapping[str, str], mark: Mark) -> dict[str, str]:
    """The tags with our mark, which replaces an older mark; the user's tags stay."""
    return {**without_mark(tags), mark.key: mark.value}


def without_mark(tags: Mapping[str, str]) -> dict[str, str]:
    """The user's tags, without our mark."""
    return {key: value for key, value in tags.items() if key not in OUR_KEYS}


def read_mark(tags: Mapping[str, str]) -> Mark | None:
    """Our mark among an object's tags; None without one, or if its value is not an instant."""
    for state in State:
        value = tags.get(f"{state}_at")
        if value is not None:
            try:
                return Mark(state, fields.instant(value))
            except (ValueError, TypeError):
                return None
    return None
