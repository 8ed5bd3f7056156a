"""Runs of the cleaner on a bucket in memory, for the tests of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleaner_lambda.job import Job
from cleaner_lambda.map_run import list_range
from cleaner_lambda.pace import Pace
from cleaner_lambda.read_only import ReadOnly
from cleaner_lambda.request import MapTask
from cleaner_lambda.run import clean
from release_log.policy_settings import Policy
from tests.fake_cleaner_s3 import FakeS3, client_error

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from cleaner_lambda.finding import Finding
    from cleaner_lambda.report import Report

DAY = 86_400
POLICY = Policy(version_limit=0, version_ttl=3600, removed_ttl=2 * DAY, grace=900)
A, B, C = ("assets/app-aaaa1111.js", "assets/app-bbbb2222.js", "assets/app-cccc3333.js")
LOGO = "assets/logo-dddd4444.png"
APP = "assets/app.js"


def run(  # noqa: PLR0913 (what a run can be asked)
    s3: FakeS3,
    *,
    policy: Policy = POLICY,
    run_id: str = "run",
    dry_run: bool = False,
    full: bool = False,
    force: bool = False,
    adopt: bool = False,
    inner: tuple[str, ...] = (),
    distributed: bool = False,
    map_run_over: datetime | None = None,
) -> Report:
    """Run the cleaner once; a dry run gets the store's read-only cover."""
    store = ReadOnly(s3) if dry_run else s3
    job = Job(
        prefix=s3.layout.prefix,
        policy=policy,
        run=run_id,
        dry_run=dry_run,
        full=full,
        force=force,
        adopt=adopt,
        inner=inner,
        distributed=distributed,
        map_run_over=map_run_over,
    )
    return clean(store, job, Pace(sleep=lambda _: None))


def work(s3: FakeS3, at: datetime, number: int, policy: Policy = POLICY) -> Finding | None:
    """Be the worker of a range of a map run."""
    job = Job(prefix=s3.layout.prefix, policy=policy, run=f"worker-{number}")
    return list_range(s3, job, MapTask(at, number), Pace(sleep=lambda _: None))


def keys_of(report: Report, name: str) -> list[str]:
    """The keys in one list of the answer."""
    return [entry["key"] for entry in report.document()[name]]


def stopped_by(report: Report) -> list[str]:
    """The reasons for which nothing was deleted."""
    return [stop["reason"] for stop in report.document()["stopped_by"]]


def at_request(s3: FakeS3, operation: str, key: str, act: Callable[[], None], number: int = 1) -> None:
    """Let something happen just before the n-th request of a kind for a key."""
    seen = 0

    def intervene(made: str, wanted: str) -> None:
        nonlocal seen
        if (made, wanted) == (operation, key):
            seen += 1
            if seen == number:
                act()

    s3.on_request = intervene


def fail_with(code: str) -> Callable[[], None]:
    """Raise S3's error at a request."""

    def fail() -> None:
        raise client_error(code)

    return fail


def nothing(_result: object) -> None:
    """Drop the result of a lambda."""
