"""The record of a run: whatever conflicts, fails or ends in between, it tells everything that all attempts did."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import EndpointConnectionError

from cleaner_lambda.completion_event import detail
from cleaner_lambda.errors import CleanerError, UnreadableError
from cleaner_lambda.job import Job
from cleaner_lambda.metrics import measure
from cleaner_lambda.pace import Pace
from cleaner_lambda.port import DELETE_BATCH
from cleaner_lambda.run import ATTEMPTS, clean
from cleaner_lambda.sites import Site
from cleaner_lambda.so_far import BrokenOffError
from release_log.metrics import Metric
from tests.fake_cleaner_s3 import FakeS3, client_error
from tests.unit.cleaner_lambda.runs import APP, LOGO, POLICY, A, B, C, at_request, keys_of, run, stopped_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from cleaner_lambda.report import Report


@pytest.fixture
def due(s3: FakeS3) -> FakeS3:
    """A site whose asset A is due."""
    s3.advance(POLICY.version_ttl)
    s3.publish("r3", "default", {APP: C, "assets/logo.png": LOGO})
    return s3


def another_run(s3: FakeS3, number: int = 1) -> None:
    """Another run writes the ledger: it has deleted the same, or seen it deleted."""
    ledger = s3.ledger
    s3.ledger = replace(
        ledger, retired={key: entry for key, entry in ledger.retired.items() if key != A}, last_run={"number": number}
    )


def conflict(s3: FakeS3, then: Callable[[str], None] = lambda _: None, times: int = 1) -> None:
    """Another run writes the ledger just before each of the first last writes; what comes after meets ``then``."""
    conflicts = 0

    def intervene(operation: str, key: str) -> None:
        nonlocal conflicts
        if operation == "put_if" and A not in s3.objects and conflicts < times:
            conflicts += 1
            another_run(s3, conflicts)
        elif conflicts:
            then(operation if key != s3.layout.ledger else f"{operation} ledger")

    s3.on_request = intervene


def attempt(s3: FakeS3, pace: Pace | None = None) -> Report:
    """What a run says, however it ends."""
    try:
        return clean(s3, Job(prefix=s3.layout.prefix, policy=POLICY, run="run"), pace or Pace(sleep=lambda _: None))
    except BrokenOffError as error:
        return error.report


def assert_tells_of_a(report: Report, s3: FakeS3) -> None:
    """The deletion of A is in the answer, the metrics and the event: once."""
    assert A not in s3.objects
    assert keys_of(report, "delete") == [A]
    document = report.document()
    assert document["counts"]["delete"] == 1
    assert document["bytes_deleted"] == 1
    values = measure(report, 1, by_marker=False)
    assert (values[Metric.DELETED], values[Metric.BYTES_FREED]) == (1, 1)
    message = detail(report, Site("bucket", s3.layout.prefix, POLICY), "run")
    assert (message["counts"]["delete"], message["bytes_deleted"]) == (1, 1)


def test_what_was_done_before_a_conflict_is_told(due: FakeS3) -> None:
    """The other run's ledger knows A no more, so the second attempt does not delete it again."""
    conflict(due)
    report = run(due)
    assert_tells_of_a(report, due)
    assert keys_of(report, "tag") == [B], "tagged twice, told once"
    assert report.ended_well


def test_what_failed_before_a_conflict_and_was_done_after_it_has_not_failed(due: FakeS3) -> None:
    """The key is in one list."""
    due.refuse[A] = ["AccessDenied: no"]
    write = lambda: setattr(due, "ledger", replace(due.ledger, last_run={"by": "another"}))  # noqa: E731
    at_request(due, "put_if", due.layout.ledger, write, number=2)
    report = run(due)
    assert_tells_of_a(report, due)
    assert keys_of(report, "failed") == []


def test_what_failed_before_a_conflict_and_was_not_tried_again_has_failed(due: FakeS3) -> None:
    """Whoever reads the log learns what became of the request."""
    due.refuse[A] = ["AccessDenied: no"]
    at_request(due, "put_if", due.layout.ledger, lambda: another_run(due), number=2)
    report = run(due)
    assert (keys_of(report, "failed"), keys_of(report, "delete")) == ([A], [])
    assert report.document()["failed"][0]["logical"] == APP
    assert not report.ended_well


def test_files_pruned_before_a_conflict_are_counted(s3: FakeS3) -> None:
    """An expired intent goes at the first attempt, and the second finds it gone."""
    intent = s3.intend("r9", "default", {APP: C})
    s3.advance(POLICY.pending_ttl + POLICY.version_ttl)
    at_request(s3, "put_if", s3.layout.ledger, lambda: another_run(s3), number=2)
    report = run(s3)
    assert s3.layout.pending_key(intent) not in s3.objects
    assert report.document()["pruned"] == 1
    assert detail(report, Site("bucket", s3.layout.prefix, POLICY), "run")["pruned"] == 1


