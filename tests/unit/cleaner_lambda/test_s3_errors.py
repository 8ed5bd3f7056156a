"""Errors and limits of S3 during a run, for one key and for a whole request."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from tests.fake_cleaner_s3 import FakeS3, client_error
from tests.unit.cleaner_lambda.runs import (
    APP,
    POLICY,
    A,
    B,
    C,
    at_request,
    fail_with,
    keys_of,
    nothing,
    run,
    stopped_by,
)


@pytest.mark.scenario("L13")
def test_key_that_cannot_be_deleted_is_tried_again(s3: FakeS3) -> None:
    """InternalError in the answer of a batch, for a few keys in a million: the SDK does not retry them."""
    s3.advance(POLICY.version_ttl)
    s3.refuse[A] = ["InternalError: We encountered an internal error"]
    report = run(s3)
    assert keys_of(report, "delete") == [A]
    assert report.document()["failed"] == []
    assert s3.made("delete") == [("delete", A), ("delete", A)]


@pytest.mark.scenario("L7", "L12")
def test_key_that_cannot_be_deleted_is_reported_kept_in_the_ledger_and_not_counted(s3: FakeS3) -> None:
    """Another key of the same batch is deleted all the same."""
    s3.publish("r3", "default", {APP: C})
    run(s3)
    s3.advance(POLICY.version_ttl)
    s3.refuse[A] = ["AccessDenied: no"] * 9

    report = run(s3)

    assert keys_of(report, "delete") == [B]
    assert [(e["key"], e["error"]) for e in report.document()["failed"]] == [(A, "AccessDenied: no")]
    assert report.counts() == {"tag": 0, "untag": 0, "delete": 1, "keep": 2, "failed": 1, "set_aside": 1}
    assert report.bytes_deleted == 1
    assert set(s3.ledger.retired) == {A}
    assert s3.ledger.deleting is None
    assert s3.ledger.listed_at is not None
    assert report.next_due == s3.ledger.listed_at + timedelta(days=1)
    s3.refuse.clear()
    assert keys_of(run(s3, full=True), "delete") == [A]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_key_that_s3_cannot_read_in_a_batch_fails_no_other(number: int) -> None:
    """Whatever it is that S3 cannot read: the batch is halved until that key is alone."""
    s3 = FakeS3()
    names = [f"assets/app-{n:04}aaaa.js" for n in range(300)]
    s3.publish("r1", "default", dict(zip(names, names, strict=True)) | {APP: A})
    run(s3)
    s3.publish("r2", "default", {APP: A})
    run(s3)
    s3.advance(POLICY.removed_ttl)
    odd = set(names[:: 300 // number])
    s3.unreadable, stuck = odd, min(odd)
    s3.refuse[stuck] = ["AccessDenied"]
    s3.requests.clear()
    report = run(s3, force=True)
    assert set(keys_of(report, "delete")) == set(names) - {stuck}
    assert keys_of(report, "failed") == [stuck]
    assert s3.assets() == {A, stuck}
    assert {key for _, key in s3.made("delete_one")} == odd
    assert len(s3.made("delete")) < 2 * len(odd) * 10
    assert (set(s3.ledger.retired), s3.ledger.deleting) == ({stuck}, None)


def test_odd_key_whose_deletion_has_no_answer_stays_announced(s3: FakeS3) -> None:
    """It may still happen; the others are done, and are not announced any more."""
    odd = "assets/\x10-3f9c2ab1.js"
    s3.put(odd)
    s3.ledger = replace(s3.ledger, retired={**s3.ledger.retired, odd: s3.ledger.retired[A]})
    s3.advance(POLICY.version_ttl)

    def no_answer() -> None:
        raise ReadTimeoutError(endpoint_url="s3")

    s3.on_request = lambda made, _: no_answer() if made == "delete_one" else None
    report = run(s3)
    assert (keys_of(report, "delete"), keys_of(report, "failed")) == ([A], [odd])
    assert s3.ledger.deleting is not None
    assert s3.ledger.deleting.keys == {odd}


def test_answer_that_names_keys_nobody_asked_for_counts_nothing_as_deleted(
    s3: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 named a key that was not deleted, in a spelling that is not ours: it is unknown which one it means."""
    s3.advance(POLICY.version_ttl)
    monkeypatch.setattr(s3, "delete", lambda _keys: {"assets/other.js": "AccessDenied: no"})
    report = run(s3)
    assert (keys_of(report, "delete"), keys_of(report, "failed")) == ([], [A])
    assert A in s3.ledger.retired


