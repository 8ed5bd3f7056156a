"""How long ago something happened, for people. Pure."""

from __future__ import annotations

from release_log.instants import parse_instant

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))


def age(since: str, at: str) -> str:
    """The time between two instants, in the largest unit of which there are two at least: ``26 h``, ``5 d``.

    It is empty if one of the texts is not an instant: a table does not fail by what stands in it.
    """
    try:
        seconds = max(0, int((parse_instant(at) - parse_instant(since)).total_seconds()))
    except ValueError:
        return ""
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= 2 * size), (1, "s"))
    return f"{seconds // size:,} {unit}"
