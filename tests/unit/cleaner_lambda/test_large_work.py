"""More work than fits one invocation: a run stops between batches, and the next one continues there."""

from __future__ import annotations

import copy
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from cleaner_lambda.deletion import SIDE_BY_SIDE
from cleaner_lambda.deletion import delete as delete_all
from cleaner_lambda.job import Job
from cleaner_lambda.known import Known
from cleaner_lambda.ledger import Ledger
from cleaner_lambda.ledger_store import StoredLedger
from cleaner_lambda.listing import Sorter, ranges, take_inventory
from cleaner_lambda.outcome import Outcome, Unanswered
from cleaner_lambda.pace import BATCH, MARGIN_SECONDS, Pace, within
from cleaner_lambda.port import DELETE_BATCH, Listed
from cleaner_lambda.run import clean
from release_log.policy_settings import Orphans, Policy
from tests.fake_cleaner_s3 import NOON, FakeS3, client_error

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from cleaner_lambda.report import Report

POLICY = Policy(version_limit=0, version_ttl=600, removed_ttl=600, grace=0, max_delete_fraction=1)
OLD = {f"assets/{n:04}.js": f"assets/{n:04}-1a2b3c4d.js" for n in range(3 * BATCH)}
NEW = {f"assets/{n:04}.js": f"assets/{n:04}-5e6f7a8b.js" for n in range(3 * BATCH)}


def for_batches(count: int) -> Callable[[], bool]:
    """There is time for a number of batches."""
    left = iter(range(count))
    return lambda: next(left, None) is not None


def run(s3: FakeS3, batches: int = 10**6, *, sleeps: list[float] | None = None) -> Report:
    """Run the cleaner once."""
    slept: list[float] = [] if sleeps is None else sleeps
    return clean(s3, Job(prefix="assets/", policy=POLICY, run="run"), Pace(map, for_batches(batches), slept.append))


def run_to_the_end(s3: FakeS3, batches: int) -> list[Report]:
    """Run again as long as the cleaner says that it continues at once."""
    reports = [run(s3, batches)]
    while reports[-1].unfinished:
        assert reports[-1].next_due == s3.clock, "it comes back at once"
        assert len(reports) < 50
        reports.append(run(s3, batches))
    return reports


def state(s3: FakeS3) -> dict[str, object]:
    """The objects in the bucket, and the ledger's entries."""
    ledger = s3.ledger
    tags = {key: s3.tags(key) for key in s3.assets()}
    return {"tags": tags, "retired": ledger.retired, "owed": ledger.owed, "rest": (ledger.deleting, ledger.tagging)}


@pytest.fixture
def s3() -> FakeS3:
    """A site in which one release has superseded every asset of another; the ledger does not know yet."""
    s3 = FakeS3()
    s3.publish("r1", "default", OLD)
    run(s3)
    s3.publish("r2", "default", NEW)
    return s3


@pytest.mark.parametrize("batches", [1, 2])
def test_tagging_goes_on_where_it_stopped(s3: FakeS3, batches: int) -> None:
    whole = copy.deepcopy(s3)
    assert not run(whole).unfinished
    reports = run_to_the_end(s3, batches)
    assert len(reports) > 1
    assert sum(report.counts()["tag"] for report in reports) == len(OLD), "nothing is done twice"
    assert state(s3) == state(whole)


@pytest.mark.parametrize("batches", [1, 2])
def test_deleting_and_untagging_go_on_where_they_stopped(s3: FakeS3, batches: int) -> None:
    run(s3)
    s3.publish("r3", "default", dict(list(OLD.items())[: 2 * BATCH]))
    s3.advance(POLICY.version_ttl)
    whole = copy.deepcopy(s3)
    run(whole)
    reports = run_to_the_end(s3, batches)
    assert len(reports) > 1
    assert state(s3) == state(whole)