@pytest.mark.scenario("T17b")
def test_batch_that_fails_as_a_whole_is_reported_key_by_key(s3: FakeS3) -> None:
    """Nothing is reported deleted, nothing is lost from the ledger."""
    s3.advance(POLICY.version_ttl)
    at_request(s3, "delete", A, fail_with("AccessDenied"))
    report = run(s3)
    assert keys_of(report, "delete") == []
    assert keys_of(report, "failed") == [A]
    assert set(s3.ledger.retired) == {A}


@pytest.mark.parametrize(("code", "announced"), [("InternalError", {A}), ("SlowDown", {A}), ("AccessDenied", set())])
def test_deletion_that_ends_with_a_5xx_stays_announced(s3: FakeS3, code: str, announced: set[str]) -> None:
    """S3 does not say whether it was executed, or still will be. A refusal says that it was not."""
    s3.advance(POLICY.version_ttl)
    at_request(s3, "delete", A, fail_with(code))
    report = run(s3)
    assert (keys_of(report, "delete") == [A]) == bool(announced), "repeated"
    assert (s3.ledger.deleting.keys if s3.ledger.deleting else set()) == announced


@pytest.mark.parametrize(("code", "announced"), [("InternalError", {B}), ("AccessDenied", set())])
def test_tags_whose_request_ends_with_a_5xx_stay_announced(s3: FakeS3, code: str, announced: set[str]) -> None:
    """The same; the tags are read again before they are written again."""
    s3.publish("r3", "default", {APP: C})
    at_request(s3, "put_tags", B, fail_with(code))
    report = run(s3)
    assert (keys_of(report, "tag") == [B]) == bool(announced), "repeated"
    assert {key for each in s3.ledger.tagging for key in each.keys} == announced


@pytest.mark.scenario("T26")
def test_error_while_tagging_is_reported_and_tried_again_with_the_next_listing(s3: FakeS3) -> None:
    """A permission error must not be swallowed."""
    s3.publish("r3", "default", {APP: C})
    at_request(s3, "put_tags", B, fail_with("AccessDenied"))
    report = run(s3)
    assert keys_of(report, "tag") == []
    assert keys_of(report, "failed") == [B]
    assert s3.ledger.retired[B].tagged is None
    s3.on_request = None
    assert keys_of(run(s3, full=True), "tag") == [B]


@pytest.mark.scenario("T26")
def test_error_while_untagging_is_reported_and_owed(s3: FakeS3) -> None:
    """The ledger still knows that the object has the tag."""
    s3.publish("r3", "default", {APP: A})
    at_request(s3, "put_tags", A, fail_with("AccessDenied"))
    report = run(s3)
    assert keys_of(report, "untag") == []
    assert keys_of(report, "failed") == [A]
    assert s3.ledger.owed == {A}
    s3.on_request = None
    assert keys_of(run(s3, full=True), "untag") == [A]
    assert s3.tags(A) == {}


@pytest.mark.scenario("T17a")
@pytest.mark.parametrize("request_", ["get", "list", "put_if"])
def test_error_of_a_request_that_a_run_needs_ends_it_without_a_deletion(s3: FakeS3, request_: str) -> None:
    """A failure in LIST or PUT: no deletion."""
    s3.advance(POLICY.version_ttl)

    def fail(operation: str, _key: str) -> None:
        if operation == request_:
            code = "AccessDenied"
            raise client_error(code)

    s3.on_request = fail
    with pytest.raises(ClientError, match="AccessDenied"):
        run(s3)
    assert A in s3.assets()
    assert s3.made("delete") == []


