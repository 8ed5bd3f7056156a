"""The cleaner in a process of its own, as the benchmark starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from bench.cleaner.site import BUCKET, PREFIX
from bench.errors import BenchError
from infra.bundle import ROOT
from release_log.environment import Variable
from release_log.ledger_file import FORMAT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

YEARS_10 = 10 * 366 * 86_400
POLICY = {"version_ttl": YEARS_10, "removed_ttl": YEARS_10}
"""Nothing is ever due, so that the site keeps its size."""

REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Took:
    """What an invocation took.

    Attributes:
        cpu: Processor time of the process, in seconds.
        seconds: Its duration.
        peak: The most memory that the process has held at once, in bytes; None on a system that does not tell.
        counts: What it did, by the answer.
        stopped_by: Why it did not do more, by the answer.
        unfinished: Whether the next invocation goes on with its work, by the answer.
        orphans: How many assets belong to no release, by the answer; None without a full listing.
        passed_over: Why it did nothing, by the answer; None if it did something.
    """

    cpu: float
    seconds: float
    peak: int | None
    counts: Mapping[str, int] = field(default_factory=dict)
    stopped_by: tuple[str, ...] = ()
    unfinished: bool = False
    orphans: int | None = None
    passed_over: str | None = None


class Cleaner:
    """A process with the Lambda's handler. ``with`` starts and ends it."""

    def __init__(
        self,
        url: str,
        policy: Mapping[str, object] = POLICY,
        ledger_format: int = FORMAT,
        constants: Mapping[str, int] | None = None,
        *,
        distributed: bool = False,
    ) -> None:
        """Prepare it.

        Args:
            url: The address of S3 and of Scheduler.
            policy: The site's policy.
            ledger_format: The format of the ledger that it writes.
            constants: Module and name of a constant of the cleaner -> another value for it.
            distributed: Whether there is a state machine.
        """
        self._constants = [f"{name}={value}" for name, value in (constants or {}).items()]
        self._environ = {
            "PATH": os.defpath,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": url,
            Variable.SITES.value: json.dumps([{"bucket": BUCKET, "prefix": PREFIX, "policy": dict(policy)}]),
            Variable.WAKE_UP_GROUP.value: "bench",
            Variable.WAKE_UP_ROLE_ARN.value: "arn:aws:iam::000000000000:role/bench",
            Variable.WAKE_UP_DEAD_LETTER_ARN.value: "arn:aws:sqs:us-east-1:000000000000:bench",
            Variable.LEDGER_FORMAT.value: str(ledger_format),
        }
        if distributed:
            self._environ[Variable.STATE_MACHINE_ARN.value] = "arn:aws:states:us-east-1:000000000000:stateMachine:bench"

    def __enter__(self) -> Self:
        """Start the process."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.cleaner.invoke", *self._constants],
            cwd=ROOT,
            env=self._environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        if kind is not None:
            self._process.kill()
        self._process.communicate()

    def invoke(self, event: Mapping[str, Any]) -> Took:
        """Invoke it once.

        Raises:
            BenchError: It failed.
        """
        assert self._process.stdin is not None  # noqa: S101 (they are pipes)
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(json.dumps(event) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            msg = f"the cleaner ended without an answer (exit {self._process.wait()})"
            raise BenchError(msg)
        took = json.loads(answer)
        return Took(**{**took, "stopped_by": tuple(took["stopped_by"])})
