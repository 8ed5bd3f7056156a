"""What the stack's state machine and the cleaner have to agree on: how a full listing is worked off side by side."""

from __future__ import annotations

RANGES = 16
"""How many key ranges a listing has, and so how many workers list at one time."""

MAP_SECONDS = 3600
"""The longest map run: the state machine ends with it, and the cleaner takes the map run for over, whatever became of
it."""
