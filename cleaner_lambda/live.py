"""What the current releases have, counted, so that a release which comes or goes costs what it names alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from release_log.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from release_log.marker import Release


class Turned(NamedTuple):
    """What becomes current, or is so no more.

    Attributes:
        keys: The keys that are current from now on.
        dead: The keys that are so no more.
        paths: Logical path that entered or left the current releases -> whether it entered them.
    """

    keys: frozenset[str]
    dead: frozenset[str]
    paths: dict[str, bool]


class _Named(NamedTuple):
    """What some releases name."""

    keys: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()


class Live:
    """The keys and the logical paths of the current releases. Of each it is known how many channels have it.

    Attributes:
        keys: Key -> number of channels.
        paths: Logical path -> number of channels.
    """

    def __init__(self, lines: Mapping[str, Iterable[Release]]) -> None:
        self.keys: dict[str, int] = {}
        self.paths: dict[str, int] = {}
        self._named: dict[str, _Named] = {}
        for channel, line in lines.items():
            self.turn(channel, list(line))

    def turn(self, channel: str, line: Sequence[Release]) -> Turned:
        """Put other releases in the place of a channel's current ones."""
        before, after = self._named.get(channel, _Named()), _named(line)
        self._named[channel] = after
        new, dead = _count(self.keys, before.keys, after.keys)
        came, left = _count(self.paths, before.paths, after.paths)
        return Turned(frozenset(new), frozenset(dead), dict.fromkeys(came, True) | dict.fromkeys(left, False))


def _named(line: Sequence[Release]) -> _Named:
    keys = frozenset[str]().union(*(each.all_keys for each in line))
    return _Named(keys, frozenset[str]().union(*map(paths_of, line)))


def _count(counts: dict[str, int], before: frozenset[str], after: frozenset[str]) -> tuple[set[str], set[str]]:
    """Count what a channel has now instead of what it had; what no channel had before, and what none has any more."""
    new, dead = set(), set()
    for each in after - before:
        counts[each] = count = counts.get(each, 0) + 1
        if count == 1:
            new.add(each)
    for each in before - after:
        counts[each] -= 1
        if not counts[each]:
            del counts[each]
            dead.add(each)
    return new, dead


def paths_of(release: Release) -> set[str]:
    """The logical paths of a release: a page has another one for its stored versions."""
    layout = Layout(release.prefix)
    return {*release.assets, *map(layout.page_path, release.pages)}
