"""When an asset is due: by the releases alone, in their order, without a ledger."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from tests.chaos.log import Release


class Retired(NamedTuple):
    """An asset that is in no current release any more."""

    path: str
    since: datetime
    removed: bool
    channel: str = ""
    ended: bool = False


class Rules(NamedTuple):
    """The policy's settings, in seconds."""

    version_limit: int
    version_ttl: int
    removed_ttl: int
    grace: int
    pending_ttl: int = 21_600
    staged_ttl: int = 3600


def retired(releases: Iterable[Release]) -> dict[str, Retired]:
    """Every key that was in a current release and is in none now."""
    lines: dict[str, list[Release]] = {}
    gone: dict[str, Retired] = {}
    every = [(at, each, n) for each in releases for n, at in enumerate((each.at, each.placed)) if at is not None]
    for at, release, in_place in sorted(every):
        before = lines.get(release.channel, [])
        line = [each for each in before if each >= release] if in_place else [*before, release]
        lines[release.channel] = line
        live = [each for line in lines.values() for each in line]
        keys = {key for each in live for key in each.assets.values()}
        paths = {path for each in live for path in each.assets}
        left = ((path, key) for each in before if each not in line for path, key in each.assets.items())
        gone |= {key: Retired(path, at, path not in paths, release.channel) for path, key in left}
        for key, was in list(gone.items()):
            ended = was.ended or (release.ended and was.channel == release.channel)
            removed = ended or was.path not in paths
            if key in keys:
                del gone[key]
            elif removed != was.removed:
                gone[key] = Retired(was.path, at, removed, was.channel, ended)
            else:
                gone[key] = was._replace(ended=ended)
    return gone


def due(gone: Mapping[str, Retired], there: Collection[str], rules: Rules, now: datetime, *, surely: bool) -> set[str]:
    """The retired keys that are due; of versions of one second, the order is open unless ``surely``."""
    found = set()
    for key, (path, since, removed, *_) in gone.items():
        siblings = (each.since for other, each in gone.items() if other != key and other in there and each.path == path)
        newer = sum(at > since or (at == since and not surely) for at in siblings)
        wait = max(rules.grace, rules.removed_ttl if removed else rules.version_ttl)
        if now - since >= timedelta(seconds=wait) and (removed or newer >= rules.version_limit):
            found.add(key)
    return found
