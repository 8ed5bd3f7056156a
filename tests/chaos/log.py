"""The release log as it lies in the bucket, read without any of the product's code."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

PREFIX = "assets/"
LOG = f"{PREFIX}.releases/"
PLACED = ".placed.json"
PAGES_STORED = 3
"""From this format on, another file says that a release's pages are in place."""


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


def current(releases: Iterable[Release]) -> dict[str, list[Release]]:
    """Channel -> its current releases, from the newest one on whose pages are in place."""
    lines: dict[str, list[Release]] = {}
    for release in sorted(releases):
        before = [] if release.placed else lines.get(release.channel, [])
        lines[release.channel] = [*before, release]
    return lines


@dataclass
class Log:
    """Every file of a release log that was ever seen.

    Attributes:
        bucket: The bucket.
        files: Key -> release.
        placed: Id -> when that release's pages were in place.
        read_as: Key -> the file that was read, as S3 listed it.
    """

    bucket: Bucket
    files: dict[str, Release] = field(default_factory=dict)
    placed: dict[str, datetime] = field(default_factory=dict)
    read_as: dict[str, Stored] = field(default_factory=dict)

    def read(self, night: int) -> set[str]:
        """Read what is new; returns the keys of the releases that are there now."""
        keys = set()
        for key, stored in self.bucket.objects(LOG).items():
            if key.endswith(PLACED):
                release_id = key.rpartition("/")[2].removesuffix(PLACED)
                self.placed.setdefault(release_id, stored.at.replace(microsecond=0))
            elif self._is_new(key, stored) and re.search(r"/\d{8}T\d{6}Z-[^/]*\.json$", key):
                release = _release(self.bucket.read(key), key, stored.at.replace(microsecond=0), night)
                if release is not None:
                    self.files[key] = release
                    self.read_as[key] = stored
            if key in self.files:
                keys.add(key)
        return keys

    def _is_new(self, key: str, stored: Stored) -> bool:
        """Two uploads of one second take the same name, one after the other, until a marker has it."""
        return key not in self.files or ("/markers/" not in key and self.read_as[key] != stored)

    def markers(self) -> list[Release]:
        """Every release that was ever published."""
        return [
            each._replace(placed=each.placed or self.placed.get(each.id))
            for key, each in self.files.items()
            if "/markers/" in key
        ]


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
