"""What some ranges of a full listing show of the site; also as the file that a worker leaves for the cleaner. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cleaner_lambda import cursor, waiting
from cleaner_lambda.port import Listed
from cleaner_lambda.waiting import NONE, Waiting
from release_log import ledger_fields as fields
from release_log import packed
from release_log.instants import format_instant
from release_log.layout import is_stored_page

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cleaner_lambda.cursor import Bounds
    from cleaner_lambda.packed_orphans import PackedOrphans

FORMAT = 1
"""The format of a worker's file."""

LEVEL = 1
"""gzip's: the file is read once."""

WHAT = "a finding of the listing"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a listing shows, which was made after the history was read.

    Attributes:
        left: The ranges that are still to be listed.
        gone: Keys of retired assets, and of current ones whose tags are in doubt, that have no object.
        missing: Keys of current releases that have none.
        strays: Key -> the orphans to retire.
        stored: Key -> when the object of a retired asset was stored, where that may be news to the ledger.
        waiting: Orphans that are not to be retired yet.
        others: The number of other orphans.
        nested: Prefixes of sites inside this one: the configured ones, and those that have a release log.
        empty: Whether there was no asset that is, or may become, the cleaner's to delete.
        packed: More orphans to retire, if they are very many; no worker packs any.
    """

    left: tuple[Bounds, ...] = ()
    gone: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    strays: Mapping[str, Listed] = field(default_factory=dict)
    stored: Mapping[str, datetime] = field(default_factory=dict)
    waiting: Waiting = NONE
    others: int = 0
    nested: frozenset[str] = frozenset()
    empty: bool = True
    packed: PackedOrphans | None = None

    @property
    def number(self) -> int:
        """How many orphans are to be retired."""
        return len(self.strays) + (0 if self.packed is None else self.packed.number)

    def without_strays(self) -> Finding:
        """The finding for a run that retires no orphan."""
        return replace(self, strays={}, others=self.others + len(self.strays))

    def withheld(self) -> Finding:
        """The same, with its orphans waiting. A stored page is the site's own, and need not wait."""
        pages, folders = counted(self.strays, {})
        return replace(self, strays=pages, waiting=sum(folders.values(), self.waiting))


def folder_of(key: str) -> str:
    """The folder that holds an object, with its slash."""
    return key.rpartition("/")[0] + "/"


def counted(
    strays: Mapping[str, Listed], folders: Mapping[str, Waiting]
) -> tuple[dict[str, Listed], dict[str, Waiting]]:
    """Only count some orphans, a folder at a time. Stored pages are the site's own, and stay as they are.

    Args:
        strays: Key -> each orphan.
        folders: Folder -> its orphans that were counted before.

    Returns:
        The stored pages, and the folders with the others.
    """
    pages: dict[str, Listed] = {}
    sums = dict(folders)
    for key, listed in strays.items():
        if is_stored_page(key):
            pages[key] = listed
        else:
            folder = folder_of(key)
            sums[folder] = sums.get(folder, NONE).with_one(listed)
    return pages, sums


def encode(finding: Finding) -> bytes:
    """A finding's file; the same finding always gives the same bytes."""
    strays = sorted(finding.strays.items())
    document = {
        "left": cursor.encode_ranges(finding.left),
        "gone": sorted(finding.gone),
        "missing": sorted(finding.missing),
        "strays": [[key, each.size, format_instant(each.last_modified)] for key, each in strays],
        "stored": {key: format_instant(at) for key, at in finding.stored.items()},
        "waiting": waiting.encode(finding.waiting),
        "others": finding.others,
        "nested": sorted(finding.nested),
        "empty": finding.empty,
    }
    return packed.pack(document, FORMAT, LEVEL)


def decode(body: bytes) -> Finding:
    """Read a finding's file.

    Raises:
        NewerLedgerError: It has a newer format.
        LedgerError: It is broken.
    """
    return packed.read(body, FORMAT, WHAT, _decode)


def _decode(document: Mapping[str, Any]) -> Finding:
    return Finding(
        cursor.decode_ranges(document["left"]),
        fields.texts(document["gone"]),
        fields.texts(document["missing"]),
        {fields.text(key): Listed(key, fields.size(size), fields.instant(at)) for key, size, at in document["strays"]},
        {key: fields.instant(at) for key, at in fields.mapping(document["stored"]).items()},
        waiting.decode(document["waiting"]),
        fields.count(document["others"]),
        fields.texts(document["nested"]),
        fields.flag(document["empty"]),
    )
