"""Which files of the release log a run deletes: the pages in place are looked at before a marker goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleaner_lambda.decision import look_again_at_pages
from cleaner_lambda.pruning import Cut, next_cut, settled_cut
from cleaner_lambda.to_prune import ToPrune, to_prune

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cleaner_lambda.decision import Decided
    from cleaner_lambda.job import Job
    from cleaner_lambda.ledger import Folded, Ledger
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.port import S3Port
    from release_log.layout import Layout


def find_cut(  # noqa: PLR0913, PLR0917 (what the run knows so far)
    store: S3Port, layout: Layout, job: Job, loaded: Loaded, decided: Decided, seen: Ledger, pace: Pace
) -> tuple[Cut | None, Decided]:
    """The next cut, if it is time for one; then the pages are looked at, if they were not, before a marker goes.

    The marker of a release whose page is in place says what that page asks for.
    """
    refused = decided.known.refused.writes
    if decided.checked.plan.is_stopped or layout.checkpoint in refused:
        return None, decided
    ledger, there = loaded.ledger, seen.folded
    if loaded.light and loaded.group is None:
        # It copies the head, and that says of the markers what runs before have seen. Which pages may be in place that
        # an old marker names, only the retired assets say: the sweep deletes these markers.
        there = {i: each for i, each in ledger.folded.items() if i in there}
        at = settled_cut(ledger, there, loaded.now)
        return at and Cut(at), decided
    stay = _stay(loaded, decided, seen) | {i for i in there if layout.marker_key(i) in refused}
    cut = next_cut(ledger, there, stay, loaded.now, again=loaded.base.stored.is_large)
    if cut is not None and cut.markers and decided.pages is None:
        decided = look_again_at_pages(store, layout, job, loaded.now, decided, loaded.look, pace)
    return cut, decided


def find_to_prune(  # noqa: PLR0913, PLR0917 (what the run knows so far)
    store: S3Port,
    layout: Layout,
    job: Job,
    loaded: Loaded,
    decided: Decided,
    folded: Mapping[str, Folded],
    cut: Cut | None,
    pace: Pace,
) -> tuple[ToPrune, Cut | None, Decided]:
    """The files that are no longer needed; the pages are looked at before a marker of an end goes, as for a cut.

    Without a new cut, that takes a checkpoint of the old one: a run that took in a long log moved the cut alone, and so
    did one that died.
    """
    found = to_prune(layout, loaded, decided.known, folded, cut)
    is_stopped = decided.checked.plan.is_stopped
    if (found.first or found.last) and decided.pages is None and not is_stopped:
        decided = look_again_at_pages(store, layout, job, loaded.now, decided, loaded.look, pace)
    found = found.without(layout, decided.telling, folded, loaded.look.placed)
    at = loaded.ledger.cut
    if at is None or is_stopped or not (found.first or found.last):
        return found, cut, decided
    if layout.checkpoint in decided.known.refused.writes:
        return found.without_ended(), cut, decided
    return found, cut or Cut(at), decided


def _stay(loaded: Loaded, decided: Decided, seen: Ledger) -> set[str]:
    """Ids of the markers that stay, however old."""
    behind = (*seen.behind.values(), *loaded.ledger.behind.values())
    stay = {*seen.current.values(), *loaded.ledger.current.values(), *(i for ids in behind for i in ids)}
    return stay | {*decided.kept, *decided.telling, *loaded.look.pins.by_id}
