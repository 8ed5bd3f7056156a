"""The ids of releases, which the names of their files in the release log have: an instant, and the release's name."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from release_log.bounds import LAST_YEAR
from release_log.errors import LayoutError

PLACED = ".placed.json"
"""The end of a file's name that says that the pages of a release are in place."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ID = re.compile(r"\d{8}T\d{6}Z-[A-Za-z0-9][A-Za-z0-9._-]{0,63}(?<!\.placed)")


def make_id(at: datetime, release: str) -> str:
    """The id of a release: when its upload began (by the build machine's clock, for people), and its name.

    Raises:
        LayoutError: The name has characters that an id may not have, or is too long.
    """
    if not _NAME.fullmatch(release) or f"{release}.json".endswith(PLACED):
        msg = (
            f"release {release!r}: use up to 64 letters, digits, dots, hyphens and underscores, first a letter or "
            "digit, and not '.placed' at the end"
        )
        raise LayoutError(msg)
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{release}"


def is_id(text: str) -> bool:
    """Whether a text is the id of a release, and not only its name."""
    return _ID.fullmatch(text) is not None


def begun_at(release_id: str) -> datetime | None:
    """The instant in an id: when its upload began, by the build machine's clock. None if it is not an instant."""
    try:
        found = datetime.strptime(release_id.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return found if found.year <= LAST_YEAR else None
