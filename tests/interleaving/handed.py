"""A large site's lost ledger is rebuilt in groups whose tags workers read, here of one logical path each."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from cleaner_lambda.job import Job
from cleaner_lambda.pace import Pace
from cleaner_lambda.request import MapTask
from cleaner_lambda.run import clean
from cleaner_lambda.tag_workers import read_group
from release_log.ledger_file import HEAD_FORMAT
from tests.few_markers import few_markers
from tests.interleaving import cast
from tests.interleaving.actor import BrokenPromiseError
from tests.interleaving.cases import A, B, cleaner_of, go_on, release, uploader
from tests.interleaving.exhaustive import Case, every_crash, every_schedule
from tests.interleaving.explore import PAGE, judged
from tests.interleaving.ports import CleanerPort
from tests.interleaving.rebuilt import DAY, LIB, POLICY, lost, rebuilding
from tests.interleaving.verdict import settle
from tests.interleaving.watch import Watch
from tests.interleaving.world import LAYOUT, World
from tests.ledger_formats import NONE, writing
from tests.small_pieces import handing_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from cleaner_lambda.cursor import MapRun
    from cleaner_lambda.report import Report
    from tests.interleaving.actor import Actor


@contextmanager
def _in_force() -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(writing(HEAD_FORMAT, small=NONE))
        stack.enter_context(handing_out(at_once=False))
        yield


def _cleaner(name: str = "C") -> Callable[[World], Actor]:
    return lambda world: cast.cleaner(world, name, cast.cleaning(POLICY, distributed=True))


AND_UPLOAD = Case(
    "a rebuild that is handed out, and an upload",
    POLICY,
    lost,
    (_cleaner(), uploader(cast.upload([B, LIB, PAGE], "default", "back"))),
)
AND_RUN = Case(
    "a rebuild that is handed out, and a run that does it by itself",
    POLICY,
    lost,
    (_cleaner(), cleaner_of(POLICY, "D")),
)


def uploads(preemptions: int) -> int:
    """An upload beside the rebuild brings back what is due by then; and every crash of it."""
    with _in_force():
        return every_schedule(AND_UPLOAD, preemptions=preemptions) + every_crash(AND_UPLOAD, "C", preemptions=0)


def another_run(preemptions: int) -> int:
    """Two runs, one of which hands the groups out."""
    with _in_force():
        return every_schedule(AND_RUN, preemptions=preemptions)


def _run(world: World, *, over: datetime | None = None) -> Report:
    """A run that may hand out a rebuild, and is not interrupted."""
    world.actor = None
    world.runs_alone += 1
    name = f"run-{world.runs_alone}"
    job = Job(prefix=LAYOUT.prefix, policy=POLICY, run=name, distributed=True, map_run_over=over)
    return clean(CleanerPort(world, None), job, Pace(sleep=world.sleep))


def _handed_out(world: World) -> MapRun:
    map_run = _run(world).map_run
    assert map_run is not None
    assert len(map_run.ranges) > 1
    return map_run


def _work(world: World, map_run: MapRun, number: int) -> bool:
    """Be a worker; whether the ledger waited for it."""
    world.actor = None
    task, job = MapTask(map_run.at, number, map_run.kind), Job(prefix=LAYOUT.prefix, policy=POLICY, run="worker")
    return read_group(CleanerPort(world, None), job, task, Pace(sleep=world.sleep)) is not None


def _with_orphan() -> World:
    """An asset is an orphan since a day, as its tag says; the ledger is lost."""
    world = World()
    with few_markers(keep=9):
        for number, keys in enumerate(([A, PAGE], [B, PAGE])):
            release(world, keys, f"r{number}")
            cast.clean_alone(world, POLICY)
            world.advance(10)
        cast.clean_alone(world, POLICY)
    world.put(LIB, b"")
    for _ in range(2):
        world.advance(DAY + 1)
        cast.clean_alone(world, POLICY)
    world.delete(LAYOUT.ledger)
    return world


def _must_be_gone(world: World) -> None:
    """Two days after the orphan was found, it is due."""
    world.advance(DAY + 1)
    cast.clean_alone(world, POLICY)
    if LIB in world.objects:
        msg = f"{LIB} was due, and is still there"
        raise BrokenPromiseError(msg)
    settle(world, POLICY)


def failed_worker() -> None:
    """No worker reads the orphan's tag, and the run after the map run does."""
    with _in_force(), judged(world := _with_orphan(), "a worker that failed"):
        map_run = _handed_out(world)
        assert [_work(world, map_run, number) for number in map_run.ranges if number != _place(map_run)]
        _run(world, over=map_run.at)
        _must_be_gone(world)


def refused_tags() -> None:
    """A worker is refused the orphan's tag, and the run after the map run is not."""
    with _in_force(), judged(world := _with_orphan(), "a worker to which tags are refused"):
        map_run = _handed_out(world)
        world.denies = LIB.__eq__
        for number in map_run.ranges:
            _work(world, map_run, number)
        world.denies = None
        _run(world, over=map_run.at)
        _must_be_gone(world)


def _place(map_run: MapRun) -> int:
    """The number of the group that has the orphan."""
    path = cast.local_asset(LIB).logical
    return max(number for number, (first, _) in map_run.ranges.items() if first <= path)


def sent_again() -> None:
    """The orphan is deleted by hand when its tag was read, and sent again: its time begins anew."""
    with _in_force(), judged(world := _with_orphan(), "an orphan that was sent again"):
        Watch(world.site, POLICY)
        map_run = _handed_out(world)
        assert all(_work(world, map_run, number) for number in map_run.ranges)
        world.delete(LIB)
        world.advance(7200)
        cut_off = cast.cleaner(world, "C", cast.cleaning(POLICY, full=True))
        world.actors = [cut_off]
        go_on(cut_off, f"put {LAYOUT.ledger}")
        cut_off.step()
        cut_off.crash()
        assert rebuilding(world) is not None
        world.put(LIB, b"")
        world.advance(DAY + 1)
        for _ in range(2):
            cast.clean_alone(world, POLICY)
            world.advance(61)
        if LIB not in world.objects:
            msg = f"{LIB} is deleted before its time"
            raise BrokenPromiseError(msg)
        settle(world, POLICY)