def test_run_that_gives_up_after_its_deletions_tells_them(due: FakeS3) -> None:
    """Each of its last writes conflicts."""
    conflict(due, times=ATTEMPTS)
    with pytest.raises(BrokenOffError, match="gave up after 10 attempts") as caught:
        run(due)
    assert_tells_of_a(caught.value.report, due)
    assert not caught.value.report.ended_well


@pytest.mark.parametrize(
    "error",
    [client_error("AccessDenied"), EndpointConnectionError(endpoint_url="s3"), RuntimeError("a thread"), MemoryError()],
    ids=lambda error: type(error).__name__,
)
def test_whatever_request_fails_after_the_first_deletion_the_record_tells_it(error: Exception) -> None:
    """Each request from the first DELETE on fails in turn, in a run that starts over twice."""
    number, done = 0, False
    while not done:
        s3, seen, done = a_site(), 0, True
        writes = 0

        def intervene(operation: str, key: str, s3: FakeS3 = s3, number: int = number) -> None:
            nonlocal seen, writes, done
            writes += operation == "put_if"
            if (operation, writes) == ("put_if", 2):
                another_run(s3)
                s3.publish("r4", "default", {APP: C})
            elif (operation, key, writes) == ("list", s3.layout.staged, 3):
                s3.publish("r5", "default", {APP: C})  # for the second attempt's second look
            if A not in s3.objects:
                seen += 1
                if seen == number + 1:
                    done = False
                    raise error

        s3.on_request = intervene
        report = attempt(s3)
        s3.on_request = None
        if A not in s3.objects:
            assert_tells_of_a(report, s3)
        number += 1
    assert number > 20


def a_site() -> FakeS3:
    """As `due`, each time anew; with an old intent that goes at the second try, so that each attempt looks twice."""
    s3 = FakeS3()
    intent = s3.layout.pending_key(s3.intend("r0", "default", {APP: A}))
    s3.refuse[intent] = ["AccessDenied: no"]
    s3.publish("r1", "default", {APP: A})
    s3.advance(60)
    s3.publish("r2", "default", {APP: B})
    run(s3)
    s3.advance(POLICY.pending_ttl + POLICY.version_ttl)
    s3.publish("r3", "default", {APP: C, "assets/logo.png": LOGO})
    return s3


def test_deletions_of_a_batch_are_told_though_the_next_batch_raises(s3: FakeS3) -> None:
    """An error that nobody foresaw, in the middle of the work."""
    many = {f"assets/{n}.js": f"assets/{n}-aaaa{n:04}.js" for n in range(DELETE_BATCH + 5)}
    s3.publish("r3", "default", many)
    s3.advance(60)
    s3.publish("r4", "default", {APP: B})
    run(s3)
    s3.advance(POLICY.removed_ttl + POLICY.grace)
    before = s3.assets()
    batches = 0

    def intervene(operation: str, _key: str) -> None:
        nonlocal batches
        batches += operation == "delete"
        if batches == 2:
            raise RuntimeError

    s3.on_request = intervene
    with pytest.raises(BrokenOffError) as caught:
        clean(s3, Job(prefix=s3.layout.prefix, policy=POLICY, run="run", force=True))
    gone = before - s3.assets()
    assert len(gone) == DELETE_BATCH
    assert set(keys_of(caught.value.report, "delete")) == gone


def test_run_without_time_after_a_conflict_ends_with_its_record(due: FakeS3) -> None:
    """It does not start over: the invocation might end before it has said anything."""
    conflict(due)
    pace = Pace(has_time=lambda: A in due.objects, sleep=lambda _: None)
    report = attempt(due, pace)
    assert_tells_of_a(report, due)
    assert report.unfinished
    assert report.next_due is not None
    assert not report.ended_well


def test_run_that_cannot_read_the_ledger_after_a_conflict_tells_what_it_did(due: FakeS3) -> None:
    """The answer has the stop too."""

    def archived(request: str) -> None:
        if request == "get ledger":
            raise UnreadableError(due.layout.ledger, "InvalidObjectState")

    conflict(due, archived)
    report = run(due)
    assert_tells_of_a(report, due)
    assert stopped_by(report) == ["unreadable_file"]


def test_failed_run_that_changed_nothing_has_no_record(due: FakeS3) -> None:
    """Its error is the request's own."""
    refused = client_error("AccessDenied")

    def fail(operation: str, _key: str) -> None:
        if operation == "put_if":
            raise refused

    due.on_request = fail
    with pytest.raises(Exception, match="AccessDenied") as caught:
        run(due)
    assert not isinstance(caught.value, CleanerError)
