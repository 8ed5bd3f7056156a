"""Look at the release log: the intents, then the staged releases, then the pins, then the list of markers.

The order matters: an uploader removes its intent after it has written its marker, its staged release or its pin, and a
staged release after its marker. A run that misses the first file therefore finds the second.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from cleaner_lambda.errors import ConflictError, UnreadableError
from cleaner_lambda.markers import stop_for_invalid, stop_for_unreadable
from cleaner_lambda.policy import Protection, Reason
from release_log import marker
from release_log.errors import ReleaseLogError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cleaner_lambda.policy import Stop
    from cleaner_lambda.port import S3Port
    from release_log.layout import Layout
    from release_log.policy_settings import Policy

READ_AGAIN = 20
"""How often a look begins again because an intent or a staged release vanished while it was read."""


@dataclass(frozen=True, slots=True)
class Protections:
    """The intents and the staged releases.

    Attributes:
        by_key: Key of an asset -> its protection by an intent or a staged release.
        expired: Key of an intent or a staged release that protects nothing any more -> its ``LastModified``.
        stops: Why nothing may be deleted.
    """

    by_key: Mapping[str, Protection] = field(default_factory=dict)
    expired: Mapping[str, datetime] = field(default_factory=dict)
    stops: tuple[Stop, ...] = ()


@dataclass(frozen=True, slots=True)
class Pins:
    """The pinned releases.

    Attributes:
        by_id: Id of a pinned release -> the keys of its assets.
        stops: Why nothing may be deleted.
    """

    by_id: Mapping[str, frozenset[str]] = field(default_factory=dict)
    stops: tuple[Stop, ...] = ()

    @property
    def keys(self) -> frozenset[str]:
        """The keys of all pinned releases."""
        return frozenset().union(*self.by_id.values())


@dataclass(frozen=True, slots=True)
class Look:
    """The release log at one look, but for the ledger and the content of the markers.

    Attributes:
        protections: The intents and the staged releases.
        pins: The pinned releases.
        markers: Id -> S3's ``LastModified`` of every file that is named as a marker.
        stops: Why nothing may be deleted.
    """

    protections: Protections
    pins: Pins
    markers: Mapping[str, datetime]
    stops: tuple[Stop, ...]


def take_look(store: S3Port, layout: Layout, policy: Policy, now: datetime) -> Look:
    """Read the intents, the staged releases and the pins, and list the markers.

    Args:
        store: The site's bucket.
        layout: The site.
        policy: How long an intent and a staged release protect.
        now: The instant for which the run decides.

    Raises:
        ConflictError: The log changed underfoot too often; start over.
    """
    for _ in range(READ_AGAIN):
        protections = _read_protections(store, layout, policy, now)
        if protections is not None:
            break
    else:
        msg = f"{layout.log} changed each of the {READ_AGAIN} times it was read"
        raise ConflictError(msg)
    pins = _read_pins(store, layout)
    markers, misnamed = _list_markers(store, layout)
    return Look(protections, pins, markers, (*protections.stops, *pins.stops, *misnamed))


def take_second_look(store: S3Port, layout: Layout, policy: Policy, now: datetime, first: Look) -> Look:
    """Look once more, after the ledger says what is to be deleted.

    An uploader whose intent this look misses finds the announcement in the ledger, and waits. What the first look found
    protected or pinned stays so: nothing is deleted that the ledger does not name.

    Args:
        store: The site's bucket.
        layout: The site.
        policy: As in `take_look`.
        now: As at the first look.
        first: The first look.

    Raises:
        ConflictError: The markers are others than at the first look; start over.
    """
    second = take_look(store, layout, policy, now)
    if second.markers != first.markers:
        msg = f"{layout.markers} changed during the run"
        raise ConflictError(msg)
    protected = {**first.protections.by_key, **second.protections.by_key}
    pinned = {**first.pins.by_id, **second.pins.by_id}
    return replace(
        second, protections=replace(second.protections, by_key=protected), pins=replace(second.pins, by_id=pinned)
    )


def _read_protections(store: S3Port, layout: Layout, policy: Policy, now: datetime) -> Protections | None:
    """Read the intents, then the staged releases.

    Returns:
        None if a file vanished between LIST and GET: its marker may be there by now.
    """
    protected: dict[str, Protection] = {}
    expired: dict[str, datetime] = {}
    stops: list[Stop] = []
    for folder, reason, ttl in (
        (layout.pending, Reason.PENDING, policy.pending_ttl),
        (layout.staged, Reason.STAGED, policy.staged_ttl),
    ):
        for listed in list(store.list(folder)):
            # Both instants are cut to whole seconds: one second more, so that the protection never ends early.
            until = listed.last_modified + timedelta(seconds=ttl + 1)
            if listed.key.endswith("/"):
                continue
            if until <= now:
                expired[listed.key] = listed.last_modified
                continue
            try:
                blob = store.get(listed.key)
                if blob is None:
                    return None
                release = marker.decode(blob.body, layout.prefix)
            except UnreadableError as error:
                stops.append(stop_for_unreadable(error, until))
                continue
            except ReleaseLogError as error:
                stops.append(stop_for_invalid(listed.key, error, until))
                continue
            for asset in release.assets.values():
                known = protected.get(asset.key)
                if known is None or known.until < until:
                    protected[asset.key] = Protection(reason, until)
    return Protections(protected, expired, tuple(stops))


def _read_pins(store: S3Port, layout: Layout) -> Pins:
    """Read the pinned releases. A pin that vanishes between LIST and GET was removed, and no other file replaces it."""
    pinned: dict[str, frozenset[str]] = {}
    stops: list[Stop] = []
    for listed in list(store.list(layout.pins)):
        try:
            blob = None if listed.key.endswith("/") else store.get(listed.key)
            if blob is None:
                continue
            pinned[layout.release_id(listed.key)] = marker.decode(blob.body, layout.prefix).keys
        except UnreadableError as error:
            stops.append(stop_for_unreadable(error, last="unpin its release"))
        except ReleaseLogError as error:
            stops.append(stop_for_invalid(listed.key, error, unknown="pinned", again="pin"))
    return Pins(pinned, tuple(stops))


def _list_markers(store: S3Port, layout: Layout) -> tuple[dict[str, datetime], list[Stop]]:
    """Id -> ``LastModified`` of each file that is named as a marker; and a stop for each other file in the folder."""
    markers: dict[str, datetime] = {}
    stops: list[Stop] = []
    for listed in store.list(layout.markers):
        try:
            if not listed.key.endswith("/"):
                markers[layout.release_id(listed.key)] = listed.last_modified
        except ReleaseLogError as error:
            stops.append(stop_for_invalid(listed.key, error))
    return markers, stops
