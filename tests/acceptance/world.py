"""Where the acceptance happens, and what it has installed so far."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from examples.installation import Aws, Installation, wait
from tests.acceptance.cleaning import remove_bucket, remove_buckets, remove_log_groups, remove_stack
from tests.acceptance.removals import Removals

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping
    from pathlib import Path

TAG = "acceptance"
"""The tag of everything that the acceptance makes; its value is the run's id."""

MOST_POLICIES = 10
"""Of a role; `asset_cleaner_cdk.build_job.role` has the same number, and starts the CDK."""


class BuildJob(NamedTuple):
    """Somebody who may publish.

    Attributes:
        session: A new session, as variables.
        end: Takes the policies away: a stack cannot be destroyed while somebody has them.
    """

    session: Callable[[], dict[str, str]]
    end: Callable[[], None]


class Deploying(NamedTuple):
    """A deployment that was begun.

    Attributes:
        outputs: Waits for its end; the stack's outputs.
        end: Ends it here, whatever goes on at AWS.
    """

    outputs: Callable[[], dict[str, str]]
    end: Callable[[], None]


class Place(Aws, Protocol):
    """A Region that can be installed into: of an account, or the embedded one."""

    region: str

    def client(self, service: str, region: str = ...) -> Any:  # noqa: ANN401 (each service's client has its own type)
        """A boto3 client, of this Region unless another one is named."""
        ...

    def deploy(self, stack: str, context: Mapping[str, object]) -> Deploying:
        """Begin to deploy the stack with these settings."""
        ...

    def destroy(self, stack: str, context: Mapping[str, object]) -> None:
        """Destroy it."""

    def begin_removal(self, stack: str) -> None:
        """Begin to delete it, and do not wait."""

    def build_job(self, removals: Removals, policy_arns: list[str], number: int) -> BuildJob:
        """A build job that has these policies alone."""
        ...


@dataclass(slots=True)
class Job:
    """A Region, for a build job: its commands have its keys, and what the test looks at is seen with ours."""

    place: Place
    session: Callable[[], dict[str, str]]
    scratch: Path

    def client(self, service: str) -> Any:  # noqa: ANN401 (each service's client has its own type)
        """A client with our keys."""
        return self.place.client(service)

    def environment(self, **more: str) -> dict[str, str]:
        """The environment with the job's keys."""
        return self.place.environment(**{**self.session(), **more})


@dataclass(frozen=True, slots=True)
class Installed:
    """A deployed stack.

    Attributes:
        place: Its Region.
        stack: Its name.
        context: Its settings.
        outputs: Its outputs.
        job: Its build job.
        at: When it was deployed, by the monotonic clock.
    """

    place: Place
    stack: str
    context: Mapping[str, object]
    outputs: Mapping[str, str]
    job: BuildJob
    at: float

    def site(self, prefix: str = "assets/") -> Installation:
        """One of its sites, for its build job."""
        job = Job(self.place, self.job.session, self.place.scratch)
        return Installation(job, self.outputs["BucketName"], self.outputs["CleanerFunctionName"], prefix)

    def destroy(self) -> None:
        """Destroy it as its owner does."""
        self.job.end()
        self.place.destroy(self.stack, self.context)

    def begin_removal(self) -> None:
        """Let it go while other steps are done, as no further step needs it."""
        self.job.end()
        self.place.begin_removal(self.stack)

    def named(self, beginning: str) -> str:
        """The physical name of the one resource whose logical id is this word and the CDK's hash."""
        pages = self.place.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.stack)
        (found,) = (
            each["PhysicalResourceId"]
            for page in pages
            for each in page["StackResourceSummaries"]
            if each["LogicalResourceId"][:-8] == beginning
        )
        return str(found)

    def function(self) -> dict[str, Any]:
        """The function's configuration."""
        name = self.outputs["CleanerFunctionName"]
        return dict(self.place.client("lambda").get_function_configuration(FunctionName=name))

    def log(self) -> list[str]:
        """The lines in the function's log; the embedded AWS writes those of a run when it has ended."""
        group, logs = self.function()["LoggingConfig"]["LogGroup"], self.place.client("logs")
        try:
            pages = list(logs.get_paginator("filter_log_events").paginate(logGroupName=group))
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [line for page in pages for each in page["events"] for line in each["message"].splitlines()]


