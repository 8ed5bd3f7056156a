"""The files of the release log that a run may delete, after a second look. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cleaner_lambda.ending import EndedLog, ended_log
from cleaner_lambda.pruning import dangling, with_placed

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    # Only who has read all retired assets can tell that none of a channel is left.
    ended = (
        EndedLog() if loaded.light else ended_log(loaded.ledger, known.history, folded, nothing_left=known.nothing_left)
    )
    first, last = (frozenset(map(layout.marker_key, ids)) - refused for ids in ended)
    old = frozenset[str]() if cut is None else frozenset(map(layout.marker_key, cut.markers))
    return ToPrune(
        old=with_placed(layout, old, look.placed),
        dangles=frozenset(dangling(layout, look.markers, look.placed, loaded.now) - refused),
        first=with_placed(layout, first, look.placed),
        last=with_placed(layout, last, look.placed),
        expired=frozenset(look.protections.expired.keys() - refused),
    )
