"""List some ranges of a site, and say what they show: for a run of the cleaner, and for a worker of a map run."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from cleaner_lambda.known import Known
from cleaner_lambda.listing import LISTING_SECONDS, STRAYS, Sorter, ranges, take_inventory
from cleaner_lambda.orphans import in_force
from cleaner_lambda.packed_orphans import PackedOrphans
from cleaner_lambda.policy import count_orphans
from cleaner_lambda.reconcile import Absent, find
from release_log.policy_settings import Orphans

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from cleaner_lambda.cursor import Bounds
    from cleaner_lambda.finding import Finding
    from cleaner_lambda.folding import FoldedLog
    from cleaner_lambda.job import Job
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.nesting import Around
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.port import S3Port
    from release_log.layout import Layout

LARGE = 2_000_000
"""So many known keys are beyond one invocation of 512 MB: 12 us each, with a third of a processor."""


class Scan:
    """A listing, of the part for which there is time."""

    def __init__(
        self, store: S3Port, layout: Layout, job: Job, loaded: Loaded, folded: FoldedLog, around: Around
    ) -> None:
        """Learn which keys are known.

        Args:
            store: The site's bucket.
            layout: The site.
            job: What the run was asked to do.
            loaded: The release log.
            folded: The same with its markers folded in.
            around: What the sites around this one need.
        """
        self._store, self._job, self._history = store, job, folded.history
        history, look = folded.history, loaded.look
        named = {*history.live_keys(), *history.retired, *look.protections.by_key, *look.pins.keys, *around.keys}
        since = loaded.ledger.listed_at or _news_since(loaded)
        self._known = Known(store, layout, loaded.base.stored, named, history.retired, since)
        self._firsts = _firsts(loaded)
        stopped = is_stopped(loaded, folded, around)
        self._sorter = Sorter(
            layout=layout,
            known=self._known,
            orphans=Orphans.REPORT if stopped else in_force(job.policy.orphans, layout),
            now=loaded.now,
            pages=not stopped,
            pattern=job.policy.pattern,
        )

    @property
    def ranges(self) -> tuple[Bounds, ...]:
        """All keys, in ranges of about the same size."""
        return ranges(self._known.some)

    @property
    def is_large(self) -> bool:
        """Whether the listing is handed out at once: one invocation would not do."""
        return len(self._known) >= LARGE

    @property
    def orphans(self) -> int:
        """How many retired orphans are known."""
        return count_orphans(self._history.retired) + self._known.orphans

    def without_known(self, finding: Finding) -> Finding:
        """What a worker has found, without the orphans that a release has named since, and left again.

        Such an asset may have retired under another logical path. As an orphan it would have a second entry there, and
        be deleted when that one is due.
        """
        return replace(finding, strays={k: each for k, each in finding.strays.items() if k not in self._known})

    def find(
        self, left: Sequence[Bounds], pace: Pace, inner: Iterable[str], most: int | None, *, packs: bool = False
    ) -> Finding:
        """List some ranges, as far as there is time.

        Args:
            left: The ranges.
            pace: See `Pace`.
            inner: As in `cleaner_lambda.listing.take_inventory`.
            most: As there.
            packs: Whether the listing `adopts`, and the run can write very many orphans to segments at once.
        """
        packed = PackedOrphans(self._firsts, self._job.policy.pattern) if packs else None
        inventory = take_inventory(self._store, left, self._sorter, pace, frozenset(inner), most, packed)
        absent = Absent(inventory)
        return find(self._history, inventory, absent, self._known.others_beyond(absent.seen))

    def adopts(self, most: int | None) -> bool:
        """Whether the listing may retire very many orphans, none of which gets a tag."""
        return most is None and self._job.policy.orphan_tags < STRAYS


def _news_since(loaded: Loaded) -> datetime | None:
    """Since when what was stored is news to a ledger that is being rebuilt, and so has no listing.

    The head that was copied as the checkpoint knows a listing, which was made a day or two before the cut, or later.
    Without that bound every object of a large site would be news.
    """
    ledger = loaded.ledger
    if ledger.rebuilding is None:
        return None
    return loaded.now if ledger.cut is None else ledger.cut[0] - 2 * timedelta(seconds=LISTING_SECONDS)


def _firsts(loaded: Loaded) -> list[str]:
    """The first logical path of each segment that the run has not read; what it has read it writes anew in any case."""
    head = loaded.base.stored.head
    return [each.first for each in head.index.segments] if loaded.light and head is not None else [""]


def is_stopped(loaded: Loaded, folded: FoldedLog, around: Around) -> bool:
    """Whether nothing is known to be an orphan: with a marker unread, any asset may be live."""
    return bool(loaded.stops or folded.stops or around.stops)
