"""What a full listing means: orphans, entries whose object is gone, and current assets that are missing. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cleaner_lambda.ledger import Retired
from release_log.fingerprints import split
from release_log.tags import Mark, State

if TYPE_CHECKING:
    from datetime import datetime

    from cleaner_lambda.history import History
    from cleaner_lambda.port import Listed


@dataclass(slots=True)
class Inventory:
    """What a listing says, without the listing: it grows with what is known or stray, not with the bucket.

    Attributes:
        known: Key -> the objects that we know of.
        strays: Key -> bytes of the orphans that are to be retired.
        others: Folder -> how many other orphans it holds.
        nested: Folders of other sites inside this one's prefix: those that are configured, and by their release logs.
    """

    known: dict[str, Listed] = field(default_factory=dict)
    strays: dict[str, int] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)
    nested: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a full listing means.

    Attributes:
        history: Without the entries whose object is gone, and with the orphans that are retired.
        missing: Keys of current releases that are not in the bucket, in order.
        orphans: How many assets belong to no release, retired or not.
    """

    history: History
    missing: tuple[str, ...]
    orphans: int


def reconcile(history: History, inventory: Inventory, now: datetime) -> Reconciled:
    """Bring the history in line with a listing that was made after it was read.

    What lies around another site's release log inside this one's prefix is that other site's, whoever configured it.
    """
    known, nested = inventory.known, tuple(inventory.nested)
    live, paths = history.live_keys(), history.live_paths()
    retired = {key: replace(entry, size=known[key].size) for key, entry in history.retired.items() if key in known}
    # What was stored again since it retired has lost the tag that it bore.
    stored_again = {key for key, entry in retired.items() if known[key].last_modified > entry.mark.since}
    gone = (live | history.retired.keys()) - known.keys()
    strays = {key: size for key, size in inventory.strays.items() if not key.startswith(nested)}
    if history.current:
        for key, size in strays.items():
            logical = split(key).logical
            state = State.SUPERSEDED if logical in paths else State.REMOVED
            # Markers are read after the clock was: one of them may have brought it into this state a moment later.
            since = max(now, history.turned.get(logical, now))
            retired[key] = Retired(logical, Mark(state, since), size, release="")
    others = sum(count for folder, count in inventory.others.items() if not folder.startswith(nested))
    return Reconciled(
        history=replace(history, retired=retired, owed=(history.owed - gone) | stored_again),
        missing=tuple(sorted(live - known.keys())),
        orphans=len(strays) + others,
    )
