"""What one run of the cleaner is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from release_log.ledger_file import FORMAT

if TYPE_CHECKING:
    from datetime import datetime

    from release_log.policy_settings import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one run is asked to do.

    Attributes:
        prefix: The site.
        policy: The settings in force, or the settings of a "what if".
        run: The run's own id.
        dry_run: Only say what a real run would do. The store must then be read-only too.
        full: Make a full listing even if none is due.
        force: Delete even if the deletion limit (brake) is exceeded.
        adopt: List the site, and retire its orphans however many they are.
        inner: Prefixes of other sites inside this one.
        ledger_format: The format of the ledger that the run writes.
        distributed: Whether what the run cannot list by itself is handed out to a map run of Step Functions.
        map_run_over: When the ranges were handed out of a map run that is over; None if the run is about none.
    """

    prefix: str
    policy: Policy
    run: str
    dry_run: bool = False
    full: bool = False
    force: bool = False
    adopt: bool = False
    inner: tuple[str, ...] = ()
    ledger_format: int = FORMAT
    distributed: bool = False
    map_run_over: datetime | None = None
