"""What the ledger keeps of the last runs: a line for each that changed something, and never many."""

from __future__ import annotations

import secrets
from datetime import timedelta

from cleaner_lambda.job import Job
from cleaner_lambda.ledger import Ledger
from cleaner_lambda.ledger_document import encode
from cleaner_lambda.pace import Pace
from cleaner_lambda.plan import Reason
from cleaner_lambda.run import clean
from release_log.run_record import KEPT, RunRecord, with_run
from tests.fake_cleaner_s3 import NOON, FakeS3
from tests.unit.cleaner_lambda.runs import APP, POLICY, B, C, at_request, run


def test_each_run_that_changed_something_is_told_the_newest_first(s3: FakeS3) -> None:
    s3.publish("r3", "default", {APP: C})
    run(s3, run_id="tags")
    s3.advance(3600)
    deletes = run(s3, run_id="deletes")
    first, second = s3.ledger.runs[:2]
    assert (first.run, first.at, first.deleted, first.tagged) == ("deletes", deletes.at, 2, 0)
    assert first.bytes_deleted == deletes.bytes_deleted > 0
    assert (second.run, second.tagged, second.deleted, second.stopped_by) == ("tags", 1, 0, ())


def test_a_run_in_which_nothing_happened_writes_nothing(s3: FakeS3) -> None:
    run(s3)
    stored = s3.objects[s3.layout.ledger]
    s3.advance(60)
    run(s3, run_id="another")
    assert s3.objects[s3.layout.ledger] == stored


def test_a_run_says_how_long_it_took_and_why_it_deleted_nothing() -> None:
    """All attempts together."""
    s3 = FakeS3()
    s3.publish("r1", "default", {APP: B})
    seconds = 1000.0

    def slow() -> None:
        nonlocal seconds
        seconds += 7.4
        s3.ledger = Ledger(last_run={"by": "another"}, tags_read_to="")

    at_request(s3, "put_if", s3.layout.ledger, slow)
    clean(s3, Job(prefix="assets/", policy=POLICY, run="run"), Pace(clock=lambda: seconds))
    (told,) = s3.ledger.runs
    assert (told.seconds, told.stopped_by) == (7, ("rebuilt",))


def test_a_run_that_starts_over_after_its_last_write_is_one_run(s3: FakeS3) -> None:
    """S3 wrote the ledger, and its answer was lost."""
    s3.publish("r3", "default", {APP: C})
    run(s3, run_id="lost")
    run(s3, run_id="lost", full=True)
    assert [each.run for each in s3.ledger.runs].count("lost") == 1


def test_the_ledger_keeps_few_of_them_in_few_bytes() -> None:
    """Each uploader reads the ledger."""
    runs: tuple[RunRecord, ...] = ()
    for number in range(3 * KEPT):
        last = RunRecord(
            run=f"{secrets.token_hex(16)}-{secrets.token_hex(4)}",
            at=NOON + timedelta(hours=number),
            seconds=number,
            tagged=secrets.randbelow(100_000),
            untagged=secrets.randbelow(100_000),
            deleted=secrets.randbelow(100_000),
            bytes_deleted=secrets.randbelow(10**10),
            failed=0,
            stopped_by=(Reason.BRAKE,),
        )
        runs = with_run(runs, last)
    assert [each.seconds for each in runs] == [*range(3 * KEPT - 1, 2 * KEPT - 1, -1)]
    assert len(encode(Ledger(runs=runs))) - len(encode(Ledger())) < 2_500
