"""Which orphans are retired, and which assets must prove that they are not orphans. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_log.fingerprints import split
from release_log.layout import is_stored_page
from release_log.policy_settings import Orphans

if TYPE_CHECKING:
    import re

    from cleaner_lambda.plan import Action
    from cleaner_lambda.view import View
    from release_log.layout import Layout


def in_force(orphans: Orphans, layout: Layout) -> Orphans:
    """The setting for a site: with an empty prefix, any object may belong to somebody else."""
    return orphans if layout.prefix else Orphans.REPORT


def is_retired(key: str, orphans: Orphans, pattern: re.Pattern[str] | None) -> bool:
    """Whether the object is retired if it is an orphan."""
    return (
        orphans is Orphans.ALL
        or is_stored_page(key)
        or (orphans is Orphans.FINGERPRINTED and split(key, pattern).fingerprint is not None)
    )


def is_unproven(action: Action, view: View) -> bool:
    """Whether a retired asset stays until its object says that an upload sent it: no marker proves that.

    The others would be retired as orphans too.
    """
    entry = action.entry
    if entry is None or not entry.release or action.key in view.ours:
        return False
    return not is_retired(action.key, view.orphans, view.pattern)
