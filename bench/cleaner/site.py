"""A site with a long past: of each file of its build, many versions that newer releases have superseded."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from bench.cleaner.bucket import ASSET_BYTES
from cleaner_lambda import head, segments
from cleaner_lambda.head import Head
from cleaner_lambda.ledger import Folded, Ledger, Retired
from cleaner_lambda.ledger_document import encode
from cleaner_lambda.ledger_files import read_parts
from cleaner_lambda.ledger_store import decode as decode_ledger
from cleaner_lambda.port import Blob
from cleaner_lambda.segment import columns_of
from cleaner_lambda.segments import Index, parts
from release_log import marker, segment_file
from release_log.layout import Layout
from release_log.ledger_file import FORMAT as FORMAT_1
from release_log.ledger_index import Segment, segment_name
from release_log.marker import FORMAT, Asset, Release
from release_log.release_id import make_id
from release_log.tags import Mark, State, with_mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from bench.cleaner.bucket import MemoryBucket
    from cleaner_lambda.port import S3Port

BUCKET = "assets"
PREFIX = "assets/"
CHANNEL = "main"
WRITER = {"name": "bench", "version": "1"}
BETWEEN = timedelta(minutes=30)
"""From one release to the next."""

PLACED = b'{"format":1}'
"""What the file says beside the marker of a release without pages."""


class _Published(NamedTuple):
    id: str
    at: datetime


class Site:
    """The site, and the build that its newest release has published."""

    def __init__(self, bucket: MemoryBucket, files: int) -> None:
        """Make a site without a release.

        Args:
            bucket: The bucket.
            files: How many files its build has.
        """
        self.layout = Layout(PREFIX)
        self._bucket = bucket
        self._versions = [0] * files
        self._past: list[int] = []
        self._releases: list[_Published] = []

    def publish(self, changed: Iterable[int]) -> dict[str, Any]:
        """Publish a release.

        Args:
            changed: The numbers of the files that change.

        Returns:
            S3's event about the marker.
        """
        self._begin(changed)
        key = self._put_marker()
        return {
            "source": "aws.s3",
            "detail-type": "Object Created",
            "detail": {"bucket": {"name": BUCKET}, "object": {"key": key}},
        }

    def have_past(self, retired: int, ledger_format: int = FORMAT_1, *, listing_due: bool = False) -> None:
        """Publish releases until so many assets are retired, and write the state that the cleaner has then.

        It would have to tag each of them, one request after the other. Their markers are gone, as they are after a
        while.

        Args:
            retired: The number of these assets.
            ledger_format: The format of the ledger. In format 2 all of it was swept.
            listing_due: Whether 23 hours from now a full listing is due; otherwise, a sweep.
        """
        last = self._retire(retired)
        now, (newest, _) = self._bucket.now, self._releases[-1]
        before_now = now - timedelta(hours=2)
        ledger = Ledger(
            current={CHANNEL: newest},
            folded={newest: Folded(now, CHANNEL, placed=now)},
            cut=(last.at, last.id),
            listed_at=before_now if listing_due else now,
        )
        if ledger_format == FORMAT_1:
            entries = {key: entry for _, versions in self.past() for key, entry in versions.items()}
            self._bucket.put(self.layout.ledger, encode(replace(ledger, retired=entries)))
            return
        lines: list[Segment] = []
        for first, part in chain.from_iterable(parts(group, first) for first, group in self._groups()):
            name = segment_name(now, f"{len(lines):016x}")
            self._bucket.put(self.layout.ledger_file(name), segment_file.encode(columns_of(part)))
            lines.append(Segment(first, name, len(part), swept=now if listing_due else before_now))
        self._bucket.put(self.layout.ledger, head.encode(Head(ledger, Index(tuple(lines)))))

    def have_lost(self, retired: int, markers: int | None = None) -> None:
        """Publish the same releases, of which the cleaner's whole state is lost: the ledger, its files, the checkpoint.

        The retired assets still bear their tags.

        Args:
            retired: As in `have_past`.
            markers: How many of the newest markers are there; None for all.
        """
        self._retire(retired, markers)
        tags: dict[Mark, Mapping[str, str]] = {}
        for _, versions in self.past():
            for key, entry in versions.items():
                if entry.mark not in tags:
                    tags[entry.mark] = with_mark({}, entry.mark)
                self._bucket.set_tags(key, tags[entry.mark])

    def _retire(self, retired: int, markers: int | None = 1) -> _Published:
        """Publish releases until so many assets are retired, and then one that changes nothing.

        Args:
            retired: The number of these assets.
            markers: As in `have_lost`.

        Returns:
            The last but one release.
        """
        files = range(len(self._versions))
        changes = [files, *(files[:left] for left in range(retired, 0, -len(files)))]
        for number, changed in enumerate(changes):
            last = self._begin(changed)
            if markers is None or len(changes) - number < markers:
                self._put_marker()
        self._past = list(self._versions)
        self.publish(())
        return last

    def retired_since(self) -> dict[str, datetime]:
        """Key -> since when it is retired, by the ledger that the cleaner has written."""
        stored = self._bucket.get(self.layout.ledger)
        found = Ledger() if stored is None else decode_ledger(stored.body or b"")
        if isinstance(found, Ledger):
            return {key: entry.mark.since for key, entry in found.retired.items()}
        read = read_parts(cast("S3Port", _Files(self._bucket)), self.layout, found.index)
        return {key: entry.mark.since for part in read for key, entry in part.items()}

    def past(self) -> Iterator[tuple[str, dict[str, Retired]]]:
        """The assets that `have_past` has retired: millions, so each logical path has its own.

        Yields:
            The logical path, and key -> retired asset.
        """
        marks = [Mark(State.SUPERSEDED, each.at) for each in self._releases]
        for number, newest in enumerate(self._past):
            path = _path(number)
            yield (
                path,
                {
                    # The release of a version is the one of that number, and the next one has replaced it.
                    _key(number, version): Retired(
                        path,
                        marks[version],
                        ASSET_BYTES,
                        self._releases[version - 1].id,
                        tagged=marks[version],
                    )
                    for version in range(1, newest)
                },
            )

    def _groups(self) -> Iterator[tuple[str, dict[str, Retired]]]:
        """The same in groups, as a sweep has them; the first logical path that belongs to each, and its assets."""
        first, group = "", dict[str, Retired]()
        for path, versions in self.past():
            if group and len(group) + len(versions) > segments.GROUP:
                yield first, group
                first, group = path, {}
            group |= versions
        yield first, group

    def _put_marker(self) -> str:
        """Store the marker of the newest release, and the file that says that it is in place. Returns its key."""
        release_id = self._releases[-1].id
        assets = {
            _path(number): Asset(_key(number, version), ASSET_BYTES, fingerprinted=True)
            for number, version in enumerate(self._versions)
        }
        name = f"r{len(self._releases)}"
        last = len(self._releases)
        new = frozenset(_key(number, version) for number, version in enumerate(self._versions) if version == last)
        release = Release(name, CHANNEL, self._bucket.now, PREFIX, WRITER, assets, format=FORMAT, new=new)
        key = self.layout.marker_key(release_id)
        self._bucket.put(key, marker.encode(release))
        self._bucket.put(self.layout.placed_key(release_id), PLACED)
        return key

    def _begin(self, changed: Iterable[int]) -> _Published:
        """Store the assets of a release."""
        self._bucket.now += BETWEEN
        release = _Published(make_id(self._bucket.now, f"r{len(self._releases) + 1}"), self._bucket.now)
        self._releases.append(release)
        new = list(changed)
        for number in new:
            self._versions[number] = len(self._releases)
        self._bucket.add_assets(_key(number, self._versions[number]) for number in new)
        return release


class _Files:
    """The bucket's files, as the cleaner reads them."""

    def __init__(self, bucket: MemoryBucket) -> None:
        self._bucket = bucket

    def get(self, key: str) -> Blob | None:
        """A file; None if it does not exist."""
        found = self._bucket.get(key)
        return None if found is None else Blob(found.body or b"", found.etag, found.at)


def versions_of(retired: int, files: int) -> list[int]:
    """How many versions of each file are retired in a past of so many retired assets."""
    return [retired // files + (number < retired % files) for number in range(files)]


def _path(number: int) -> str:
    return f"{PREFIX}js/{number:06}.js"


def _key(number: int, version: int) -> str:
    # A factor that scatters them, as digests are, and gives no two versions the same. With these three characters at
    # its end it is never taken for a word, a number or a date.
    return f"{PREFIX}js/{number:06}-{(number * 40_503 + version) * 2_654_435_761 % 2**28:07x}4f1.js"
