"""The files of the release log that a run may delete, after a second look. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cleaner_lambda.ending import EndedLog, ended_log
from cleaner_lambda.pruning import dangling, with_placed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from cleaner_lambda.ledger import Folded
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.pruning import Cut
    from cleaner_lambda.survey import Survey
    from release_log.layout import Layout


class ToPrune(NamedTuple):
    """Keys of the files of the release log that are no longer needed.

    Attributes:
        old: Of the markers up to the cut.
        dangles: Of what says of a release that it is in place, though its marker is gone.
        first: Of the releases of channels that have ended.
        last: Of the markers that say so: only after those.
        expired: Of the intents and staged releases that protect nothing any more.
    """

    old: frozenset[str]
    dangles: frozenset[str]
    first: frozenset[str]
    last: frozenset[str]
    expired: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        """Every one of them."""
        return frozenset().union(*self)

    def at_first(self, expired: Collection[str]) -> frozenset[str]:
        """Those that go before the markers that say that a channel has ended, and without a checkpoint.

        Args:
            expired: What protects nothing any more, at the second look.
        """
        return self.dangles | self.first | self.expired.intersection(expired)

    def without_ended(self) -> ToPrune:
        """Those that do not tell of channels that have ended."""
        return self._replace(first=frozenset(), last=frozenset())

    def without(
        self, layout: Layout, telling: Collection[str], folded: Mapping[str, Folded], placed: Collection[str]
    ) -> ToPrune:
        """What is left of them after a look at the pages: what these ask for, the markers of their releases say.

        A channel that has ended keeps all of its markers as long as that. So its end is the last to go.

        Args:
            layout: The site.
            telling: Ids of the releases whose markers say what lies in place.
            folded: Id -> every marker in the bucket.
            placed: Ids of the releases with a file that says that they are in place.
        """
        lying = with_placed(layout, frozenset(map(layout.marker_key, telling)), placed)
        channels = {folded[i].channel for i in telling if i in folded}
        theirs = frozenset(layout.marker_key(i) for i, each in folded.items() if each.channel in channels)
        stay = with_placed(layout, theirs, placed)
        return self._replace(old=self.old - lying, first=self.first - stay, last=self.last - stay)


def to_prune(layout: Layout, loaded: Loaded, known: Survey, folded: Mapping[str, Folded], cut: Cut | None) -> ToPrune:
    """Find them.

    Args:
        layout: The site.
        loaded: The release log, at the first look.
        known: What is known of the site.
        folded: Id -> every marker in the bucket.
        cut: The next cut; None if it is not time for one.
    """
    look, refused = loaded.look, known.refused.writes.keys()
    # Only who has read all retired assets, in groups or at once, can tell that none of a channel is left.
    ended, group = EndedLog(), loaded.group
    if group is not None or not loaded.light:
        named = frozenset[str]() if group is None else group.releases
        ended = ended_log(loaded.ledger, known.history, folded, nothing_left=known.nothing_left, elsewhere=named)
    first, last = (frozenset(map(layout.marker_key, ids)) - refused for ids in ended)
    old = frozenset[str]() if cut is None else frozenset(map(layout.marker_key, cut.markers))
    return ToPrune(
        old=with_placed(layout, old, look.placed),
        dangles=frozenset(dangling(layout, look.markers, look.placed, loaded.now) - refused),
        first=with_placed(layout, first, look.placed),
        last=with_placed(layout, last, look.placed),
        expired=frozenset(look.protections.expired.keys() - refused),
    )
