"""A number with its noun: the one place that knows singular and plural."""

from __future__ import annotations


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number and what is counted: ``1 file``, ``3,011 files``.

    Args:
        number: How many.
        one: The noun for one, with the words that change with it: ``file was``.
        many: The same for several; None: the noun and an s.
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def all_of(number: int, one: str, many: str | None = None) -> str:
    """All of what is counted: ``the one file``, ``all 3,011 files``; see `counted`."""
    return f"the one {one}" if number == 1 else f"all {counted(number, one, many)}"
