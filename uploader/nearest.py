"""The nearest known name, for messages about an unknown one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like this name; None if none is similar."""
    import difflib  # noqa: PLC0415 (only a mistake needs it)

    return next(iter(difflib.get_close_matches(name.lower().replace("-", "_"), list(known), n=1, cutoff=0.5)), None)
