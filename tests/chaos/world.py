"""The installation under test: the deployed stack, processes of the uploader, and a bad network before both."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import ClientError

from examples.embedded_aws import EmbeddedAws
from tests.chaos.log import LOG, PREFIX, Stored
from tests.chaos.network import Clock, Network
from tests.e2e.cloudformation import deploy
from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from examples.installation import Installation
    from tests.chaos.due import Rules

UPLOADERS, RUNS = 3, 2
"""How many processes of the uploader, and how many invocations, run at one time."""

PATIENCE_SECONDS = 4
"""How long the evening waits for processes that may be waiting for a run that was killed."""

STALL_SECONDS = 120


@dataclass
class Process:
    """One process of the uploader."""

    process: subprocess.Popen[bytes]
    words: str
    errors: Path
    killer: threading.Timer | None = None


@dataclass
class World:
    """Use it with ``with``.

    Attributes:
        rules: The policy.
        seed: The seed of the networks' faults.
        rate: The share of requests that meet a fault.
        clock: S3's clock.
        counts: What was done.
        problems: What no fault excuses: tracebacks, and what a run reported in quiet times.
    """

    rules: Rules
    seed: int
    rate: float
    clock: Clock = field(default_factory=Clock)
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Deploy the stack into an AWS of its own."""
        with ExitStack() as stack:
            self.scratch = Path(stack.enter_context(TemporaryDirectory(prefix="chaos-")))
            self.aws = stack.enter_context(EmbeddedAws())
            deployed = deploy(self.aws, {**self.rules._asdict(), "max_delete_fraction": 1.0})
            self.site: Installation = deployed.installation(self.aws)
            self.s3, self._lambda = self.aws.client("s3"), self.aws.client("lambda")
            self.outside, self.inside = (
                stack.enter_context(Network(self.aws.url, self.clock, random.Random(f"{self.seed} {side}"), self.rate))  # noqa: S311 (no secret)
                for side in ("outside", "inside")
            )
            self._through_network()
            self.processes: list[Process] = []
            self.invocations: list[threading.Thread] = []
            self._numbers = 0
            self._stack = stack.pop_all()
        self.start_cleaner()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all processes and servers."""
        for each in self.processes:
            each.process.kill()
        self._wait_for(lambda: not self.invocations, PATIENCE_SECONDS, must=False)
        self._stack.__exit__(kind, error, trace)

    # The bucket itself, for the model and for what people and tools do to it.

    def objects(self, prefix: str) -> dict[str, Stored]:
        """See `tests.chaos.log.Bucket`."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.site.bucket, Prefix=prefix)
        entries = (entry for page in pages for entry in page.get("Contents", ()))
        return {each["Key"]: Stored(each["ETag"].strip('"'), self.clock.at(each["LastModified"])) for each in entries}

    def read(self, key: str) -> bytes | None:
        """See `tests.chaos.log.Bucket`."""
        try:
            body: bytes = self.s3.get_object(Bucket=self.site.bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"NoSuchKey", "404", "MethodNotAllowed"}:
                raise
            return None
        return body

    def ids(self, folder: str) -> list[str]:
        """The ids of the releases in a folder of the release log."""
        keys = self.objects(f"{LOG}{folder}/")
        return [key.rpartition("/")[2].removesuffix(".json") for key in keys]

    # The uploader.

    def start(self, *arguments: object, kill: float | None = None) -> Process:
        """Start a process of the uploader; if there are too many for long, the oldest is killed.

        Those that want what a killed run has announced wait for a quarter of an hour.
        """
        self._wait_for(lambda: len(self.processes) < UPLOADERS, PATIENCE_SECONDS, must=False)
        if len(self.processes) >= UPLOADERS:
            self.processes[0].process.kill()
            self.counts["killed in their wait"] += 1
            self._wait_for(lambda: len(self.processes) < UPLOADERS, STALL_SECONDS)
        self._numbers += 1
        words = [*map(str, arguments), f"--bucket={self.site.bucket}", f"--prefix={PREFIX}"]
        errors = self.scratch / f"{self._numbers}.err"
        with errors.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "uploader", *words],
                cwd=ROOT,
                env=self.aws.environment(AWS_ENDPOINT_URL_S3=self.outside.url),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stream,
            )
        started = Process(process, " ".join(words), errors)
        if kill is not None:
            started.killer = threading.Timer(kill, process.kill)
            started.killer.start()
        self.processes.append(started)
        self.counts["processes"] += 1
        return started

    def folder(self) -> Path:
        """A new folder for a build."""
        self._numbers += 1
        made = self.scratch / f"build-{self._numbers}"
        made.mkdir()
        return made

    def reap(self) -> None:
        """Take note of the processes and invocations that have ended."""
        for each in [each for each in self.processes if each.process.poll() is not None]:
            self.processes.remove(each)
            if each.killer is not None:
                each.killer.cancel()
            code, said = each.process.returncode, each.errors.read_text(errors="replace")
            self.counts[f"exit {code}"] += 1
            if code not in {0, 1, -signal.SIGKILL} or "Traceback" in said:
                self.problems.append(f"{each.words}: exit {code}: {said}")
        self.invocations = [each for each in self.invocations if each.is_alive()]

    # The function.

    def invoke(self, payload: dict[str, Any], kill_after: int | None = None) -> None:
        """Invoke the cleaner, and go on meanwhile; kill a process of the function after so many requests of it."""
        began = len(self.inside.requests)
        self._beside(lambda: self.ask(payload))
        if kill_after is not None:
            self._beside(lambda: self._kill_at(began + kill_after))

    def _beside(self, work: Callable[[], object]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self.invocations.append(thread)

    def _kill_at(self, request: int) -> None:
        deadline = monotonic() + PATIENCE_SECONDS
        while len(self.inside.requests) < request:
            if monotonic() > deadline:
                return
            sleep(0.002)
        self.kill_function(all_of_it=False)

    def ask(self, payload: dict[str, Any]) -> dict[str, Any] | None:
        """Invoke the cleaner; None if it could not answer, as it was killed or as too many ran."""
        self.counts["invocations"] += 1
        try:
            answer = self._lambda.invoke(FunctionName=self.site.function, Payload=json.dumps(payload))
        except self._lambda.exceptions.TooManyRequestsException:
            self.counts["throttled"] += 1
            return None
        document = json.loads(answer["Payload"].read() or b"null")
        if "FunctionError" in answer:
            self.counts[f"failed: {document.get('errorMessage', '')[:60]}"] += 1
            return None
        self.counts["answers"] += 1
        self.counts["deleted"] += 0 if document.get("dry_run") else document.get("counts", {}).get("delete", 0)
        for stop in document.get("stopped_by", ()):
            self.counts[f"stop {stop['reason']}"] += 1
        return dict(document)

    def kill_function(self, *, all_of_it: bool) -> None:
        """Kill -9 the processes that run the function, or the oldest: Lambda gives it an event before the others."""
        command = ["/usr/bin/env", "ps", "-e", "-o", "pid=,args="]
        listed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
        ours = [each for each in listed if str(self.aws.scratch) in each and "_worker.py" in each]
        pids = sorted(int(each.split()[0]) for each in ours)
        for pid in pids if all_of_it else pids[:1]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.counts["kills of the function"] += 1

    def start_cleaner(self) -> None:
        """Let events, schedules and people invoke the function."""
        self._limit(RUNS)

    def stop_cleaner(self) -> None:
        """Stop it as `docs/operate.md` says; a run that lasts too long is killed."""
        self._limit(1)
        # With a limit of one, a wrong payload is only refused by the function when nothing else runs.
        if not self._wait_for(lambda: not self.invocations and self._is_alone(), PATIENCE_SECONDS, must=False):
            self.kill_function(all_of_it=True)
            self._wait_for(lambda: not self.invocations and self._is_alone(), STALL_SECONDS)
        self._limit(0)

    def _is_alone(self) -> bool:
        try:
            self._lambda.invoke(FunctionName=self.site.function, Payload=b'{"site": "none/"}')
        except self._lambda.exceptions.TooManyRequestsException:
            return False
        return True

    def _limit(self, runs: int) -> None:
        self._lambda.put_function_concurrency(FunctionName=self.site.function, ReservedConcurrentExecutions=runs)

    # The night.

    def rest(self) -> None:
        """End or kill all that runs, and wait for what was sent."""
        self._wait_for(lambda: not self.processes, PATIENCE_SECONDS, must=False)
        for each in self.processes:
            each.process.kill()
            self.counts["killed in the evening"] += 1
        self._wait_for(lambda: not self.processes, STALL_SECONDS)
        self.stop_cleaner()
        self.outside.settle(set())
        for network in (self.outside, self.inside):
            network.wait_for_late()

    def heal(self) -> None:
        """No more faults."""
        self.outside.rate = self.inside.rate = 0.0

    def requests(self) -> int:
        """The number of requests through both networks."""
        return len(self.outside.requests) + len(self.inside.requests)

    def _through_network(self) -> None:
        configuration = self._lambda.get_function_configuration(FunctionName=self.site.function)
        variables = {**configuration["Environment"]["Variables"], "AWS_ENDPOINT_URL_S3": self.inside.url}
        self._lambda.update_function_configuration(
            FunctionName=self.site.function, Environment={"Variables": variables}
        )

    def _wait_for(self, enough: Callable[[], bool], seconds: float, *, must: bool = True) -> bool:
        """Wait; returns whether it was enough in time."""
        deadline = monotonic() + seconds
        while True:
            self.reap()
            if enough():
                return True
            if monotonic() > deadline:
                break
            sleep(0.02)
        if must:
            msg = f"after {seconds} s there are still {[each.words for each in self.processes]}"
            raise TimeoutError(msg)
        return False
