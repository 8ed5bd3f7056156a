"""One installed stack on the embedded AWS, as its users see it: publish, list the bucket, invoke the cleaner."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from cleaner_lambda import ledger_document as ledgers
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
        return self._document(str(directory), "--release", release)

    def report(self, file: Path) -> dict[str, Any]:
        """Write the page of `report` with the real command line.

        Returns:
            The JSON document that the command printed.

        Raises:
            DemoError: The command failed.
        """
        return self._document("report", "--html", str(file))

    def fail_to_roll_out(self, directory: Path, release: str) -> str:
        """Roll a build out with a command that fails; returns what the uploader says.

        Raises:
            DemoError: It did not fail.
        """
        answer = self._uploader("run", str(directory), "--release", release, after=("--", "false"))
        if answer.returncode != 1:
            msg = f"the roll-out should have failed: {answer.stdout}{answer.stderr}"
            raise DemoError(msg)
        return answer.stderr.strip()

    def verify(self) -> str:
        """What ``verify`` says of the current release.

        Raises:
            DemoError: Something is wrong with it.
        """
        answer = self._uploader("verify")
        if answer.returncode:
            msg = f"verify found a problem: {answer.stdout}{answer.stderr}"
            raise DemoError(msg)
        return answer.stdout.strip()

    def page(self) -> str:
        """The content of the page that a visitor gets."""
        key = f"{self.prefix}index.html"
        body: bytes = self.aws.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body.decode()

    def _document(self, *arguments: str) -> dict[str, Any]:
        answer = self._uploader(*arguments, "--json")
        if answer.returncode:
            msg = f"the uploader failed: {answer.stderr.strip() or answer.stdout.strip()}"
            raise DemoError(msg)
        document: dict[str, Any] = json.loads(answer.stdout)
        return document

    def _uploader(self, *arguments: str, after: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-m",
            "uploader",
            *arguments,
            "--bucket",
            self.bucket,
            "--prefix",
            self.prefix,
            *after,
        ]
        return subprocess.run(
            command, cwd=ROOT, env=self.aws.environment(), capture_output=True, text=True, check=False
        )

    def invoke(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Invoke the cleaner by hand.

        Returns:
            The cleaner's answer, or ``{"errorMessage": …}``.
        """
        answer = self.aws.client("lambda").invoke(FunctionName=self.function, Payload=json.dumps(payload))
        document: dict[str, Any] = json.loads(answer["Payload"].read())
        return document

    def plan(self) -> dict[str, Any]:
        """The answer to a dry run while no run is deleting: what that one deletes would be in no plan."""

        def is_alone(answer: dict[str, Any]) -> bool:
            return all(stop["reason"] != "deleting" for stop in answer.get("stopped_by", ()))

        return wait(partial(self.invoke, {"dry_run": True}), is_alone, "a run of the cleaner did not end")

    def ledger(self) -> Ledger:
        """The cleaner's state; an empty ledger before the first run."""
        s3 = self.aws.client("s3")
        try:
            return ledgers.decode(s3.get_object(Bucket=self.bucket, Key=self.layout.ledger)["Body"].read())
        except s3.exceptions.NoSuchKey:
            return Ledger()

    def assets(self) -> dict[str, int]:
        """Key -> size in bytes, for every asset in the bucket."""
        return {key: size for key, size in self.deletable().items() if self.layout.owns(key)}

    def deletable(self) -> dict[str, int]:
        """The same, with the stored pages: all that the cleaner's plan can name."""
        pages = self.aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
        entries = (entry for page in pages for entry in page.get("Contents", ()))
        sizes = {entry["Key"]: entry["Size"] for entry in entries}
        return {key: size for key, size in sizes.items() if self.layout.owns(key) or self.layout.stores(key)}

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
        """Wait for the run that knows that the release is in place."""

        def is_in_place(ledger: Ledger) -> bool:
            return release_id in ledger.folded and ledger.folded[release_id].placed is not None

        return wait(self.ledger, is_in_place, f"the cleaner did not process {release_id}")

    def wait_for_wake_up(self) -> list[dict[str, Any]]:
        """Wait until the cleaner has scheduled a wake-up, which is the last step of its run."""
        return wait(self.wake_ups, bool, "the cleaner did not schedule a wake-up")

    def wait_until_gone(self, keys: set[str]) -> dict[str, int]:
        """Wait until these assets and stored pages are deleted.

        Returns:
            Key -> size in bytes, for those that are left.
        """
        return wait(self.deletable, lambda left: not keys & left.keys(), f"not deleted: {', '.join(sorted(keys))}")


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
