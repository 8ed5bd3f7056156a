"""The policy: which assets are tagged, untagged, deleted and kept, each with its reason. Pure: no I/O, no own clock."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from cleaner_lambda.plan import Action, Plan, Reason, Stop
from cleaner_lambda.view import NOTHING
from release_log.layout import is_stored_page
from release_log.tags import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from cleaner_lambda.ledger import Retired
    from cleaner_lambda.view import Elsewhere, View
    from release_log.policy_settings import Policy

BRAKE_FLOOR = 100
"""The brake never stops a run that would delete no more than this many assets."""


def decide(view: View, policy: Policy, now: datetime, *, force: bool = False) -> Plan:
    """Apply the policy.

    Args:
        view: The state.
        policy: The settings.
        now: The instant to decide for, by S3's clock.
        force: Delete even if the deletion limit (brake) is exceeded.
    """
    ranks = _ranks(view)
    untagged = frozenset() if tags_orphans(view.retired, policy, view.elsewhere) else _without_tag(view)
    keep = [Action(key, Reason.CURRENT) for key in view.live]
    due: list[Action] = []
    tag: list[Action] = []
    untag = [Action(key, _untag_reason(key, view)) for key in view.owed - view.retired.keys() - view.untaggable]
    changes = [stop.until for stop in view.stops if stop.until is not None]

    for key, entry in view.retired.items():
        protection = view.protected.get(key)
        if protection is not None:
            keep.append(Action(key, protection.reason, entry))
            changes.append(protection.until)
            if (entry.tagged is not None or key in view.owed) and key not in view.untaggable:
                untag.append(Action(key, protection.reason, entry))
            continue
        held = view.held_as(key)
        falls_due = None if held is not None else _falls_due(entry, ranks.get(key, 0), policy)
        if falls_due is not None and falls_due <= now:
            if key in view.undeletable:
                keep.append(Action(key, Reason.REFUSED, entry, falls_due))
            else:
                due.append(Action(key, _delete_reason(entry), entry, falls_due))
            continue
        if falls_due is not None:
            changes.append(falls_due)
        keep.append(Action(key, held or _keep_reason(entry, policy, ranks.get(key, 0), now), entry, falls_due))
        if key not in untagged and _needs_tag(key, entry, view):
            tag.append(_tagging(key, entry))

    whole = tuple(stop for stop in view.stops if stop.holds_all)
    if not whole:
        assets = len(view.live - view.missing) + len(view.retired) + view.elsewhere.assets
        whole = _brake(accidents(due) + view.elsewhere.due, assets, policy, force=force)
    stops = (*whole, *(stop for stop in view.stops if not stop.holds_all))
    if whole:
        keep += [replace(action, reason=whole[0].reason) for action in due]
        stay = [(a.key, a.entry) for a in due if a.entry is not None and a.key not in untagged]
        tag += [_tagging(key, entry) for key, entry in stay if _needs_tag(key, entry, view)]
        due = []
    return Plan(
        keep=_sorted(keep),
        delete=_sorted(due),
        tag=_sorted(tag),
        untag=_sorted(action for action in untag if action.key not in view.not_looked_at),
        upcoming=_sorted(action for action in keep if action.due is not None and action.due > now),
        stops=stops,
        next_due=min((instant for instant in changes if instant > now), default=None),
        untagged=len(untagged),
    )


def _ranks(view: View) -> dict[str, int]:
    """Rank the superseded versions of each logical path, latest superseded first.

    An asset that is protected, or may be live, gets no rank.

    Orphans come last, whenever they were found: an asset that was never live must not push out one that was. Among
    themselves the one that was stored last was live last, as far as anybody knows.
    """
    versions: dict[str, list[tuple[bool, datetime, str, str]]] = defaultdict(list)
    for key, entry in view.retired.items():
        if entry.mark.state is State.SUPERSEDED and key not in view.protected and key not in view.in_doubt:
            at = entry.mark.since if entry.release else entry.stored or entry.mark.since
            versions[entry.logical].append((entry.release != "", at, entry.release, key))
    return {
        key: rank for siblings in versions.values() for rank, (*_, key) in enumerate(sorted(siblings, reverse=True))
    }


def _falls_due(entry: Retired, rank: int, policy: Policy) -> datetime | None:
    """The instant from which an asset may be deleted; None if it does not fall due with time alone."""
    if entry.mark.state is State.REMOVED:
        wait = policy.removed_ttl
    elif rank >= policy.version_limit:
        wait = max(policy.version_ttl, policy.removed_ttl) if entry.maybe_ended else policy.version_ttl
    else:
        return None
    return entry.mark.since + timedelta(seconds=max(wait, policy.grace))


def _keep_reason(entry: Retired, policy: Policy, rank: int, now: datetime) -> Reason:
    if now < entry.mark.since + timedelta(seconds=policy.grace):
        return Reason.WITHIN_GRACE
    if entry.mark.state is State.REMOVED:
        return Reason.WITHIN_REMOVED_TTL
    return Reason.WITHIN_VERSION_LIMIT if rank < policy.version_limit else Reason.WITHIN_VERSION_TTL


def _delete_reason(entry: Retired) -> Reason:
    return Reason.BEYOND_REMOVED_TTL if entry.mark.state is State.REMOVED else Reason.BEYOND_VERSION_LIMIT


def _untag_reason(key: str, view: View) -> Reason:
    """Why an asset that is not retired must not have our tag."""
    if key in view.live:
        return Reason.CURRENT
    return view.protected[key].reason if key in view.protected else Reason.ORPHAN


def count_orphans(retired: Mapping[str, Retired]) -> int:
    """How many retired assets are orphans; a stored page is none."""
    return sum(not entry.release and not is_stored_page(key) for key, entry in retired.items())


def tags_orphans(retired: Mapping[str, Retired], policy: Policy, elsewhere: Elsewhere = NOTHING) -> bool:
    """Whether the orphans of a site get tags.

    Args:
        retired: Key -> retired asset.
        policy: The settings.
        elsewhere: What these are a part of.
    """
    return count_orphans(retired) + elsewhere.orphans <= policy.orphan_tags


def _without_tag(view: View) -> frozenset[str]:
    """The orphans that get none. One that has a tag, or may have one, keeps a right one: a rebuild may read it."""
    return frozenset(
        key
        for key, entry in view.retired.items()
        if not entry.release and entry.tagged is None and key not in view.owed and not is_stored_page(key)
    )


def _needs_tag(key: str, entry: Retired, view: View) -> bool:
    """Whether an asset's tag has to be written. A stored page has none, as it is copied to where visitors get it."""
    wrong = (entry.tagged != entry.mark or key in view.owed) and not is_stored_page(key)
    return wrong and not any(key in keys for keys in (view.tags_unknown, view.untaggable, view.not_looked_at))


def _tagging(key: str, entry: Retired) -> Action:
    return Action(key, Reason(entry.mark.state), entry)


def accidents(due: Iterable[Action]) -> int:
    """How many deletions may be an accident: not where somebody ended the channel, and confirmed it."""
    return sum(action.entry is None or not action.entry.ended for action in due)


def _brake(deletions: int, assets: int, policy: Policy, *, force: bool) -> tuple[Stop, ...]:
    if force or deletions <= BRAKE_FLOOR or deletions <= policy.max_delete_fraction * assets:
        return ()
    message = (
        f"{deletions} of {assets} assets are due, more than max_delete_fraction {policy.max_delete_fraction}: nothing "
        'is deleted. Check the plan with {"dry_run": true, "force": true}; if it is right, invoke with '
        '{"force": true}'
    )
    return (Stop(Reason.BRAKE, message),)


def _sorted(actions: Iterable[Action]) -> tuple[Action, ...]:
    return tuple(sorted(actions, key=lambda action: action.key))
