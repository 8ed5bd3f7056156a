"""What the policy decides on: what is known of each asset of a site. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cleaner_lambda.plan import Reason
from release_log.policy_settings import Orphans

if TYPE_CHECKING:
    import re
    from collections.abc import Container, Mapping
    from datetime import datetime

    from cleaner_lambda.ledger import Retired
    from cleaner_lambda.plan import Stop


@dataclass(frozen=True, slots=True)
class Protection:
    """The protection of a key by an intent or a staged release, until that expires."""

    reason: Reason
    until: datetime


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


NOTHING = Elsewhere()
"""The view has the whole site."""


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
    elsewhere: Elsewhere = NOTHING
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
