"""A site that has had no release for its `site_ttl`: when it ends, and that it has.

The cleaner writes no marker for that: only the ledger says so, as of an end whose marker is gone. So a release whose
marker this run's list lacks is newer than the end, and the site lives on: see ``docs/protocol.md``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from cleaner_lambda.ending import end_of
from cleaner_lambda.folding import fold_log
from cleaner_lambda.order import instants, placed_instants
from release_log.release_id import make_id

if TYPE_CHECKING:
    from datetime import datetime

    from cleaner_lambda.load import Loaded
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.port import S3Port
    from release_log.layout import Layout
    from release_log.policy_settings import Policy

SKEW = timedelta(seconds=5)
"""How far S3's clocks may be apart."""

FIRST_SECONDS = 60
"""So long after the end, at least, its assets stay."""


def ends_at(loaded: Loaded, policy: Policy) -> datetime | None:
    """When a site that lives ends, if nobody does anything there; None if it does not end by itself. Pure.

    An upload under way, a staged release and a pin keep it alive: as long as they protect assets.
    """
    look = loaded.look
    if not (policy.site_ttl and look.markers) or look.pins.by_id:
        return None
    known = instants(loaded.ledger, look.markers), placed_instants(loaded.ledger, look.placed)
    last = max(at for each in known for release_id, at in each.items() if release_id in look.markers)
    wait = timedelta(seconds=max(policy.site_ttl, policy.pending_ttl, policy.grace))
    return max([last + wait, *look.protections.until])


def end_if_idle(store: S3Port, layout: Layout, loaded: Loaded, policy: Policy, pace: Pace) -> Loaded:
    """The release log with the end of each channel that lives, if it is time for that and nothing stops the run."""
    at = ends_at(loaded, policy)
    ledger, listed = loaded.ledger, loaded.look.markers
    over = listed.keys() <= ledger.folded.keys() and ledger.ends.keys() >= ledger.current.keys()
    if at is None or loaded.now < at or over or loaded.stops:
        return loaded
    log = fold_log(store, layout, loaded, pace)
    if log.stops:
        return loaded
    # Each marker that the list lacks was written after the ledger was read.
    since = loaded.now - SKEW
    alive = sorted(channel for channel, each in log.history.current.items() if not each.release.ended)
    ends = (end_of(layout, channel, make_id(since, f"end-{i}"), since) for i, channel in enumerate(alive, 1))
    return replace(loaded, ends=tuple(ends))


def not_at_once(policy: Policy) -> Policy:
    """The policy of the run that ends a site: nothing of it is due yet."""
    return replace(policy, grace=max(policy.grace, FIRST_SECONDS))
