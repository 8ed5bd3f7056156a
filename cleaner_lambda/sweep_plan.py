"""What a sweep of a large site knows of the groups that it has not in memory.

A sweep goes through the retired assets in groups, and each group is decided about as if it were a site of its own. But
some of what the policy needs is of the whole site: how much is due, how many assets and orphans there are, and which
retired pages may still be in place. So the sweep reads all segments once before it deletes anything, and keeps that.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from cleaner_lambda.changes import merge
from cleaner_lambda.errors import OutdatedPlanError
from cleaner_lambda.ledger_files import read_delta, read_deltas, read_segment
from cleaner_lambda.policy import accidents, count_orphans, decide
from cleaner_lambda.view import Elsewhere, View
from release_log.beneath import beneath
from release_log.layout import Layout, is_stored_page

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from cleaner_lambda.changes import Change
    from cleaner_lambda.job import Job
    from cleaner_lambda.ledger import Retired
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.port import S3Port
    from cleaner_lambda.segments import Index
    from cleaner_lambda.so_far import Rest
    from release_log.ledger_index import Segment


class Group(NamedTuple):
    """A group of segments that a run has read.

    Attributes:
        segments: As the head names them.
        elsewhere: What there is in the others.
        pages: Key -> every retired page of the site, also of the other groups.
        unclaimed: Keys whose tags have to be checked, and that are retired in none of the groups.
        missing: Keys of current releases that a listing of this run has missed.
        releases: Ids of the releases with which assets retired that are left, in any group, or were when it began.
        left: Segments that somebody has asked to sweep too: if the run ends before, the next one goes on with them.
        turned: As in `cleaner_lambda.so_far.Rest`.
        following: The first logical path behind the group; None if there is none.
    """

    segments: tuple[Segment, ...]
    elsewhere: Elsewhere = Elsewhere()
    pages: Mapping[str, Retired] = {}
    unclaimed: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    releases: frozenset[str] = frozenset()
    left: tuple[Segment, ...] = ()
    turned: Mapping[str, datetime] = {}
    following: str | None = None


class Part(NamedTuple):
    """The group that a run is to read.

    Attributes:
        plan: The plan of the sweep.
        first: The first logical path of the group.
    """

    plan: SweepPlan
    first: str


@dataclass(slots=True)
class SweepPlan:
    """What a sweep knows of all groups.

    Attributes:
        last: The number of the last delta that it knows.
        unclaimed: See `Group`.
        missing: See `Group`.
        lines: First logical path of each group -> its segments, as the last head that this run has read or written.
        sums: The same -> what there is.
        changes: The number of each delta that some segment has yet to take in -> what it says.
        pages: See `Group`.
        releases: See `Group`.
        verified: How many retired assets the last full listing has seen.
        asked: The first logical path of each group that somebody has asked to sweep, and that is not swept yet.
        turned: See `Group`.
        orphans: How many orphans there are in all groups, if only that is known of them; otherwise None.
    """

    last: int
    unclaimed: frozenset[str]
    missing: frozenset[str] = frozenset()
    lines: dict[str, tuple[Segment, ...]] = field(default_factory=dict)
    sums: dict[str, Elsewhere] = field(default_factory=dict)
    changes: dict[int, tuple[Change, ...]] = field(default_factory=dict)
    pages: dict[str, Retired] = field(default_factory=dict)
    releases: set[str] = field(default_factory=set)
    verified: int = 0
    asked: list[str] = field(default_factory=list)
    turned: dict[str, datetime] = field(default_factory=dict)
    orphans: int | None = None

    @property
    def is_of_a_rebuild(self) -> bool:
        """Whether it was made to rebuild the ledger: it knows of the other groups no more than what that takes."""
        return self.orphans is not None

    @property
    def due(self) -> int:
        """How many assets are due, but for those whose channel has ended."""
        return sum(each.due for each in self.sums.values())

    def assets_of(self, groups: Collection[str]) -> int:
        """How many retired assets some groups hold."""
        return sum(self.sums[first].assets for first in groups)

    def assets_but(self, groups: Collection[str]) -> int:
        """How many retired assets the others hold."""
        return self.assets_of(self.sums.keys() - set(groups))

    def of(self, segments: Collection[Segment]) -> list[str]:
        """The first logical path of each group that holds one of some segments."""
        return [first for first, lines in self.lines.items() if not set(lines).isdisjoint(segments)]

    def read(self, store: S3Port, layout: Layout, index: Index, first: str) -> tuple[Group, dict[str, Retired]]:
        """Read a group.

        Args:
            store: The site's bucket.
            layout: The site.
            index: The head's, as it is now.
            first: The first logical path of the group.

        Raises:
            OutdatedPlanError: Another run has swept some of the site.
            LedgerError: A file is broken, or is gone.
        """
        if index.segments != tuple(chain.from_iterable(self.lines.values())):
            msg = f"{layout.ledger}: another run has swept a part of the site"
            raise OutdatedPlanError(msg)
        self._take_in_news(store, layout, index)
        lines = self.lines[first]
        retired: dict[str, Retired] = {}
        for each in lines:
            retired |= read_segment(store, layout, index, each, self.changes)
        elsewhere = self._elsewhere(first)
        if self.orphans is not None:
            elsewhere = Elsewhere(orphans=max(0, self.orphans - count_orphans(retired)))
        left = tuple(each for path in self.asked if path != first for each in self.lines[path])
        releases = frozenset(self.releases)
        following = next((path for path in self.lines if path > first), None)
        group = Group(
            lines, elsewhere, self.pages, self.unclaimed, self.missing, releases, left, self.turned, following
        )
        return group, retired

    def _elsewhere(self, first: str) -> Elsewhere:
        others = [each for path, each in self.sums.items() if path != first]
        return Elsewhere(*map(sum, zip(*((each.due, each.assets, each.orphans) for each in others), strict=True)))

    def _take_in_news(self, store: S3Port, layout: Layout, index: Index) -> None:
        """Take in what runs have noted since, this one too: another release may have left with its page meanwhile."""
        for each in index.deltas:
            if each.number > self.last:
                self._learn(each.number, read_delta(store, layout, each))
        self.last = index.last

    def _learn(self, number: int, changes: Sequence[Change]) -> None:
        self.changes[number] = tuple(changes)
        for each in changes:
            self.turned |= dict.fromkeys(each.turned, each.at)
        self.pages = merge(self.pages, (_of_pages(each) for each in changes))
        self.releases.update(entry.release for each in changes for entry in each.left.values())
        self.unclaimed -= frozenset().union(*(each.left.keys() | each.found.keys() for each in changes))

    def note(self, first: str, index: Index, due: int) -> None:
        """A group was swept: its segments are others now.

        Args:
            first: The first logical path of the group.
            index: The head's, as it is now.
            due: How many assets were due there, as `Elsewhere` counts them. That may be more than when the plan was
                made, as time has passed and releases have come: the groups after it are judged with all of them.
        """
        there = self.sums[first]
        self.sums[first] = replace(there, due=max(there.due, due))
        self.asked = [path for path in self.asked if path != first]
        lines: dict[str, tuple[Segment, ...]] = dict.fromkeys(self.lines, ())
        groups = iter(self.lines)
        path = next(groups)
        following = next(groups, None)
        for each in index.segments:
            if following is not None and each.first >= following:
                path, following = following, next(groups, None)
            lines[path] = (*lines[path], each)
        self.lines = lines


def make_plan(store: S3Port, job: Job, rest: Rest, segments: Collection[Segment], pace: Pace) -> SweepPlan | None:
    """Read all retired assets, one group after the other, and keep what is of the whole site.

    Args:
        store: The site's bucket.
        job: What the run is asked to do.
        rest: What the run knows.
        segments: Those that it sweeps: nothing of the others is deleted.
        pace: See `Pace`.

    Returns:
        The plan; None if the time ended before.

    Raises:
        LedgerError: A file is broken, or is gone.
    """
    layout, index = Layout(job.prefix), rest.index
    plan = SweepPlan(index.last, rest.owed | rest.unknown, rest.missing)
    plan.changes |= read_deltas(store, layout, index)
    theirs = beneath(rest.inner)
    for group in index.groups(index.segments):
        if not pace.has_time():
            return None
        retired: dict[str, Retired] = {}
        for each in group:
            found = read_segment(store, layout, index, each, plan.changes)
            retired |= {key: entry for key, entry in found.items() if not theirs(key)}
        plan.lines[group[0].first] = group
        is_swept = not set(segments).isdisjoint(group)
        plan.sums[group[0].first] = _sum(retired, rest.view, job, rest.now, is_swept=is_swept)
        plan.verified += sum(_was_seen(entry, rest.listed_at) for entry in retired.values())
        plan.pages |= pages_of(retired)
        plan.releases.update(entry.release for entry in retired.values())
        plan.unclaimed -= retired.keys()
    return plan


def plan_rebuild(store: S3Port, job: Job, rest: Rest) -> SweepPlan:
    """What the rebuild of a ledger has to know, which deletes nothing: the groups, and what they have yet to take in.

    Raises:
        LedgerError: A file is broken, or is gone.
    """
    layout, index = Layout(job.prefix), rest.index
    orphans = None if rest.rebuilding is None else rest.rebuilding.orphans
    plan = SweepPlan(index.last, frozenset(), turned=dict(rest.turned or {}), orphans=orphans)
    plan.changes |= read_deltas(store, layout, index)
    for group in index.groups(index.segments):
        plan.lines[group[0].first] = group
        plan.sums[group[0].first] = Elsewhere()
    return plan


def _sum(retired: Mapping[str, Retired], view: View, job: Job, now: datetime, *, is_swept: bool) -> Elsewhere:
    """What a group holds, as far as its own assets say."""
    if not is_swept:
        return Elsewhere(assets=len(retired), orphans=count_orphans(retired))
    alone = replace(view, retired=retired, live=frozenset(), owed=frozenset(), stops=(), unswept=False)
    due = decide(alone, job.policy, now, force=True).delete
    return Elsewhere(due=accidents(due), assets=len(retired), orphans=count_orphans(retired))


def _was_seen(entry: Retired, listed_at: datetime | None) -> bool:
    """Whether the last full listing has seen the object: a marker may name keys that never existed."""
    return not entry.release or (listed_at is not None and entry.mark.since <= listed_at)


def pages_of(retired: Mapping[str, Retired]) -> dict[str, Retired]:
    """The pages among some retired assets: the stored ones, and those without stored versions."""
    return {key: entry for key, entry in retired.items() if is_page(key, entry)}


def is_page(key: str, entry: Retired) -> bool:
    """Whether a retired asset is a page, or a stored one: what `cleaner_lambda.pages` asks about."""
    return is_stored_page(entry.logical) or (bool(entry.release) and entry.logical == key)


def _of_pages(change: Change) -> Change:
    return replace(change, left=pages_of(change.left), found=pages_of(change.found))
