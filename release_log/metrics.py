"""The cleaner's CloudWatch metrics: the cleaner writes them, the stack's alarms and its dashboard watch them."""

from __future__ import annotations

import hashlib
import string
from enum import StrEnum
from urllib.parse import quote

NAMESPACE = "AssetCleaner"
SERVICE = "asset-cleaner"

WHOLE_BUCKET = "(whole bucket)"
"""The dimension ``site`` of a site with an empty prefix. No prefix equals it, as each prefix ends with a slash."""

_PLAIN = "".join(sorted({*string.ascii_letters, *string.digits, *string.punctuation, " "} - {"%"}))

MAX_VALUE = 255
"""CloudWatch accepts 1,024 characters, but its graphs and the CDK accept no more than this."""


class Unit(StrEnum):
    """CloudWatch's units that we use."""

    COUNT = "Count"
    BYTES = "Bytes"
    SECONDS = "Seconds"
    MILLISECONDS = "Milliseconds"


class Metric(StrEnum):
    """Every metric of the cleaner, by its name in CloudWatch.

    `DRY_RUNS`, `REFUSED` and `MAP_RUNS_FAILED` belong to the installation: their one dimension is ``service``.
    The others belong to a site.

    Attributes:
        unit: Its unit.
        when: When the cleaner writes a value.
        doc: What the value says, in one line.
    """

    unit: Unit
    when: str
    doc: str

    def __new__(cls, name: str, unit: Unit, when: str, doc: str) -> Metric:  # noqa: PYI034 (an enum's members are its own)
        """Make a member whose value is the metric's name."""
        metric = str.__new__(cls, name)
        metric._value_ = name
        metric.unit, metric.when, metric.doc = unit, when, doc
        return metric

    RUNS = "Runs", Unit.COUNT, "each run", "1 if the run ended well, else 0"
    TAGGED = "Tagged", Unit.COUNT, "each run", "tagged assets"
    UNTAGGED = "Untagged", Unit.COUNT, "each run", "assets that lost their tag, as they are needed again"
    DELETED = "Deleted", Unit.COUNT, "each run", "assets whose deletion S3 confirmed"
    BYTES_FREED = (
        "BytesFreed",
        Unit.BYTES,
        "each run",
        "the size of the deleted assets; a versioned bucket holds them for `noncurrent_days` more",
    )
    KEPT = "Kept", Unit.COUNT, "each run", "known assets that are left in the bucket"
    FAILED = (
        "Failed",
        Unit.COUNT,
        "each run",
        "assets that could not be tagged, untagged or deleted; the cleaner comes back for them",
    )
    SET_ASIDE = (
        "SetAside",
        Unit.COUNT,
        "each run",
        "assets left alone because they are in doubt, or S3 refuses to change them; `set_aside` in the answer says why",
    )
    INVALID_MARKERS = (
        "InvalidMarkers",
        Unit.COUNT,
        "each run",
        "files of the release log that cannot be read, are gone or contradict each other: nothing is deleted",
    )
    NOT_IN_PLACE = (
        "NotInPlace",
        Unit.COUNT,
        "each run",
        "current releases whose pages are not all in place, an hour after their markers: the upload was cut off",
    )
    BRAKE_PULLED = (
        "BrakePulled",
        Unit.COUNT,
        "each run",
        "1 if it waits to be told: more is due than `max_delete_fraction` allows, or more than 100,000 orphans wait",
    )
    DURATION = "Duration", Unit.MILLISECONDS, "each run", "how long the cleaner's own work took"
    MISSING_ASSETS = (
        "MissingAssets",
        Unit.COUNT,
        "a full listing",
        "assets of current releases that are not in the bucket",
    )
    ORPHANS = "Orphans", Unit.COUNT, "a full listing", "assets that no known release names"
    LAG = "Lag", Unit.SECONDS, "a run that a marker woke", "how old the newest marker was when the run began"
    WAKE_UPS_NOT_SET = (
        "WakeUpsNotSet",
        Unit.COUNT,
        "each run, at its end",
        "1 if the next wake-up could not be set: until it can, only markers and the daily run wake the cleaner",
    )
    EVENTS_NOT_SENT = (
        "EventsNotSent",
        Unit.COUNT,
        "a run whose event failed",
        "1 if the event `Clean Completed` could not be sent",
    )
    SWEEPS = "Sweeps", Unit.COUNT, "the daily run of a pattern", "1 when it has come to the last of the pattern's sites"
    MAP_RUNS_FAILED = (
        "MapRunsFailed",
        Unit.COUNT,
        "a map run that failed",
        "1 if it left out parts of a site, or could not be started, with the one dimension `service`",
    )
    DRY_RUNS = "DryRuns", Unit.COUNT, "a dry run", "1, with the one dimension `service`: it belongs to the installation"
    REFUSED = (
        "Refused",
        Unit.COUNT,
        "a refused payload",
        "1, with the one dimension `service`: it belongs to the installation",
    )


def site_dimension(prefix: str) -> str:
    """The value of the dimension ``site``: the prefix in ASCII, percent-encoded, and with a digest for a long end.

    CloudWatch accepts ASCII only, and drops a metric with any other dimension without an error:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html

    Args:
        prefix: The site's prefix.
    """
    value = quote(prefix, safe=_PLAIN) or WHOLE_BUCKET
    if len(value) <= MAX_VALUE:
        return value
    digest = hashlib.sha256(value.encode()).hexdigest()[:16]
    return f"{value[: MAX_VALUE - len(digest) - 1]}-{digest}"


def dimensions(bucket: str, prefix: str) -> dict[str, str]:
    """Every dimension of a site's metrics.

    Args:
        bucket: The bucket's name.
        prefix: The site's prefix.
    """
    return {"service": SERVICE, "site": site_dimension(prefix), "bucket": bucket}
