"""Runs that overlap, and runs that died: a run deletes nothing while another one deletes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ReadTimeoutError

from cleaner_lambda.errors import CleanerError
from cleaner_lambda.run import ATTEMPTS
from release_log.ledger_file import Announcement
from release_log.tags import Mark, State
from tests.unit.cleaner_lambda.runs import (
    APP,
    POLICY,
    A,
    B,
    C,
    at_request,
    keys_of,
    run,
    stopped_by,
)

if TYPE_CHECKING:
    from tests.fake_cleaner_s3 import FakeS3


def test_another_runs_unexpired_deleting_means_nothing_is_deleted_and_when_to_come_back(s3: FakeS3) -> None:
    """The other run may be deleting now; its announcement stays in the ledger for uploaders."""
    s3.advance(POLICY.version_ttl)
    s3.ledger = replace(s3.ledger, deleting=Announcement("other", frozenset({"assets/x.js"})))
    announced = s3.clock
    s3.advance(600)
    s3.publish("r3", "default", {APP: C})

    report = run(s3)

    assert stopped_by(report) == ["deleting"]
    assert s3.assets() == {A, B, C}
    assert report.next_due == announced + timedelta(seconds=901)
    assert s3.tags(B) != {}, "tagging goes on"
    assert s3.ledger.deleting == Announcement("other", frozenset({"assets/x.js"}), announced)

    s3.advance(300)
    assert stopped_by(run(s3)) == ["deleting"], "written again by us, it does not last longer"
    s3.advance(1)
    assert keys_of(run(s3), "delete") == [A]
    assert s3.ledger.deleting is None


@pytest.mark.scenario("L23")
def test_what_a_dead_run_announced_is_taken_back_even_if_nothing_else_changed(s3: FakeS3) -> None:
    """An uploader that needs one of those keys would wait for a dead run."""
    s3.ledger = replace(s3.ledger, deleting=Announcement("dead", frozenset({"assets/x.js"})))
    s3.advance(902)
    run(s3)
    assert s3.ledger.deleting is None


def test_run_that_starts_over_is_not_held_up_by_its_own_announcement(s3: FakeS3) -> None:
    """Each invocation has an id of its own: no other run works under it."""
    s3.advance(POLICY.version_ttl)
    s3.ledger = replace(s3.ledger, deleting=Announcement("mine", frozenset({A})))
    assert keys_of(run(s3, run_id="mine"), "delete") == [A]


@pytest.mark.scenario("L6")
@pytest.mark.parametrize(
    ("operation", "key", "number"),
    [
        ("list", "assets/.releases/markers/", 1),
        ("put_if", "assets/.releases/ledger.json.gz", 1),
        ("list", "assets/.releases/markers/", 2),
        ("delete", A, 1),
        ("put_if", "assets/.releases/ledger.json.gz", 2),
    ],
    ids=["first_look", "announcement", "second_look", "deletion", "last_write"],
)
def test_ledger_written_by_another_run_starts_the_run_over(s3: FakeS3, operation: str, key: str, number: int) -> None:
    """At any time since this run read it: the other run's state is not lost."""
    s3.advance(POLICY.version_ttl)
    other = Mark(State.REMOVED, s3.clock)

    def write() -> None:
        ledger = s3.ledger
        entry = replace(ledger.retired[A], logical="assets/other.js", mark=other)
        s3.put("assets/other-eeee5555.js")
        s3.ledger = replace(ledger, retired={**ledger.retired, "assets/other-eeee5555.js": entry})

    at_request(s3, operation, key, write, number)
    report = run(s3)
    assert keys_of(report, "delete") == [A]
    assert A not in s3.ledger.retired
    assert s3.ledger.retired["assets/other-eeee5555.js"].mark == other
    assert s3.ledger.deleting is None


def test_deletion_without_an_answer_stays_announced_when_its_run_starts_over(s3: FakeS3) -> None:
    """It may arrive after an upload has brought the asset back, though this run does not want it gone any more."""
    s3.advance(POLICY.version_ttl)
    seen: list[str] = []

    def intervene(operation: str, _key: str) -> None:
        seen.append(operation)
        if operation == "delete" and seen.count("delete") == 1:
            raise ReadTimeoutError(endpoint_url="s3")
        if operation == "put_if" and seen.count("put_if") == 2:
            s3.publish("r3", "default", {APP: A})
            s3.ledger = replace(s3.ledger, last_run={"by": "another"})

    s3.on_request = intervene
    report = run(s3)
    assert keys_of(report, "delete") == [A], "its repeat was answered"
    assert s3.ledger.deleting == Announcement("run", frozenset({A}))
    s3.advance(902)
    run(s3)
    assert s3.ledger.deleting is None


def test_run_that_loses_every_race_gives_up_with_an_error(s3: FakeS3) -> None:
    """It has deleted nothing, as it could not announce it."""
    s3.advance(POLICY.version_ttl)
    count = 0

    def write(operation: str, _key: str) -> None:
        nonlocal count
        if operation == "put_if":
            count += 1
            s3.ledger = replace(s3.ledger, last_run={"count": count})

    s3.on_request = write
    with pytest.raises(CleanerError, match="invoke again"):
        run(s3)
    assert count == ATTEMPTS
    assert A in s3.assets()
