"""An independent model of the promise: it reads the raw bucket, and knows nothing of the product but the format.

It shares no code with the uploader and the cleaner, and must not. After every step it looks at each key:

- what a current, pinned or staged release names is there, with the bytes that its fingerprint says; a page is stored,
  and in place from the file on that says so;
- what went was due, by each of the policy's settings, and no standing intent named it;
- `Model.overdue`, after a quiet time: what was due did go.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

PREFIX = "assets/"
LOG = f"{PREFIX}.releases/"
FINGERPRINT = re.compile(r"-([0-9a-f]{8})\.\w+$")
PLACED = ".placed.json"
PAGES_STORED = 3
"""From this format on, another file says that a release's pages are in place."""

DAY = 86_400

RUN_SECONDS = 30
"""A run that is under way does not know what is younger than this."""


class BrokenError(Exception):
    """The promise is broken, or one of the policy's settings."""


class Stored(NamedTuple):
    """An object, as S3 lists it."""

    etag: str
    at: datetime


class Bucket(Protocol):
    """The bucket itself, without the product."""

    def objects(self, prefix: str) -> Mapping[str, Stored]:
        """Every object below a prefix, by S3's clock."""

    def read(self, key: str) -> bytes | None:
        """An object's body; None if it is gone."""


class Release(NamedTuple):
    """A file of the release log, as it was when first seen; in S3's order. The end of a channel has no assets.

    ``stored`` maps the key of a page to that of its stored version. ``placed`` is when its pages were in place.
    """

    at: datetime
    id: str
    channel: str
    assets: Mapping[str, str]
    seen: int
    ended: bool = False
    stored: Mapping[str, str] = {}
    placed: datetime | None = None

    @property
    def needs(self) -> set[str]:
        """The keys under which there has to be an object."""
        pages = self.stored.keys() if self.placed is None else ()
        return {*self.assets.values(), *self.stored.values()}.difference(pages)


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


def current(releases: Iterable[Release]) -> dict[str, list[Release]]:
    """Channel -> its current releases, from the newest one on whose pages are in place."""
    lines: dict[str, list[Release]] = {}
    for release in sorted(releases):
        before = [] if release.placed else lines.get(release.channel, [])
        lines[release.channel] = [*before, release]
    return lines


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


