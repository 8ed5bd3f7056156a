"""The tags on retired assets: what an operator sees, and what a lost ledger can be rebuilt from.

One of the two is there at a time, beside whatever tags of the user's the object bears.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from release_log.instants import format_instant, parse_instant

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
    """What our tag says: the state of an asset, and since when it has been in it."""

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
    """The tags with our mark in place of any older one of ours; the user's stay."""
    return {**without_mark(tags), mark.key: mark.value}


def without_mark(tags: Mapping[str, str]) -> dict[str, str]:
    """The user's tags alone."""
    return {key: value for key, value in tags.items() if key not in OUR_KEYS}


def read_mark(tags: Mapping[str, str]) -> Mark | None:
    """Our mark among an object's tags, or None. A value that is no instant is not ours to trust: None."""
    for state in State:
        value = tags.get(f"{state}_at")
        if value is not None:
            try:
                return Mark(state, parse_instant(value))
            except ValueError:
                return None
    return None
