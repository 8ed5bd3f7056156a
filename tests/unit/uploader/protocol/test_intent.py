"""The intent and the cleaner's announcement: if the two overlap, at least one sees the other, by S3's clock alone."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from release_log.ledger_file import HOLDS
from release_log.policy_settings import HALF_PENDING_TTL
from tests.fake_uploader_s3 import LAYOUT, NEWER_LEDGER, NOON, Clock, FakeBucket
from uploader.errors import StoppedError, UploaderError
from uploader.protocol.announcements import POLL_SECONDS
from uploader.protocol.held import Intent
from uploader.protocol.intent import TRIES, intent
from uploader.s3.port import always

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from uploader.s3.port import Look

KEYS = frozenset({"assets/app-3f9c2ab1.js", "assets/index.html"})
OURS = LAYOUT.pending_key("20261123T120000Z-r1")
MARKER = LAYOUT.marker_key("20261123T120000Z-r1")


def hold(bucket: FakeBucket) -> Intent:
    """Write an intent, and withdraw it at once."""
    with intent(bucket, LAYOUT, "r1", lambda at: f"{at}".encode(), KEYS, bucket.clock.clocks()) as held:
        assert LAYOUT.pending_key(held.id) in bucket.objects
        return held


def test_it_waits_while_the_cleaner_deletes_its_keys_and_then_continues(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Until then the intent stays in the bucket, and one line says why nothing happens."""
    clock = Clock()
    bucket = FakeBucket(clock=clock)
    bucket.announce("assets/app-3f9c2ab1.js", "assets/other.js")

    def cleaner() -> None:
        assert OURS in bucket.objects
        if clock.passed == 3 * POLL_SECONDS:
            bucket.announce()

    clock.on_sleep = cleaner
    with caplog.at_level(logging.INFO, "uploader"):
        assert hold(bucket).id == "20261123T120000Z-r1"
    assert clock.passed == 3 * POLL_SECONDS
    assert [record.message for record in caplog.records] == [
        "waiting: the cleaner is deleting assets of this release; until 12:15:01 UTC at most"
    ]
    assert bucket.log(LAYOUT.pending) == []


@pytest.mark.parametrize("keys", [(), ("assets/other-3f9c2ab1.js",)])
def test_it_does_not_wait_for_the_deletion_of_other_keys(keys: tuple[str, ...]) -> None:
    bucket = FakeBucket()
    bucket.announce(*keys)
    hold(bucket)
    assert bucket.clock.passed == 0


def test_the_intent_is_written_before_the_ledger_is_read() -> None:
    bucket = FakeBucket()
    hold(bucket)
    assert bucket.requests == [f"create {OURS}", "list assets/", f"get {LAYOUT.ledger}", f"delete {OURS}"]


@pytest.mark.scenario("L23")
@pytest.mark.parametrize("ahead", [-86_400, 0, 86_400])
def test_an_announcement_expires_by_s3s_clock_whatever_the_build_machines_says(ahead: float) -> None:
    """It lasts as long after the ledger was written as an invocation can, and ends at the next look."""
    clock = Clock(ahead)
    bucket = FakeBucket(clock=clock)
    bucket.announce(*KEYS)
    clock.passed = 600.0
    hold(bucket)
    assert HOLDS.total_seconds() <= clock.passed < HOLDS.total_seconds() + POLL_SECONDS


def test_an_announcement_that_another_run_copied_keeps_its_own_instant() -> None:
    bucket = FakeBucket()
    bucket.announce(*KEYS, since=NOON - HOLDS + timedelta(seconds=7))
    hold(bucket)
    assert bucket.clock.passed == 2 * POLL_SECONDS


