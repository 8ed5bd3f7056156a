"""The state of a site, from its release log alone: current and waiting releases, and what the cleaner knows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from release_log.errors import NewerLedgerError
from uploader.history.current import find_current, problems_of, read_ledger, setting_in_force
from uploader.history.neighbours import warnings_of
from uploader.history.order import newest_first
from uploader.history.release import Unreadable, read_releases
from uploader.history.retired import with_retired

if TYPE_CHECKING:
    from datetime import datetime

    from release_log.layout import Layout
    from release_log.ledger_view import LedgerView
    from uploader.history.current import Current
    from uploader.s3.port import ReaderPort

LISTED_WITHIN = timedelta(days=2)
"""The cleaner lists a site every day. If its last listing is older than this, it does not run."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A release that is being uploaded, or is staged.

    Attributes:
        id: The release's id.
        channel: The release's channel.
        since: When its file was written, by S3's clock.
        until: When it expires: by the settings of the cleaner's last run; by the defaults if they are unknown.
        assets: How many assets it has.
    """

    id: str
    channel: str
    since: datetime
    until: datetime
    assets: int


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a site, by its release log.

    Attributes:
        current: The current releases.
        pending: Uploads in progress, or that died, newest first.
        staged: Staged releases, newest first.
        ledger: The cleaner's ledger; None if it does not exist, or cannot be read.
        problems: What has to be dealt with: one line a problem, with its remedy.
        passed_over: Keys that no release can name, among the site's first 10,000: every command passes over them.
        warnings: What works, but could be better: one line each.
    """

    current: Current
    pending: tuple[Waiting, ...]
    staged: tuple[Waiting, ...]
    ledger: LedgerView | None
    problems: tuple[str, ...]
    passed_over: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def read_status(bucket: ReaderPort, layout: Layout, now: datetime) -> Status:
    """Read the state of a site. Reads no asset.

    Args:
        bucket: The site's bucket.
        layout: The site.
        now: The time by the machine's own clock; it decides nothing.
    """
    # The ledger after the list of markers: a marker that it has not folded in by then is new to the cleaner.
    log = bucket.written(layout.log)
    odd = tuple(bucket.odd_keys(layout.prefix))
    ledger, broken = read_ledger(bucket, layout)
    current = find_current(bucket, layout, log, ledger)
    problems = list(problems_of(layout, current))
    if broken is not None:
        newer = isinstance(broken, NewerLedgerError)
        then = "update this uploader" if newer else "the cleaner's next run rebuilds it"
        problems.append(f"{layout.ledger}: {broken}; {then}")
    elif ledger and not ledger.rebuilding and not (ledger.listed_at and now < ledger.listed_at + LISTED_WITHIN):
        problems.append("the cleaner has not listed the site for two days: look into its log, and its alarms")
    if ledger is not None:
        ledger, unread = with_retired(bucket, layout, ledger)
        problems += unread

    waiting: dict[str, tuple[Waiting, ...]] = {}
    for folder, ttl in ((layout.pending, "pending_ttl"), (layout.staged, "staged_ttl")):
        found = []
        for each in read_releases(bucket, layout, newest_first(log, folder)):
            if isinstance(each, Unreadable):
                problems.append(each.complaint())
                continue
            until = each.at + timedelta(seconds=setting_in_force(ledger, ttl))
            found.append(Waiting(each.id, each.release.channel, each.at, until, len(each.release.assets)))
        waiting[folder] = tuple(found)
    keys = frozenset[str]().union(*(each.release.keys for each in current.releases.values()))
    inner = bucket.listing(layout, keys).inner if keys else ()
    warnings = warnings_of(layout, bucket.neighbours(layout.around), inner, keys)
    return Status(
        current, waiting[layout.pending], waiting[layout.staged], ledger, tuple(problems), odd, tuple(warnings)
    )