def test_deletions_stop_between_two_batches() -> None:
    s3 = FakeS3()
    s3.publish("r1", "default", {f"assets/{n}.js": f"assets/{n}-1a2b3c4d.js" for n in range(2 * DELETE_BATCH)})
    run(s3)
    s3.publish("r2", "default", NEW)
    run(s3)
    s3.advance(POLICY.removed_ttl)
    report = run(s3, 1)
    assert (report.counts()["delete"], report.unfinished) == (DELETE_BATCH, True)
    assert s3.ledger.deleting is None
    assert len(s3.ledger.retired) == DELETE_BATCH
    assert run(s3).counts()["delete"] == DELETE_BATCH


def test_deletions_are_sent_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    s3 = FakeS3()
    due = [f"assets/{n}-1a2b3c4d.js" for n in range(SIDE_BY_SIDE * DELETE_BATCH)]
    together = Barrier(SIDE_BY_SIDE, timeout=60)

    def delete(keys: Sequence[str]) -> dict[str, str]:
        together.wait()
        return dict.fromkeys(keys[:1], "AccessDenied: not this one")

    monkeypatch.setattr(s3, "delete", delete)
    outcome, late = Outcome(), Unanswered()
    with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
        delete_all(s3, due, outcome.deleted, outcome, late, Pace(threads.map))
    assert outcome.failed.keys() == set(due[::DELETE_BATCH])
    assert outcome.deleted == set(due) - outcome.failed.keys()
    assert (late.deletions, outcome.unfinished) == (set(), False)


@pytest.mark.parametrize("batches", [1, 3])
def test_a_lost_ledger_is_rebuilt_in_as_many_runs_as_it_takes_and_until_then_nothing_goes(
    s3: FakeS3, batches: int
) -> None:
    run(s3)
    marks = {key: entry.mark for key, entry in s3.ledger.retired.items()}
    s3.advance(POLICY.version_ttl + 1)
    del s3.objects[s3.layout.ledger]
    before = s3.assets()
    first = run(s3, batches)
    assert first.unfinished
    assert s3.ledger.tags_read_to is not None
    while first.unfinished:
        assert s3.assets() == before, "nothing is deleted before the ledger is whole"
        assert {key: entry.mark for key, entry in s3.ledger.retired.items()} == marks
        first = run(s3, batches)
    assert s3.ledger.tags_read_to is None
    assert run(s3).counts()["delete"] == len(OLD)


def test_a_release_during_a_long_rebuild_is_folded_in(s3: FakeS3) -> None:
    run(s3)
    del s3.objects[s3.layout.ledger]
    assert run(s3, 1).unfinished
    s3.publish("r3", "default", OLD)
    run_to_the_end(s3, 1)
    assert s3.ledger.retired.keys() == set(NEW.values())
    assert all(not s3.tags(key) for key in OLD.values()), "they live again"


def test_the_margin_is_two_minutes_or_a_quarter_of_a_short_invocation() -> None:
    left = [900_000.0]
    has_time = within(lambda: left[0])
    left[0] = MARGIN_SECONDS * 1000 + 1
    assert has_time()
    left[0] = MARGIN_SECONDS * 1000
    assert not has_time()
    left = [60_000.0]
    has_time = within(lambda: left[0])
    left[0] = 15_001
    assert has_time()


def test_a_key_that_failed_does_not_hold_up_what_is_left(s3: FakeS3) -> None:
    def refuse(operation: str, key: str) -> None:
        if (operation, key) == ("put_tags", min(OLD.values())):
            raise denied

    denied = client_error("AccessDenied")
    s3.on_request = refuse
    report = run(s3, 1)
    assert (len(report.outcome.failed), report.unfinished, report.next_due) == (1, True, s3.clock)


# Temporary errors


