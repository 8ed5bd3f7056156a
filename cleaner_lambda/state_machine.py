"""The state machine that works off a map run: Step Functions invokes this function once for each range, and then again.

Its input has the payloads themselves, so it knows nothing of sites and ranges.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cleaner_lambda.cursor import Kind
from cleaner_lambda.errors import CleanerError
from release_log.instants import format_instant

if TYPE_CHECKING:
    from cleaner_lambda.cursor import MapRun
    from cleaner_lambda.sites import Site

STARTED = "ExecutionAlreadyExists"
"""Step Functions' error for a name that an execution has or had."""

NAMES = {Kind.RANGE: "listing", Kind.GROUP: "rebuild"}
"""How the name of an execution begins."""


class NotStartedError(CleanerError):
    """The map run could not be started. The cleaner does its work by itself once the time of the map run is over."""


@dataclass(frozen=True, slots=True)
class StateMachine:
    """Starts map runs.

    Attributes:
        client: The Step Functions client.
        arn: The state machine.
    """

    client: Any  # boto3 makes its classes at run time
    arn: str

    def start(self, site: Site, run: MapRun) -> None:
        """Start a map run; the same one only once.

        Args:
            site: Its site.
            run: The ranges.

        Raises:
            NotStartedError: Step Functions refused it, or did not answer.
        """
        name = execution_name(site, run)
        # Step Functions counts bytes of UTF-8, and an escape has three times as many.
        asked = json.dumps(execution_input(site, run), ensure_ascii=False)
        try:
            self.client.start_execution(stateMachineArn=self.arn, name=name, input=asked)
        except Exception as error:
            # botocore has any error of Python's for an odd answer.
            if not (isinstance(error, ClientError) and error.response["Error"]["Code"] == STARTED):
                msg = f"execution {name}: {error}"
                raise NotStartedError(msg) from error


def execution_name(site: Site, run: MapRun) -> str:
    """The name of a map run's execution, in 57 characters; Step Functions accepts 80, and no ``/``. Pure."""
    return f"{NAMES[run.kind]}-{site.digest()}-{run.at:%Y%m%dT%H%M%SZ}"


def execution_input(site: Site, run: MapRun) -> dict[str, Any]:
    """The payload of each worker, and of the run after them. Pure."""
    of_site = {"site": site.prefix, "bucket": site.bucket}
    at = format_instant(run.at)
    ranges = [{**of_site, "map_run": {"at": at, run.kind.value: number}} for number in sorted(run.ranges)]
    return {"ranges": ranges, "then": {**of_site, "map_run": {"at": at}}}
