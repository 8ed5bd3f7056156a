"""A large site on a bucket in memory, whose ledger is lost, for the tests of a rebuild in groups."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda import segments
from cleaner_lambda.head import decode
from cleaner_lambda.job import Job
from cleaner_lambda.pace import Pace
from cleaner_lambda.run import clean
from release_log.ledger_file import HEAD_FORMAT
from tests.few_markers import few_markers
from tests.ledger_formats import NONE, writing
from tests.unit.cleaner_lambda.runs import DAY, POLICY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from cleaner_lambda.head import Head
    from cleaner_lambda.report import Report
    from tests.fake_cleaner_s3 import FakeS3

KEEP = replace(POLICY, version_limit=1, version_ttl=30 * DAY, removed_ttl=20 * DAY)
MANY = 40


def key_of(path: str, number: int) -> str:
    """A key of a logical path."""
    return f"{path[:-3]}-{number}aaaa111{path[-3:]}"


def head(s3: FakeS3) -> Head:
    """The head."""
    return decode(s3.objects[s3.layout.ledger].body)


def entries(s3: FakeS3) -> dict[str, tuple[object, ...]]:
    """What the ledger knows of the retired assets."""
    retired = s3.ledger.retired.items()
    return {k: (e.mark, e.logical, e.release, e.size, e.ended, e.maybe_ended, e.stored) for k, e in retired}


def lost_ledger(s3: FakeS3) -> Iterator[FakeS3]:
    """A site of eight segments in four groups, whose ledger is lost; all that retired there is due."""
    # Undone before `writing` is: a test's own patch would put back what that has set, for all tests behind it.
    with writing(HEAD_FORMAT, small=NONE), few_markers(keep=9), pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "ENTRIES", 5)
        patch.setattr(segments, "GROUP", 10)
        paths = [f"assets/{n:02}.js" for n in range(MANY)]
        for number in (1, 2):
            last = {path: key_of(path, number) for path in paths}
            s3.publish(f"build{number}", "default", last)
            go_on(s3)
            s3.advance(10)
        go_on(s3)
        s3.advance(DAY + 1)
        go_on(s3)
        s3.publish("build3", "default", {**last, paths[0]: key_of(paths[0], 3)})
        s3.advance(10)
        go_on(s3)
        s3.advance(90 * DAY)
        s3.objects.pop(s3.layout.ledger)
        s3.requests.clear()
        yield s3


def go_on(
    s3: FakeS3,
    has_time: Callable[[], bool] = lambda: True,
    run_id: str = "run",
    *,
    distributed: bool = False,
    full: bool = False,
    over: datetime | None = None,
) -> Report:
    """Run the cleaner once; ``over`` says which map run is."""
    job = Job(
        prefix=s3.layout.prefix,
        policy=KEEP,
        run=run_id,
        full=full,
        ledger_format=HEAD_FORMAT,
        distributed=distributed,
        map_run_over=over,
    )
    return clean(s3, job, Pace(sleep=lambda _: None, has_time=has_time))


def for_batches(number: int) -> Callable[[], bool]:
    """There is time for so many."""
    left = iter(range(number))
    return lambda: next(left, None) is not None
