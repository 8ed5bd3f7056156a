"""Read what woke the cleaner: an S3 event, a timer's payload, or a payload by hand.

An event only means "run now": the cleaner takes nothing from its body but the site. A payload is checked strictly, so
that a typo such as ``{"dryrun": true}`` never deletes anything.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from cleaner_lambda.cursor import Kind
from cleaner_lambda.errors import RequestError
from release_log.errors import LayoutError, SettingError
from release_log.events import OBJECT_CREATED
from release_log.instants import parse_instant
from release_log.layout import prefix_of_marker
from release_log.policy_settings import SETTINGS, check_setting

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cleaner_lambda.sites import Site

FLAGS = {
    "dry_run": "`true`: change nothing",
    "full": "`true`: list the whole site now, as the daily run does: finds orphans and missing assets",
    "force": "`true`: delete, whatever `max_delete_fraction` says",
    "adopt": "`true`: list the whole site now, and retire all orphans, though there are more than 100,000",
    "list_sites": "`true`, and no other key: name the sites and patterns that this function cleans, and do no more",
    "wake_up": "`true`, in the cleaner's own wake-ups: if the site is not configured any more, nothing is to do",
}
"""Key of a payload that is true or false -> what it asks for."""

SITE_KEYS = {
    "site": "the prefix, if the installation has several sites; or a pattern as it is configured: all of its sites, "
    "one after the other, as the daily run does",
    "bucket": "the bucket, if several buckets have a site with that prefix; "
    "a function that does not clean this bucket refuses the payload",
    "after": "in the cleaner's own wake-ups: the site after which the run of a pattern's sites goes on",
}
"""Key of a payload that says which site is meant -> what it says."""

MAP_RUN = {
    "map_run": "in the tasks of the state machine: `at`, when a full listing or a rebuild was handed out, and the "
    "number of the `range` that is to be listed, or of the `group` whose tags are to be read; without one, the map run "
    "is over"
}
"""Key of a payload of the state machine -> what it says."""

TEXTS = {
    "site": "a prefix such as 'assets/'",
    "bucket": "a bucket's name",
    "after": "a prefix such as 'previews/pr-12/'",
}
"""Key of a payload that is a text -> what the text must be."""

KEYS = (*FLAGS, *SITE_KEYS, *MAP_RUN, *SETTINGS)


class MapTask(NamedTuple):
    """A task of a map run.

    Attributes:
        at: When the ranges were handed out.
        number: The range to work off; None for the run after all of them.
        kind: What it is a range of.
    """

    at: datetime
    number: int | None
    kind: Kind = Kind.RANGE


@dataclass(frozen=True, slots=True)
class Request:
    """What a run is asked to do.

    Attributes:
        site: The site's prefix; None for the only one.
        bucket: The bucket of the event or payload; None for any.
        dry_run: Read only.
        full: Make a full listing.
        force: Delete even if the deletion limit (brake) is exceeded.
        adopt: Retire any number of orphans.
        settings: Policy settings of a "what if".
        list_sites: Only name the configured sites.
        wake_up: Whether the cleaner's own wake-up asks.
        after: Of a pattern, only the sites after this one.
        by_marker: Whether the event is about a new release marker.
        map_task: What the state machine asks for; None if it is somebody else.
    """

    site: str | None = None
    bucket: str | None = None
    dry_run: bool = False
    full: bool = False
    force: bool = False
    adopt: bool = False
    list_sites: bool = False
    wake_up: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    by_marker: bool = False
    after: str = ""
    map_task: MapTask | None = None

    def check_for(self, site: Site) -> None:
        """Check that this can be asked of a site.

        Raises:
            RequestError: It is a pattern, and this is asked of one site at a time.
        """
        asked = {
            "dry_run": self.dry_run,
            "force": self.force,
            "adopt": self.adopt,
            "map_run": self.map_task is not None,
        }
        one = [name for name, is_asked in asked.items() if is_asked]
        if one and site.is_pattern:
            msg = f"{', '.join(one)}: {site.prefix!r} is a pattern; name one of its sites"
            raise RequestError(msg)

    @property
    def is_hint(self) -> bool:
        """Whether nobody waits for an answer: an event, a wake-up or a map run only says "look now"."""
        return self.by_marker or self.wake_up or self.map_task is not None


def parse(event: object) -> Request:
    """Read an event or a payload.

    Raises:
        RequestError: It is neither, or asks for something impossible. The message names key, value and remedy.
    """
    if not isinstance(event, dict):
        msg = f"payload {event!r} is not a JSON object; for a plain run send {{}}"
        raise RequestError(msg)
    return _event(event) if "detail-type" in event or "detail" in event else _payload(event)


def _event(event: dict[str, Any]) -> Request:
    source, detail_type = event.get("source"), event.get("detail-type")
    if (source, detail_type) != OBJECT_CREATED:
        msg = f"event {detail_type!r} from {source!r} is not S3's {OBJECT_CREATED.detail_type!r}"
        raise RequestError(msg)
    try:
        # Powertools' class would decode the key, which EventBridge does not encode, and its package loads the events of
        # every other service at each cold start.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
        bucket, key = event["detail"]["bucket"]["name"], event["detail"]["object"]["key"]
    except (KeyError, TypeError) as error:
        msg = f"the S3 event has no detail.bucket.name and detail.object.key (missing: {error})"
        raise RequestError(msg) from error
    if not isinstance(bucket, str) or not isinstance(key, str) or not bucket:
        msg = f"the S3 event's detail.bucket.name {bucket!r} and detail.object.key {key!r} are not both texts"
        raise RequestError(msg)
    try:
        return Request(site=prefix_of_marker(key), bucket=bucket, by_marker=True)
    except LayoutError as error:
        msg = f"the S3 event's {error}"
        raise RequestError(msg) from error


def _payload(payload: dict[str, Any]) -> Request:
    for name in payload:
        if name not in KEYS:
            msg = f"unknown key {name!r}: use {', '.join(KEYS)}"
            raise RequestError(msg)
    flags = {name: payload[name] for name in FLAGS if name in payload}
    for name, value in flags.items():
        if not isinstance(value, bool):
            msg = f"{name}: {value!r} is neither true nor false"
            raise RequestError(msg)
    if flags.get("list_sites") and len(payload) > 1:
        msg = f"list_sites: nothing else can be asked with it, but there are {', '.join(payload)}"
        raise RequestError(msg)
    for name, what in TEXTS.items():
        if not isinstance(payload.get(name, ""), str | None):
            msg = f"{name}: {payload[name]!r} is not {what}"
            raise RequestError(msg)
    settings = {name: payload[name] for name in payload if name in SETTINGS}
    try:
        settings = {name: check_setting(name, value) for name, value in settings.items()}
    except SettingError as error:
        raise RequestError(str(error)) from error
    if settings and not flags.get("dry_run", False):
        msg = (
            f'{", ".join(settings)}: a policy setting in a payload asks "what if" and needs "dry_run": true; '
            "to change the policy, deploy with -c NAME=VALUE"
        )
        raise RequestError(msg)
    return Request(
        site=payload.get("site"),
        bucket=payload.get("bucket"),
        settings=settings,
        after=payload.get("after") or "",
        map_task=_map_task(payload),
        **flags,
    )


def _map_task(payload: dict[str, Any]) -> MapTask | None:
    if "map_run" not in payload:
        return None
    given = payload["map_run"]
    kinds = [each for each in Kind if each in given] if isinstance(given, dict) else []
    kind = kinds[0] if kinds else Kind.RANGE
    known = isinstance(given, dict) and "at" in given and given.keys() <= {"at", kind}
    number = given.get(kind) if known else None
    if known and (number is None or (isinstance(number, int) and not isinstance(number, bool) and number >= 0)):
        with suppress(ValueError, TypeError):
            return MapTask(parse_instant(given["at"]), number, kind)
    msg = f"map_run: {given!r} is not an object with an instant `at`, and the number of a `range`, of a `group` or none"
    raise RequestError(msg)
