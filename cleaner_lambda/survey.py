"""What a run knows before it decides: the folded markers and, where one is due, a full listing and the tags."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from cleaner_lambda.ending import has_ended, markers_are_gone, may_be_of_an_end
from cleaner_lambda.errors import WholeNeededError
from cleaner_lambda.ledger import Refused
from cleaner_lambda.listing import LISTING_SECONDS, take_inventory
from cleaner_lambda.nesting import Around, needed_around, without_inner
from cleaner_lambda.orphans import in_force
from cleaner_lambda.policy import Reason, Stop
from cleaner_lambda.rebuild import read_tags
from cleaner_lambda.reconcile import reconcile
from release_log.policy_settings import Orphans

if TYPE_CHECKING:
    import re
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from cleaner_lambda.folding import FoldedLog
    from cleaner_lambda.history import History
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.port import S3Port
    from release_log.layout import Layout


READ_AGAIN = 1000
"""Of how many assets whose tags could not be read a run asks for them again, unless it makes a full listing."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What is known of the site.

    Attributes:
        history: What is current and what is retired.
        listed_at: When the last full listing was.
        missing: Keys of current releases that are not in the bucket; None without a full listing.
        orphans: The number of assets that belong to no release; None without a full listing.
        tags_read_to: As in `cleaner_lambda.ledger.Ledger`.
        tags_unknown: As in `cleaner_lambda.ledger.Ledger`.
        unread: Key -> error, where tags could not be read.
        stops: Why nothing may be deleted, if the ledger is being rebuilt.
        inner: Prefixes of the sites inside this one: the configured ones, and those that a listing found.
        around: Keys that the sites around this one need, as they said at the last full listing, or when one fell due.
        refused: What S3 refused, and this run does not try again: a full listing does.
        nothing_left: Whether a full listing found no asset that is, or may become, the cleaner's to delete.
        foreign: Keys that left the history because no upload sent their object; see `cleaner_lambda.foreign`.
        unproven: Key -> error, where S3 does not say for the moment whether an upload sent the object.
    """

    history: History
    listed_at: datetime | None
    missing: tuple[str, ...] | None = None
    orphans: int | None = None
    tags_read_to: str | None = None
    tags_unknown: frozenset[str] = frozenset()
    unread: Mapping[str, str] = field(default_factory=dict)
    stops: tuple[Stop, ...] = ()
    inner: frozenset[str] = frozenset()
    around: frozenset[str] = frozenset()
    refused: Refused = field(default_factory=Refused)
    nothing_left: bool = False
    foreign: frozenset[str] = frozenset()
    unproven: Mapping[str, str] = field(default_factory=dict)


def survey(  # noqa: PLR0913 (what the run knows, and what it was asked)
    store: S3Port,
    layout: Layout,
    loaded: Loaded,
    folded: FoldedLog,
    orphans: Orphans,
    pace: Pace,
    *,
    full: bool,
    inner: Collection[str] = (),
    pattern: re.Pattern[str] | None = None,
) -> Survey:
    """List the site if a listing is due, and read the tags if the ledger is being rebuilt.

    Args:
        store: The site's bucket.
        layout: The site.
        loaded: The release log.
        folded: The same with its markers folded in.
        orphans: Which orphans are retired.
        pace: See `Pace`.
        full: Make a full listing even if none is due.
        inner: As in `take_inventory`.
        pattern: As in `take_inventory`.

    Raises:
        WholeNeededError: It takes all retired assets, which were not read.
    """
    history, missing, count, listed_at = folded.history, None, None, loaded.ledger.listed_at
    nested, around = frozenset(inner), Around(loaded.ledger.around)
    refused = _still_refused(loaded.ledger.refused, history, layout)
    nothing_left = False
    # Of a site that has ended the release log goes once nothing else is there.
    at_last = has_ended(history) and not history.retired
    listing_due = _listing_due(loaded, full=full or at_last)
    if loaded.light and (listing_due or loaded.ledger.tags_read_to is not None or loaded.ledger.tags_unknown):
        msg = "a listing takes all retired assets"
        raise WholeNeededError(msg)
    if listing_due:
        # With a marker unread, any asset may be live.
        around = needed_around(store, layout, loaded.now, pace)
        stopped = loaded.stops or folded.stops or around.stops
        rule = Orphans.REPORT if stopped else in_force(orphans, layout)
        protected = loaded.look.protections.by_key
        known = {*history.live_keys(), *history.retired, *protected, *loaded.look.pins.keys, *around.keys}
        inventory = take_inventory(
            store, layout, known, rule, loaded.now, pace.mapper, inner=inner, pages=not stopped, pattern=pattern
        )
        reconciled = reconcile(
            history,
            inventory,
            loaded.now,
            ended=markers_are_gone(loaded),
            maybe_ended=may_be_of_an_end(loaded.ledger, history, folded.markers),
            pattern=pattern,
        )
        history, missing, count = reconciled.history, reconciled.missing, reconciled.orphans
        listed_at, nested, refused = loaded.now, frozenset(inventory.nested), Refused()
        nothing_left = reconciled.nothing_left
    history = without_inner(history, nested)
    read_to, unknown = loaded.ledger.tags_read_to, loaded.ledger.tags_unknown
    found = Survey(history, listed_at, missing, count, inner=nested, around=around.keys, refused=refused)
    found = replace(found, nothing_left=nothing_left)
    if read_to is None and not unknown:
        return found
    limit = None if full else READ_AGAIN
    tags = read_tags(store, history, read_to, unknown, pace, listed_at=listed_at, limit=limit)
    found = replace(
        found, history=tags.history, tags_read_to=tags.read_to, tags_unknown=tags.unknown, unread=tags.errors
    )
    if read_to is None:
        return found
    why = loaded.base.rebuild or "the ledger is being rebuilt"
    message = f"{why}: this run builds it and deletes nothing; the next one may"
    if tags.read_to is not None:
        message = (
            f"{why}, and not all tags are read yet: nothing is deleted until they are; the cleaner continues by itself"
        )
    return replace(found, stops=(Stop(Reason.REBUILT, message),))


def _still_refused(refused: Refused, history: History, layout: Layout) -> Refused:
    """What S3 refused, for keys that still have to be changed."""
    tags = {key: error for key, error in refused.tags.items() if key in history.retired or key in history.owed}
    writes = {k: error for k, error in refused.writes.items() if k in history.retired or k.startswith(layout.log)}
    return Refused(tags, writes)


def _listing_due(loaded: Loaded, *, full: bool) -> bool:
    if loaded.pristine:
        return False
    listed_at = loaded.ledger.listed_at
    return full or listed_at is None or loaded.now >= listed_at + timedelta(seconds=LISTING_SECONDS)
