"""The event ``Clean Completed``: what a real run did, for whoever listens on the event bus."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from cleaner_lambda.errors import CleanerError
from release_log.events import CLEAN_COMPLETED
from release_log.instants import format_instant

if TYPE_CHECKING:
    from collections.abc import Callable

    from cleaner_lambda.report import Report
    from cleaner_lambda.sites import Site

PAUSE_SECONDS = 0.5
"""The pause before an event that EventBridge did not accept is sent again."""


class NotSentError(CleanerError):
    """The event could not be sent. The run itself succeeded."""


FIELDS = {
    "site": "the site's prefix; empty for the whole bucket",
    "bucket": "the site's bucket",
    "run": "the run's id, as in the log and in the ledger",
    "at": "the instant that the run decided for, by S3's clock",
    "counts": "how many assets, as in the answer of an invocation: `tag`, `untag`, `delete`, `keep`, "
    "`failed`, `set_aside`",
    "bytes_deleted": "the size of the deleted assets",
    "missing_assets": "how many assets of current releases are not in the bucket; `null` without a full listing",
    "orphans": "how many assets no known release names; `null` without a full listing",
    "pruned": "how many files of the release log were deleted",
    "stopped_by": "why nothing was deleted: each reason once",
    "unfinished": "whether the run ended before its work did; the cleaner continues by itself, at `next_due`",
    "next_due": "when the cleaner comes back by itself; `null` if nothing falls due",
}
"""Each field of the event's detail, and what it says: for docs/events.md."""


def detail(report: Report, site: Site, run: str) -> dict[str, Any]:
    """The event's content: the answer's counts, without the lists that grow with the site or its release log. Pure.

    Args:
        report: The run.
        site: Its site.
        run: The run's id, as in the log and the ledger.
    """
    return {
        "site": site.prefix,
        "bucket": site.bucket,
        "run": run,
        "at": format_instant(report.at),
        "counts": report.counts(),
        "bytes_deleted": report.bytes_deleted,
        "missing_assets": None if report.missing is None else len(report.missing),
        "orphans": report.orphans,
        "pruned": report.pruned,
        "stopped_by": sorted({str(stop.reason) for stop in report.plan.stops}),
        "unfinished": report.unfinished,
        "next_due": report.next_due and format_instant(report.next_due),
    }


@dataclass(frozen=True, slots=True)
class EventBus:
    """Sends events.

    Attributes:
        client: The EventBridge client.
        name: The bus: its name or ARN.
        sleep: Waits for a number of seconds.
    """

    client: Any  # boto3 makes its classes at run time
    name: str
    sleep: Callable[[float], None] = time.sleep

    def send(self, message: dict[str, Any]) -> None:
        """Send one ``Clean Completed``.

        EventBridge reports in an answer with status 200 which entries it did not accept. The caller sends them again:
        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html

        Args:
            message: See `detail`.

        Raises:
            NotSentError: EventBridge did not accept it, or did not answer.
        """
        error = self._put(message)
        if error:
            self.sleep(PAUSE_SECONDS)
            error = self._put(message)
        if error:
            raise NotSentError(error)

    def _put(self, message: dict[str, Any]) -> str | None:
        """Send the event. Returns EventBridge's error if it was not accepted."""
        entry = {
            "EventBusName": self.name,
            "Source": CLEAN_COMPLETED.source,
            "DetailType": CLEAN_COMPLETED.detail_type,
            "Detail": json.dumps(message),
        }
        try:
            answer = self.client.put_events(Entries=[entry])
            if not answer["FailedEntryCount"]:
                return None
            (result,) = answer["Entries"]
            return f"{result.get('ErrorCode')}: {result.get('ErrorMessage')}"
        except (ClientError, BotoCoreError) as error:
            raise NotSentError(str(error)) from error
        except Exception as error:
            # An odd answer: botocore has any error of Python's for it, or it lacks a field.
            msg = f"EventBridge's answer cannot be read ({type(error).__name__}: {error})"
            raise NotSentError(msg) from error
