"""What the stack tells the cleaner's function: its environment variables, and a file in its bundle."""

from __future__ import annotations

from enum import StrEnum

SITES_FILE = "sites.json"
"""What the function cleans: a JSON list of ``{"bucket": …, "prefix": …, "policy": {setting: value}}``.

It lies in the bundle, beside the packages. A bucket that the stack creates is null there.
"""


class Variable(StrEnum):
    """Every environment variable of the function, by its name."""

    SITES = "SITES"
    """The same list, where a stack of an older version has it: with the bucket's name. It goes before the file."""
    BUCKET = "BUCKET"
    """The name of the bucket that the stack created; missing if it created none."""
    WAKE_UP_GROUP = "WAKE_UP_GROUP"
    """The name of this installation's schedule group in EventBridge Scheduler."""
    WAKE_UP_ROLE_ARN = "WAKE_UP_ROLE_ARN"
    """The role with which Scheduler invokes the function."""
    WAKE_UP_DEAD_LETTER_ARN = "WAKE_UP_DEAD_LETTER_ARN"
    """The queue for the wake-ups that Scheduler could not deliver."""
    EVENT_BUS = "EVENT_BUS"
    """The name or ARN of the event bus that gets `release_log.events.CLEAN_COMPLETED`; empty or missing for none."""
    STATE_MACHINE_ARN = "STATE_MACHINE_ARN"
    """The state machine for what one invocation cannot list; missing if the installation has none."""
    LEDGER_FORMAT = "LEDGER_FORMAT"
    """The format of the ledger that the cleaner writes; missing for the first."""
