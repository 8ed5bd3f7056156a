"""Instants as this product writes them: UTC, whole seconds, RFC 3339 with ``Z``."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")  # fromisoformat takes many other forms


def whole_seconds(instant: datetime) -> datetime:
    """Cut off below the second, as S3 does in ``LastModified``, so that equal instants compare equal everywhere."""
    if instant.tzinfo is UTC and not instant.microsecond:  # S3's own: of 100,000 keys each costs its time
        return instant
    return instant.astimezone(UTC).replace(microsecond=0)


def next_second(instant: datetime) -> datetime:
    """What is not after a whole second, as S3 tells time, is before this, whatever another server tells it by."""
    return instant + timedelta(seconds=1)


def format_instant(instant: datetime) -> str:
    """Write an aware datetime, for example ``2026-11-23T06:05:38Z``."""
    return instant.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def parse_instant(text: str) -> datetime:
    """Read what `format_instant` wrote.

    Raises:
        ValueError: The text has any other form.
    """
    if not _TEXT.fullmatch(text):
        msg = f"{text!r} is not of the form 2026-11-23T06:05:38Z"
        raise ValueError(msg)
    return datetime.fromisoformat(text)