def test_a_ledger_that_cannot_be_read_may_announce_anything(caplog: pytest.LogCaptureFixture) -> None:
    """The uploader waits as long as an announcement in it could hold."""
    bucket = FakeBucket()
    bucket.write(LAYOUT.ledger, b"broken")
    with caplog.at_level(logging.INFO, "uploader"):
        hold(bucket)
    assert HOLDS.total_seconds() <= bucket.clock.passed < HOLDS.total_seconds() + POLL_SECONDS
    assert "may be deleting assets of this release (its ledger cannot be read)" in caplog.text


def test_an_uploader_that_is_older_than_the_cleaner_says_so_at_once() -> None:
    """The newer cleaner may write its ledger again and again, so waiting might never end."""
    bucket = FakeBucket()
    bucket.write(LAYOUT.ledger, NEWER_LEDGER)
    with pytest.raises(UploaderError, match=r"format 3 is newer than 2, .* update the uploader, and run"):
        hold(bucket)
    assert (bucket.clock.passed, bucket.log(LAYOUT.pending)) == (0, [])


def test_an_old_ledger_that_cannot_be_read_delays_nothing() -> None:
    clock = Clock()
    bucket = FakeBucket(clock=clock)
    bucket.write(LAYOUT.ledger, b"broken")
    clock.passed = HOLDS.total_seconds()
    hold(bucket)
    assert clock.passed == HOLDS.total_seconds()


@pytest.mark.scenario("L24")
def test_anothers_intent_is_never_withdrawn() -> None:
    """Others hold this id in each of these seconds. The upload gives up, and their intents stay."""
    bucket = FakeBucket()
    theirs = {LAYOUT.pending_key(f"20261123T12000{second}Z-r1"): b"theirs" for second in range(TRIES)}
    bucket.objects |= theirs
    with pytest.raises(UploaderError, match="another upload has the id of release 'r1', 5 times in a row: run again"):
        hold(bucket)
    assert bucket.objects == theirs
    assert not [request for request in bucket.requests if request.startswith("delete")]


@pytest.mark.parametrize("folder", [LAYOUT.pending, LAYOUT.staged, LAYOUT.markers])
def test_an_id_whose_files_the_cleaner_is_removing_is_not_taken(folder: str) -> None:
    """An expired file has the same id, and the cleaner would delete ours with it."""
    bucket = FakeBucket()
    bucket.announce(f"{folder}20261123T120000Z-r1.json")
    assert hold(bucket).id == "20261123T120001Z-r1"
    assert bucket.log(LAYOUT.pending) == []


def test_an_intent_that_is_gone_while_it_waits_protects_nothing() -> None:
    """Somebody removed it. The next intent has another id, and waits too."""
    clock = Clock()
    bucket = FakeBucket(clock=clock)
    bucket.announce(*KEYS)
    create = bucket.create

    def lose(key: str, body: bytes, *_: object) -> bool:
        done = create(key, body)
        if key == OURS:
            del bucket.objects[OURS]
        return done

    bucket.create = lose  # type: ignore[method-assign, assignment]
    clock.on_sleep = lambda: bucket.announce() if clock.passed > POLL_SECONDS else None
    assert hold(bucket).id == "20261123T120001Z-r1"


@pytest.mark.parametrize("error", [UploaderError("no answer"), KeyboardInterrupt()])
def test_it_is_withdrawn_when_the_work_under_it_fails(error: BaseException) -> None:
    bucket = FakeBucket()
    with pytest.raises(type(error)), intent(bucket, LAYOUT, "r1", lambda _: b"", KEYS, bucket.clock.clocks()):
        raise error
    assert bucket.log(LAYOUT.pending) == []


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (UploaderError("no answer: run again"), UploaderError, "^no answer: run again; whether KEY was written"),
        (KeyboardInterrupt(), StoppedError, "^whether KEY was written is not known; run again to finish$"),
    ],
)
def test_it_stays_when_nobody_knows_whether_the_marker_was_written(
    error: BaseException, kind: type[BaseException], words: str
) -> None:
    """If the marker exists, its assets must be kept until a cleaner has seen it. The intent expires by itself."""
    bucket = FakeBucket(fail=f"create {MARKER}", error=error)
    with (
        pytest.raises(kind, match=words.replace("KEY", MARKER)),
        intent(bucket, LAYOUT, "r1", lambda _: b"", KEYS, bucket.clock.clocks()) as held,
    ):
        held.write(bucket, MARKER, b"", bucket.clock.clocks())
    assert bucket.log(LAYOUT.pending) == [OURS]