@pytest.mark.scenario("T34b")
@pytest.mark.parametrize("operation", ["get_tags", "put_tags"])
def test_asset_that_is_gone_when_it_is_to_be_tagged_leaves_the_ledger(s3: FakeS3, operation: str) -> None:
    """Somebody else deleted it: its entry must not stay for ever."""
    s3.publish("r3", "default", {APP: C})
    at_request(s3, operation, B, lambda: nothing(s3.objects.pop(B)))
    report = run(s3)
    assert keys_of(report, "tag") == []
    assert report.document()["failed"] == []
    assert set(s3.ledger.retired) == {A}
    assert report.counts()["keep"] == 2, "what is gone is not kept"


def test_object_with_ten_user_tags_is_handled_by_the_ledger_alone(s3: FakeS3) -> None:
    """S3 refuses an eleventh tag. The answer says so once, and the asset is still deleted when it is due."""
    theirs = {f"k{number}": "v" for number in range(10)}
    s3.tags(B).update(theirs)
    s3.publish("r3", "default", {APP: C})
    report = run(s3)
    assert s3.tags(B) == theirs
    assert "10 tags" in report.document()["failed"][0]["error"]
    assert run(s3).document()["failed"] == []
    s3.advance(POLICY.version_ttl)
    assert keys_of(run(s3), "delete") == [A, B]


def test_object_with_nine_user_tags_is_tagged(s3: FakeS3) -> None:
    """S3 allows ten in all."""
    s3.tags(B).update({f"k{number}": "v" for number in range(9)})
    s3.publish("r3", "default", {APP: C})
    assert keys_of(run(s3, full=True), "tag") == [B]
    assert len(s3.tags(B)) == 10


def test_deletion_goes_in_batches_of_a_thousand() -> None:
    """The fake refuses more, as S3 does; the answer has every key."""
    s3 = FakeS3()
    s3.publish("r1", "default", {f"assets/{number}.js": f"assets/{number}-a.js" for number in range(1001)})
    run(s3)
    s3.advance(10)
    s3.publish("r2", "default", {f"assets/{number}.js": f"assets/{number}-b.js" for number in range(1001)})
    run(s3)
    s3.advance(POLICY.version_ttl)
    assert run(s3).counts()["delete"] == 1001
    assert len(s3.made("delete")) == 2
    assert len(s3.assets()) == 1001


@pytest.mark.scenario("L9", "A6")
def test_brake_deletes_nothing_and_force_lets_it_go() -> None:
    """A run that would delete most of the site says how to continue."""
    s3 = FakeS3()
    s3.publish("r1", "default", {f"assets/{number}.js": f"assets/{number}-a.js" for number in range(101)})
    run(s3)
    s3.publish("r2", "default", {APP: A})
    run(s3)
    s3.advance(POLICY.removed_ttl)
    report = run(s3)
    assert stopped_by(report) == ["brake"]
    assert s3.made("delete") == []
    assert '{"force": true}' in report.plan.stops[0].message
    assert run(s3, force=True).counts()["delete"] == 101


def test_keys_that_never_existed_do_not_loosen_the_brake() -> None:
    """A thief's marker names a thousand of them. Before more than a hundred deletions the site is listed."""
    s3 = FakeS3()
    s3.publish("r1", "default", {f"assets/{number}.js": f"assets/{number}-a.js" for number in range(101)})
    run(s3)
    phantoms = {f"assets/x{number}.js": f"assets/x{number}-b.js" for number in range(1000)}
    s3.publish("r2", "default", {APP: A, **phantoms})
    for key in phantoms.values():
        del s3.objects[key]
    s3.advance(POLICY.removed_ttl - 3600)
    run(s3)
    s3.advance(3600)
    report = run(s3)
    assert stopped_by(report) == ["brake"]
    assert "101 of 102 assets are due" in report.plan.stops[0].message
    assert s3.made("delete") == []
