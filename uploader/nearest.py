"""The nearest known name, for messages about an unknown one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], cutoff: float = 0.5) -> str | None:
    """The known name that looks most like this name; None if none is similar.

    Args:
        name: The unknown name.
        known: The known ones.
        cutoff: How similar they must be, from 0 (not at all) to 1 (equal).
    """
    import difflib  # noqa: PLC0415 (only a mistake needs it)

    return next(iter(difflib.get_close_matches(name.lower().replace("-", "_"), list(known), n=1, cutoff=cutoff)), None)
