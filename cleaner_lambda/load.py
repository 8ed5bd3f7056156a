"""Read the release log, in the order that makes it safe.

The ledger, then the intents, then the staged releases, then the pins, then the markers: an uploader removes its intent
after its marker or its pin is there, and a staged release after its marker, so whoever misses the one finds the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cleaner_lambda import ledger as ledgers
from cleaner_lambda.errors import ConflictError
from cleaner_lambda.history import Published
from cleaner_lambda.ledger import Ledger
from cleaner_lambda.policy import Protection, Reason, Stop
from release_log import marker
from release_log.errors import LedgerError, ReleaseLogError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cleaner_lambda.pace import Mapper
    from cleaner_lambda.port import S3Port
    from release_log.layout import Layout
    from release_log.policy_settings import Policy

READ_AGAIN = 20


@dataclass(slots=True)
class Loaded:
    """The release log as one run reads it.

    Attributes:
        now: S3's clock when the ledger was read: before everything else, so that too little expires rather than too
            much.
        ledger: The ledger; an empty one if there is none that can be read.
        etag: Of the ledger that is there; None if none is.
        rebuild: Why the ledger has to be rebuilt; None if it was read.
        leftover: Whether the ledger still announces what a run was about to do that is over: that has to go.
        doubtful: Keys that such a run may have tagged or untagged.
        resume: When the runs are over that are tagging now; None if none is.
        protected: Key -> protection by an intent or a staged release.
        expired: Key -> ``LastModified`` of the intents and staged releases that protect nothing any more.
        pins: Id -> the keys of every release that is pinned.
        listed: Id -> S3's ``LastModified`` of every marker that is there and is named as a marker.
        stops: Why nothing may be deleted.
        read: Id -> the markers read and valid so far.
        broken: Ids of the markers read and not valid.
    """

    now: datetime
    ledger: Ledger
    etag: str | None
    rebuild: str | None
    leftover: bool = False
    doubtful: frozenset[str] = frozenset()
    resume: datetime | None = None
    protected: dict[str, Protection] = field(default_factory=dict)
    expired: dict[str, datetime] = field(default_factory=dict)
    pins: dict[str, frozenset[str]] = field(default_factory=dict)
    listed: dict[str, datetime] = field(default_factory=dict)
    stops: list[Stop] = field(default_factory=list)
    read: dict[str, Published] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    @property
    def pinned(self) -> frozenset[str]:
        """The keys of the pinned releases."""
        return frozenset().union(*self.pins.values())

    @property
    def pristine(self) -> bool:
        """Whether nothing was ever published: no marker, no action."""
        return self.etag is None and not self.listed


def load(store: S3Port, layout: Layout, policy: Policy, run: str) -> Loaded:
    """Read ledger, intents, staged releases, pins and the list of markers; the markers themselves by `read_markers`.

    Raises:
        ConflictError: The log changed underfoot too often; start over.
    """
    loaded = _load_ledger(store, layout, run)
    _look(store, layout, policy, loaded)
    return loaded


def look_again(store: S3Port, layout: Layout, policy: Policy, loaded: Loaded) -> None:
    """Read all but the ledger and the markers' content once more, after the ledger says what is to be deleted.

    An uploader whose intent is not there yet will find in the ledger what is to go, and wait. What was protected at the
    first look stays so: nothing is deleted that the ledger does not name.

    Raises:
        ConflictError: Other markers are there by now; start over.
    """
    protected, expired, pins, listed = loaded.protected, loaded.expired, loaded.pins, loaded.listed
    _look(store, layout, policy, loaded)
    if loaded.listed != listed:
        msg = f"{layout.markers} changed during the run"
        raise ConflictError(msg)
    loaded.protected = {**protected, **loaded.protected}
    loaded.pins = {**pins, **loaded.pins}
    loaded.expired = {key: at for key, at in loaded.expired.items() if expired.get(key) == at}


def read_markers(
    store: S3Port, layout: Layout, ids: Iterable[str], loaded: Loaded, mapper: Mapper = map
) -> list[Published]:
    """Read markers by id, each once a run. One that does not validate stops all deletion, and is left out.

    Raises:
        ConflictError: A listed marker is gone.
    """
    wanted = sorted(ids)
    unread = [i for i in wanted if i not in loaded.read and i not in loaded.broken]
    keys = [layout.marker_key(release_id) for release_id in unread]
    for release_id, key, blob in zip(unread, keys, mapper(store.get, keys), strict=True):
        if blob is None:
            msg = f"{key} went while it was read"
            raise ConflictError(msg)
        try:
            release = marker.decode(blob.body, layout.prefix)
        except ReleaseLogError as error:
            loaded.broken.add(release_id)
            loaded.stops.append(_invalid(key, error))
        else:
            loaded.read[release_id] = Published(release_id, loaded.listed[release_id], release)
    return [loaded.read[release_id] for release_id in wanted if release_id in loaded.read]


def _load_ledger(store: S3Port, layout: Layout, run: str) -> Loaded:
    blob = store.get(layout.ledger)
    now = store.now()
    # Whoever reads what this run writes before it is done must not take it for a whole ledger.
    begun = Ledger(tags_read_to="")
    if blob is None:
        return Loaded(now, begun, None, "there is no ledger yet")
    try:
        ledger = ledgers.decode(blob.body)
    except LedgerError as error:
        return Loaded(now, begun, blob.etag, str(error))
    loaded = Loaded(now, ledger, blob.etag, None)
    _take_over_tagging(loaded, run, blob.last_modified)
    if ledger.deleting is not None:
        deleting, until = ledger.deleting.dated(blob.last_modified), ledger.deleting.until(blob.last_modified)
        if deleting.run != run and now < until:
            loaded.ledger = replace(loaded.ledger, deleting=deleting)
            message = f"run {deleting.run} is deleting; it is done or dead by {until:%Y-%m-%dT%H:%M:%SZ}"
            loaded.stops.append(Stop(Reason.DELETING, message, until))
        else:
            loaded.ledger = replace(loaded.ledger, deleting=None)
            loaded.leftover = True
    return loaded


def _take_over_tagging(loaded: Loaded, run: str, last_modified: datetime) -> None:
    """What runs that are over were about to tag is in doubt; what others are tagging now stays announced."""
    every = [each.dated(last_modified) for each in loaded.ledger.tagging]
    others = tuple(each for each in every if each.run != run and loaded.now < each.until(last_modified))
    over = [each for each in every if each not in others]
    loaded.ledger = replace(loaded.ledger, tagging=others)
    loaded.leftover = bool(over)
    loaded.doubtful = frozenset(key for each in over for key in each.keys)
    loaded.resume = min((each.until(last_modified) for each in others), default=None)


def _look(store: S3Port, layout: Layout, policy: Policy, loaded: Loaded) -> None:
    for _ in range(READ_AGAIN):
        if _load_protections(store, layout, policy, loaded):
            break
    else:
        msg = f"{layout.log} changed each of the {READ_AGAIN} times it was read"
        raise ConflictError(msg)
    _load_pins(store, layout, loaded)
    loaded.listed = {}
    for listed in store.list(layout.markers):
        try:
            if not listed.key.endswith("/"):
                loaded.listed[layout.release_id(listed.key)] = listed.last_modified
        except ReleaseLogError as error:
            loaded.stops.append(_invalid(listed.key, error))


def _load_protections(store: S3Port, layout: Layout, policy: Policy, loaded: Loaded) -> bool:
    """Read intents, then staged releases.

    Returns:
        False if one vanished between LIST and GET: its marker may be there by now.
    """
    protected: dict[str, Protection] = {}
    expired: dict[str, datetime] = {}
    stops: list[Stop] = []
    for folder, reason, ttl in (
        (layout.pending, Reason.PENDING, policy.pending_ttl),
        (layout.staged, Reason.STAGED, policy.staged_ttl),
    ):
        for listed in list(store.list(folder)):
            # Whole seconds on both sides: one more, so that it never ends early.
            until = listed.last_modified + timedelta(seconds=ttl + 1)
            if listed.key.endswith("/"):
                continue
            if until <= loaded.now:
                expired[listed.key] = listed.last_modified
                continue
            blob = store.get(listed.key)
            if blob is None:
                return False
            try:
                release = marker.decode(blob.body, layout.prefix)
            except ReleaseLogError as error:
                stops.append(_invalid(listed.key, error, until))
                continue
            for asset in release.assets.values():
                known = protected.get(asset.key)
                if known is None or known.until < until:
                    protected[asset.key] = Protection(reason, until)
    loaded.protected, loaded.expired = protected, expired
    loaded.stops += stops
    return True


def _load_pins(store: S3Port, layout: Layout, loaded: Loaded) -> None:
    """Read the pinned releases. One that vanishes between LIST and GET is unpinned, and nothing comes in its place."""
    pins: dict[str, frozenset[str]] = {}
    for listed in list(store.list(layout.pins)):
        blob = None if listed.key.endswith("/") else store.get(listed.key)
        if blob is None:
            continue
        try:
            pins[layout.release_id(listed.key)] = marker.decode(blob.body, layout.prefix).keys
        except ReleaseLogError as error:
            loaded.stops.append(_invalid(listed.key, error, unknown="pinned", again="pin"))
    loaded.pins = pins


def _invalid(
    key: str,
    error: ReleaseLogError,
    until: datetime | None = None,
    *,
    unknown: str = "current",
    again: str = "publish",
) -> Stop:
    message = (
        f"{key} is not valid ({error}): what is {unknown} is unknown, so nothing is deleted until it is dealt with. "
        f"Delete it, and {again} that release again"
    )
    return Stop(Reason.INVALID_MARKER, message, until)
