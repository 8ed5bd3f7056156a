"""What one instant changes of the retired assets. Pure.

A change names keys and logical paths, and needs none of the entries that it concerns. So a run that folds in a release
can note the change alone, and whoever reads a part of the entries later takes it in there.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from release_log.tags import Mark, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from cleaner_lambda.ledger import Retired


@dataclass(frozen=True, slots=True)
class Change:
    """What one instant changes.

    Attributes:
        at: The instant.
        live: Keys that are current from then on, and were not before: none of them is retired any more.
        ended: Ids of the releases that the end of their channel ended: what retired with one of them is removed,
            whatever logical paths other channels have.
        turned: Logical path that entered or left the current releases -> whether it entered them.
        left: Key -> the asset that retired then.
        gone: Keys without an object, as a listing says.
        found: Key -> an orphan that this listing found. If the key has an entry, that one stays.
        stored: Key -> when its object was stored, as this listing says. An entry that is older has lost its tag.
        again: Whether a rebuild tells it again, so that an entry may know it already. What became of that entry since
            stays: it lived again and left again, or was dated later.
    """

    at: datetime
    live: frozenset[str] = frozenset()
    ended: frozenset[str] = frozenset()
    turned: Mapping[str, bool] = field(default_factory=dict)
    left: Mapping[str, Retired] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    found: Mapping[str, Retired] = field(default_factory=dict)
    stored: Mapping[str, datetime] = field(default_factory=dict)
    again: bool = False

    @property
    def rows(self) -> int:
        """How much it says."""
        parts = (self.live, self.ended, self.turned, self.left, self.gone, self.found, self.stored)
        return sum(map(len, parts))

    def pieces(self, rows: int) -> Iterator[Change]:
        """The same in several changes, one after the other: each has so many rows of a listing at most."""
        gone, found, stored = sorted(self.gone), sorted(self.found.items()), sorted(self.stored.items())
        yield replace(self, gone=frozenset(gone[:rows]), found=dict(found[:rows]), stored=dict(stored[:rows]))
        for start in range(rows, max(len(gone), len(found), len(stored)), rows):
            end = start + rows
            yield Change(
                self.at, gone=frozenset(gone[start:end]), found=dict(found[start:end]), stored=dict(stored[start:end])
            )


def merge(
    retired: Mapping[str, Retired], changes: Iterable[Change], within: Callable[[str], bool] = lambda _: True
) -> dict[str, Retired]:
    """The retired assets after some changes.

    Args:
        retired: Key -> every retired asset of some logical paths: all versions of a path, or none.
        changes: The changes since, in their order.
        within: Whether a logical path is one of those. A key may have retired again elsewhere, under another path.
    """
    part = Part(dict(retired), within)
    for change in changes:
        part.take_in(change)
    return part.entries


class Part:
    """A part of the retired assets, while it takes in changes.

    Attributes:
        entries: Key -> retired asset.
    """

    def __init__(self, entries: dict[str, Retired], within: Callable[[str], bool] = lambda _: True) -> None:
        self.entries = entries
        self._within = within
        self._keys: defaultdict[str, set[str]] = defaultdict(set)
        for key, entry in entries.items():
            self._keys[entry.logical].add(key)

    def take_in(self, change: Change) -> None:
        """Take in one change."""
        entries, at, turned = self.entries, change.at, change.turned
        live = entries.keys() & change.live
        self._drop({key for key in live if entries[key].mark.since <= at} if change.again else live)
        if change.ended:
            ended = {key: entry for key, entry in entries.items() if entry.release in change.ended}
            entries |= {key: restate(replace(entry, ended=True), at, current=False) for key, entry in ended.items()}
        for path in self._keys.keys() & turned.keys():
            entries |= {key: restate(entries[key], at, current=turned[path]) for key in self._keys[path]}
        self._drop(entries.keys() & change.gone)
        entries |= {
            key: stored_again(entries[key], change.stored[key]) for key in entries.keys() & change.stored.keys()
        }
        self._add({key: entry for key, entry in change.found.items() if key not in entries})
        before = {key: entries[key].mark.since for key in entries.keys() & change.left.keys()}
        self._drop(before)
        left = {key: _no_earlier(change.left[key], since) for key, since in before.items()} if change.again else {}
        self._add({**change.left, **left} if left else change.left)

    def _add(self, new: Mapping[str, Retired]) -> None:
        for key, entry in new.items():
            if self._within(entry.logical):
                self.entries[key] = entry
                self._keys[entry.logical].add(key)

    def _drop(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._keys[self.entries.pop(key).logical].discard(key)


def _no_earlier(entry: Retired, since: datetime) -> Retired:
    return entry if since <= entry.mark.since else replace(entry, mark=Mark(entry.mark.state, since))


def with_tags(changes: Sequence[Change], retired: Mapping[str, Retired]) -> tuple[Change, ...]:
    """Some changes with the tags that their run has written meanwhile.

    Args:
        changes: The changes, in their order.
        retired: Key -> the asset that retired with them, or was found, as the run has left it. It leaves out what is
            none of the site's, or has no object.
    """
    known: set[str] = set()

    def tagged(entries: Mapping[str, Retired]) -> dict[str, Retired]:
        # The last time counts: a key that retired before has lived again since.
        keys = (entries.keys() & retired.keys()) - known
        known.update(keys)
        return {key: replace(entries[key], tagged=retired[key].tagged) for key in keys}

    noted = [replace(change, left=tagged(change.left), found=tagged(change.found)) for change in reversed(changes)]
    return tuple(reversed(noted))


def stored_again(entry: Retired, at: datetime) -> Retired:
    """A retired asset whose object was stored at some instant: if that is later, it may have lost its tag.

    It has one still if it was tagged after that, as a rebuild does, whose instants are old. So its tag counts as wrong.
    """
    tagged = entry.tagged
    if tagged is not None and at > entry.mark.since:
        tagged = Mark(tagged.state, at)
    return replace(entry, tagged=tagged, stored=None if entry.release else at)


def restate(entry: Retired, at: datetime, *, current: bool) -> Retired:
    """A retired asset after its logical path has entered or left the current releases at some instant.

    That instant may lie before an orphan's, which has a state only from the listing on that found it.
    """
    state = state_of(current=current, ended=entry.ended)
    return entry if state == entry.mark.state else entry.dated(Mark(state, max(at, entry.mark.since)))


def state_of(*, current: bool, ended: bool) -> State:
    """The state of a retired asset.

    Args:
        current: Whether its logical path is in a current release.
        ended: Whether its channel has ended since its last release.
    """
    return State.SUPERSEDED if current and not ended else State.REMOVED
