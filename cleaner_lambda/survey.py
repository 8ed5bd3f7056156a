"""What a run knows before it decides: the folded markers and, where that is due, a full listing and the tags."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from cleaner_lambda.folding import fold_log
from cleaner_lambda.listing import LISTING_SECONDS, reconcile, take_inventory
from cleaner_lambda.policy import Reason, Stop
from cleaner_lambda.rebuild import read_tags
from release_log.policy_settings import Orphans

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from cleaner_lambda.history import History
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.port import S3Port
    from release_log.layout import Layout


@dataclass(frozen=True, slots=True)
class Survey:
    """What is known.

    Attributes:
        history: What is current and what is retired.
        listed_at: When the last full listing was.
        missing: Keys of current releases that are not in the bucket; None if there was no full listing.
        orphans: How many assets belong to no release; None if there was no full listing.
        tags_read_to: As in `cleaner_lambda.ledger.Ledger`.
        unread: Key -> error, where tags could not be read.
    """

    history: History
    listed_at: datetime | None
    missing: tuple[str, ...] | None = None
    orphans: int | None = None
    tags_read_to: str | None = None
    unread: Mapping[str, str] = field(default_factory=dict)


def survey(  # noqa: PLR0913 (the run's own, and what it was asked)
    store: S3Port,
    layout: Layout,
    loaded: Loaded,
    orphans: Orphans,
    pace: Pace,
    *,
    full: bool,
    inner: Collection[str] = (),
) -> Survey:
    """Find out; adds a stop if the ledger is being rebuilt.

    Args:
        store: The site's bucket.
        layout: The site.
        loaded: The release log.
        orphans: Which orphans are retired.
        pace: See `Pace`.
        full: Make a full listing even if none is due.
        inner: As in `take_inventory`.
    """
    history = fold_log(store, layout, loaded, pace.mapper)
    missing, count, listed_at = None, None, loaded.ledger.listed_at
    if _listing_due(loaded, full=full):
        # With the whole bucket for a prefix, anything may be somebody else's; with a marker unread, anything may live.
        rule = Orphans.REPORT if loaded.stops or not layout.prefix else orphans
        known = {*history.live_keys(), *history.retired, *loaded.protected, *loaded.pinned}
        inventory = take_inventory(store, layout, known, rule, loaded.now, pace.mapper, inner=inner)
        found = reconcile(history, inventory, loaded.now)
        history, missing, count, listed_at = found.history, found.missing, found.orphans, loaded.now
    read_to = loaded.ledger.tags_read_to
    if read_to is None:
        return Survey(history, listed_at, missing, count)
    history, read_to, errors = read_tags(store, history, read_to, pace)
    why = loaded.rebuild or "the ledger is being rebuilt"
    message = f"{why}: this run builds it and deletes nothing; the next one may"
    if read_to is not None:
        message = (
            f"{why}, and not all tags are read yet: nothing is deleted until they are; the cleaner goes on by itself"
        )
    loaded.stops.append(Stop(Reason.REBUILT, message))
    return Survey(history, listed_at, missing, count, read_to, errors)


def _listing_due(loaded: Loaded, *, full: bool) -> bool:
    if loaded.pristine:
        return False
    listed_at = loaded.ledger.listed_at
    return full or listed_at is None or loaded.now >= listed_at + timedelta(seconds=LISTING_SECONDS)
