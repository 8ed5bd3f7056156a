"""A release as a file of the release log has it: the record, and the one way to read it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from release_log.bounds import one_line
from release_log.errors import LayoutError, NewerFormatError, ReleaseLogError
from release_log.marker import decode, encode
from uploader.errors import UploaderError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from release_log.layout import Layout
    from release_log.marker import Release
    from uploader.s3.port import Blob, ReaderPort

BATCH = 16
"""How many files are read at once, at most: in parallel, and never more of them in memory (one may be 20 MB)."""

REMEDY = "delete it, and publish that release again"
REMEDY_FOR_NEWER = "use an uploader and a cleaner that read it, and do not delete it"
"""What to do with a file that is not valid, and with one that only a newer version reads."""

_ANY_INSTANT = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LoggedRelease:
    """A marker, an intent, a staged release or a pin.

    Attributes:
        id: The release's id.
        key: The file's key.
        at: S3's ``LastModified`` of the file.
        release: What the file says.
    """

    id: str
    key: str
    at: datetime
    release: Release

    @property
    def name(self) -> str:
        """The name in its id. What the marker calls the release may be any text, if another tool wrote it."""
        return name_of(self.id)

    @property
    def order(self) -> tuple[datetime, str]:
        """Markers are ordered by S3's clock, then by key."""
        return (self.at, self.key)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file of the release log that is not valid.

    Attributes:
        id: The release's id; the file's name if that is not an id.
        key: The file's key.
        at: S3's ``LastModified`` of the file.
        problem: Why it cannot be read.
        is_newer: Whether only a newer version reads it.
    """

    id: str
    key: str
    at: datetime
    problem: str
    is_newer: bool = False

    def complaint(self) -> str:
        """One line, with the remedy."""
        if self.is_newer:
            return f"{one_line(self.key)} is a newer uploader's ({self.problem}): {REMEDY_FOR_NEWER}"
        return (
            f"{one_line(self.key)} is not valid ({self.problem}): the cleaner deletes nothing until it is dealt with; "
            f"{REMEDY}"
        )


def name_of(release_id: str) -> str:
    """The name in an id; see `LoggedRelease.name`."""
    return release_id.partition("-")[2]


def digest_of(release: Release) -> str:
    """A digest of what a release publishes: it stays the same from the staged release to its marker.

    An activation changes the instant, and may leave out the headers of an asset.
    """
    assets = {logical: each._replace(headers=None) for logical, each in release.assets.items()}
    body = encode(replace(release, created_at=_ANY_INSTANT, assets=assets))
    return hashlib.sha256(body).hexdigest()[:32]


def check_digest(logged: LoggedRelease, digest: str | None) -> None:
    """Check that a release is the one that was staged.

    Args:
        logged: The release.
        digest: The digest that ``upload --stage`` printed; None: do not check.

    Raises:
        UploaderError: Its list is another one: somebody replaced the staged release.
    """
    if digest is None:
        return
    found = digest_of(logged.release)
    if found != digest:
        msg = (
            f"{logged.key} was replaced since it was staged (its digest is {found}, not {digest}): nothing was "
            "changed; publish that build again, and find out who holds the build job's credentials (docs/security.md)"
        )
        raise UploaderError(msg)


def read_release(bucket: ReaderPort, layout: Layout, key: str) -> LoggedRelease | None:
    """Read a marker, an intent, a staged release or a pin; None if it does not exist.

    Raises:
        UploaderError: It is not valid.
    """
    blob = bucket.get(key)
    if blob is None:
        return None
    logged = _read(layout, key, blob)
    if isinstance(logged, Unreadable):
        raise UploaderError(logged.complaint())
    return logged


def read_releases(
    bucket: ReaderPort, layout: Layout, keys: Sequence[str], *, first: int = BATCH
) -> Iterator[LoggedRelease | Unreadable]:
    """Read several of these files, in the order of the keys. A file that does not exist any more is left out.

    Args:
        bucket: The site's bucket.
        layout: The site.
        keys: The files.
        first: How many are read at once at first, if these may be enough.
    """
    start, size = 0, first
    while start < len(keys):
        batch = keys[start : start + size]
        start, size = start + size, min(2 * size, BATCH)
        blobs = bucket.get_each(batch)
        for key in batch:
            if key in blobs:
                yield _read(layout, key, blobs.pop(key))


def valid(releases: Iterable[LoggedRelease | Unreadable]) -> Iterator[LoggedRelease]:
    """The releases as they come.

    Raises:
        UploaderError: One is not valid.
    """
    for each in releases:
        if isinstance(each, Unreadable):
            raise UploaderError(each.complaint())
        yield each


def id_of(layout: Layout, key: str) -> str:
    """The id in a file's key; the file's name if that is not an id."""
    try:
        return layout.release_id(key)
    except LayoutError:
        return key.rpartition("/")[2]


def _read(layout: Layout, key: str, blob: Blob) -> LoggedRelease | Unreadable:
    try:
        # Whoever publishes it again finds its assets there, whatever was new when it was published first.
        release = replace(decode(blob.body, layout.prefix), new=frozenset())
        return LoggedRelease(layout.release_id(key), key, blob.last_modified, release)
    except ReleaseLogError as error:
        is_newer = isinstance(error, NewerFormatError)
        return Unreadable(id_of(layout, key), key, blob.last_modified, str(error), is_newer)
