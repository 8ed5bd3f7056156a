"""The keys that a listing knows: of a large site without an entry for each retired asset in memory."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING

from cleaner_lambda.key_hashes import KeyHashes
from cleaner_lambda.ledger_files import or_all_at_once, read_parts
from cleaner_lambda.policy import count_orphans

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from cleaner_lambda.ledger import Retired
    from cleaner_lambda.ledger_store import StoredLedger
    from cleaner_lambda.port import S3Port
    from release_log.layout import Layout

SAMPLE = 1000
"""One of so many keys tells where the others are."""


class Known:
    """The keys of current, retired, pending, staged and pinned releases.

    Attributes:
        orphans: How many of the retired assets that the run has not read are orphans.
    """

    def __init__(
        self,
        store: S3Port,
        layout: Layout,
        stored: StoredLedger,
        named: set[str],
        retired: Mapping[str, Retired],
        listed_at: datetime | None,
    ) -> None:
        """Read the retired assets that the run has not read.

        Args:
            store: The site's bucket.
            layout: The site.
            stored: The ledger.
            named: The keys that the run knows.
            retired: Key -> the retired assets that it knows.
            listed_at: When the last full listing was.
        """
        self._store, self._layout, self._stored = store, layout, stored
        self._named, self._retired, self._listed_at = named, retired, listed_at
        self._sample: set[str] = set()
        self.orphans = 0
        self._others = KeyHashes(self._hashes())

    @property
    def some(self) -> set[str]:
        """Keys that are spread over the site as all are."""
        return self._named | self._sample if self._sample else self._named

    def others_beyond(self, seen: KeyHashes) -> Iterator[str]:
        """The keys of the retired assets that the run has not read, unless all were seen.

        Raises:
            WholeNeededError: A file is broken, gone, or not given out: who reads all of them finds out what to do.
        """
        return iter(()) if self._others <= seen else chain.from_iterable(self._read())

    def _hashes(self) -> Iterator[int]:
        for part in self._read():
            self.orphans += count_orphans(part)
            self._sample.update(islice(part, 0, None, SAMPLE))
            yield from map(hash, part)

    def _read(self) -> Iterator[dict[str, Retired]]:
        if self._stored.head is None or not self._stored.light:
            return
        with or_all_at_once():
            yield from read_parts(self._store, self._layout, self._stored.head.index)

    def __len__(self) -> int:
        """How many there are, or some more."""
        return len(self._named) + len(self._others)

    def __contains__(self, key: object) -> bool:
        """Whether it is one of them."""
        return key in self._named or key in self._others

    def is_news(self, key: str, at: datetime) -> bool:
        """Whether it may be news to the ledger that the object of a retired asset was stored at this instant.

        Of an asset that the run has not read, that may be any time since the last full listing.
        """
        entry = self._retired.get(key)
        if entry is not None:
            return at > entry.mark.since or not (entry.release or entry.stored == at)
        return self._stored.light and key not in self._named and (self._listed_at is None or at >= self._listed_at)
