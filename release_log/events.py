"""The EventBridge events that wake the cleaner, and the one that the cleaner sends."""

from __future__ import annotations

from typing import NamedTuple


class EventType(NamedTuple):
    """What a rule matches an event by.

    Attributes:
        source: The event's ``source``.
        detail_type: The event's ``detail-type``.
    """

    source: str
    detail_type: str


OBJECT_CREATED = EventType("aws.s3", "Object Created")
"""S3's event for a new object, here a marker: https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html"""

CLEAN_COMPLETED = EventType("asset-cleaner", "Clean Completed")
"""The cleaner's own event, after each real run: docs/events.md."""
