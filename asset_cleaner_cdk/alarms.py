"""The alarms as data: `asset_cleaner_cdk.monitoring` adds them to the stack, and ``docs/operate.md`` lists them."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from release_log.metrics import Metric

PAGE = "docs/operate.md"

HOURS_WITHOUT_RUN = 26
"""A day from one full run to the next, and two hours of delay."""


class Subject(StrEnum):
    """Whose metric an alarm watches."""

    FUNCTION = "the function"
    UNDELIVERED = "the queue `Undelivered`"
    FAILED_RUNS = "the queue `FailedRuns`"
    MAP_RUNS = "the installation"
    """Only with a state machine."""
    SITE = "each site"
    """A pattern of sites counts as one."""
    ONE_SITE = "each site that is no pattern"
    PATTERN = "each pattern"


class Missing(StrEnum):
    """What a period without a value means, by the names of ``aws_cloudwatch.TreatMissingData``."""

    IGNORE = "IGNORE"
    """The alarm stays as it is: for a state that lasts until a value says otherwise."""
    NOT_BREACHING = "NOT_BREACHING"
    BREACHING = "BREACHING"


class Alarm(NamedTuple):
    """What one alarm watches, and when it goes off.

    Attributes:
        anchor: The anchor of the heading in `PAGE` that explains the alarm; the alarm's id is made from it.
        says: What the alarm means, in one line; ``{site}`` stands for the site's address.
        subject: Whose metric it watches.
        metric: The metric's name: AWS's own, or one of `Metric`.
        statistic: How the values of a period become one.
        minutes: The length of a period.
        missing: What a period without a value means.
        periods: For how many periods in a row the value has to be wrong.
        below: Whether a value below 1 is wrong; otherwise a value above 0 is.
    """

    anchor: str
    says: str
    subject: Subject
    metric: Metric | str
    statistic: str
    minutes: int
    missing: Missing
    periods: int = 1
    below: bool = False

    @property
    def id(self) -> str:
        """The alarm's construct id, to which a site adds its own part."""
        return "".join(word.capitalize() for word in self.anchor.split("-")) + "Alarm"


ALARMS = (
    Alarm(
        "function-errors",
        "A run of the cleaner ended with an error",
        Subject.FUNCTION,
        "Errors",
        "Sum",
        5,
        Missing.NOT_BREACHING,
    ),
    # With `concurrency` a run may have to wait for others, so a short wait is not an alarm. Lambda tries an event again
    # after five minutes at most: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    Alarm(
        "function-throttled",
        "For an hour the cleaner was invoked but could not run",
        Subject.FUNCTION,
        "Throttles",
        "Sum",
        15,
        Missing.NOT_BREACHING,
        periods=4,
    ),
    # SQS writes no metric for a queue that nobody has used for six hours, even if messages are in it.
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html
    Alarm(
        "undelivered-events",
        "An event or a wake-up could not be delivered to the cleaner",
        Subject.UNDELIVERED,
        "ApproximateNumberOfMessagesVisible",
        "Maximum",
        5,
        Missing.IGNORE,
    ),
    Alarm(
        "failed-runs",
        "A run of the cleaner failed three times, and Lambda gave it up",
        Subject.FAILED_RUNS,
        "ApproximateNumberOfMessagesVisible",
        "Maximum",
        5,
        Missing.IGNORE,
    ),
    Alarm(
        "map-run-failed",
        "A map run left out parts of a large site, or could not be started",
        Subject.MAP_RUNS,
        Metric.MAP_RUNS_FAILED,
        "Sum",
        5,
        Missing.NOT_BREACHING,
    ),
    Alarm(
        "missing-assets",
        "Assets of a current release of {site} are not in the bucket",
        Subject.SITE,
        Metric.MISSING_ASSETS,
        "Maximum",
        5,
        Missing.IGNORE,
    ),
    Alarm(
        "invalid-markers",
        "A file of the release log of {site} is invalid or missing, so nothing is deleted",
        Subject.SITE,
        Metric.INVALID_MARKERS,
        "Maximum",
        5,
        Missing.IGNORE,
    ),
    Alarm(
        "pages-not-in-place",
        "For an hour the pages of a current release of {site} are not all in place: its upload was cut off",
        Subject.SITE,
        Metric.NOT_IN_PLACE,
        "Maximum",
        5,
        Missing.IGNORE,
    ),
    Alarm(
        "brake-pulled",
        "A run waits to be told: more of {site} is due than max_delete_fraction allows, or more than 100,000 orphans "
        "wait",
        Subject.SITE,
        Metric.BRAKE_PULLED,
        "Maximum",
        5,
        Missing.IGNORE,
    ),
    # The cleaner comes back for failed keys every 15 minutes; most of what S3 refuses it grants then.
    Alarm(
        "failed-keys",
        "For three hours some assets of {site} could not be tagged or deleted",
        Subject.SITE,
        Metric.FAILED,
        "Sum",
        60,
        Missing.NOT_BREACHING,
        periods=3,
    ),
    Alarm(
        "wake-ups-not-set",
        "The cleaner could not set its next wake-up for {site}, so due assets wait for the daily run",
        Subject.SITE,
        Metric.WAKE_UPS_NOT_SET,
        "Maximum",
        5,
        Missing.IGNORE,
    ),
    # A wrong entry of the ledger is gone with the run that names it. What a person has to settle is named by each run.
    Alarm(
        "assets-set-aside",
        "For two days the cleaner left assets of {site} alone: they are in doubt, or S3 refuses to change them",
        Subject.SITE,
        Metric.SET_ASIDE,
        "Maximum",
        24 * 60,
        Missing.NOT_BREACHING,
        periods=2,
    ),
    # Periods of an hour, because only those may add up to more than a day (and then to a week):
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    # Not longer ones: CloudWatch looks back some periods further before it says that there is no value.
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    Alarm(
        "no-successful-run",
        f"No run on {{site}} has succeeded for {HOURS_WITHOUT_RUN} hours",
        Subject.ONE_SITE,
        Metric.RUNS,
        "Sum",
        60,
        Missing.BREACHING,
        periods=HOURS_WITHOUT_RUN,
        below=True,
    ),
    # There may be no site at all; and if there are some, a run of one says nothing of the others.
    Alarm(
        "no-daily-run",
        f"For {HOURS_WITHOUT_RUN} hours the daily run has not come to the last site of {{site}}",
        Subject.PATTERN,
        Metric.SWEEPS,
        "Sum",
        60,
        Missing.BREACHING,
        periods=HOURS_WITHOUT_RUN,
        below=True,
    ),
)
"""Every alarm, in the order of the dashboard and of the document."""
