"""What a full listing means: orphans, entries whose object is gone, and current assets that are missing. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cleaner_lambda.ledger import Retired
from release_log.fingerprints import split
from release_log.layout import is_stored_page
from release_log.tags import Mark, State

if TYPE_CHECKING:
    import re
    from datetime import datetime

    from cleaner_lambda.history import History
    from cleaner_lambda.port import Listed


@dataclass(slots=True)
class Inventory:
    """A listing, reduced to what matters: it grows with the known objects and the orphans, not with the bucket.

    Attributes:
        known: Key -> the objects that we know.
        strays: Key -> the orphans to retire.
        others: Folder -> how many other orphans it holds.
        young: Folder -> how many objects it holds that may become orphans when they are older.
        nested: Prefixes of other sites inside this one: the configured ones, and those that have a release log.
    """

    known: dict[str, Listed] = field(default_factory=dict)
    strays: dict[str, Listed] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)
    young: Counter[str] = field(default_factory=Counter)
    nested: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a full listing means.

    Attributes:
        history: The history without the entries whose object is gone, and with the retired orphans.
        missing: Keys of current releases that are not in the bucket, in order.
        orphans: The number of assets that belong to no release, retired or not.
        nothing_left: Whether no asset is left that is, or may become, the cleaner's to delete.
    """

    history: History
    missing: tuple[str, ...]
    orphans: int
    nothing_left: bool = False


def reconcile(
    history: History,
    inventory: Inventory,
    now: datetime,
    *,
    ended: bool = False,
    maybe_ended: bool = False,
    pattern: re.Pattern[str] | None = None,
) -> Reconciled:
    """Bring the history in line with a listing that was made after the history was read.

    Objects beside another site's release log inside this prefix belong to that other site, even if it is configured
    elsewhere.

    Args:
        history: What is current and what is retired.
        inventory: The listing.
        now: When it was made.
        ended: Whether the site has ended, and none of its markers is left. Otherwise nothing is retired where no
            release is known.
        maybe_ended: Whether an orphan may be of a channel that has ended.
        pattern: As in `cleaner_lambda.listing.take_inventory`.
    """
    known, nested = inventory.known, tuple(inventory.nested)
    live, paths = history.live_keys(), history.live_paths()
    retired = {key: _seen(entry, known[key]) for key, entry in history.retired.items() if key in known}
    # An object that was stored again after it retired has lost its tag.
    stored_again = {key for key, entry in retired.items() if known[key].last_modified > entry.mark.since}
    stored_again = {key for key in stored_again if not is_stored_page(key)}
    gone = (live | history.retired.keys()) - known.keys()
    strays = {key: listed for key, listed in inventory.strays.items() if not key.startswith(nested)}
    # Markers are read after the clock: with one of them the asset may have entered its state a moment later.
    since = max([now, *(each.placed_at or each.at for each in history.releases)])
    if history.current or ended:
        for key, listed in strays.items():
            logical = key if is_stored_page(key) else split(key, pattern).logical
            state = State.SUPERSEDED if logical in paths else State.REMOVED
            found = Retired(logical, Mark(state, since), listed.size, release="", maybe_ended=maybe_ended)
            retired[key] = _seen(found, listed)
    others = sum(count for folder, count in inventory.others.items() if not folder.startswith(nested))
    return Reconciled(
        history=replace(history, retired=retired, owed=(history.owed - gone) | stored_again),
        missing=tuple(sorted(history.expected_keys() - known.keys())),
        orphans=len(strays) + others,
        nothing_left=not (known or strays or any(not folder.startswith(nested) for folder in inventory.young)),
    )


def _seen(entry: Retired, listed: Listed) -> Retired:
    """A retired asset as a listing shows it."""
    return replace(entry, size=listed.size, stored=None if entry.release else listed.last_modified)
