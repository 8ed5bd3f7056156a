"""Instants as this product writes them: UTC, whole seconds, RFC 3339 with ``Z``."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")  # fromisoformat accepts many other forms


def whole_seconds(instant: datetime) -> datetime:
    """Cut an instant to whole seconds, as S3 does in ``LastModified``, so that equal instants compare as equal."""
    if instant.tzinfo is UTC and not instant.microsecond:  # already S3's form: a listing may have 100,000 keys
        return instant
    return instant.astimezone(UTC).replace(microsecond=0)


def next_second(instant: datetime) -> datetime:
    """The next whole second. All that S3 dates with this second is before it, also by a clock that has fractions."""
    return instant + timedelta(seconds=1)


def format_instant(instant: datetime) -> str:
    """Write an aware datetime, for example ``2026-11-23T06:05:38Z``."""
    return whole_seconds(instant).isoformat().removesuffix("+00:00") + "Z"


def parse_instant(text: str) -> datetime:
    """Read what `format_instant` wrote.

    Raises:
        ValueError: The text has another form.
    """
    if not _TEXT.fullmatch(text):
        msg = f"{text!r} is not of the form 2026-11-23T06:05:38Z"
        raise ValueError(msg)
    return datetime.fromisoformat(text)
