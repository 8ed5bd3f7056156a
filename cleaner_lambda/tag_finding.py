"""What a worker has read of the tags of a group of retired assets, as the file that it leaves for the cleaner. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from release_log import ledger_fields as fields
from release_log import packed
from release_log.tags import Mark, State

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1
"""The format of a worker's file."""

LEVEL = 1
"""gzip's: the file is read once."""

WHAT = "a finding of the rebuild"

Marks = dict[str, Mark | None]
"""Key -> our mark among the tags of its object; None if it has none, or does not exist. No other tags were read."""


def encode(marks: Mapping[str, Mark | None]) -> bytes:
    """The file; the same tags always give the same bytes."""
    document = {key: mark and [mark.state, mark.value] for key, mark in sorted(marks.items())}
    return packed.pack({"tags": document}, FORMAT, LEVEL)


def decode(body: bytes) -> Marks:
    """Read what `encode` wrote.

    Raises:
        NewerLedgerError: It has a newer format.
        LedgerError: It is broken.
    """
    return packed.read(body, FORMAT, WHAT, _decode)


def as_tags(mark: Mark | None) -> dict[str, str]:
    """The tags of an object, as far as they were read."""
    return {} if mark is None else {mark.key: mark.value}


def _decode(document: Mapping[str, Any]) -> Marks:
    return {key: mark if mark is None else _mark(*mark) for key, mark in fields.mapping(document["tags"]).items()}


def _mark(state: str, since: object) -> Mark:
    return Mark(State(state), fields.instant(since))
