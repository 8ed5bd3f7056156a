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
from cleaner_lambda.pace import Pace
from cleaner_lambda.plan import Reason, Stop
from cleaner_lambda.reading import list_files, name_some, read_files, stop_for_time
from cleaner_lambda.view import Protection
from release_log import marker
from release_log.bounds import MARKER_FILES, PROTECTED_KEYS
from release_log.errors import ReleaseLogError
from release_log.marker_fields import parse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cleaner_lambda.port import Blob, S3Port
    from release_log.layout import Layout
    from release_log.policy_settings import Policy

PLACED_BYTES = 100
"""A file of this size, with the name of one that says that a release is in place, does so. A larger one notes ETags of
pages, or it is an older version's marker of a release whose name ended so."""

READ_AGAIN = 20
"""How often a look begins again because an intent or a staged release vanished while it was read."""


@dataclass(frozen=True, slots=True)
class Protections:
    """The intents and the staged releases.

    Attributes:
        by_key: Key of an asset -> its protection by an intent or a staged release.
        pages: What tells the pages apart that they name; see `release_log.marker.Asset.page`.
        expired: Key of an intent or a staged release that protects nothing any more -> its ``LastModified``.
        until: When each of the others expires.
        stops: Why nothing may be deleted.
    """

    by_key: Mapping[str, Protection] = field(default_factory=dict)
    pages: frozenset[str] = frozenset()
    expired: Mapping[str, datetime] = field(default_factory=dict)
    until: tuple[datetime, ...] = ()
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
        placed: Id -> ``LastModified`` of every file that says that the pages of a release are in place.
        stops: Why nothing may be deleted.
        misnamed: Those among them for files that have no release's name: they say nothing of any other site.
        sizes: Id -> the bytes of every file that is named as a marker.
    """

    protections: Protections
    pins: Pins
    markers: Mapping[str, datetime]
    stops: tuple[Stop, ...]
    misnamed: tuple[Stop, ...] = ()
    placed: Mapping[str, datetime] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)


def take_look(store: S3Port, layout: Layout, policy: Policy, now: datetime, pace: Pace | None = None) -> Look:
    """Read the intents, the staged releases and the pins, and list the markers.

    Args:
        store: The site's bucket.
        layout: The site.
        policy: How long an intent and a staged release protect.
        now: The instant for which the run decides.
        pace: See `Pace`.

    Raises:
        ConflictError: The log changed underfoot too often; start over.
    """
    pace = pace or Pace()
    for _ in range(READ_AGAIN):
        protections = _read_protections(store, layout, policy, now, pace)
        if protections is not None:
            break
    else:
        msg = f"{layout.log} changed each of the {READ_AGAIN} times it was read"
        raise ConflictError(msg)
    pins = _read_pins(store, layout, pace)
    listed = _list_markers(store, layout, pace)
    markers, sizes, placed, beyond, misnamed = listed
    stops = (*protections.stops, *pins.stops, *beyond, *misnamed)
    if len(protections.by_key) + sum(map(len, pins.by_id.values())) > PROTECTED_KEYS:
        stops = (*stops, _stop_for_keys(layout))
    return Look(protections, pins, markers, stops, misnamed, placed, sizes)


def take_second_look(
    store: S3Port, layout: Layout, policy: Policy, now: datetime, first: Look, pace: Pace | None = None
) -> Look:
    """Look once more, after the ledger says what is to be deleted.

    An uploader whose intent this look misses finds the announcement in the ledger, and waits. What the first look found
    protected or pinned stays so: nothing is deleted that the ledger does not name.

    Args:
        store: The site's bucket.
        layout: The site.
        policy: As in `take_look`.
        now: As at the first look.
        first: The first look.
        pace: See `Pace`.

    Raises:
        ConflictError: The markers are others than at the first look; start over.
    """
    second = take_look(store, layout, policy, now, pace)
    if second.markers != first.markers:
        msg = f"{layout.markers} changed during the run"
        raise ConflictError(msg)
    protected = {**first.protections.by_key, **second.protections.by_key}
    pages = first.protections.pages | second.protections.pages
    pinned = {**first.pins.by_id, **second.pins.by_id}
    return replace(
        second,
        protections=replace(second.protections, by_key=protected, pages=pages),
        pins=replace(second.pins, by_id=pinned),
    )


def _read_protections(store: S3Port, layout: Layout, policy: Policy, now: datetime, pace: Pace) -> Protections | None:
    """Read the intents, then the staged releases.

    Returns:
        None if a file vanished between LIST and GET: its marker may be there by now.
    """
    protected: dict[str, Protection] = {}
    expired: dict[str, datetime] = {}
    pages: set[str] = set()
    lasting: list[datetime] = []
    stops: list[Stop] = []
    for folder, reason, ttl in (
        (layout.pending, Reason.PENDING, policy.pending_ttl),
        (layout.staged, Reason.STAGED, policy.staged_ttl),
    ):
        files, beyond = list_files(store, folder)
        # Both instants are cut to whole seconds: one second more, so that the protection never ends early.
        ends = {listed.key: listed.last_modified + timedelta(seconds=ttl + 1) for listed in files}
        expired |= {listed.key: listed.last_modified for listed in files if ends[listed.key] <= now}
        wanted = [listed.key for listed in files if listed.key not in expired]
        lasting += [ends[key] for key in wanted]
        unread, invalid = len(wanted), []
        for key, blob in read_files(store, wanted, pace):
            if blob is None:
                return None
            unread -= 1
            until = ends[key]
            if isinstance(blob, UnreadableError):
                invalid.append(stop_for_unreadable(blob, until))
                continue
            try:
                release = marker.decode(blob.body, layout.prefix)
            except ReleaseLogError as error:
                invalid.append(stop_for_invalid(key, error, until))
                continue
            pages |= {asset.page for asset in release.assets.values() if asset.page is not None}
            for name in release.all_keys:
                known = protected.get(name)
                if known is None or known.until < until:
                    protected[name] = Protection(reason, until)
            if len(protected) > PROTECTED_KEYS:
                break
        stops += [*beyond, *name_some(folder, invalid)]
        if unread and len(protected) <= PROTECTED_KEYS:
            stops.append(stop_for_time(folder, unread))
    return Protections(protected, frozenset(pages), expired, tuple(lasting), tuple(stops))


def _read_pins(store: S3Port, layout: Layout, pace: Pace) -> Pins:
    """Read the pinned releases. A pin that vanishes between LIST and GET was removed, and no other file replaces it."""
    pinned: dict[str, frozenset[str]] = {}
    files, stops = list_files(store, layout.pins)
    unread, keys, invalid = len(files), 0, []
    for key, blob in read_files(store, [listed.key for listed in files], pace):
        unread -= 1
        if blob is None:
            continue
        if isinstance(blob, UnreadableError):
            invalid.append(stop_for_unreadable(blob, last="unpin its release"))
            continue
        try:
            pinned[layout.release_id(key)] = marker.decode(blob.body, layout.prefix).all_keys
        except ReleaseLogError as error:
            invalid.append(stop_for_invalid(key, error, unknown="pinned", again="pin"))
            continue
        keys += len(pinned[layout.release_id(key)])
        if keys > PROTECTED_KEYS:
            return Pins(pinned, (*stops, *name_some(layout.pins, invalid)))
    if unread:
        stops.append(stop_for_time(layout.pins, unread))
    return Pins(pinned, (*stops, *name_some(layout.pins, invalid)))


def _list_markers(
    store: S3Port, layout: Layout, pace: Pace
) -> tuple[dict[str, datetime], dict[str, int], dict[str, datetime], tuple[Stop, ...], tuple[Stop, ...]]:
    """Id -> ``LastModified`` and bytes of each marker's file, and ``LastModified`` of each that says "in place".

    And a stop if there are too many, and stops for others.
    """
    markers: dict[str, datetime] = {}
    sizes: dict[str, int] = {}
    placed: dict[str, datetime] = {}
    stops: list[Stop] = []
    files, beyond = list_files(store, layout.markers, MARKER_FILES)
    names = {listed.key for listed in files}
    ids = {listed.key: i for listed in files if (i := layout.placed_id(listed.key)) is not None}
    sized = {listed.key for listed in files if listed.size > PLACED_BYTES}
    # Asked only if the marker is missing to which the file would belong.
    asked = sorted(key for key in ids.keys() & sized if layout.marker_key(ids[key]) not in names)
    says_so = {key: _names_no_asset(blob) for key, blob in read_files(store, asked, pace)}
    unread = set(asked) - says_so.keys()
    if unread:
        beyond = [*beyond, stop_for_time(layout.markers, len(unread))]
    for listed in files:
        if listed.key in unread:
            continue
        release_id = ids.get(listed.key)
        if release_id is not None and says_so.get(listed.key, True):
            placed[release_id] = listed.last_modified
            continue
        try:
            name = layout.release_id(listed.key)
            markers[name], sizes[name] = listed.last_modified, listed.size
        except ReleaseLogError as error:
            stops.append(stop_for_invalid(listed.key, error))
    return markers, sizes, placed, tuple(beyond), tuple(name_some(layout.markers, stops))


def _names_no_asset(blob: Blob | UnreadableError | None) -> bool:
    """Whether a file cannot be a marker."""
    try:
        return blob is not None and not isinstance(blob, UnreadableError) and "assets" not in parse(blob.body)
    except ReleaseLogError:
        return False


def _stop_for_keys(layout: Layout) -> Stop:
    message = (
        f"the files under {layout.pending}, {layout.staged} and {layout.pins} name more than {PROTECTED_KEYS} keys, "
        "and were not read to the end: nothing is deleted until you delete those that no release needs any more"
    )
    return Stop(Reason.INVALID_MARKER, message)
