"""What a run decides to do with each asset, each with its reason. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cleaner_lambda.ledger import Retired


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