class Begun(NamedTuple):
    """An installation that is under way.

    Attributes:
        place: Its Region.
        stack: Its name.
        context: Its settings.
        deploying: Its deployment.
    """

    place: Place
    stack: str
    context: Mapping[str, object]
    deploying: Deploying


@dataclass(slots=True)
class World:
    """Everything that steps share.

    Attributes:
        run: The run's id, in every name. It is short: CloudFormation cuts the name of a stack in those of its things.
        places: The Regions; the first has most of the installations.
        embedded: Whether there is no AWS.
        scratch: A folder for builds.
        removals: What has to be removed.
        begun: Kind -> installation that is under way, or why it could not be begun.
        installed: Kind -> installation.
        slow: The upload that outlives its session, and its output.
    """

    run: str
    places: list[Place]
    embedded: bool
    scratch: Path
    removals: Removals = field(default_factory=Removals)
    begun: dict[str, Begun | Exception] = field(default_factory=dict)
    installed: dict[str, Installed] = field(default_factory=dict)
    slow: tuple[subprocess.Popen[bytes], Path] | None = None
    _noted: set[str] = field(default_factory=set)
    _builds: int = 0
    _jobs: int = 0

    def begin(self, kind: str, context: Mapping[str, object], place: Place | None = None) -> None:
        """Begin to deploy an installation, and note first all that it may leave behind."""
        place = place or self.places[0]
        name = f"{self.run}-{kind}"
        stack, settings = f"AssetCleaner-{name}", {"name": name, "tags": f"{TAG}={self.run}", **context}
        self._note(place, stack)
        self.begun[kind] = Begun(place, stack, settings, place.deploy(stack, settings))

    def installation(self, kind: str) -> Installed:
        """Wait until an installation that was begun is there."""
        begun = self.begun[kind]
        if isinstance(begun, Exception):
            raise begun
        place, stack, settings, deploying = begun
        outputs = deploying.outputs()
        arns = [value for name, value in sorted(outputs.items()) if name.startswith("UploaderPolicyArn")]
        self._jobs += 1
        job = place.build_job(self.removals, arns[:MOST_POLICIES], self._jobs)
        self.installed[kind] = Installed(place, stack, settings, outputs, job, time.monotonic())
        return self.installed[kind]

    def _end_deployments(self) -> None:
        for each in self.begun.values():
            if isinstance(each, Begun):
                each.deploying.end()

    def _note(self, place: Place, stack: str) -> None:
        """Note a stack, and before the first one of a Region what they leave: buckets, and log groups."""
        note, begins = self.removals.later, f"AssetCleaner-{self.run}"
        if not self._noted:
            self.removals.first("deployments that are under way", self._end_deployments)
        if place.region not in self._noted:
            self._noted.add(place.region)
            where = f"of the stacks in {place.region}"
            note(f"log groups {where}", partial(remove_log_groups, place.client("logs"), begins))
            note(f"buckets {where}", partial(remove_buckets, place.client("s3"), begins.lower()))
        note(
            f"stack {stack} in {place.region}",
            partial(remove_stack, place.client("cloudformation"), stack),
            partial(place.begin_removal, stack),
        )

    def bucket(self, kind: str, place: Place | None = None) -> str:
        """A new bucket that no stack made."""
        place = place or self.places[0]
        name, s3 = f"acc-{self.run}-{kind}", place.client("s3")
        self.removals.later(f"bucket {name} in {place.region}", partial(remove_bucket, s3, name))
        # us-east-1 is the Region without a name here:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
        where = {} if place.region == "us-east-1" else {"LocationConstraint": place.region}
        s3.create_bucket(Bucket=name, **({"CreateBucketConfiguration": where} if where else {}))
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": TAG, "Value": self.run}]})
        return name

    def build(self, files: Mapping[str, str]) -> Path:
        """A folder with a build of these files."""
        self._builds += 1
        folder = self.scratch / f"build-{self._builds}"
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_text(content)
        return folder

    def wait(self, observe: Callable[[], Any], enough: Callable[[Any], bool], problem: str, minutes: float = 5) -> Any:  # noqa: ANN401 (what is observed)
        """Observe, less often at AWS than on this machine."""
        return wait(observe, enough, problem, minutes * 60, 0.2 if self.embedded else 5)
