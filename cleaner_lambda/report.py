"""The answer of a run: the same shape for a dry run, a real run, and the log. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cleaner_lambda.outcome import Attempt, done_by
from cleaner_lambda.plan import Action, Reason
from cleaner_lambda.totals import NOTHING
from release_log.instants import format_instant
from release_log.run_record import RunRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from cleaner_lambda.cursor import MapRun
    from cleaner_lambda.outcome import Done, Outcome
    from cleaner_lambda.plan import Plan
    from cleaner_lambda.totals import Totals

SET_ASIDE = {
    Reason.OUTSIDE: "the ledger names it as retired, but it is not an asset of this site: its entry is dropped",
    Reason.CURRENT: "the ledger names it as retired, but a current release needs it: its entry is dropped",
    Reason.INNER_SITE: "the ledger names it, but it belongs to a site inside this one: its entry is dropped",
    Reason.FOREIGN: "a release named it, but no upload sent it, so it is an orphan: it stays",
}
"""Why a key was set aside, for people."""

NEEDED = "it was due, but it is needed: it stays"

ROUTINE = frozenset({Reason.REBUILT, Reason.DELETING, Reason.UNLISTED, Reason.CATCHING_UP})
"""Reasons for which a run deletes nothing and the next one does. Any other reason waits for a person."""


STOPS = {
    Reason.BRAKE: (
        "more is due than `max_delete_fraction` allows",
        "check the plan; if it is right, invoke with `force`",
    ),
    Reason.INVALID_MARKER: (
        "a marker, an intent, a staged release or a pin cannot be read",
        (
            "delete the file that the message names, and publish its release again; "
            "if it is a newer uploader's, deploy the newer cleaner instead"
        ),
    ),
    Reason.MISSING_MARKER: (
        "the marker of a channel's current release is gone: nothing of that channel is deleted, and no orphan",
        "put the marker back, publish a release in that channel, or end it (`end --channel`)",
    ),
    Reason.UNKNOWN_ORDER: (
        "markers that no ledger had seen were copied or restored, and contradict each other about which is the newest",
        "publish the release that is live again in the channel that the message names, or roll back to it",
    ),
    Reason.UNREADABLE_FILE: (
        "S3 does not give out a file of the release log: it is archived, encrypted with a key that is gone, or denied",
        "what the message says, for the file that it names",
    ),
    Reason.UNKNOWN_PAGE: (
        "a page is in place that no release has as it is: nobody knows which assets it asks for",
        "publish again what belongs there, or delete the object that the message names",
    ),
    Reason.DELETING: ("another run is deleting", "none: it passes within 15 minutes"),
    Reason.REBUILT: ("the ledger is being rebuilt", "none: the cleaner continues by itself"),
    Reason.ADOPTION: (
        "more than 100,000 orphans wait to be retired: nothing but these waits",
        "see what the message says of their number, bytes, age and bill; then `clean --adopt`, or `-c orphans=report`",
    ),
    Reason.CATCHING_UP: (
        "more releases came than a run can take in at once: nobody knows yet what is current",
        "none: the cleaner continues by itself",
    ),
    Reason.UNLISTED: (
        "much is due, and the site is still being listed: a listing says how much of the site that is",
        "none: the cleaner continues by itself",
    ),
    Reason.MAP_RUN: (
        "a map run of Step Functions left out parts of the site",
        "look at its execution; the cleaner does these parts by itself",
    ),
}
"""Reason for which a run deletes nothing, or nothing of a channel -> its meaning and the remedy, for the documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one run did, in all its attempts.

    Attributes:
        dry_run: Whether the run only reports what a real run would do.
        site: The site's prefix.
        at: The instant that the run decided for, by S3's clock.
        current: Channel -> id of the current release.
        ended: Channel -> id of the marker that says that it has ended.
        plan: The policy's answer, at the last attempt.
        outcome: What became of the plan.
        earlier: The attempts before: they changed something, and the run started over.
        missing: Keys of current releases that are not in the bucket; None without a full listing.
        orphans: The number of assets that no known release names; None without a full listing.
        adopted: How many orphans this attempt has retired that are not in the plan, as they are very many.
        next_due: When the cleaner comes back by itself.
        unread: Key -> error, where tags could not be read, or not whether an upload sent the object.
        refused: Key -> error, where S3 refused a change, now or since the last full listing.
        set_aside: Key -> why the run left it alone; see `cleaner_lambda.guard`.
        doubles: Key -> the missing key of a release that it may mean, for those set aside for this reason.
        unfinished: Whether the run ended before its work did; the cleaner continues by itself.
        newest_marker: S3's ``LastModified`` of the newest marker; None if there is no marker.
        inner_sites: Prefixes of sites inside this one: their assets are left alone.
        ends_at: When the site ends by `site_ttl`, if nobody does anything there; None if it does not, or has ended.
        not_in_place: Ids of the newest releases whose pages are not all in place, an hour after their markers.
        map_run: What this run hands out of a full listing, or of a rebuild; see `cleaner_lambda.cursor.MapRun`.
        not_looked_at: The number of assets left alone because there was no time to look whether they are another's.
        before: What the parts of the run did that are over; see `cleaner_lambda.totals`.
        first: The instant for which the run's first attempt decided; None if it came to none.
    """

    dry_run: bool
    site: str
    at: datetime
    current: Mapping[str, str]
    plan: Plan
    outcome: Outcome
    missing: tuple[str, ...] | None
    orphans: int | None
    next_due: datetime | None
    earlier: tuple[Attempt, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    set_aside: Mapping[str, Reason] = field(default_factory=dict)
    doubles: Mapping[str, str] = field(default_factory=dict)
    unfinished: bool = False
    newest_marker: datetime | None = None
    inner_sites: frozenset[str] = frozenset()
    not_looked_at: int = 0
    not_in_place: tuple[str, ...] = ()
    ended: Mapping[str, str] = field(default_factory=dict)
    ends_at: datetime | None = None
    map_run: MapRun | None = None
    adopted: int = 0
    before: Totals = NOTHING
    first: datetime | None = None

    @property
    def ended_well(self) -> bool:
        """Whether the run did all its work: nothing failed, nothing was left undone, and nothing held it up.

        A run with nothing to do ended well. So did a run that found assets missing, as it did its own work.
        """
        held_up = any(stop.reason not in ROUTINE for stop in self.plan.stops)
        return not (held_up or self.failed or self.before.count("failed") or self.unfinished)

    @property
    def done(self) -> Done:
        """What all attempts of the run did."""
        return done_by((*self.earlier, Attempt(self.plan, self.outcome)))

    @property
    def bytes_deleted(self) -> int:
        """The size of the deleted assets."""
        return self.before.bytes_deleted + self.done.bytes_deleted

    @property
    def pruned(self) -> int:
        """How many files of the release log were deleted."""
        return self.before.pruned + len(self.done.pruned)

    @property
    def failed(self) -> dict[str, str]:
        """Key -> error, for each key that could not be tagged, untagged, deleted or read."""
        return self._failed(self.done)

    def _failed(self, done: Done) -> dict[str, str]:
        return {**self.unread, **{key: error for key, (_, error) in done.failed.items()}}

    @property
    def all_set_aside(self) -> dict[str, Reason]:
        """Key -> why this run, or those since the last full listing, left it alone."""
        return {**self.before.set_aside, **self._own_set_aside}

    @property
    def _own_set_aside(self) -> dict[str, Reason]:
        return {**dict.fromkeys(self.refused, Reason.REFUSED), **self.set_aside}

    def _set_aside(self, key: str, reason: Reason) -> str:
        """Why a key was set aside, for people."""
        if reason is Reason.REFUSED:
            return f"S3 refused to change it, and is asked again with the next full listing: {self.refused[key]}"
        if reason is not Reason.MAY_BE_MISSING:
            return SET_ASIDE.get(reason, NEEDED)
        return (
            f"a release that is needed names {self.doubles[key]!r}, which is missing, and may mean this object: "
            "publish the release with the key as it is stored, or upload the missing key"
        )

    def counts(self) -> dict[str, int]:
        """The counts, complete even if the lists are cut. ``keep`` counts the known assets that are left."""
        return self._counts(self.done)

    def _counts(self, done: Done) -> dict[str, int]:
        last, before = self.outcome, self.before
        kept = len(self.plan.keep) + len(self.plan.delete) - len(last.deleted) - len(last.gone) + self.adopted
        return {
            "tag": before.count("tag") + len(done.tagged),
            "untag": before.count("untag") + len(done.untagged),
            "delete": before.count("delete") + len(done.deleted),
            "keep": before.count("keep") + kept,
            "failed": before.count("failed") + len(self._failed(done)),
            "set_aside": len(self.all_set_aside),
        }

    def without_upcoming(self) -> Report:
        """The same without what falls due later, which may be the whole site."""
        return replace(self, plan=replace(self.plan, upcoming=()))

    def record(self, run: str, seconds: float) -> RunRecord:
        """What the ledger keeps of the run, which has an id, and took so long."""
        done = self.done
        counts = self._counts(done)
        return RunRecord(
            run=run,
            at=self.at,
            seconds=int(seconds),
            tagged=counts["tag"],
            untagged=counts["untag"],
            deleted=counts["delete"],
            bytes_deleted=self.before.bytes_deleted + done.bytes_deleted,
            failed=counts["failed"],
            stopped_by=tuple(sorted({stop.reason for stop in self.plan.stops})),
            unfinished=self.unfinished,
        )

    def document(self) -> dict[str, Any]:
        """The whole answer, ready for JSON."""
        done, before = self.done, self.before
        unread = {key: (Action(key, Reason.REBUILT), error) for key, error in self.unread.items()}
        failed = {**unread, **done.failed}
        return {
            "dry_run": self.dry_run,
            "site": self.site,
            "at": format_instant(self.at),
            "current": dict(self.current),
            "ended": dict(self.ended),
            "ends_at": self.ends_at and format_instant(self.ends_at),
            "tag": [*before.of("tag"), *(_entry(action) for action in done.tagged.values())],
            "untag": [*before.of("untag"), *(_entry(action) for action in done.untagged.values())],
            "delete": [*before.of("delete"), *(_entry(action) for action in done.deleted.values())],
            "failed": [
                *before.of("failed"),
                *({**_entry(action), "error": error} for _, (action, error) in sorted(failed.items())),
            ],
            "set_aside": [
                *before.of("set_aside"),
                *(
                    {"key": key, "reason": reason, "message": self._set_aside(key, reason)}
                    for key, reason in sorted(self._own_set_aside.items())
                    if key not in before.set_aside
                ),
            ],
            "counts": self._counts(done),
            "bytes_deleted": before.bytes_deleted + done.bytes_deleted,
            "missing": list(self.missing or ()),
            "inner_sites": sorted(self.inner_sites),
            "not_in_place": list(self.not_in_place),
            "upcoming": [
                *before.of("upcoming"),
                *({**_entry(a), "due": a.due and format_instant(a.due)} for a in self.plan.upcoming),
            ],
            "not_looked_at": before.not_looked_at + self.not_looked_at,
            "orphans": self.orphans,
            "untagged_orphans": before.untagged_orphans + self.plan.untagged + self.adopted,
            "adoption": next((stop.asks for stop in self.plan.stops if stop.asks is not None), None),
            "stopped_by": [
                {"reason": stop.reason, "channel": stop.channel, "message": stop.message} for stop in self.plan.stops
            ],
            "pruned": before.pruned + len(done.pruned),
            "unfinished": self.unfinished,
            "next_due": self.next_due and format_instant(self.next_due),
            "wake_up_error": None,
            "truncated": before.truncated,
        }


def _entry(action: Action) -> dict[str, Any]:
    entry = action.entry
    return {
        "key": action.key,
        "logical": entry and entry.logical,
        "state": entry and entry.mark.state,
        "since": entry and format_instant(entry.mark.since),
        "reason": action.reason,
    }


def keys(actions: Iterable[Action]) -> frozenset[str]:
    """The keys of some actions."""
    return frozenset(action.key for action in actions)
