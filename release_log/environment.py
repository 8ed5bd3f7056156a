"""The environment variables of the cleaner's function: the stack sets them, the function reads them."""

from __future__ import annotations

from enum import StrEnum


class Variable(StrEnum):
    """Every environment variable of the function, by its name."""

    SITES = "SITES"
    """What the function cleans: a JSON list of ``{"bucket": …, "prefix": …, "policy": {setting: value}}``."""
    WAKE_UP_GROUP = "WAKE_UP_GROUP"
    """The name of this installation's schedule group in EventBridge Scheduler."""
    WAKE_UP_ROLE_ARN = "WAKE_UP_ROLE_ARN"
    """The role with which Scheduler invokes the function."""
    WAKE_UP_DEAD_LETTER_ARN = "WAKE_UP_DEAD_LETTER_ARN"
    """The queue for the wake-ups that Scheduler could not deliver."""
    EVENT_BUS = "EVENT_BUS"
    """The name or ARN of the event bus that gets `release_log.events.CLEAN_COMPLETED`; empty or missing for none."""
