"""The ledger that a run writes: before its effects, and after them. Pure."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from cleaner_lambda.ledger import Refused
from cleaner_lambda.plan import Reason
from cleaner_lambda.s3_errors import PASSING
from release_log.ledger_file import Announcement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cleaner_lambda.folding import FoldedLog
    from cleaner_lambda.guard import Checked
    from cleaner_lambda.history import History
    from cleaner_lambda.ledger import Folded, Ledger
    from cleaner_lambda.outcome import Outcome
    from cleaner_lambda.plan import Action, Plan
    from cleaner_lambda.survey import Survey
    from cleaner_lambda.view import View


ERROR_LENGTH = 300
"""How much of an error the ledger keeps."""


def with_markers(ledger: Ledger, history: History, folded: Mapping[str, Folded], log: FoldedLog) -> Ledger:
    """The ledger with what the run knows of the markers."""
    lines = ledger.lines
    lines |= {channel: tuple(each.id for each in line) for channel, line in history.lines.items()}
    lines |= log.lines
    return replace(
        ledger,
        current={channel: line[0] for channel, line in lines.items()},
        behind={channel: line[1:] for channel, line in lines.items() if line[1:]},
        folded=folded,
        gone={**ledger.gone, **log.ends},
        doubts=log.order.doubts,
        after_doubt=log.order.after_doubt,
        sure_since=log.order.sure_since,
        older=ledger.older and log.waits,
        backlog=ledger.backlog if log.waits else None,
    )


def without_ended(ledger: Ledger) -> Ledger:
    """The ledger without the channels that have ended, and of which no marker is left."""
    ends = ledger.ends
    if not ends:
        return ledger
    left = {each.channel for each in ledger.folded.values()}
    current = {channel: i for channel, i in ledger.current.items() if channel in left or channel not in ends}
    return replace(ledger, current=current)


def announce(ledger: Ledger, run: str, deleting: frozenset[str], tagging: frozenset[str]) -> Ledger:
    """The ledger that says what a run is about to do, or may still do."""
    if not (deleting or tagging):
        return ledger
    # Another run's stays too. Both have some only if the ledger was lost while this run was deleting.
    others = ledger.deleting.keys if ledger.deleting is not None else frozenset()
    return replace(
        ledger,
        deleting=Announcement(run, deleting | others) if deleting else ledger.deleting,
        tagging=(*ledger.tagging, Announcement(run, tagging)) if tagging else ledger.tagging,
    )


def after_effects(ledger: Ledger, known: Survey, view: View, checked: Checked, outcome: Outcome) -> Ledger:
    """The ledger after the effects of a run, without its announcements."""
    history = known.history
    owed = (history.owed - checked.dropped) | checked.live
    retired = {}
    for action in chain(checked.plan.keep, checked.plan.delete):
        key, entry = action.key, action.entry
        if entry is None or key in outcome.deleted or key in outcome.gone:
            continue
        tagged = None if key in outcome.untagged else outcome.tagged.get(key, entry.tagged)
        now = (tagged, action.due, _kept_by(action))
        if now != (entry.tagged, entry.due, entry.kept_by):
            entry = replace(entry, tagged=now[0], due=now[1], kept_by=now[2])
        retired[key] = entry
    return replace(
        ledger,
        retired=retired,
        owed=owed - outcome.untagged - outcome.tagged.keys() - outcome.gone - outcome.deleted,
        listed_at=known.listed_at,
        tags_read_to=known.tags_read_to,
        replayed=(ledger.replayed or known.rebuilding is not None) and known.tags_read_to is not None,
        rebuilding=known.rebuilding,
        tags_unknown=known.tags_unknown - outcome.gone - outcome.deleted,
        refused=refused_after(known.refused, checked.plan, outcome),
        around=view.around & retired.keys(),
        cursor=known.cursor,
        waiting=known.waiting,
    )


def after_light(before: Ledger, after: Ledger, known: Survey) -> Ledger:
    """The ledger after the effects of a run that read no retired asset, or one group of them.

    Args:
        before: The ledger as it was read.
        after: See `after_effects`.
        known: As there.
    """
    refused = before.refused if known.missing is None else Refused()
    if before.retired:  # of a group that was read it is known what is still refused
        refused = Refused(_of_others(refused.tags, before), _of_others(refused.writes, before))
    return replace(
        after,
        around=(known.around | after.around) - known.history.live_keys(),
        refused=Refused({**refused.tags, **after.refused.tags}, {**refused.writes, **after.refused.writes}),
    )


def _of_others(errors: Mapping[str, str], ledger: Ledger) -> dict[str, str]:
    return {key: error for key, error in errors.items() if key not in ledger.retired}


def refused_after(refused: Refused, plan: Plan, outcome: Outcome) -> Refused:
    """What S3 refused, by now: an error that passes is none of it, as the run soon comes back for that."""
    done = outcome.tagged.keys() | outcome.untagged | outcome.gone
    now = {key: error for key, error in lasting(outcome.failed).items() if key not in done}
    retagged = {action.key for action in (*plan.tag, *plan.untag)}
    return Refused(
        {**refused.tags, **{key: error for key, error in now.items() if key in retagged}},
        {**refused.writes, **{key: error for key, error in now.items() if key not in retagged}},
    )


def lasting(errors: Mapping[str, str]) -> dict[str, str]:
    """Those of some errors that do not pass by themselves, each cut to what the ledger keeps."""
    return {key: error[:ERROR_LENGTH] for key, error in errors.items() if not error.startswith(PASSING)}


def _kept_by(action: Action) -> Reason | None:
    """Why an asset is kept that does not fall due with time alone."""
    if action.due is not None:
        return None
    # The end of the grace alone is not worth a write of the ledger.
    return Reason.WITHIN_VERSION_LIMIT if action.reason is Reason.WITHIN_GRACE else action.reason
