"""A site with a long past: of each file of its build, many versions that newer releases have superseded."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bench.cleaner.bucket import ASSET_BYTES
from cleaner_lambda import head
from cleaner_lambda.head import Head
from cleaner_lambda.ledger import Folded, Ledger, Retired, encode
from cleaner_lambda.segment import columns_of
from cleaner_lambda.segments import Index, parts
from release_log import marker, segment_file
from release_log.layout import Layout, make_id
from release_log.ledger_file import FORMAT as FORMAT_1
from release_log.ledger_index import Segment, segment_name
from release_log.marker import FORMAT, Asset, Release
from release_log.tags import Mark, State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.cleaner.bucket import MemoryBucket

BUCKET = "assets"
PREFIX = "assets/"
CHANNEL = "main"
WRITER = {"name": "bench", "version": "1"}
BETWEEN = timedelta(minutes=30)
"""From one release to the next."""

PLACED = b'{"format":1}'
"""What the file says beside the marker of a release without pages."""


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
        self._releases = 0

    def publish(self, changed: Iterable[int]) -> dict[str, Any]:
        """Publish a release.

        Args:
            changed: The numbers of the files that change.

        Returns:
            S3's event about the marker.
        """
        release_id = self._begin(changed)
        assets = {
            f"js/{number:06}.js": Asset(self._key(number), ASSET_BYTES, fingerprinted=True)
            for number in range(len(self._versions))
        }
        name = f"r{self._releases}"
        release = Release(name, CHANNEL, self._bucket.now, PREFIX, WRITER, assets, format=FORMAT)
        key = self.layout.marker_key(release_id)
        self._bucket.put(key, marker.encode(release))
        self._bucket.put(self.layout.placed_key(release_id), PLACED)
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
        entries: dict[str, Retired] = {}
        files = range(len(self._versions))
        last = self._begin(files)
        while len(entries) < retired:
            some = files[: retired - len(entries)]
            old = {self._key(number): f"js/{number:06}.js" for number in some}
            before, last = last, self._begin(some)
            mark = Mark(State.SUPERSEDED, self._bucket.now)
            entries |= {key: Retired(logical, mark, ASSET_BYTES, before, tagged=mark) for key, logical in old.items()}
        self.publish(())
        now, newest = self._bucket.now, make_id(self._bucket.now, f"r{self._releases}")
        before_now = now - timedelta(hours=2)
        ledger = Ledger(
            current={CHANNEL: newest},
            folded={newest: Folded(now, CHANNEL, placed=now)},
            cut=(now - BETWEEN, last),
            retired=entries,
            listed_at=before_now if listing_due else now,
        )
        if ledger_format == FORMAT_1:
            self._bucket.put(self.layout.ledger, encode(ledger))
            return
        lines: list[Segment] = []
        for first, part in parts(entries, ""):
            name = segment_name(now, f"{len(lines):016x}")
            self._bucket.put(self.layout.ledger_file(name), segment_file.encode(columns_of(part)))
            lines.append(Segment(first, name, len(part), swept=now if listing_due else before_now))
        written = Head(replace(ledger, retired={}), Index(tuple(lines)))
        self._bucket.put(self.layout.ledger, head.encode(written))

    def _begin(self, changed: Iterable[int]) -> str:
        """Store the assets of a release. Returns its id."""
        self._bucket.now += BETWEEN
        self._releases += 1
        new = list(changed)
        for number in new:
            self._versions[number] = self._releases
        self._bucket.add_assets(self._key(number) for number in new)
        return make_id(self._bucket.now, f"r{self._releases}")

    def _key(self, number: int) -> str:
        return _key(number, self._versions[number])


def versions_of(retired: int, files: int) -> list[int]:
    """How many versions of each file are retired in a past of so many retired assets."""
    return [retired // files + (number < retired % files) for number in range(files)]


def _key(number: int, version: int) -> str:
    # A factor that scatters them, as digests are, and gives no two versions the same. With these three characters at
    # its end it is never taken for a word, a number or a date.
    return f"{PREFIX}js/{number:06}-{(number * 40_503 + version) * 2_654_435_761 % 2**28:07x}4f1.js"
