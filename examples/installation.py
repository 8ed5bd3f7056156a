"""One installed stack on the embedded AWS, as its users see it: publish, list the bucket, invoke the cleaner."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from cleaner_lambda import ledger as ledgers
from cleaner_lambda.ledger import Ledger
from examples.cdk_command import ROOT
from release_log.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WAIT_SECONDS = 180
"""Two wake-ups, each in the first whole minute that begins 30 seconds later, and the embedded AWS's own 10 seconds."""

State = TypeVar("State")


class DemoError(Exception):
    """A step of the demo failed."""


class Aws(Protocol):
    """The AWS of an installation, for somebody: the embedded one, or a Region of an account.

    Attributes:
        scratch: A folder that is removed at the end.
    """

    scratch: Path

    def client(self, service: str) -> Any:  # noqa: ANN401 (each service's client has its own type)
        """A boto3 client."""
        ...

    def environment(self, **more: str) -> dict[str, str]:
        """The environment for a command that should use it."""
        ...


@dataclass(frozen=True, slots=True)
class Installation:
    """A deployed stack."""

    aws: Aws
    bucket: str
    function: str
    prefix: str = "assets/"

    @property
    def layout(self) -> Layout:
        """The site's keys."""
        return Layout(self.prefix)

    def publish(self, directory: Path, release: str) -> dict[str, Any]:
        """Publish a build with the real command line.

        Returns:
            The JSON document that the command printed.

        Raises:
            DemoError: The command failed.
        """
        return self._uploader(str(directory), "--release", release)

    def report(self, file: Path) -> dict[str, Any]:
        """Write the page of `report` with the real command line.

        Returns:
            The JSON document that the command printed.

        Raises:
            DemoError: The command failed.
        """
        return self._uploader("report", "--html", str(file))

    def _uploader(self, *words: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "uploader", *words, "--bucket", self.bucket, "--prefix", self.prefix, "--json"]
        answer = subprocess.run(
            command, cwd=ROOT, env=self.aws.environment(), capture_output=True, text=True, check=False
        )
        if answer.returncode:
            msg = f"the uploader failed: {answer.stderr.strip() or answer.stdout.strip()}"
            raise DemoError(msg)
        document: dict[str, Any] = json.loads(answer.stdout)
        return document

    def invoke(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Invoke the cleaner by hand.

        Returns:
            The cleaner's answer, or ``{"errorMessage": …}``.
        """
        answer = self.aws.client("lambda").invoke(FunctionName=self.function, Payload=json.dumps(payload))
        document: dict[str, Any] = json.loads(answer["Payload"].read())
        return document

    def ledger(self) -> Ledger:
        """The cleaner's state; an empty ledger before the first run."""
        s3 = self.aws.client("s3")
        try:
            return ledgers.decode(s3.get_object(Bucket=self.bucket, Key=self.layout.ledger)["Body"].read())
        except s3.exceptions.NoSuchKey:
            return Ledger()

    def assets(self) -> dict[str, int]:
        """Key -> size in bytes, for every asset in the bucket."""
        pages = self.aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
        entries = (entry for page in pages for entry in page.get("Contents", ()))
        return {entry["Key"]: entry["Size"] for entry in entries if self.layout.owns(entry["Key"])}

    def tags(self, key: str) -> dict[str, str]:
        """An object's tags as S3 returns them."""
        answer = self.aws.client("s3").get_object_tagging(Bucket=self.bucket, Key=key)
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    def wake_ups(self) -> list[dict[str, Any]]:
        """The one-off schedules that the cleaner has created."""
        client = self.aws.client("scheduler")
        names = [(each["GroupName"], each["Name"]) for each in client.list_schedules()["Schedules"]]
        return [client.get_schedule(GroupName=group, Name=name) for group, name in names]

    def wait_until_cleaned(self, release_id: str) -> Ledger:
        """Wait for the run that the release's marker starts."""
        return wait(
            self.ledger, lambda ledger: release_id in ledger.folded, f"the cleaner did not process {release_id}"
        )

    def wait_for_wake_up(self) -> list[dict[str, Any]]:
        """Wait until the cleaner has scheduled a wake-up, which is the last step of its run."""
        return wait(self.wake_ups, bool, "the cleaner did not schedule a wake-up")

    def wait_until_gone(self, keys: set[str]) -> dict[str, int]:
        """Wait until these assets are deleted.

        Returns:
            Key -> size in bytes, for the assets that are left.
        """
        return wait(self.assets, lambda assets: not keys & assets.keys(), f"not deleted: {', '.join(sorted(keys))}")


def wait(
    observe: Callable[[], State],
    enough: Callable[[State], bool],
    problem: str,
    seconds: float = WAIT_SECONDS,
    pause: float = 0.2,
) -> State:
    """Observe a state again and again, until it is good enough.

    Args:
        observe: Returns the present state.
        enough: Whether to stop waiting.
        problem: The message of the error.
        seconds: How long to wait at most.
        pause: The seconds between two looks.

    Returns:
        The last state.

    Raises:
        DemoError: The state was not good enough in time.
    """
    deadline = time.monotonic() + seconds
    while True:
        state = observe()
        if enough(state):
            return state
        if time.monotonic() > deadline:
            raise DemoError(problem)
        time.sleep(pause)