def test_a_throttled_deletion_backs_off_and_goes_on(s3: FakeS3) -> None:
    run(s3)
    s3.advance(POLICY.version_ttl)
    answers = iter(["SlowDown", "SlowDown", "InternalError"])

    def throttle(operation: str, _key: str) -> None:
        code = next(answers, None) if operation == "delete" else None
        if code:
            raise client_error(code)

    s3.on_request = throttle
    sleeps: list[float] = []
    report = run(s3, sleeps=sleeps)
    assert report.counts()["delete"] == len(OLD)
    assert not report.outcome.failed
    assert sleeps == sorted(sleeps)
    assert len(sleeps) == 3


def test_a_deletion_without_an_answer_is_repeated_and_stays_announced(s3: FakeS3) -> None:
    """It may still happen after the run: until that is over, an uploader that needs one of the keys waits."""
    run(s3)
    s3.advance(POLICY.version_ttl)
    first = iter([True])

    def hang(operation: str, _key: str) -> None:
        if operation == "delete" and next(first, False):
            raise ReadTimeoutError(endpoint_url="s3")

    s3.on_request = hang
    assert run(s3).counts()["delete"] == len(OLD)
    announced = s3.ledger.deleting
    assert announced is not None
    assert announced.keys == set(OLD.values())
    assert announced.since is None, "it holds from now on"
    s3.advance(902)
    run(s3)
    assert s3.ledger.deleting is None


# The listing


def sorter(s3: FakeS3, known: Collection[str], orphans: Orphans) -> Sorter:
    """What sorts the objects of a listing now."""
    known_keys = Known(s3, s3.layout, StoredLedger(Ledger(), None), set(known), {}, None)
    return Sorter(layout=s3.layout, known=known_keys, orphans=orphans, now=s3.clock)


@given(known=st.sets(st.text("ab/é", min_size=1, max_size=4), max_size=80), key=st.text("ab/é", min_size=1, max_size=5))
def test_key_ranges_hold_every_key_once(known: set[str], key: str) -> None:
    assert sum(key > after and (to is None or key <= to) for after, to in ranges(known)) == 1


MANY = 20_000


class Endless(FakeS3):
    """A site with very many young objects that no release names."""

    def list(self, prefix: str, after: str = "", to: str | None = None) -> Iterator[Listed]:
        assert to is None, "nothing is known, so there is one range"
        for number in range(int(after.removeprefix(prefix)[:6] or -1) + 1, MANY):
            yield Listed(f"{prefix}{number:06}-1a2b3c4d.js", 10, NOON)


def test_a_listing_takes_no_memory_for_what_is_neither_known_nor_stray() -> None:
    s3 = Endless()
    tracemalloc.start()
    try:
        young = take_inventory(s3, ranges(()), sorter(s3, (), Orphans.FINGERPRINTED), Pace())
        s3.advance(2 * 86_400)
        counted = take_inventory(s3, ranges(()), sorter(s3, (), Orphans.REPORT), Pace())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (len(young.seen), young.strays, counted.strays) == (0, {}, {})
    assert counted.others == {"assets/": MANY}
    assert peak < 200_000, "with a hundred bytes for each of them it would be ten times as much"


def test_a_listing_in_ranges_and_threads_finds_what_one_listing_finds() -> None:
    s3 = FakeS3()
    s3.publish("r1", "default", OLD)
    for number in range(300):
        s3.put(f"assets/stray-a{number:06x}b.js")
    s3.put("assets/notes.txt")
    s3.put("assets/nested/.releases/markers/x.json")
    s3.put("assets/nested/-first.js")
    s3.advance(2 * 86_400)
    known = set(OLD.values())
    alone = take_inventory(s3, ranges(()), sorter(s3, (), Orphans.ALL), Pace())
    with ThreadPoolExecutor(8) as threads:
        pace = Pace(threads.map)
        ranged = take_inventory(s3, ranges(known), sorter(s3, known, Orphans.FINGERPRINTED), pace)
    assert set(ranged.seen) == set(map(hash, known))
    assert known | ranged.strays.keys() | {"assets/notes.txt", "assets/nested/-first.js"} == set(alone.strays)
    assert ranged.nested == alone.nested == {"assets/nested/"}
