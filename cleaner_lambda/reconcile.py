"""What a part of a full listing means: orphans, entries without an object, current assets that are missing. Pure.

Who lists says what that shows (`find`), and the run brings its history in line with it (`reconcile`).
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING

from cleaner_lambda.changes import Change, merge
from cleaner_lambda.finding import Finding, counted
from cleaner_lambda.key_hashes import KeyHashes
from cleaner_lambda.ledger import Retired
from cleaner_lambda.waiting import NONE, Waiting
from release_log.beneath import beneath
from release_log.bounds import INNER_SITES
from release_log.fingerprints import split
from release_log.layout import is_stored_page
from release_log.tags import Mark, State

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable
    from datetime import datetime

    from cleaner_lambda.cursor import Bounds, Cursor
    from cleaner_lambda.history import History
    from cleaner_lambda.port import Listed


@dataclass(slots=True)
class Inventory:
    """What was listed, reduced to what matters: 8 bytes for each known object, and the orphans.

    Attributes:
        seen: The hashes of the known keys that have an object.
        stored: Known key -> when its object was stored, where that may be news to the ledger.
        strays: Key -> the orphans to retire.
        waiting: Folder -> its orphans that are not to be retired yet.
        others: Folder -> how many other orphans it holds.
        young: Folder -> how many objects it holds that may become orphans when they are older.
        nested: Prefixes of other sites inside this one: the configured ones, and those that have a release log.
        count: The number of objects.
        last: The last key.
        listed: The ranges that were listed.
        left: Those that were not.
    """

    seen: array[int] = field(default_factory=lambda: array("q"))
    stored: dict[str, datetime] = field(default_factory=dict)
    strays: dict[str, Listed] = field(default_factory=dict)
    waiting: dict[str, Waiting] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)
    young: Counter[str] = field(default_factory=Counter)
    nested: set[str] = field(default_factory=set)
    count: int = 0
    last: str = ""
    listed: list[Bounds] = field(default_factory=list)
    left: list[Bounds] = field(default_factory=list)

    def add(self, part: Inventory, bounds: Bounds) -> None:
        """Add what a range holds."""
        self.seen += part.seen
        self.stored |= part.stored
        self.strays |= part.strays
        self.others += part.others
        self.young += part.young
        if len(self.nested) <= INNER_SITES:
            self.nested |= part.nested
        self.count += part.count
        self.listed.append(bounds)

    def withhold(self) -> None:
        """Only count the orphans, which are too many to hold. Stored pages are the site's own."""
        self.strays, self.waiting = counted(self.strays, self.waiting)


class Absent:
    """The known keys without an object, by what was listed. Where nobody looked, there are none.

    Attributes:
        seen: The known keys that have one.
    """

    def __init__(self, inventory: Inventory) -> None:
        """Sort what was listed."""
        self.seen = KeyHashes(inventory.seen)
        self._listed = sorted(inventory.listed, key=itemgetter(0))

    def __contains__(self, key: object) -> bool:
        """Whether a known key is one of them."""
        if not isinstance(key, str) or key in self.seen:
            return False
        place = bisect_left(self._listed, key, key=itemgetter(0)) - 1
        to = self._listed[place][1] if place >= 0 else ""
        return to is None or key <= to


def find(history: History, inventory: Inventory, absent: Absent, retired: Iterable[str] = ()) -> Finding:
    """What a listing shows that was made after the history was read.

    Objects beside another site's release log inside this prefix belong to that other site, even if it is configured
    elsewhere.

    Args:
        history: What is current and what is retired.
        inventory: What was listed.
        absent: What that says is absent.
        retired: Keys of more retired assets, if the history does not have all.
    """
    # What is neither live nor retired was not looked for.
    theirs, owed = beneath(inventory.nested), history.owed & history.live_keys()
    strays = {key: listed for key, listed in inventory.strays.items() if not theirs(key)}
    waiting = [each for folder, each in inventory.waiting.items() if not theirs(folder)]
    young = any(not theirs(folder) for folder in inventory.young)
    return Finding(
        left=tuple(inventory.left),
        gone=frozenset(key for key in chain(history.retired, retired, owed) if key in absent),
        missing=frozenset(key for key in history.expected_keys() if key in absent),
        strays=strays,
        stored=inventory.stored,
        waiting=sum(waiting, NONE),
        others=sum(count for folder, count in inventory.others.items() if not theirs(folder)),
        nested=frozenset(inventory.nested),
        empty=not (inventory.seen or strays or waiting or young),
    )


def reconcile(  # noqa: PLR0913 (what the run knows)
    history: History,
    finding: Finding,
    cursor: Cursor,
    now: datetime,
    *,
    ended: bool = False,
    maybe_ended: bool = False,
    pattern: re.Pattern[str] | None = None,
) -> tuple[History, Cursor]:
    """Bring the history in line with a part of a listing.

    Args:
        history: What is current and what is retired; it may be newer than the listing.
        finding: What that shows.
        cursor: What was left of the listing before, and what that had found.
        now: The instant for which the run decides.
        ended: Whether the site has ended, and none of its markers is left. Otherwise nothing is retired where no
            release is known.
        maybe_ended: Whether an orphan may be of a channel that has ended.
        pattern: As in `cleaner_lambda.listing.Sorter`.

    Returns:
        The history, and what is left of the listing.
    """
    live, paths = history.live_keys(), history.live_paths()
    # Markers are read after the clock: with one of them the asset may have entered its state a moment later.
    since = max([now, *(each.placed_at or each.at for each in history.releases)])
    found: dict[str, Retired] = {}
    if history.current or ended:
        for key, listed in finding.strays.items():
            if key in live:
                continue  # a release has named it since
            logical = key if is_stored_page(key) else split(key, pattern).logical
            state = State.SUPERSEDED if logical in paths else State.REMOVED
            mark = Mark(state, since)
            found[key] = Retired(
                logical, mark, listed.size, release="", maybe_ended=maybe_ended, stored=listed.last_modified
            )
    stored = {key: at for key, at in finding.stored.items() if key not in live}
    change = Change(since, gone=finding.gone, found=found, stored=stored)
    history = replace(
        history,
        retired=merge(history.retired, [change]),
        owed=history.owed - finding.gone,
        changes=(*history.changes, change),
    )
    return history, replace(
        cursor,
        left=(*cursor.left, *finding.left),
        missing=cursor.missing | finding.missing,
        orphans=cursor.orphans + len(finding.strays) + finding.waiting.number + finding.others,
        waiting=cursor.waiting + finding.waiting + Waiting(others=finding.others),
        nested=cursor.nested if len(cursor.nested) > INNER_SITES else cursor.nested | finding.nested,
        empty=cursor.empty and finding.empty,
    )
