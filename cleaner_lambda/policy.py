"""The policy: which assets are tagged, untagged, deleted and kept, each with its reason. Pure: no I/O, no own clock."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from release_log.layout import is_stored_page
from release_log.policy_settings import Orphans
from release_log.tags import State

if TYPE_CHECKING:
    import re
    from collections.abc import Container, Iterable, Mapping
    from datetime import datetime

    from cleaner_lambda.ledger import Retired
    from release_log.policy_settings import Policy

BRAKE_FLOOR = 100
"""The brake never stops a run that would delete no more than this many assets."""


class Reason(StrEnum):
    """Why an asset is tagged, untagged, deleted or kept. The answer, the log and the tests use the same words."""

    CURRENT = "current"
    PENDING = "pending"
    STAGED = "staged"
    PINNED = "pinned"
    ORPHAN = "orphan"
    SUPERSEDED = "superseded"
    REMOVED = "removed"
    WITHIN_GRACE = "within_grace"
    WITHIN_VERSION_LIMIT = "within_version_limit"
    WITHIN_VERSION_TTL = "within_version_ttl"
    WITHIN_REMOVED_TTL = "within_removed_ttl"
    KEPT_RELEASE = "kept_release"
    BEYOND_VERSION_LIMIT = "beyond_version_limit"
    BEYOND_REMOVED_TTL = "beyond_removed_ttl"
    BRAKE = "brake"
    INVALID_MARKER = "invalid_marker"
    MISSING_MARKER = "missing_marker"
    UNKNOWN_ORDER = "unknown_order"
    UNREADABLE_FILE = "unreadable_file"
    DELETING = "deleting"
    REBUILT = "rebuilt"
    OUTSIDE = "outside_site"
    TAGS_UNKNOWN = "tags_unknown"
    MAY_BE_MISSING = "may_be_missing"
    INNER_SITE = "inner_site"
    NEEDED_AROUND = "needed_by_a_site_around"
    PAGE_IN_PLACE = "page_in_place"
    UNKNOWN_PAGE = "unknown_page"
    REFUSED = "refused"
    NOT_LOOKED_AT = "not_looked_at"
    FOREIGN = "foreign"
    NOT_SWEPT = "not_swept"
    UNLISTED = "unlisted"
    MAP_RUN = "map_run"
    ADOPTION = "adoption"
    CATCHING_UP = "catching_up"


@dataclass(frozen=True, slots=True)
class Protection:
    """The protection of a key by an intent or a staged release, until that expires."""

    reason: Reason
    until: datetime


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a run deletes nothing, or nothing of one channel.

    Attributes:
        reason: The word for it.
        message: One line for a person, with the remedy.
        until: When the stop ends by itself; None if it does not.
        channel: The one channel whose assets it holds; None if it holds all, or orphans that nobody retires yet.
        asks: What is asked of a person, for programs; None if nothing is.
    """

    reason: Reason
    message: str
    until: datetime | None = None
    channel: str | None = None
    asks: Mapping[str, Any] | None = None

    @property
    def holds_all(self) -> bool:
        """Whether nothing at all is deleted."""
        return self.channel is None and self.reason is not Reason.ADOPTION


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What the policy needs to know of the other parts of a site, if a view has only a part of it.

    Attributes:
        due: How many assets are due there, but for those whose channel has ended.
        assets: How many assets there are.
        orphans: How many of them are orphans.
    """

    due: int = 0
    assets: int = 0
    orphans: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """What the policy decides on.

    Attributes:
        live: Keys of the current releases.
        retired: Key -> retired asset that is not live.
        owed: Keys whose tags have to be checked, whatever the ledger says of their tags.
        protected: Key -> its protection by an upload under way or a staged release.
        pinned: Keys of the pinned releases.
        kept: Keys of the releases that ``keep_releases`` keeps.
        tags_unknown: Keys whose tags a rebuild could not read: when they retired is not certain, so they stay.
        doubles: Key -> the missing key of a release that it may mean; see `cleaner_lambda.doubles`.
        around: Keys that the sites around this one need.
        in_place: Keys of releases whose pages are in place, or were until a moment ago, though they are not current.
        missing: Keys of current releases that a listing did not find: the brake does not count them.
        untaggable: Keys whose tags S3 refused to change, which is not tried again before the next full listing, and
            those whose tags a rebuild has yet to read.
        undeletable: Keys that S3 refused to delete: the same.
        not_looked_at: Keys that may be another's, because there was no time to look: they are left alone.
        ours: Keys whose object says that an upload sent it, of those that were asked; see `cleaner_lambda.foreign`.
        orphans: Which orphans are retired: what the site did not send is an orphan.
        pattern: The fingerprint in their names; None: the built-in recognition.
        held: Keys that stay because a channel's current marker is gone.
        in_doubt: Those of them that this channel's release may name; see `cleaner_lambda.lost`.
        stops: Why nothing may be deleted, or nothing of a channel; empty if deletions are allowed.
        elsewhere: What these are a part of.
        unswept: Whether the other versions of these assets' logical paths were not read, so that nothing falls due.
    """

    live: frozenset[str]
    retired: Mapping[str, Retired]
    owed: frozenset[str] = frozenset()
    protected: Mapping[str, Protection] = field(default_factory=dict)
    pinned: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    tags_unknown: frozenset[str] = frozenset()
    doubles: Mapping[str, str] = field(default_factory=dict)
    around: frozenset[str] = frozenset()
    in_place: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    untaggable: frozenset[str] = frozenset()
    undeletable: frozenset[str] = frozenset()
    not_looked_at: frozenset[str] = frozenset()
    ours: frozenset[str] = frozenset()
    orphans: Orphans = Orphans.ALL
    pattern: re.Pattern[str] | None = None
    held: frozenset[str] = frozenset()
    in_doubt: frozenset[str] = frozenset()
    stops: tuple[Stop, ...] = ()
    elsewhere: Elsewhere = Elsewhere()
    unswept: bool = False

    def held_as(self, key: str) -> Reason | None:
        """Why time alone never makes a retired asset due; None if it does."""
        held: tuple[tuple[Container[str], Reason], ...] = (
            (self.pinned, Reason.PINNED),
            (self.kept, Reason.KEPT_RELEASE),
            (self.around, Reason.NEEDED_AROUND),
            (self.in_place, Reason.PAGE_IN_PLACE),
            (self.not_looked_at, Reason.NOT_LOOKED_AT),
            (self.tags_unknown, Reason.TAGS_UNKNOWN),
            (self.held, Reason.MISSING_MARKER),
            (self.doubles, Reason.MAY_BE_MISSING),
        )
        return next((reason for keys, reason in held if key in keys), Reason.NOT_SWEPT if self.unswept else None)


@dataclass(frozen=True, slots=True)
class Action:
    """What is done with one asset.

    Attributes:
        key: The asset's key.
        reason: Why this is done.
        entry: The retired asset; None for a live asset.
        due: When a retired asset falls due; None if it does not fall due with time alone.
    """

    key: str
    reason: Reason
    entry: Retired | None = None
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The policy's answer; each list is in the order of the keys.

    Attributes:
        keep: Every asset that is not deleted.
        delete: Every asset that is deleted. Each asset is either in ``keep`` or in ``delete``.
        tag: The kept assets whose tag is written.
        untag: The kept assets whose tag is removed.
        upcoming: The kept assets that fall due later, if nothing is published meanwhile.
        stops: Why nothing is deleted, or nothing of a channel; the brake included.
        next_due: The first instant after now at which the plan changes by itself; None if it does not.
        untagged: How many orphans get no tag, as the site has so many.
    """

    keep: tuple[Action, ...]
    delete: tuple[Action, ...]
    tag: tuple[Action, ...]
    untag: tuple[Action, ...]
    upcoming: tuple[Action, ...]
    stops: tuple[Stop, ...]
    next_due: datetime | None
    untagged: int = 0

    @property
    def is_stopped(self) -> bool:
        """Whether nothing at all is deleted, no file of the release log either."""
        return any(stop.holds_all for stop in self.stops)


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


def tags_orphans(retired: Mapping[str, Retired], policy: Policy, elsewhere: Elsewhere = Elsewhere()) -> bool:
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
