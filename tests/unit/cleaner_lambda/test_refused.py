"""What S3 refuses for a reason that does not pass is named by each run, and tried again once a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cleaner_lambda import pruning
from tests.fake_cleaner_s3 import FakeS3, client_error
from tests.unit.cleaner_lambda.runs import APP, DAY, POLICY, A, B, keys_of, run

if TYPE_CHECKING:
    from cleaner_lambda.report import Report

SOON = 900


def superseded() -> FakeS3:
    """A was superseded by B a moment ago, and no run knows it yet."""
    s3 = FakeS3()
    s3.publish("r1", "default", {APP: A})
    run(s3)
    s3.advance(60)
    s3.publish("r2", "default", {APP: B})
    return s3


def refuse(s3: FakeS3, operation: str, code: str = "AccessDenied") -> None:
    """Refuse an operation on whatever key."""

    def answer(made: str, _key: str) -> None:
        if made == operation:
            raise client_error(code=code)

    s3.on_request = answer


def named(report: Report) -> list[str]:
    """The keys that are set aside because S3 refused something."""
    return [each["key"] for each in report.document()["set_aside"] if each["reason"] == "refused"]


def seconds_to_next(report: Report) -> float | None:
    """How long after the run the cleaner comes back by itself."""
    return None if report.next_due is None else (report.next_due - report.at).total_seconds()


@pytest.mark.parametrize("operation", ["put_tags", "get_tags"])
def test_tags_that_are_refused_are_tried_again_once_a_day_and_named_by_each_run(operation: str) -> None:
    s3 = superseded()
    refuse(s3, operation)
    report = run(s3)
    assert (keys_of(report, "failed"), named(report), report.counts()["set_aside"]) == ([A], [A], 1)
    assert "AccessDenied" in report.document()["set_aside"][0]["message"]
    assert seconds_to_next(report) == POLICY.version_ttl, "not in 15 minutes"
    for _ in range(3):
        s3.advance(SOON)
        s3.requests.clear()
        report = run(s3)
        assert (named(report), report.counts()["set_aside"]) == ([A], 1)
        assert s3.writes == s3.made("get_tags") == []
    s3.advance(DAY)
    s3.on_request = None
    report = run(s3)
    assert named(report) == []


def test_what_is_not_refused_goes_on_and_the_asset_itself_is_deleted_when_it_is_due() -> None:
    s3 = superseded()
    refuse(s3, "put_tags")
    run(s3)
    s3.advance(POLICY.version_ttl)
    assert keys_of(run(s3), "delete") == [A]


def test_deletion_that_is_refused_is_announced_and_tried_again_once_a_day() -> None:
    s3 = superseded()
    run(s3)
    s3.refuse[A] = ["AccessDenied: by the test"] * 2
    s3.advance(POLICY.version_ttl)
    report = run(s3)
    assert (keys_of(report, "failed"), named(report)) == ([A], [A])
    assert seconds_to_next(report) == DAY - 60 - POLICY.version_ttl, "with the next full listing"
    for _ in range(3):
        s3.advance(SOON)
        s3.requests.clear()
        assert named(run(s3)) == [A]
        assert s3.writes == []
    assert named(run(s3, full=True)) == [A]
    report = run(s3, full=True)
    assert (keys_of(report, "delete"), named(report)) == ([A], [])


def test_an_expired_intent_that_may_not_be_deleted_is_announced_once_a_day() -> None:
    s3 = superseded()
    intent = s3.layout.pending_key(s3.intend("dead", "default", {APP: B}))
    run(s3)
    s3.advance(POLICY.pending_ttl + 1)
    s3.refuse[intent] = ["AccessDenied: by the test"] * 2
    assert named(run(s3)) == [intent]
    s3.requests.clear()
    assert named(run(s3)) == [intent]
    assert s3.writes == []


def test_error_that_passes_is_tried_again_in_fifteen_minutes() -> None:
    s3 = superseded()
    refuse(s3, "put_tags", "SlowDown")
    report = run(s3)
    assert (keys_of(report, "failed"), named(report), seconds_to_next(report)) == ([A], [], SOON)
    s3.on_request = None
    assert keys_of(run(s3), "tag") == [A]


def test_checkpoint_that_may_not_be_written_keeps_the_markers_and_holds_up_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in an installation whose role is older than its function."""
    monkeypatch.setattr(pruning, "KEEP_MARKERS", 1)
    monkeypatch.setattr(pruning, "EVERY", 1)
    s3 = superseded()
    run(s3)
    s3.advance(POLICY.version_ttl)

    def answer(made: str, key: str) -> None:
        if (made, key) == ("put_if", s3.layout.checkpoint):
            raise client_error(code="AccessDenied")

    s3.on_request = answer
    report = run(s3)
    assert (keys_of(report, "delete"), named(report)) == ([A], [s3.layout.checkpoint])
    assert report.document()["pruned"] == 0
    s3.requests.clear()
    assert named(run(s3)) == [s3.layout.checkpoint]
    assert s3.writes == []
    s3.on_request = None
    assert run(s3, full=True).document()["pruned"] == 1
