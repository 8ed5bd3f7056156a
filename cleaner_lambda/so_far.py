"""What a run did until now, and the error with which it breaks off: its record must not go with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cleaner_lambda.answer import log_lines
from cleaner_lambda.errors import CleanerError
from cleaner_lambda.next_due import RETRY_SECONDS
from cleaner_lambda.outcome import Outcome, Unanswered
from cleaner_lambda.plan import Plan
from cleaner_lambda.s3_errors import PASSING
from cleaner_lambda.totals import KEPT, NOTHING, Totals, joined

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cleaner_lambda.outcome import Attempt
    from cleaner_lambda.plan import Stop
    from cleaner_lambda.rebuilding import Rebuilding
    from cleaner_lambda.report import Report
    from cleaner_lambda.segments import Index
    from cleaner_lambda.view import View

LISTED = ("failed", "set_aside", "delete", "untag", "tag")
"""The lists of an answer that are kept of each part, but for what falls due later: only a sweep knows that."""

Tell = Callable[["Mapping[str, Any]"], None]


class BrokenOffError(CleanerError):
    """The run may have changed the bucket, and could not be finished. The next run finds what was done.

    Attributes:
        report: What the run did, in all its attempts.
    """

    def __init__(self, report: Report, cause: Exception) -> None:
        """Name the cause."""
        super().__init__(f"site {report.site!r}: broke off after its changes, which the log lists: {cause}")
        self.report = report


def _tell_nobody(_: Mapping[str, Any]) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """What an attempt leaves to a sweep that did not read all retired assets of a large site.

    Attributes:
        index: The segments, as the head names them now.
        now: The instant for which the attempt decided.
        view: What it decided on, but for the retired assets.
        owed: Keys whose tags have to be checked, if nothing that is retired is called so.
        missing: Keys of current releases that its listing has missed.
        inner: Prefixes of the sites inside this one.
        listed: Whether it ended a full listing.
        listed_at: When the last full listing was.
        listing_until: When the one that is under way goes on, if that is handed out to a map run.
        is_listing: Whether one is under way.
        unknown: Keys whose tags could not be read, if nothing that is retired is called so.
        rebuilding: As in `cleaner_lambda.ledger.Ledger`.
        turned: As in `cleaner_lambda.history.History`, since the cut, for a rebuild that reads tags; None: unknown.
        unread: The markers for which it is unknown.
    """

    index: Index
    now: datetime
    view: View
    owed: frozenset[str]
    missing: frozenset[str]
    inner: frozenset[str]
    listed: bool
    listed_at: datetime | None
    listing_until: datetime | None
    is_listing: bool = False
    unknown: frozenset[str] = frozenset()
    rebuilding: Rebuilding | None = None
    turned: Mapping[str, datetime] | None = None
    unread: tuple[Stop, ...] = ()


@dataclass(slots=True)
class SoFar:
    """What a run did until now. It belongs to the run, and outlives its starting over.

    Attributes:
        unanswered: See `Unanswered`.
        attempts: The attempts that came to change something.
        report: What the run says if it breaks off now; None before its first change.
        begun: When the run began, by `Pace.clock`.
        first: The instant for which its first attempt decided.
        before: What the parts of the run did that are over.
        rest: What the last attempt leaves to a sweep; None: nothing.
        tell: Logs what such a part did.
        tried: Ids of the markers that the last attempt was to take in; those that were not are not valid.
        goes_on: Whether the last attempt has ended a stretch of a long run, which goes on with another attempt.
        rebuilds_whole: Whether a lost ledger is rebuilt with all retired assets at once, as the run needs them.
        in_groups: Whether it is rebuilt in groups although there is no checkpoint, as there is much.
    """

    unanswered: Unanswered = field(default_factory=Unanswered)
    attempts: list[Attempt] = field(default_factory=list)
    report: Report | None = None
    begun: float = 0.0
    first: datetime | None = None
    before: Totals = NOTHING
    rest: Rest | None = None
    tell: Tell = _tell_nobody
    tried: frozenset[str] = frozenset()
    goes_on: bool = False
    rebuilds_whole: bool = False
    in_groups: bool = False

    def end_part(self, report: Report, *, swept: bool) -> None:
        """Log what a part of the run did that is over, and keep the sums.

        Args:
            report: What its last attempt says.
            swept: Whether it was a group of a sweep. Of any other, what it knows of retired assets is a group's too.
        """
        own = replace(report, before=NOTHING)
        if not own.dry_run:
            own = replace(own, plan=replace(own.plan, upcoming=own.plan.upcoming[: KEPT + 1]))
        document = own.document()
        for line in log_lines(document):
            self.tell(line)
        self.before = joined(self.before, _sums(own, document, swept=swept))
        self.attempts.clear()
        if self.report is not None:
            self.report = self.end(report)

    def end_attempts(self) -> None:
        """Log, and count, what attempts did after which the run does not start over."""
        if self.attempts and self.report is not None:
            self.end_part(self.report, swept=False)

    def forget_kept(self) -> None:
        """Forget what was counted of assets that stay, as the run starts over."""
        before = self.before
        lists = {name: entries for name, entries in before.lists.items() if name != "upcoming"}
        self.before = replace(before, counts={**before.counts, "keep": 0}, lists=lists, stops=(), untagged_orphans=0)

    def add_kept(self, number: int) -> None:
        """Count assets of groups that are not swept as kept."""
        self.before = joined(self.before, Totals(counts={"keep": number}))

    def completed(self, report: Report) -> Report:
        """What the run says: also what an earlier part of it has found out, or has yet to come back for."""
        before, due = self.before, report.next_due
        if before.comes_back:
            soon = report.at + timedelta(seconds=RETRY_SECONDS)
            due = soon if due is None else min(due, soon)
        return replace(
            report,
            next_due=due,
            missing=before.missing if report.missing is None else report.missing,
            orphans=before.orphans if report.orphans is None else report.orphans,
            map_run=report.map_run or before.map_run,
        )

    def end(self, report: Report) -> Report:
        """What the run says, by all its parts.

        Args:
            report: What its last attempt says; that is counted already.
        """
        plan, outcome, before = report.plan, Outcome(), self.before
        live = tuple(action for action in plan.keep if action.entry is None)
        return replace(
            self.completed(report),
            plan=Plan(live, (), (), (), (), before.stops, plan.next_due),
            outcome=outcome,
            earlier=(),
            before=before,
            unread={},
            refused={},
            set_aside={},
            doubles={},
            not_looked_at=0,
            adopted=0,
        )


def _sums(own: Report, document: Mapping[str, Any], *, swept: bool) -> Totals:
    plan, outcome, errors = own.plan, own.outcome, own.failed.values()
    kept = sum(action.entry is not None for action in plan.keep) + len(plan.delete)
    upcoming = document["upcoming"] if swept else ()
    return Totals(
        counts={**own.counts(), "keep": kept - len(outcome.deleted) - len(outcome.gone) if swept else 0},
        bytes_deleted=own.bytes_deleted,
        pruned=own.pruned,
        untagged_orphans=plan.untagged if swept else 0,
        lists={**{name: tuple(document[name]) for name in LISTED}, "upcoming": tuple(upcoming)},
        set_aside=own.all_set_aside,
        stops=plan.stops,
        comes_back=any(error.startswith(PASSING) for error in errors),
        not_looked_at=own.not_looked_at if swept else 0,
        missing=own.missing,
        orphans=own.orphans,
        map_run=own.map_run,
    )
