"""Intents and staged releases protect their keys, whenever in a run they are written."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda.errors import CleanerError
from cleaner_lambda.so_far import BrokenOffError
from tests.unit.cleaner_lambda.runs import (
    APP,
    DAY,
    LOGO,
    POLICY,
    A,
    B,
    C,
    at_request,
    keys_of,
    nothing,
    run,
    stopped_by,
)

if TYPE_CHECKING:
    from tests.fake_cleaner_s3 import FakeS3


@pytest.mark.scenario("L23")
@pytest.mark.parametrize(("begin", "reason"), [("intend", "pending"), ("stage", "staged")])
def test_intent_and_staged_release_keep_and_untag_their_keys_until_they_expire(
    s3: FakeS3, begin: str, reason: str
) -> None:
    """An asset that an upload relies on, or that a roll-out needs, is not deleted, however long it is due."""
    policy = replace(POLICY, pending_ttl=21_600, staged_ttl=21_600)
    s3.advance(21_600)
    getattr(s3, begin)("r3", "default", {APP: A})
    report = run(s3, policy=policy)
    assert [(e["key"], e["reason"]) for e in report.document()["untag"]] == [(A, reason)]
    assert s3.tags(A) == {}
    assert report.next_due == s3.clock + timedelta(seconds=21_601)

    s3.advance(21_600)
    assert keys_of(run(s3, policy=policy), "delete") == []
    s3.advance(1)
    assert keys_of(run(s3, policy=policy), "delete") == [A]


def test_upload_that_is_broken_off_gives_its_keys_back(s3: FakeS3) -> None:
    """Their age counted on meanwhile."""
    intent = s3.intend("r3", "default", {APP: A})
    run(s3)
    s3.advance(POLICY.version_ttl)
    s3.break_off(intent)
    assert keys_of(run(s3), "delete") == [A]


def test_intent_that_vanishes_between_list_and_get_means_its_marker_is_found(s3: FakeS3) -> None:
    """The uploader finished in between: the run reads the intents again, and the markers only then."""
    s3.advance(POLICY.version_ttl)
    intent = s3.intend("r3", "default", {APP: A})

    def finish() -> None:
        s3.break_off(intent)
        s3.publish(intent, "default", {APP: A})

    at_request(s3, "get", s3.layout.pending_key(intent), finish)
    run(s3)
    assert A in s3.assets()
    assert s3.ledger.current == {"default": intent}


@pytest.mark.parametrize(("begin", "end"), [("intend", "stage"), ("intend", "publish"), ("stage", "publish")])
def test_file_that_is_replaced_between_two_listings_of_the_second_look_is_missed_by_neither(
    s3: FakeS3, begin: str, end: str
) -> None:
    """Intents are read first, then staged releases, then markers: a run that misses one file finds the next.

    At the second look, as nothing comes after it: the run's LIST that comes second of the two finds the bucket changed.
    """
    folders = {"intend": s3.layout.pending, "stage": s3.layout.staged, "publish": s3.layout.markers}
    release_id = "20261124T000000Z-r3"
    asked: list[str] = []
    begun = False

    def intervene(operation: str, key: str) -> None:
        nonlocal begun
        if operation == "put_if" and not begun:
            begun = True
            getattr(s3, begin)(release_id, "default", {APP: A})
        elif begun and operation == "list" and key in {folders[begin], folders[end]}:
            asked.append(key)
            if len(asked) == 2:
                getattr(s3, end)(release_id, "default", {APP: A})
                s3.objects.pop(f"{folders[begin]}{release_id}.json")

    s3.advance(POLICY.version_ttl)
    s3.on_request = intervene
    run(s3)
    assert len(asked) >= 2
    assert A in s3.assets()


def test_intent_written_after_the_first_look_saves_its_keys(s3: FakeS3) -> None:
    """The second look finds it. The uploader had read the ledger before the announcement."""
    s3.advance(POLICY.version_ttl)
    at_request(s3, "put_if", s3.layout.ledger, lambda: nothing(s3.intend("r3", "default", {APP: A})))
    report = run(s3)
    assert A in s3.assets()
    assert s3.made("delete") == []
    assert keys_of(report, "delete") == []
    assert keys_of(report, "untag") == [A]
    assert s3.ledger.deleting is None, "so that the uploader need not wait"


def test_orphan_that_a_dead_run_tagged_is_untagged_when_an_upload_needs_it(s3: FakeS3) -> None:
    """A run found it, announced and wrote its tag, and died: no ledger knows the asset. Then an intent names it."""
    s3.put("assets/app-eeee5555.js")
    s3.advance(2 * DAY)

    def die(*_: object) -> None:
        s3.on_request = None
        raise MemoryError

    at_request(s3, "put_if", s3.layout.ledger, die, number=2)
    with pytest.raises(BrokenOffError):
        run(s3, run_id="dies", full=True)
    assert s3.tags("assets/app-eeee5555.js")
    s3.advance(1000)
    s3.intend("r3", "default", {APP: "assets/app-eeee5555.js"})
    assert "assets/app-eeee5555.js" in keys_of(run(s3), "untag")
    assert s3.tags("assets/app-eeee5555.js") == {}


def test_tag_that_was_not_announced_is_left_to_the_next_run(s3: FakeS3) -> None:
    """A new intent asks to untag a key that was not announced: after a crash, no run would know of it."""
    s3.publish("r3", "default", {APP: C, "assets/logo.png": LOGO})
    s3.advance(1)
    s3.publish("r4", "default", {APP: C})
    run(s3)
    s3.advance(POLICY.version_ttl)

    def intend() -> None:
        s3.intend("r5", "default", {"assets/logo.png": LOGO})

    at_request(s3, "put_if", s3.layout.ledger, intend)
    s3.requests.clear()
    report = run(s3)
    assert set(keys_of(report, "delete")) == {A, B}
    assert s3.made("put_tags") == []
    s3.on_request = None
    assert keys_of(run(s3), "untag") == [LOGO]


def test_staged_release_written_after_the_first_look_saves_its_keys(s3: FakeS3) -> None:
    """The same for a release that is activated later."""
    s3.advance(POLICY.version_ttl)
    at_request(s3, "put_if", s3.layout.ledger, lambda: nothing(s3.stage("r3", "default", {APP: A})))
    run(s3)
    assert A in s3.assets()


def test_intent_written_after_the_first_look_spares_only_its_own_keys(s3: FakeS3) -> None:
    """The other due assets are deleted."""
    s3.publish("r3", "default", {APP: C})
    run(s3)
    s3.advance(POLICY.version_ttl)
    at_request(s3, "put_if", s3.layout.ledger, lambda: nothing(s3.intend("r4", "default", {APP: A})))
    report = run(s3)
    assert keys_of(report, "delete") == [B]
    assert s3.assets() == {A, C}


def test_marker_written_after_the_first_look_starts_the_run_over(s3: FakeS3) -> None:
    """A whole upload may fit between the two looks: its intent is gone, its marker exists."""
    s3.advance(POLICY.version_ttl)
    published: list[str] = []
    at_request(s3, "put_if", s3.layout.ledger, lambda: published.append(s3.publish("r3", "default", {APP: A})))
    run(s3)
    assert s3.assets() == {A, B}
    assert s3.ledger.current == {"default": published[0]}
    assert s3.tags(A) == {}


def test_upload_that_ends_during_the_second_look_is_seen(s3: FakeS3) -> None:
    """At the second look too, intents are read before markers."""
    s3.advance(POLICY.version_ttl)
    seen: list[str] = []

    def intervene(operation: str, key: str) -> None:
        if operation == "put_if" and not seen:
            seen.append(s3.intend("r3", "default", {APP: A}))
        elif seen and (operation, key) == ("get", s3.layout.pending_key(seen[0])) and len(seen) == 1:
            s3.publish(seen[0], "default", {APP: A})
            s3.break_off(seen[0])
            seen.append("done")

    s3.on_request = intervene
    run(s3)
    assert seen[1:] == ["done"]
    assert A in s3.assets()
    assert s3.ledger.current == {"default": seen[0]}


def test_invalid_intent_written_after_the_first_look_stops_the_deletion(s3: FakeS3) -> None:
    """It is unknown which assets it would protect."""
    s3.advance(POLICY.version_ttl)
    bad = s3.layout.pending_key("20261124T000000Z-bad")
    at_request(s3, "put_if", s3.layout.ledger, lambda: nothing(s3.put(bad, b"{")))
    assert stopped_by(run(s3)) == ["invalid_marker"]
    assert A in s3.assets()


def test_log_that_changes_at_every_look_ends_in_an_error_not_in_a_deletion(s3: FakeS3) -> None:
    """Uploads begin and break off all the time."""
    s3.advance(POLICY.version_ttl)
    intent = s3.intend("r3", "default", {APP: A})

    def flicker(operation: str, key: str) -> None:
        if operation == "list" and key == s3.layout.pending:
            s3.intend(intent, "default", {APP: A})
        elif key == s3.layout.pending_key(intent):
            s3.break_off(intent)

    s3.on_request = flicker
    with pytest.raises(CleanerError, match="invoke again"):
        run(s3)
    assert s3.writes == []
