"""Instants as this product writes them: UTC, whole seconds, RFC 3339 with ``Z``."""

from __future__ import annotations

from datetime import UTC, datetime

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def whole_seconds(instant: datetime) -> datetime:
    """Cut off below the second, as S3 does in ``LastModified``, so that equal instants compare equal everywhere."""
    return instant.astimezone(UTC).replace(microsecond=0)


def format_instant(instant: datetime) -> str:
    """Write an aware datetime, for example ``2026-11-23T06:05:38Z``."""
    return instant.astimezone(UTC).strftime(_FORMAT)


def parse_instant(text: str) -> datetime:
    """Read what `format_instant` wrote.

    Raises:
        ValueError: The text has any other form.
    """
    return datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)
