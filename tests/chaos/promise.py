"""The promise: what a current, pinned or staged release names is there, with the bytes that its fingerprint says."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from tests.chaos.log import LOG, PREFIX, Log, Release, Stored, current

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

FINGERPRINT = re.compile(r"-([0-9a-f]{8})\.\w+$")


class BrokenError(Exception):
    """The promise is broken, or one of the policy's settings."""


class Seen(NamedTuple):
    """One look: the files of the log that were there throughout, the assets, and how many keys had to be there."""

    files: set[str]
    assets: Mapping[str, Stored]
    needed: int


def look(log: Log, night: int, clock: Callable[[], datetime], staged_ttl: int) -> Seen:
    """Look at every key, between two looks at the release log: what is needed by both is needed in between.

    Raises:
        BrokenError: An object is lost, or is another one.
    """
    first, began = log.read(night), current(log.markers())
    listed = log.bucket.objects(PREFIX)
    files, ends = first & log.read(night), current(log.markers())
    live = [(f"current in {each.channel}", each) for line in began.values() for each in line if _is_in(each, ends)]
    now = clock()
    young = {key for key in files if now < log.files[key].at + timedelta(seconds=staged_ttl)}
    held = {key for key in files if "/pins/" in key} | {key for key in young if "/staged/" in key}
    needed = [*live, *((f"in {key}", log.files[key]) for key in held)]
    for why, release in needed:
        for key in release.needs - listed.keys():
            msg = f"{key} is {why} ({release.id}), and is lost"
            raise BrokenError(msg)
    assets = {key: stored for key, stored in listed.items() if not key.startswith(LOG)}
    for key, stored in assets.items():
        if (print_ := FINGERPRINT.search(key)) and not stored.etag.startswith(print_[1]):
            msg = f"{key} has other bytes: {stored.etag}"
            raise BrokenError(msg)
    return Seen(files, assets, sum(len(release.needs) for _, release in needed))


def _is_in(release: Release, lines: Mapping[str, list[Release]]) -> bool:
    return any(each.id == release.id for each in lines[release.channel])
