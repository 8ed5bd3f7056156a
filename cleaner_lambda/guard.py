"""The last check of a finished plan: whatever the ledger says, no needed asset is deleted. Pure.

The ledger is an index, not an authority. An entry of it that contradicts the release log or the site is set aside: it
leaves the ledger, and the answer names it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cleaner_lambda.orphans import is_unproven
from cleaner_lambda.plan import Action, Reason
from release_log.beneath import beneath

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from cleaner_lambda.plan import Plan
    from cleaner_lambda.view import View
    from release_log.layout import Layout


@dataclass(frozen=True, slots=True)
class Checked:
    """A plan after the last check.

    Attributes:
        plan: The plan without the actions that contradict the release log or the site.
        set_aside: Key -> why the ledger's entry for it is not followed.
        dropped: The keys among them whose entry leaves the ledger.
        live: The keys among these that are live: their tags have to be checked.
    """

    plan: Plan
    set_aside: Mapping[str, Reason] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()
    live: frozenset[str] = frozenset()


def check(plan: Plan, view: View, layout: Layout, inner: Collection[str] = ()) -> Checked:
    """Check a finished plan against the release log and the site, one key at a time.

    Args:
        plan: What the policy decided.
        view: What it decided on.
        layout: The site.
        inner: Prefixes of the sites inside this one.
    """
    plan, dropped = _without_inner(plan, inner)
    theirs = frozenset(dropped)
    for action in (*plan.keep, *plan.delete, *plan.tag, *plan.untag):
        if not (layout.owns(action.key) or layout.stores(action.key)):
            dropped[action.key] = Reason.OUTSIDE
        elif action.entry is not None and action.key in view.live:
            dropped[action.key] = Reason.CURRENT
    spared = {action.key: reason for action in plan.delete if (reason := _kept_as(action, view)) is not None}
    if not dropped and not spared:
        return Checked(plan)

    def sound(actions: tuple[Action, ...]) -> tuple[Action, ...]:
        return tuple(a for a in actions if a.key not in dropped or (a.entry is None and a.key in view.live))

    back = [replace(a, reason=spared[a.key], due=None) for a in plan.delete if a.key in spared]
    checked = replace(
        plan,
        keep=tuple(sorted((*sound(plan.keep), *sound(tuple(back))), key=lambda action: action.key)),
        delete=tuple(a for a in sound(plan.delete) if a.key not in spared),
        tag=sound(plan.tag),
        untag=sound(plan.untag),
        upcoming=sound(plan.upcoming),
    )
    return Checked(checked, {**spared, **dropped}, frozenset(dropped), (view.live & dropped.keys()) - theirs)


def _without_inner(plan: Plan, inner: Collection[str]) -> tuple[Plan, dict[str, Reason]]:
    """The plan without the keys of the sites inside this one, and these keys. A current release may name such keys."""
    if not inner:
        return plan, {}
    is_theirs = beneath(inner)

    def ours(actions: tuple[Action, ...]) -> tuple[Action, ...]:
        return tuple(action for action in actions if not is_theirs(action.key))

    named = tuple(action for action in plan.keep if action.entry is None)
    retired = tuple(action for action in plan.keep if action.entry is not None)
    touched = (*retired, *plan.delete, *plan.tag, *plan.untag)
    theirs = {action.key: Reason.INNER_SITE for action in touched if is_theirs(action.key)}
    if not theirs:
        return plan, {}
    left = replace(
        plan,
        keep=tuple(sorted((*named, *ours(retired)), key=lambda action: action.key)),
        delete=ours(plan.delete),
        tag=ours(plan.tag),
        untag=ours(plan.untag),
        upcoming=ours(plan.upcoming),
    )
    return left, theirs


def _kept_as(action: Action, view: View) -> Reason | None:
    """Why an asset must stay; None if it need not."""
    key = action.key
    if key in view.live:
        return Reason.CURRENT
    protection = view.protected.get(key)
    if protection is not None:
        return protection.reason
    held = view.held_as(key)
    return Reason.FOREIGN if held is None and is_unproven(action, view) else held