@dataclass
class Model:
    """What is known from looking.

    Attributes:
        bucket: The bucket.
        rules: The policy.
        now: S3's clock.
        nights: The number of times at which nothing was under way, neither an upload nor a run.
        files: Key -> release, for every file of the release log that was ever seen.
        placed: Id -> when that release's pages were in place.
        assets: The assets at the last look.
        checked: The number of keys checked so far.
        went: The number of assets that went.
    """

    bucket: Bucket
    rules: Rules
    now: Callable[[], datetime]
    nights: int = 0
    files: dict[str, Release] = field(default_factory=dict)
    placed: dict[str, datetime] = field(default_factory=dict)
    assets: Mapping[str, Stored] = field(default_factory=dict)
    checked: int = 0
    went: int = 0

    def look(self) -> None:
        """Look at every key.

        Raises:
            BrokenError: Something is lost, or went too early.
        """
        first, began = self._log(), current(self.markers())
        listed = self.bucket.objects(PREFIX)
        assets = {key: stored for key, stored in listed.items() if not key.startswith(LOG)}
        both, ends = first & self._log(), current(self.markers())
        now = self.now()
        needed = [
            (f"current in {channel}", each)
            for channel, line in began.items()
            for each in line
            if each.id in {other.id for other in ends[channel]}
        ]
        needed += [(f"in {key}", self.files[key]) for key in both if self._holds(key, now)]
        for why, release in needed:
            for key in release.needs - listed.keys():
                msg = f"{key} is {why} ({release.id}), and is lost"
                raise BrokenError(msg)
        for key, stored in assets.items():
            if (print_ := FINGERPRINT.search(key)) and not stored.etag.startswith(print_[1]):
                msg = f"{key} has other bytes: {stored.etag}"
                raise BrokenError(msg)
        self._check_gone(self.assets.keys() - assets.keys(), both, now)
        self.checked += len(assets) + sum(len(release.needs) for _, release in needed)
        self.went += len(self.assets.keys() - assets.keys())
        self.assets = assets

    def markers(self) -> list[Release]:
        """Every release that was ever published."""
        return [
            each._replace(placed=each.placed or self.placed.get(each.id))
            for key, each in self.files.items()
            if "/markers/" in key
        ]

    def overdue(self) -> set[str]:
        """What is still there, although it was due: assets, intents and staged releases."""
        now, log = self.now(), self._log()
        gone = retired(self.markers())
        pinned = {key for name in log if "/pins/" in name for key in self.files[name].assets.values()}
        assets = {
            key
            for key in due(gone, self.assets, self.rules, now, surely=True) & self.assets.keys() - pinned
            if FINGERPRINT.search(key) or self.assets[key].at <= gone[key].since
        }
        named = {key for each in self.markers() for key in each.assets.values()} | pinned
        paths = {path for line in current(self.markers()).values() for each in line for path in each.assets}
        strays = {key for key in self.assets.keys() - named if FINGERPRINT.search(key) and _path(key) not in paths}
        return assets | strays | {key for key in log if ("/pending/" in key or "/staged/" in key)}

    def _log(self) -> set[str]:
        """Read what is new in the release log; returns the keys of its releases."""
        keys = set()
        for key, stored in self.bucket.objects(LOG).items():
            if key.endswith(PLACED):
                release_id = key.rpartition("/")[2].removesuffix(PLACED)
                self.placed.setdefault(release_id, stored.at.replace(microsecond=0))
            elif key not in self.files and re.search(r"/\d{8}T\d{6}Z-[^/]*\.json$", key):
                release = _release(self.bucket.read(key), key, stored.at.replace(microsecond=0), self.nights)
                if release is not None:
                    self.files[key] = release
            if key in self.files:
                keys.add(key)
        return keys

    def _holds(self, key: str, now: datetime) -> bool:
        """Whether a staged release or a pin needs all its assets now."""
        until = self.files[key].at + timedelta(seconds=self.rules.staged_ttl)
        return "/pins/" in key or ("/staged/" in key and now < until)

    def _check_gone(self, gone: set[str], log: set[str], now: datetime) -> None:
        """Each asset that went was due for a run that may not know what is younger than `RUN_SECONDS`."""
        if not gone:
            return
        before = now - timedelta(seconds=RUN_SECONDS)
        markers = self.markers()
        events = {at for each in markers for at in (each.at, each.placed) if at is not None and at > before}
        were_due = set()
        for instant in {before, *events}:
            releases = [
                each if each.placed is None or each.placed <= instant else each._replace(placed=None)
                for each in markers
                if each.at <= instant
            ]
            were_due |= due(retired(releases), self.assets, self.rules, now, surely=False)
        named = {key for each in self.markers() for key in each.assets.values()}
        until = now - timedelta(seconds=self.rules.pending_ttl)
        for key in gone:
            for name in log:
                file = self.files[name]
                standing = "/pending/" in name and file.seen < self.nights and file.at > until
                if standing and key in file.assets.values():
                    msg = f"{key} went, although the intent {name} names it"
                    raise BrokenError(msg)
            if key in named and key not in were_due:
                msg = f"{key} went too early: {retired(self.markers()).get(key)}, and it is {now}"
                raise BrokenError(msg)
            if key not in named and (now - self.assets[key].at < timedelta(seconds=DAY) or not FINGERPRINT.search(key)):
                msg = f"{key} went, although no release names it and it is not a day old"
                raise BrokenError(msg)


def _release(body: bytes | None, key: str, at: datetime, night: int) -> Release | None:
    """A file of the release log; None if it is gone again, or somebody's odd object."""
    try:
        document = json.loads(body or b"")
        assets = {path: asset["key"] for path, asset in document["assets"].items()}
        pages = {
            asset["key"]: f"{LOG}pages/{asset['stored']}" for asset in document["assets"].values() if "stored" in asset
        }
        release_id, ended = key.rpartition("/")[2].removesuffix(".json"), document.get("ended", False)
        placed = at if document.get("format", 1) < PAGES_STORED else None
        return Release(at, release_id, document["channel"], assets, night, ended, pages, placed)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _path(key: str) -> str:
    return FINGERPRINT.sub(lambda found: found[0].replace(f"-{found[1]}", ""), key)
