"""Stretches of a long run: at the end of each it writes the ledger, and goes on with another attempt.

So a run that is killed, or loses the ledger to another one, loses its last stretch alone. If each run is killed, as
requests are slow or the memory does not do, each comes a stretch further all the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from release_log.ledger_file import HEAD_FORMAT

if TYPE_CHECKING:
    from cleaner_lambda.job import Job
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.pace import Pace

SECONDS = 60
"""How long a stretch is: the dozen requests with which an attempt begins and ends are little beside it."""

TIMES = 5
"""A stretch is at least so many times as long as what had to be read before it, as the next one reads that again."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch.

    Attributes:
        run: The pace of the run.
        until: When it ends, by `Pace.clock`; by default with the run.
    """

    run: Pace
    until: float = math.inf

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.run.clock() >= self.until

    @property
    def pace(self) -> Pace:
        """The pace of what is done in it."""
        return replace(self.run, has_time=lambda: not self.is_over and self.run.has_time())

    @property
    def is_followed(self) -> bool:
        """Whether it has ended, and there is time for another one."""
        return self.is_over and self.run.has_time()


def begin_stretch(job: Job, loaded: Loaded, pace: Pace, seconds: float = 0) -> Stretch:
    """A stretch that begins now. It has no end in a dry run, nor where all retired assets would be written each time.

    Args:
        job: What the run is asked to do.
        loaded: The release log.
        pace: The pace of the run.
        seconds: How long it took to read what a stretch needs beside the ledger, by `Pace.clock`.
    """
    if job.dry_run or loaded.base.stored.writes != HEAD_FORMAT:
        return Stretch(pace)
    return Stretch(pace, pace.clock() + max(SECONDS, TIMES * (loaded.seconds + seconds)))