def test_an_interrupt_after_the_marker_was_written_says_so() -> None:
    """The usual message, that no marker was written, would be wrong."""
    bucket = FakeBucket(fail="delete", error=KeyboardInterrupt())
    with (
        pytest.raises(StoppedError, match=f"too late: {MARKER} is written, and nothing is left to do") as stopped,
        intent(bucket, LAYOUT, "r1", lambda _: b"", KEYS, bucket.clock.clocks()) as held,
    ):
        assert held.write(bucket, MARKER, b"", bucket.clock.clocks())
    assert stopped.value.done


def test_an_interrupt_does_not_say_so_if_the_marker_is_anothers() -> None:
    """The existing marker is not ours."""
    bucket = FakeBucket(fail="delete", error=KeyboardInterrupt())
    bucket.write(MARKER, b"another's")
    with (
        pytest.raises(KeyboardInterrupt, match=r"^$") as stopped,
        intent(bucket, LAYOUT, "r1", lambda _: b"", KEYS, bucket.clock.clocks()) as held,
    ):
        assert not held.write(bucket, MARKER, b"", bucket.clock.clocks())
    assert not isinstance(stopped.value, StoppedError)


def test_an_intent_that_cannot_be_withdrawn_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    hold(FakeBucket(fail="delete"))
    assert f"{OURS} stays until it expires" in caplog.text


@pytest.mark.parametrize(("age", "times"), [(6, 1), (5, 2), (0, 2), (-1, 2)])
def test_the_site_is_listed_again_unless_the_ledger_is_certainly_older_than_the_intent(age: int, times: int) -> None:
    """A cleaner may have deleted listed assets, and have noted that it has finished, before the ledger was read."""
    bucket = FakeBucket()
    bucket.announce()
    bucket.times[LAYOUT.ledger] = NOON - timedelta(seconds=age)
    hold(bucket)
    assert bucket.requests.count("list assets/") == times


@pytest.mark.parametrize(("written", "times"), [(-6, 1), (-4, 2), (30, 2), (59, 2)])
def test_a_listing_ahead_counts_from_the_moment_it_began(written: int, times: int) -> None:
    """It began a minute before the intent, so it does not show what a cleaner has deleted since."""
    bucket = FakeBucket()
    bucket.announce()
    bucket.list_ahead(LAYOUT, KEYS)
    bucket.times[LAYOUT.ledger] = NOON + timedelta(seconds=written)
    bucket.clock.passed = 60.0
    hold(bucket)
    assert bucket.requests.count("list assets/") == times


def test_metadata_of_before_a_wait_counts_no_more() -> None:
    """The cleaner deleted the asset meanwhile, and whoever sent it again may have given it other headers."""
    key, clock = "assets/app-3f9c2ab1.js", Clock()
    bucket = FakeBucket(clock=clock)
    bucket.write(key)
    bucket.stored[key] = {"headers": "before"}
    bucket.head_ahead([key])
    bucket.announce(key)
    clock.on_sleep = bucket.announce
    assert hold(bucket).take_look().metadata == {}
    bucket.head_ahead([key])
    bucket.times[LAYOUT.ledger] = NOON - timedelta(days=1)
    assert hold(bucket).take_look().metadata == {key: {"headers": "before"}}, "nobody waited"


def test_a_listing_ahead_is_used_once() -> None:
    """Under the next intent the site is listed anew."""
    bucket = FakeBucket()
    bucket.list_ahead(LAYOUT, KEYS)
    hold(bucket)
    bucket.clock.passed = 1.0
    hold(bucket)
    assert bucket.requests.count("list assets/") == 2


