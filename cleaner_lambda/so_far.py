"""What a run did until now, and the error with which it breaks off: its record must not go with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cleaner_lambda.errors import CleanerError
from cleaner_lambda.outcome import Unanswered

if TYPE_CHECKING:
    from cleaner_lambda.outcome import Attempt
    from cleaner_lambda.report import Report


class BrokenOffError(CleanerError):
    """The run may have changed the bucket, and could not be finished. The next run finds what was done.

    Attributes:
        report: What the run did, in all its attempts.
    """

    def __init__(self, report: Report, cause: Exception) -> None:
        """Name the cause."""
        super().__init__(f"site {report.site!r}: broke off after its changes, which the log lists: {cause}")
        self.report = report


@dataclass(slots=True)
class SoFar:
    """What a run did until now. It belongs to the run, and outlives its starting over.

    Attributes:
        unanswered: See `Unanswered`.
        attempts: The attempts that came to change something.
        report: What the run says if it breaks off now; None before its first change.
        begun: When the run began, by `Pace.clock`.
    """

    unanswered: Unanswered = field(default_factory=Unanswered)
    attempts: list[Attempt] = field(default_factory=list)
    report: Report | None = None
    begun: float = 0.0
