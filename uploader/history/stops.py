"""What is told of a run that deleted nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

PASSING = frozenset({"rebuilt", "deleting", "unlisted", "catching_up"})
"""The reasons that pass by themselves: nobody has to do anything."""


def stops_of(run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What stopped a run, as far as a ledger has it in the form that is expected."""
    stops = run.get("stopped_by")
    return [stop for stop in stops if isinstance(stop, dict)] if isinstance(stops, list) else []