def slow(bucket: FakeBucket, seconds: float) -> None:
    """Let each PUT take this long until S3 stores the object, so that ``LastModified`` is as late."""
    create = bucket.create

    def create_late(key: str, body: bytes, *_: object) -> bool:
        bucket.clock.passed += seconds
        return create(key, body)

    bucket.create = create_late  # type: ignore[method-assign, assignment]


def test_a_slow_put_of_the_intent_ends_no_wait_early() -> None:
    """S3's clock is estimated from the answer to the PUT: ``LastModified`` includes the time that the PUT took."""
    bucket = FakeBucket()
    slow(bucket, 300.0)
    bucket.announce(*KEYS)
    hold(bucket)
    assert HOLDS.total_seconds() <= bucket.clock.passed < HOLDS.total_seconds() + POLL_SECONDS


def test_a_slow_put_of_the_intent_does_not_end_the_wait_for_its_turn_early() -> None:
    bucket = FakeBucket()
    slow(bucket, 30.0)
    bucket.times[LAYOUT.marker_key("20261123T120000Z-r0")] = NOON + timedelta(seconds=30)
    bucket.objects[LAYOUT.marker_key("20261123T120000Z-r0")] = b""
    clocks = bucket.clock.clocks()
    with intent(bucket, LAYOUT, "r1", lambda _: b"", KEYS, clocks) as held:
        held.wait_for_its_turn(LAYOUT, clocks)
        assert bucket.clock.passed == 31.0


def test_a_wait_for_the_cleaner_counts_in_the_wait_for_its_turn() -> None:
    """The intent is old by then, and a marker that came meanwhile looks as if it were yet to come."""
    bucket = FakeBucket()
    bucket.announce(*KEYS)
    marker = LAYOUT.marker_key("20261123T121000Z-r0")
    bucket.clock.on_sleep = lambda: bucket.write(marker) if bucket.clock.passed == 600.0 else None
    clocks = bucket.clock.clocks()
    with intent(bucket, LAYOUT, "r1", lambda _: b"", KEYS, clocks) as held:
        waited = bucket.clock.passed
        assert waited >= HOLDS.total_seconds()
        held.wait_for_its_turn(LAYOUT, clocks)
        assert bucket.clock.passed == waited, "its second is long past"


# An intent that somebody copies onto itself


def test_an_intent_that_is_copied_makes_no_announcement_end_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten minutes pass before the site is listed, and its ``LastModified`` is of the end of them."""
    bucket = FakeBucket()
    bucket.announce(*KEYS)
    look = bucket.look

    def late(*arguments: Any) -> Look:  # noqa: ANN401 (the port's)
        bucket.clock.passed += 600
        bucket.times[OURS] = bucket.clock.s3()
        return look(*arguments)

    monkeypatch.setattr(bucket, "look", late)
    hold(bucket)
    assert HOLDS.total_seconds() <= bucket.clock.passed < HOLDS.total_seconds() + POLL_SECONDS


def test_an_id_that_a_marker_had_is_not_taken_again() -> None:
    """A marker that is gone keeps its instant."""
    held = Intent("20261123T120000Z-r1", NOON, 0, instants={"20261123T120000Z-r1": NOON})
    assert held.is_taken(LAYOUT)


def test_the_age_of_an_intent_counts_from_before_its_put() -> None:
    """S3 may have written it at the beginning of a request that took long."""
    bucket = FakeBucket()
    clocks, create = bucket.clock.clocks(), bucket.create

    def slow(key: str, body: bytes, in_time: Callable[[], bool] = always) -> bool:
        bucket.clock.passed += HALF_PENDING_TTL + 1
        return create(key, body, in_time)

    bucket.create = slow  # type: ignore[method-assign]
    with intent(bucket, LAYOUT, "r1", lambda _: b"{}", frozenset(), clocks) as held:
        assert held.is_too_old(clocks)
