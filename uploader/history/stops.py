"""What is told of a run that deleted nothing."""

from __future__ import annotations

PASSING = frozenset({"rebuilt", "deleting"})
"""The reasons that pass by themselves: nobody has to do anything."""
